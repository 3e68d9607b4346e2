"""Fields of a file that people write: each one's type and range, with errors that say where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from resources.document import Document
from resources.errors import did_you_mean


def known(document: Document, fields: tuple[str, ...]) -> None:
    """Refuse a field that does not exist."""
    for name in document.values:
        if name not in fields:
            near = did_you_mean(str(name), fields)
            document.refuse(
                str(name), f"there is no such field{near}", f"use {', '.join(fields) or 'none'}"
            )


def text(document: Document, name: str, default: str = "") -> str:
    """Read a text field."""
    value = document.values.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        document.refuse(name, f"{value!r} is not text", "put it in quotes")
    return value.strip()


def texts(document: Document, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Read a list of texts; a single text counts as a list of one."""
    value = document.values.get(name)
    if value is None:
        return default
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(v, str) and v.strip() for v in values):
        document.refuse(name, f"{value!r} is not a list of texts", "write it as [one, two]")
    if len(set(values)) < len(values):
        document.refuse(name, "an entry is written twice", "keep one of them")
    return tuple(values)


def number(document: Document, name: str, default: float, low: float, high: float) -> float:
    """Read a number and hold it to its range."""
    value = document.values.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        document.refuse(name, f"{value!r} is out of range", f"a number from {low:g} to {high:g}")
    return float(value)


def flag(document: Document, name: str, default: bool = False) -> bool:
    """Read true or false."""
    value = document.values.get(name, default)
    if not isinstance(value, bool):
        document.refuse(name, "neither true nor false", "write true or false")
    return value


def group(document: Document, name: str, fields: Iterable[str] = ()) -> Document | None:
    """Read a field that holds fields itself; None where it is missing."""
    value: Any = document.values.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        ways = ", ".join(fields)
        document.refuse(name, "these are not fields", f"use {ways}" if ways else "write `a: b`")
    return document.inside(name)


def choice(document: Document, name: str, choices: tuple[str, ...], default: str) -> str:
    """Read one of a few words."""
    value = document.values.get(name, default)
    if value not in choices:
        near = did_you_mean(str(value), choices)
        document.refuse(name, f"{value!r} is none of its values{near}", f"use {', '.join(choices)}")
    return str(value)
