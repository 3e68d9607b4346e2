"""Putting addresses together: parameters set, values replaced, next addresses resolved."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from resources.addresses import origin_of
from resources.errors import SourceError


def with_params(url: str, params: Mapping[str, str]) -> str:
    """Give the address with these parameters, in place of those of the same name."""
    if not params:
        return url
    parts = urlsplit(url)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in params
    ]
    query = urlencode([*kept, *params.items()])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def joined(url: str, to: str, place: str) -> str:
    """Give the address that `to` means, seen from `url`; raises SourceError where it is none."""
    try:
        found = urljoin(url, to)
        origin_of(found)
    except ValueError:
        found = ""
    if not found or any(sign.isspace() or not sign.isprintable() for sign in found):
        raise SourceError(
            f"{place} sends on to something that is no web address",
            "look at the answer: is it the API that source= means?",
        )
    return found
