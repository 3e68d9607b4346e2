"""Cells as (kind, text): what Excel's numbers, dates and errors stand for.

Kinds: exact (a whole number that a float holds), int64, big, float, bool, date, datetime, time,
text, and bad, whose text is a `Bad`.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from functools import lru_cache
from math import isfinite
from typing import Final

Value = tuple[str, str]
"""A cell that holds something: its kind, and its text."""
Cell = tuple[int, str, str]
"""A value with the position of its column, from 0."""
Row = tuple[int, list[Cell]]
"""A row that holds something: its number as Excel shows it, and its cells in order."""


class Bad(str):
    """What a cell holds that cannot be used, as its file has it ("" = nothing); and why."""

    reason: str


MISSING: Final = "#N/A"
"""The one error that says a value is not there; the others say that a calculation failed."""
_WHOLE: Final = re.compile(r"-?\d{1,4000}")
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LITERAL: Final = re.compile(
    r"""
    "[^"]*" | \\. | [_*].                 # texts, single letters, widths
    | \[(?!h+\]|m+\]|s+\])[^\]]*\]       # colours and languages, but not hours beyond 24
    | am/pm | a/p
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
# Built-in formats; those of East Asia differ between languages: their values decide.
_BUILT_IN: Final = {
    **dict.fromkeys((14, 15, 16, 17), "date"),
    **dict.fromkeys((18, 19, 20, 21, 45, 47), "time"),
    22: "datetime",
    46: "duration",
    **dict.fromkeys((*range(27, 37), *range(50, 59)), "moment"),
}
_EPOCHS: Final = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}  # noqa: DTZ001
_LAST_DAY: Final = {False: 2_958_465, True: 2_957_003}
_DAY_MS: Final = 86_400_000


def bad(held: str, reason: str) -> Value:
    """Give a cell that cannot be used: what it holds, and what is wrong with it."""
    text = Bad(held)
    text.reason = reason
    return ("bad", text)


def form_of(number: int, code: str | None) -> str | None:
    """Tell what a number format shows: date, time, datetime, moment, duration (None = a number)."""
    if code is None:
        return _BUILT_IN.get(number)
    bare = _LITERAL.sub("", code.split(";")[0]).lower()
    if "[" in bare:
        return "duration"
    if "general" in bare:
        return None
    clock = "h" in bare or "s" in bare
    day = "y" in bare or "d" in bare or ("m" in bare and not clock)
    if day and clock:
        return "datetime"
    return "date" if day else "time" if clock else None


def number(text: str, form: str | None, *, from_1904: bool = False) -> Value:
    """Read a number as its file writes it, shown in a format."""
    if form is not None:
        try:
            return _as_held(text, _moment(float(text), form, from_1904))
        except ValueError:
            return bad(text, f"is {text!r}, which is not a number")
    if len(text) < 16 and text.isascii() and text.isdigit():
        return ("exact", text if text[0] != "0" else str(int(text)))
    if _WHOLE.fullmatch(text) and text.isascii():
        return _whole(int(text))
    try:
        return _as_held(text, real(float(text)))
    except ValueError:
        return bad(text, f"is {text!r}, which is not a number")


def _as_held(text: str, value: Value) -> Value:
    """Give a value that was read from `text`; one that cannot be used keeps it."""
    return bad(text, value[1].reason) if isinstance(value[1], Bad) else value


def real(value: float) -> Value:
    """Give a number; Excel makes no difference between 5 and 5.0."""
    if not isfinite(value):
        return bad(str(value), f"is {value}, which is not a number")
    if value.is_integer() and abs(value) <= 1 << 53:
        return ("exact", str(int(value)))
    return ("float", repr(value))


def shown(value: float, form: str | None, *, from_1904: bool) -> Value:
    """Give a number shown in a format."""
    return real(value) if form is None else _moment(value, form, from_1904)


def error(code: str) -> Value | None:
    """Give an error cell: #N/A is a missing value."""
    return None if code == MISSING else bad(code, f"holds the error {code}")


def unescaped(text: str) -> str:
    """Undo the form in which Excel writes characters that XML cannot hold: _x000D_."""
    if "_x" not in text:
        return text
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _whole(value: int) -> Value:
    """Give a whole number, digit for digit."""
    if abs(value) <= 1 << 53:
        return ("exact", str(value))
    return ("int64" if -(1 << 63) <= value < 1 << 63 else "big", str(value))


@lru_cache(maxsize=65_536)
def _moment(days: float, form: str, from_1904: bool) -> Value:
    """Read a count of days as a date or a time, to the millisecond."""
    ms = round(days * _DAY_MS) if isfinite(days) else -1
    if not 0 <= ms < (_LAST_DAY[from_1904] + 1) * _DAY_MS:
        return bad(repr(days), f"is {days!r} days, which no date of Excel's stands for")
    if form == "duration":
        return ("text", _duration(ms))
    if ms < _DAY_MS and form in ("time", "moment"):
        return ("time", _clock(timedelta(milliseconds=ms)))
    if not from_1904 and ms < 61 * _DAY_MS:
        if ms < _DAY_MS or ms >= 60 * _DAY_MS:
            return bad(repr(days), f"is day {days!r} of 1900, which does not exist")
        ms += _DAY_MS  # Excel counts a 29 February 1900, which there was not
    moment = _EPOCHS[from_1904] + timedelta(milliseconds=ms)
    if ms % _DAY_MS == 0 and form in ("date", "moment"):
        return ("date", moment.date().isoformat())
    return ("datetime", moment.isoformat(" ", "milliseconds" if ms % 1000 else "seconds"))


def _clock(since: timedelta) -> str:
    """Write a time of day."""
    found: time = (_EPOCHS[True] + since).time()
    return found.isoformat("milliseconds" if found.microsecond else "seconds")


def _duration(ms: int) -> str:
    """Write a length of time as Excel shows it, hours beyond 24 included."""
    minutes, rest = divmod(ms, 60_000)
    seconds = f"{rest / 1000:06.3f}".removesuffix(".000")
    return f"{minutes // 60}:{minutes % 60:02}:{seconds}"
