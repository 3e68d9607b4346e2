"""What a cell looks like: a number, a date, a time, a word for nothing, or text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

NUMBER: Final = "number"
DATE: Final = "date"
TIME: Final = "time"
TEXT: Final = "text"
MISSING: Final = ""
TYPED: Final = (NUMBER, DATE, TIME)
_LEAST: Final = 0.8
"""The share of a column's cells that must be of one kind."""
_NUMBER: Final = re.compile(
    r"[-+(]?\s*[$€£₩¥]?\s*[-+]?(?:\d{1,3}(?:[,. ']\d{3})+|\d+)?(?:[.,]\d+|\.)?(?:[eE][-+]?\d+)?"
    r"\s*(?:[%$€£₩¥원)]|[A-Z]{3})?"
)
_DATE: Final = re.compile(
    r"\d{1,4}\s?[-./년]\s?\d{1,2}\s?[-./월]\s?\d{1,4}\s?일?\.?(?:[T ].{0,24})?"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ,]{1,2}\d{2,4}"
)
_TIME: Final = re.compile(r"\d{1,3}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?")
_MISSING: Final = frozenset(
    ("", "-", "--", ".", "nan", "na", "n/a", "#n/a", "null", "none", "nil", "missing", "?", "\\n")
)


@lru_cache(maxsize=16_384)
def kind_of(cell: str) -> str:
    """Tell what a cell looks like."""
    text = cell.strip()
    if text.casefold() in _MISSING:
        return MISSING
    if not any(letter.isdigit() for letter in text[:24]):
        return TEXT
    if len(text) > 64:
        return TEXT
    for pattern, kind in ((_NUMBER, NUMBER), (_DATE, DATE), (_TIME, TIME)):
        if pattern.fullmatch(text):
            return kind
    return TEXT


def column_kinds(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Give the kind of nearly all cells of each column: TEXT if none is, MISSING if it is empty."""
    return [_common(kind_of(row[at]) for row in rows if at < len(row)) for at in range(width)]


def _common(kinds: Iterable[str]) -> str:
    """Give the kind that most of them are."""
    counts = Counter(kind for kind in kinds if kind != MISSING)
    if not counts:
        return MISSING
    kind, count = counts.most_common(1)[0]
    return kind if count >= _LEAST * counts.total() else TEXT


def typed_share(rows: Sequence[Sequence[str]]) -> float:
    """Give the share of filled cells that are numbers, dates or times."""
    kinds = [kind for row in rows for cell in row if (kind := kind_of(cell)) != MISSING]
    return sum(kind in TYPED for kind in kinds) / max(len(kinds), 1)


def is_series(cells: Sequence[str]) -> bool:
    """Tell numbers that count on (1, 2, 3), or are all years: a header may be made of them."""
    numbers = [int(text) for cell in cells if (text := cell.strip()).isdecimal() and text.isascii()]
    if len(numbers) < len([cell for cell in cells if kind_of(cell) == NUMBER]) or not numbers:
        return False
    if all(1900 <= number <= 2100 for number in numbers) and len(set(numbers)) == len(numbers):
        return True
    steps = {after - before for before, after in pairwise(numbers)}
    return len(steps) == 1 and steps != {0} and len(numbers) > 2
