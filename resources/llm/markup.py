"""HTML left in text: entities are decoded, real tags dropped, `<names>` left alone."""

from __future__ import annotations

import html
import re
from html.entities import html5

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPED_AND = re.compile(r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)+")

# Closed lists. An opening tag of the first kind is HTML wherever it stands; one of the second may
# be a title (`<table>`, `<b>`) and needs an attribute or its closing tag in the same text.
_SURE = frozenset(
    {"br", "hr", "img", "p", "div", "li", "ul", "ol", "tr", "td", "th", "tbody", "thead", "nobr"}
    | {"wbr", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_LIKELY = frozenset(
    {"a", "b", "i", "u", "s", "em", "strong", "span", "font", "small", "big", "sup", "sub"}
    | {"table", "tt", "center"}
)
_BREAKING = _SURE - {"img", "wbr", "nobr"} | {"table", "center"}
_ATTRIBUTES = r"(?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))"
_TAG = re.compile(rf"<(/?)([A-Za-z][A-Za-z0-9]{{0,9}})({_ATTRIBUTES}{{0,20}})\s*/?>")

# A tag that is spoken of, and a type's argument in source text: `std::vector<p>`.
_MEANT = re.compile(r" (?:태그|tags?\b|요소|elements?\b)")
_TYPE = re.compile(r"::\w+$")


def decode_entities(text: str) -> str:
    """Decode entities that end in `;`, also when they were escaped several times."""
    if "&" not in text:
        return text
    return ENTITY.sub(decoded, _ESCAPED_AND.sub("&", text))


def decoded(entity: re.Match[str]) -> str:
    """Decode one entity; what stands for no character stays as it is written."""
    if entity[0][1] != "#" and entity[0][1:] not in html5:
        return entity[0]
    character = html.unescape(entity[0])
    return entity[0] if "\ufffd" in character or not character else character


def drop_tags(text: str) -> str:
    """Drop real HTML tags; a tag that breaks a line leaves a space."""
    if "<" not in text or ">" not in text:
        return text
    closed = {tag[2] for tag in _TAG.finditer(text) if tag[1]}

    def drop(tag: re.Match[str]) -> str:
        """Drop one tag if it is surely HTML."""
        slash, name, attributes = tag[1], tag[2], tag[3]
        kind = name.lower()
        if name not in (kind, name.upper()) or kind not in _SURE | _LIKELY:
            return tag[0]
        if not slash and name not in closed and _is_meant(text, tag):
            return tag[0]
        if not (slash or attributes or name in closed or (kind in _SURE and name != "P")):
            return tag[0]
        return " " if kind in _BREAKING else ""

    return _TAG.sub(drop, text)


def _is_meant(text: str, tag: re.Match[str]) -> bool:
    """Tell whether a text speaks of a tag: it would not be whole without it."""
    before = text[max(tag.start() - 40, 0) : tag.start()]
    if _TYPE.search(before):
        return True
    return before[-1:] in ("", " ") and _MEANT.match(text, tag.end()) is not None
