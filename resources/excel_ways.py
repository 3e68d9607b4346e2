"""What a spreadsheet makes of cells that nobody touched: zeros, digits, dates and words lost.

A CSV that is opened in Excel and saved again comes back with these; none of them is a correction.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

LONGEST: Final = 32_767
"""Characters that a cell of Excel's holds."""
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_FAULT: Final = re.compile(r"#(?:NAME\?|REF!|VALUE!|DIV/0!|N/A|NUM!|NULL!|SPILL!|#+)")
_TIME: Final = re.compile(
    r"[t ]*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[ap]m)?\s*(?:z|[+-]\d\d:?\d\d)?$"
)
_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_ENDS: Final = "t|uary|ruary|ch|il|e|y|ust|tember|ober|ember"
_NAME: Final = re.compile(rf"({_MONTHS})(?:{_ENDS})?")
_KEPT: Final = re.compile(r"\+.*|-?0\d.*|[^eE]*\.\d*0", re.ASCII)
"""Numbers as a spreadsheet does not write them of its own accord: somebody did."""
_SHOWN: Final = 10
"""Significant digits of a long number that a cell without a format shows."""
_NOT_CUT: Final = 11
_MORE: Final = 4

Date = tuple[int | None, int, int]


def damage(before: str, after: str) -> str | None:
    """Say what a spreadsheet lost of a cell, None where it may be a correction.

    before: as it was handed out. after: as it came back.
    """
    if before == after:
        return None
    if _FAULT.fullmatch(after):
        return "became an error of a formula"
    if len(before) > LONGEST and before.startswith(after) and len(after) >= LONGEST - _MORE:
        return "was cut at the length of a cell"
    if after in ("TRUE", "FALSE") and before.lower() == after.lower():
        return "became a truth value"
    one, other = number_of(before), number_of(after)
    if one is not None and other is not None:
        return _number_damage(one, after, other)
    return _date_damage(before, after)


def number_of(text: str) -> Decimal | None:
    """Read a number as a spreadsheet does, None for other text."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def _number_damage(one: Decimal, after: str, other: Decimal) -> str | None:
    """Say what a number lost: zeros in front or behind, or the digits that are not shown."""
    if _KEPT.fullmatch(after.strip()):
        return None
    if one == other:
        return "lost how its number was written (zeros in front or behind, or its sign)"
    digits, left = _digits(one), _digits(other)
    cut = "e" in after.lower() or digits >= _NOT_CUT
    if left >= digits or not cut or (left < _SHOWN and "e" not in after.lower() and digits <= 15):
        return None
    step = Decimal(1).scaleb(one.adjusted() - left + 1)
    return "lost digits of its number" if abs(one - other) < step else None


def _digits(number: Decimal) -> int:
    """Count the digits that matter, without zeros behind."""
    return len("".join(map(str, number.as_tuple().digits)).rstrip("0")) or 1


def _date_damage(before: str, after: str) -> str | None:
    """Say that a text became a date, or a date another form of it."""
    if _shape(before) == _shape(after):
        return None
    was = _dates(before)
    if not was:
        return _clock_damage(before, after)
    serial = number_of(after)
    if serial is not None:
        days = {(date(y, m, d) - date(1899, 12, 30)).days for y, m, d in was if y is not None}
        return "became the number of its day" if int(serial) in days else None
    for year, *day in was:
        for other, *same in _dates(after):
            if day == same and (year is None or other is None or year == other):
                return "became a date, or a date in another form"
    return None


def _clock_damage(before: str, after: str) -> str | None:
    """Say that a time of day became another form of it."""
    one, other = _clock(before), _clock(after)
    return "became a time in another form" if one is not None and one == other else None


def _clock(text: str) -> tuple[int, int] | None:
    """Read hours and minutes."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?\s*([AaPp])?[Mm]?", text.strip())
    if found is None:
        return None
    hour = int(found[1])
    if found[3]:
        hour = hour % 12 + (12 if found[3] in "pP" else 0)
    return hour, int(found[2])


def _shape(text: str) -> str:
    """Give a text with a 9 for each run of digits: a correction keeps it, another form does not."""
    return re.sub(r"\d+", "9", text.strip().lower())


def _dates(text: str) -> set[Date]:
    """Give all dates that a text may stand for, in whatever order it is written."""
    text = _TIME.sub("", text.strip().lower()).strip(" ,")
    text = re.sub(r"(\d+)\s*년", r"\1-", text)
    text = re.sub(r"(\d+)\s*월\s*(?:(\d+)\s*일)?", r"\1-\2", text).strip("- ")
    named = _NAME.search(text)
    numbers = [int(part) for part in re.findall(r"\d+", text)]
    rest = _NAME.sub("", text, count=1) if named else text
    if not re.fullmatch(r"[\d\s\-/.,]*", rest) or not 1 <= len(numbers) <= 3:
        return set()
    if named:
        return _named(_MONTHS.split("|").index(named[1]) + 1, numbers)
    if len(numbers) == 1:
        return set()
    a, b = numbers[:2]
    orders: list[Date] = [(None, a, b), (None, b, a), (b, a, 1), (a, b, 1)]
    if len(numbers) == 3:
        c = numbers[2]
        orders = [(a, b, c)] if a > 31 else [(c, a, b), (c, b, a), (a, b, c)]
    return {one for y, m, d in orders if (one := _valid(y, m, d))}


def _named(month: int, numbers: list[int]) -> set[Date]:
    """Give the dates of a month that is named and one or two numbers."""
    if len(numbers) == 1:
        found = [_valid(None, month, numbers[0]), _valid(numbers[0], month, 1)]
    else:
        a, b = numbers[:2]
        found = [_valid(b, month, a), _valid(a, month, b)]
    return {one for one in found if one}


def _valid(year: int | None, month: int, day: int) -> Date | None:
    """Give a date where there is such a one; a year of two digits is of 1930 to 2029."""
    if year is not None and year < 100:
        year += 2000 if year < 30 else 1900
    try:
        date(year or 2000, month, day)
    except (ValueError, OverflowError):
        return None
    return year, month, day
