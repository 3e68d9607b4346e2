"""`Written`: how a column's values are written, where that is not the plain way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from resources.errors import DataOpsError, did_you_mean

ORDERS: Final = ("ymd", "dmy", "mdy")
MINUS: Final = ("after", "parentheses")
_DECIMAL: Final = (".", ",")
_THOUSANDS: Final = (",", ".", " ", "'", "_")
_NUMBER: Final = ("decimal", "thousands", "unit", "percent", "minus")
_DATE: Final = ("dates", "pivot")
_BOOLEAN: Final = ("true_words", "false_words")
_WORDS: Final = ("unit", *_BOOLEAN, "missing")


class NotationError(DataOpsError):
    """A way to write values that cannot be meant so. `facts["option"]` names the field."""


@dataclass(frozen=True, slots=True)
class Written:
    """How values are written; what is not said is as Python and ISO 8601 write it.

    decimal, thousands: the marks of numbers ("," and "."; a space stands for every kind of space).
    unit: what may stand before or after a number, all spellings of one unit: "원", ["$", "USD"].
    percent: numbers end with %, and 12.5 % is 0.125. minus: negative numbers have it "after" them
    (5-), or stand in "parentheses". dates: the order of a date's parts, "ymd", "dmy" or "mdy",
    whatever stands between them (2024. 1. 31., 2024년 1월 31일, 31/01/2024, Jan 31, 2024), also
    before a time of 12 hours (오후 3:05, 3:05 PM). pivot: the first year that two digits may mean:
    1970 makes 70 to 69 the years 1970 to 2069. true_words, false_words: words for true and false,
    whatever their capitals. missing: words that say that there is no value.
    """

    decimal: str = ""
    thousands: str = ""
    unit: str | Iterable[str] = ()
    percent: bool = False
    minus: str = ""
    dates: str = ""
    pivot: int | None = None
    true_words: str | Iterable[str] = ()
    false_words: str | Iterable[str] = ()
    missing: str | Iterable[str] = ()

    def __post_init__(self) -> None:
        """Check every field; raises NotationError."""
        for name in _WORDS:
            object.__setattr__(self, name, _words(name, getattr(self, name)))
        _one_of("decimal", self.decimal, _DECIMAL)
        _one_of("thousands", self.thousands, _THOUSANDS)
        _one_of("minus", self.minus, MINUS)
        _one_of("dates", self.dates, ORDERS)
        if not isinstance(self.percent, bool):
            raise _bad("percent", self.percent, "say true or false")
        if self.thousands and self.thousands == self.point:
            raise _bad("thousands", self.thousands, "use another mark than the decimal one")
        pivot = self.pivot
        if pivot is not None and (type(pivot) is not int or not 1 <= pivot <= 9900):
            raise _bad("pivot", pivot, "give a year: 1970 makes 70 to 69 the years 1970 to 2069")
        if pivot is not None and not self.dates:
            raise _bad("pivot", pivot, "say the order of dates as well: dates: dmy")
        both = {w.lower() for w in self.true_words} & {w.lower() for w in self.false_words}
        if both:
            raise _bad("false_words", min(both), "a word is either true or false")

    @property
    def point(self) -> str:
        """Give the decimal mark, also where only the thousands mark was said."""
        return self.decimal or ("," if self.thousands == "." else ".")

    def said(self) -> dict[str, Any]:
        """Give what was said, as JSON-ready facts in one order."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
            if value not in ("", (), None, False)
        }

    def over(self, default: Written | None) -> Written:
        """Give this notation; where it says nothing, what `default` says."""
        if default is None:
            return self
        given = {name: getattr(default, name) for name in default.said()}
        return replace(self, **{n: v for n, v in given.items() if n not in self.said()})

    def for_type(self, kind: str) -> Written | None:
        """Give what of it says something about values of a column type; None where nothing does."""
        names = {*fields_of(kind)}
        kept = {name: getattr(self, name) for name in self.said() if name in names}
        return Written(**kept) if kept else None


def notation(kind: str, own: Written | None, default: Written | None) -> Written | None:
    """Give how values of a column type are written: as the column says, else as its source does.

    Raises NotationError for what the column says and its type cannot use.
    """
    for name in own.said() if own is not None else ():
        if name not in fields_of(kind):
            raise NotationError(
                f"{name} says nothing about values of type {kind}",
                f"take it out; for this type there are {', '.join(fields_of(kind))}",
                option=name,
            )
    whole = own.over(default) if own is not None else default
    return whole.for_type(kind) if whole is not None else None


def fields_of(kind: str) -> tuple[str, ...]:
    """Give the fields of `Written` that say something about a column type (Column.type)."""
    if kind in ("int32", "int64", "float64") or kind.startswith("decimal("):
        return (*_NUMBER, "missing")
    if kind == "date" or kind.startswith("timestamp"):
        return (*_DATE, "missing")
    return (*_BOOLEAN, "missing") if kind == "bool" else ("missing",)


def as_said(values: Mapping[str, Any]) -> Written:
    """Make a notation of fields by name; raises NotationError, naming the field."""
    known = [one.name for one in fields(Written)]
    for name in values:
        if name not in known:
            raise NotationError(
                f"there is no such field{did_you_mean(str(name), known)}",
                f"use {', '.join(known)}",
                option=str(name),
            )
    given = {name: value for name, value in values.items() if value is not None}
    for name, value in given.items():
        if not isinstance(value, bool if name == "percent" else int if name == "pivot" else _TEXTS):
            raise _bad(name, value, "put it in quotes" if name in _WORDS else "write it as text")
    return Written(**given)


_TEXTS: Final = (str, list, tuple)


def _words(name: str, value: Any) -> tuple[str, ...]:
    """Take one word or several; each is text."""
    words = (value,) if isinstance(value, str) else tuple(value)
    for word in words:
        if not isinstance(word, str):
            raise _bad(name, word, "put each in quotes (yes, no, on and off mean true and false)")
    trimmed = tuple(dict.fromkeys(word.strip() for word in words))
    if not all(trimmed):
        raise _bad(name, "", "an empty text is a missing value anyway: take it out")
    if name == "unit" and any(any(s.isdigit() or s in "+-.," for s in word) for word in trimmed):
        raise _bad(name, " ".join(trimmed), "a unit has no digits, signs or marks of numbers")
    return trimmed


def _one_of(name: str, value: Any, ways: tuple[str, ...]) -> None:
    """Hold a field to its values."""
    if value and value not in ways:
        shown = ", ".join(map(repr, ways))
        raise _bad(name, value, f"use one of {shown}{did_you_mean(str(value), ways)}")


def _bad(name: str, value: Any, fix: str) -> NotationError:
    """Say what a field cannot be."""
    return NotationError(f"{name} cannot be {value!r}", fix, option=name)
