"""What the body of an error tells, whichever vendor wrote it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_SAID: Final = ("message", "msg", "Message", "error_message", "error_description", "detail",
                "details", "error", "errors", "reason", "title")  # fmt: skip
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_HEADING: Final = re.compile(r"<h1[^>]*>(.*?)</h1>", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]*>")
_HTML: Final = re.compile(r"\s*<(?:!doctype|html|head|body|title|h1)\b", re.IGNORECASE)
_LONGEST: Final = 2_000
_DEEPEST: Final = 5


def told_in(body: Any, otherwise: str = "") -> dict[str, str]:
    """Give message, type, code and param that the body of an error tells, as text.

    Known are OpenAI's `{"error": {...}}`, an error that is a text, FastAPI's `detail` (a text or a
    list of places and messages), `message` alone, lists of errors, what a gateway hands on in
    `metadata`, JSON inside a text, and pages of HTML.
    """
    if isinstance(body, str):
        body = _parsed(body)
    messages = list(dict.fromkeys(_messages(body, 0)))
    inner = _inner(body)
    places = [".".join(place) for place in _places(body, 0)]
    told = {name: _text(inner.get(name)) for name in ("type", "code", "param")}
    told["param"] = told["param"] or " ".join(places)
    said = "; ".join(messages) or _text(inner.get("type")) or otherwise
    shown = [place for place in places if place not in said]
    told["message"] = f"{', '.join(shown)}: {said}"[:_LONGEST] if shown else said[:_LONGEST]
    return told


def _inner(body: Any) -> Mapping[str, Any]:
    """Give the object that carries the code: the error within, else the body itself."""
    while isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return {}
    error = body.get("error")
    return error if isinstance(error, dict) else body


def _parsed(text: str) -> Any:
    """Read a body that is JSON after all; of a page take its title or its words."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not _HTML.match(text):
        return text
    found = _TITLE.search(text) or _HEADING.search(text)
    plain = _TAG.sub(" ", found[1] if found and found[1].strip() else text)
    return " ".join(html.unescape(plain).split())


def _messages(body: Any, depth: int) -> Iterator[str]:
    """Give the sentences in a body, outermost first."""
    if depth > _DEEPEST:
        return
    if isinstance(body, str):
        if body.strip():
            inner = _parsed(body) if body.lstrip()[:1] in ("{", "[", "<") else body
            yield from (
                [" ".join(inner.split())] if isinstance(inner, str) else _messages(inner, depth + 1)
            )
    elif isinstance(body, list):
        for each in body[:5]:
            yield from _messages(each, depth + 1)
    elif isinstance(body, dict):
        for name in _SAID:
            if name in body:
                yield from _messages(body[name], depth + 1)
        metadata = body.get("metadata")
        if isinstance(metadata, dict):
            yield from _messages(metadata.get("raw"), depth + 1)


def _places(body: Any, depth: int) -> Iterator[list[str]]:
    """Give the places that FastAPI's kind of error names: `loc`, without `body`."""
    if depth > _DEEPEST:
        return
    if isinstance(body, list):
        for each in body[:20]:
            yield from _places(each, depth + 1)
    elif isinstance(body, dict):
        place = body.get("loc")
        if isinstance(place, list) and (named := [str(p) for p in place if p != "body"]):
            yield named
        for name in ("detail", "error", "errors"):
            yield from _places(body.get(name), depth + 1)


def _text(value: Any) -> str:
    """Give a plain value as text."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
