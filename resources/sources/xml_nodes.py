"""One record of an XML file: the elements in it, and the columns that they become."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Record = dict[str, Any]
"""Texts by path (a/b; names may hold dots); a list where an element has several of one name."""
OWN_TEXT: Final = "#text"


class Node:
    """One element of a record: its pieces of text and its children, in order.

    deep: whether it has children.
    """

    __slots__ = ("attributes", "deep", "items", "name")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.items: list[str | Node] = []
        self.deep = False


def flatten(node: Node, path: str, found: Record, lists: set[str]) -> Record:
    """Put what lies in an element under its path: attributes, children, then its own text."""
    groups: dict[str, list[str | Node]] = {}
    for name, value in _attributes(node):
        groups.setdefault(name, []).append(value)
    for item in node.items:
        if not isinstance(item, str):
            groups.setdefault(item.name, []).append(item)
    for name, values in groups.items():
        one = values[0]
        below = f"{path}/{name}" if path else name
        if len(values) > 1:
            lists.add(below)
        if below in lists:
            _put(found, below, [_value(value) for value in values], lists)
        elif isinstance(one, Node) and not _is_plain(one):
            flatten(one, below, found, lists)
        else:
            _put(found, below, _value(one), lists)
    if (text := _own_text(node)) is not None:
        _put(found, path or node.name, text, lists)
    return found


def _put(found: Record, name: str, value: Any, lists: set[str]) -> None:
    """Put a value under a name; a second one of the same name makes a list."""
    if name in found:
        lists.add(name)
    if name in lists:
        value = [*_listed(found[name]), *_listed(value)] if name in found else _listed(value)
    found[name] = value


def _listed(value: Any) -> list[Any]:
    """Give a value as a list."""
    return value if isinstance(value, list) else [value]


def _value(node: str | Node) -> Any:
    """Give an element as one value: its text, or an object of all that lies in it."""
    if isinstance(node, str):
        return node
    if _is_plain(node):
        return None if node.attributes and _is_nil(node) else "".join(_texts(node))
    found: Record = dict(_attributes(node))
    lists: set[str] = set()
    for item in node.items:
        if not isinstance(item, str):
            _put(found, item.name, _value(item), lists)
    if (text := _own_text(node)) is not None:
        found[OWN_TEXT] = text
    return found


def _attributes(node: Node) -> list[tuple[str, str]]:
    """Give an element's attributes, without those that are about XML itself."""
    return [
        (name, value)
        for name, value in node.attributes.items()
        if not name.startswith("xmlns") and not name.endswith(":nil")
    ]


def _is_plain(node: Node) -> bool:
    """Tell whether an element is nothing but a text."""
    return not node.deep and not (node.attributes and _attributes(node))


def _is_nil(node: Node) -> bool:
    """Tell whether an element says that it has no value (xsi:nil)."""
    return any(n.endswith(":nil") and v in ("1", "true") for n, v in node.attributes.items())


def _own_text(node: Node) -> str | None:
    """Give an element's text where it has some of its own; among children, in reading order."""
    if node.deep:
        own = any(isinstance(item, str) and not item.isspace() for item in node.items)
        return "".join(_texts(node)) if own else None
    return "".join(_texts(node)) if node.items else None


def _texts(node: Node) -> Iterator[str]:
    """Give all pieces of text in an element, in reading order."""
    for item in node.items:
        if isinstance(item, str):
            yield item
        else:
            yield from _texts(item)
