"""What a collector or a YAML pipeline may say about a web source: pages, auth, limits.

Each is a class, and a mapping of the same names is as good: `pages={"number": "page"}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

from resources.addresses import is_address, sounds_secret
from resources.errors import SourceError, did_you_mean
from resources.sources.web.secret import check_name

_Kind = TypeVar("_Kind", bound="Pages | Auth | Limits")


@dataclass(frozen=True, slots=True)
class Pages:
    """How an API hands over its pages, one of four ways.

    number: the query parameter that counts pages, from `first` on. offset: the parameter that
    counts records. link: True for the header `Link: <...>; rel="next"`. cursor: the dotted path
    below which an answer says where to go on: an address, or a value for the parameter `into`.
    size: a parameter and how many records a page shall have, ("per_page", 100). total: the dotted
    path of the number of pages (of records, with offset); without it an empty page is the end.
    """

    number: str = ""
    offset: str = ""
    cursor: str = ""
    into: str = ""
    link: bool = False
    first: int = 1
    size: tuple[str, int] | None = None
    total: str = ""


@dataclass(frozen=True, slots=True)
class Auth:
    """How the source knows us, one of five ways; secrets stand here by name only.

    A name in capitals is an environment variable, one in small letters a connection.
    bearer: `Authorization: Bearer ...`. header, secret: a header of that name. query, secret: a
    query parameter of that name. basic: a connection with user and password; or user and
    password, each by name. oauth2: the address that gives tokens for client_id and client_secret
    (client credentials), with scope where it wants one.
    """

    bearer: str = ""
    header: str = ""
    query: str = ""
    secret: str = ""
    basic: str = ""
    user: str = ""
    password: str = ""
    oauth2: str = ""
    client_id: str = ""
    client_secret: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a collection may take. Beyond a limit it fails; nothing is cut off silently.

    pages: how many. seconds: of the whole collection. answer_mb, total_mb: of one answer and of
    all, unpacked. silence: seconds without a byte. tries: how often one request is sent. patience:
    seconds to wait where the server asks to (Retry-After).
    """

    pages: int = 10_000
    seconds: float = 3_600.0
    answer_mb: float = 1_000.0
    total_mb: float = 10_000.0
    silence: float = 30.0
    tries: int = 3
    patience: float = 120.0


WEB_OPTIONS: Final = ("pages", "auth", "headers", "params", "since", "by", "rate", "limits")
"""Options of `read` and `texts` that only web sources have (`records` other formats have too)."""
_WAYS: Final = {
    "bearer": (),
    "header": ("secret",),
    "query": ("secret",),
    "basic": (),
    "user": ("password",),
    "oauth2": ("client_id", "client_secret", "scope"),
}
_SECRETS: Final = ("bearer", "secret", "basic", "user", "password", "client_id", "client_secret")


def check_web(options: Mapping[str, Any]) -> None:
    """Check the options of web sources among `options`; raises SourceError naming the field.

    Who takes options from a file asks here first: a literal secret is refused before anybody
    writes it down.
    """
    pages_of(options.get("pages"))
    auth_of(options.get("auth"))
    headers_of(options.get("headers"))
    params_of(options.get("params"), options.get("since"))
    limits_of(options.get("limits"))
    rate_of(options.get("rate"))


def pages_of(given: object) -> Pages | None:
    """Read `pages=`; raises SourceError naming the field."""
    if given is None:
        return None
    if given == "link":
        return Pages(link=True)
    pages = _made(Pages, "pages", given)
    ways = [name for name in ("number", "offset", "cursor", "link") if getattr(pages, name)]
    if len(ways) != 1:
        raise SourceError(
            f"pages= says {' and '.join(ways) or 'no way'} to the next page",
            "say one of number, offset, cursor or link",
        )
    if pages.into and not pages.cursor:
        raise SourceError(
            "pages= has into= without cursor=", "say where the cursor stands: cursor="
        )
    if pages.total and not (pages.number or pages.offset):
        raise SourceError("pages= has total= without number= or offset=", "take total= off")
    if pages.offset and pages.size is None:
        raise SourceError("pages= has offset= without size=", "say how many: size=['limit', 100]")
    return pages


def auth_of(given: object) -> Auth | None:
    """Read `auth=`; raises SourceError naming the field, and never the secret."""
    if given is None:
        return None
    auth = _made(Auth, "auth", given)
    ways = [name for name in _WAYS if getattr(auth, name)]
    if len(ways) != 1:
        raise SourceError(
            f"auth= says {' and '.join(ways) or 'no way'} to get in",
            f"say one of {', '.join(_WAYS)}",
        )
    needed = _WAYS[ways[0]]
    for field in (f.name for f in fields(Auth) if f.name != ways[0]):
        if getattr(auth, field) and field not in needed:
            raise SourceError(f"auth= has {field}=, which {ways[0]}= does not take", "take it off")
        if field in needed and field != "scope" and not getattr(auth, field):
            raise SourceError(f"auth= has {ways[0]}= without {field}=", f"add {field}=")
    for field in _SECRETS:
        if value := getattr(auth, field):
            check_name(f"auth.{field}", value)
    if auth.oauth2 and not is_address(auth.oauth2):
        raise SourceError("auth.oauth2 is no web address", "write it like https://host/token")
    return auth


def limits_of(given: object) -> Limits:
    """Read `limits=`; raises SourceError naming the field."""
    limits = Limits() if given is None else _made(Limits, "limits", given)
    for field in fields(Limits):
        value = getattr(limits, field.name)
        if not value > 0 and not (field.name == "patience" and value == 0):
            raise SourceError(f"limits.{field.name} is {value!r}", "give a number above 0")
    return limits


def headers_of(given: object) -> dict[str, str]:
    """Read `headers=`; one that sounds secret is refused."""
    headers = _texts("headers", given)
    for name, value in headers.items():
        if sounds_secret(name) or name.lower() in ("authorization", "proxy-authorization"):
            raise SourceError(
                f"headers= has {name}, which sounds like a secret",
                f"name it instead: auth={{'header': {name!r}, 'secret': 'A_VARIABLE'}}",
            )
        if not f"{name}{value}".isascii() or not f"{name}{value}".isprintable() or not name:
            raise SourceError(f"headers= has {name!r}, which no header can hold", "use ASCII")
        if name.lower() in ("host", "content-length", "transfer-encoding", "accept-encoding"):
            raise SourceError(f"headers= sets {name}, which is ours to set", "take it off")
    return headers


def params_of(given: object, since: object) -> dict[str, str]:
    """Read `params=`: None leaves one out; "{since}" is where `since=` goes, left out without."""
    params: dict[str, str] = {}
    used = False
    for name, text in _texts("params", given).items():
        if "{since}" in text:
            used = True
            if since is None:
                continue
        params[name] = text.replace("{since}", str(since))
        if sounds_secret(name) and text:
            raise SourceError(
                f"params= has {name}, which sounds like a secret",
                f"name it instead: auth={{'query': {name!r}, 'secret': 'A_VARIABLE'}}",
            )
    if since is not None and not used:
        raise SourceError(
            "since= is given, but no parameter takes it",
            "say which one: params={'updated_after': '{since}'}",
        )
    return params


def rate_of(given: object) -> float:
    """Read `rate=`, requests per second."""
    rate = 5.0 if given is None else given
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= 1_000:
        raise SourceError(
            f"rate={given!r} is no number of requests per second", "give a number above 0"
        )
    return float(rate)


def _texts(option: str, given: object) -> dict[str, str]:
    """Read a mapping of names to plain values, as text; None is left out."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise SourceError(
            f"{option}= is {type(given).__name__}", "write a mapping of names to values"
        )
    texts = {}
    for name, value in given.items():
        if isinstance(value, bool):
            texts[str(name)] = "true" if value else "false"
        elif isinstance(value, Mapping | list | tuple | set):
            raise SourceError(f"{option}.{name} is {type(value).__name__}", "give one plain value")
        elif value is not None:
            texts[str(name)] = str(value)
    return texts


def _made(kind: type[_Kind], option: str, given: object) -> _Kind:
    """Make an option of its mapping, field by field."""
    if isinstance(given, kind):
        given = {f.name: getattr(given, f.name) for f in fields(kind)}
    if not isinstance(given, Mapping):
        names = ", ".join(f.name for f in fields(kind))
        raise SourceError(f"{option}= is {type(given).__name__}", f"write a mapping of {names}")
    known = {f.name: f.type for f in fields(kind)}
    made: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise SourceError(
                f"{option}= has {name!r}{did_you_mean(str(name), known)}",
                f"its fields are {', '.join(known)}",
            )
        if value is not None:
            made[name] = _value(f"{option}.{name}", str(known[name]), value)
    return kind(**made)


def _value(field: str, kind: str, value: object) -> object:
    """Hold a value to its field's type; a secret in the wrong place is not repeated."""
    if kind.startswith("tuple"):
        pair = value
        if isinstance(value, Mapping) and len(value) == 1:
            pair = next(iter(value.items()))
        if isinstance(pair, list | tuple) and len(pair) == 2:
            name, count = pair
            if isinstance(name, str) and type(count) is int and count > 0:
                return (name, count)
        raise SourceError(f"{field} is no pair", "write a name and a number: ['per_page', 100]")
    right: dict[str, tuple[type, ...]] = {
        "str": (str,),
        "bool": (bool,),
        "int": (int,),
        "float": (int, float),
    }
    if not isinstance(value, right[kind]) or (kind != "bool" and isinstance(value, bool)):
        raise SourceError(
            f"{field} is {type(value).__name__}", f"give {'text' if kind == 'str' else kind}"
        )
    return value
