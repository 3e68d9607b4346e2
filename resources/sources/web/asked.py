"""What is asked of web addresses: all options together, checked before anything is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resources.addresses import origin_of
from resources.errors import SourceError, did_you_mean
from resources.sources.formats import FORMATS
from resources.sources.web.options import (
    WEB_OPTIONS,
    Auth,
    Limits,
    Pages,
    auth_of,
    headers_of,
    limits_of,
    pages_of,
    params_of,
    rate_of,
)
from resources.sources.web.urls import with_params


@dataclass(frozen=True, slots=True)
class Asked:
    """Addresses and how they are read. rest: options that the format's reader takes."""

    name: str
    addresses: tuple[str, ...]
    pages: Pages | None
    auth: Auth | None
    headers: Mapping[str, str]
    rate: float
    limits: Limits
    records: str = ""
    by: str = ""
    format: str | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)


def asked_of(name: str, addresses: tuple[str, ...], options: Mapping[str, Any]) -> Asked:
    """Read the options of the source `name`; raises SourceError naming the one that is wrong."""
    _check_names(name, options)
    auth = auth_of(options.get("auth"))
    if auth is not None and len({origin_of(url) for url in addresses}) > 1:
        raise SourceError(
            f"{name} reads several hosts with one auth=",
            "declare an asset for each host: a secret goes to its own host only",
        )
    params = params_of(options.get("params"), options.get("since"))
    ours = (*WEB_OPTIONS, "records", "format")
    return Asked(
        name=name,
        addresses=tuple(with_params(url, params) for url in addresses),
        pages=pages_of(options.get("pages")),
        auth=auth,
        headers=headers_of(options.get("headers")),
        rate=rate_of(options.get("rate")),
        limits=limits_of(options.get("limits")),
        records=options.get("records") or "",
        by=options.get("by") or "",
        format=options.get("format"),
        rest={k: v for k, v in options.items() if k not in ours and v is not None},
    )


def _check_names(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an option that no web source has."""
    formats = {option for one in FORMATS for option in one.options}
    known = {*WEB_OPTIONS, "records", "format", *formats}
    for option, value in options.items():
        if option not in known:
            raise SourceError(
                f"{name} reads a web address with {option}=, which web sources do not have"
                f"{did_you_mean(option, known)}",
                f"their options are {', '.join(sorted(known))}",
                asset=name,
                option=option,
            )
        if option in ("records", "format", "by") and not isinstance(value or "", str):
            raise SourceError(
                f"{name} reads a web address with {option}={value!r}", "write it as text"
            )
