"""Web addresses as declared: what may stand in one, and how one may be shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from resources.errors import SourceError, did_you_mean
from resources.yaml_values import problem_of_text
from resources.yaml_values import shown as shown_text

SCHEMES: Final = ("https", "http")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SECRET_NAME = re.compile(
    r"(?i)(^|[_.-])(api_?key|key|token|secret|password|passwd|pwd|signature|sig|credential|"
    r"credentials|auth|authorization|session|sessionid|jwt|cookie)$"
)
_SECRET_CAMEL = re.compile(r"(Key|Token|Secret|Password|Signature|Credential|Session)(Id)?$")
_LONGEST_PART: Final = 255
_PLACES: Final = frozenset(
    {"page_token", "pagetoken", "next_token", "nexttoken", "sort_key", "start_key", "continuation"}
)
"""Names that sound secret and say where to go on."""


def is_address(source: str) -> bool:
    """Tell a web address from a file, as `source=` holds it."""
    return source.startswith(("https://", "http://"))


def sounds_secret(name: str) -> bool:
    """Tell whether a parameter or header of this name usually carries a secret."""
    if name.lower().replace("-", "_") in _PLACES:
        return False
    return bool(
        _SECRET_NAME.search(name.replace("apikey", "api_key")) or _SECRET_CAMEL.search(name)
    )


def check_source(source: str) -> None:
    """Refuse a declared address that is none, or that has a secret in it; raises SourceError."""
    problem = problem_of_text(source)
    if problem:
        raise SourceError(f"source={shown_text(source)} {problem}", "take it out")
    scheme = _SCHEME.match(source)
    if scheme is None:
        _check_path(source)
        return
    if scheme[1] not in SCHEMES:
        raise SourceError(
            f"source={scheme[0]}… is of a kind that cannot be read"
            f"{did_you_mean(scheme[1].lower(), SCHEMES)}",
            "name a file, or an address that begins with https://",
        )
    try:
        parts = urlsplit(source)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or any(sign.isspace() for sign in source):
        raise SourceError(
            f"source={shown(source)!r} is no web address", "write it like https://host/path"
        )
    if parts.username is not None or parts.password is not None:
        raise SourceError(
            f"source={shown(source)!r} has a user or password in it",
            "take it out and name it: source.read(auth={'basic': 'a connection'})",
        )
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if value and sounds_secret(name):
            raise SourceError(
                f"source={shown(source)!r} has {name}= in it, which sounds like a secret",
                f"take it out and name it: source.read(auth={{'query': {name!r}, 'secret': ...}})",
            )


def _check_path(source: str) -> None:
    """Refuse a path that no file can have; raises SourceError."""
    try:
        Path(source).expanduser()
    except RuntimeError:
        raise SourceError(
            f"source={source!r} names the home of a user that is not there",
            "write the path from the project folder",
        ) from None
    if any(len(part.encode()) > _LONGEST_PART for part in Path(source).parts):
        raise SourceError(
            f"source={shown_text(source)} has a name that is longer than a file's may be",
            "correct it",
        )


def shown_value(value: str) -> str:
    """Give a parameter's value as `shown` writes it."""
    return quote(value, safe=":/,.[]-_{}")


def shown(url: str) -> str:
    """Give an address as it may be shown: without user, password, fragment and secret values."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        host = parts.hostname or ""
    except ValueError:
        return "(no web address)"
    host = f"[{host}]" if ":" in host else host
    query = "&".join(
        f"{quote(name, safe='[].')}=" + ("***" if sounds_secret(name) else shown_value(value))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path, query, ""))


def origin_of(url: str) -> tuple[str, str, int]:
    """Give scheme, host and port: what secrets are bound to."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    port = parts.port or (443 if scheme == "https" else 80)
    return scheme, (parts.hostname or "").lower().rstrip("."), port
