"""Where a URL ends in text that may be HTML-escaped, and when its own `&amp;` is undone."""

from __future__ import annotations

import re

from resources.llm.markup import ENTITY, decoded

_LETTERS = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_START = re.compile(rf"(?:https?://|www\.)(?={_LETTERS})", re.IGNORECASE)
_RUN = re.compile(f"{_LETTERS}+")
_AMP = r"(?:amp|AMP|#0*38|#[xX]0*26);"
_ESCAPED_AND = re.compile(rf"&(?:{_AMP})+")
_AND = re.compile(rf"{ENTITY.pattern}|&")
_HELD = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&()*+,;=%]")
_PARAMETER = re.compile(rf"&(?:{_AMP})+[A-Za-z0-9_.\-\[\]%]+=")
_LONGEST = 40


def split(text: str) -> list[str]:
    """Split text at its URLs; these are the odd ones of the parts.

    A URL ends before an entity that stands for what no URL holds: `&nbsp;`, `&quot;`, `&lt;`.
    """
    parts, done, last = [], 0, 0
    while (url := _START.search(text, done)) is not None:
        start = url.start()
        if start >= last and (run := _RUN.match(text, start)) is not None:
            last = run.end()
        end = _end(text, start, last)
        parts += [text[done:start], text[start:end]]
        done = end
    return [*parts, text[done:]]


def unescaped(parts: list[str]) -> list[str]:
    """Undo the escaping of URLs where the row, or the URL's own parameters, was escaped."""
    if not any("&" in url for url in parts[1::2]):
        return parts
    row = any(decoded(found) != found[0] for part in parts[::2] for found in ENTITY.finditer(part))
    return [_undone(part, row) if at % 2 else part for at, part in enumerate(parts)]


def _end(text: str, start: int, last: int) -> int:
    """Tell where a URL ends that begins at `start` and can go on to `last`."""
    at = text.find("&", start, last)
    while at >= 0:
        escaped = _ESCAPED_AND.match(text, at, last)
        end = escaped.end() if escaped else at + 1
        entity = ENTITY.match("&" + text[end : min(end + _LONGEST, last)])
        if entity is not None and not _may_hold(entity):
            return at
        at = text.find("&", end, last)
    return last


def _may_hold(entity: re.Match[str]) -> bool:
    """Tell whether a URL may hold what an entity stands for, if it is one."""
    character = decoded(entity)
    return character == entity[0] or _HELD.fullmatch(character) is not None


def _undone(url: str, row: bool) -> str:
    """Undo escaping until an `&` stands by itself: from there on the URL is as it was written."""
    while "&" in url and (row or _PARAMETER.search(url)):
        if any(len(found[0]) == 1 or decoded(found) == found[0] for found in _AND.finditer(url)):
            break
        url = ENTITY.sub(decoded, _shallow(url))
    return url


def _shallow(url: str) -> str:
    """Take off at once what every `&` was escaped more often than once."""
    chains = [found[0] for found in _ESCAPED_AND.finditer(url)]
    if len(chains) < url.count("&"):
        return url
    spare = min(chain.count(";") for chain in chains) - 1
    return _ESCAPED_AND.sub(lambda found: "&" + found[0][1:].split(";", spare)[-1], url)
