"""Where the header stands: titles above it, how many rows it takes, or that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from resources.sources.layout.kinds import (
    MISSING,
    NUMBER,
    TEXT,
    TYPED,
    column_kinds,
    is_series,
    kind_of,
)
from resources.sources.layout.names import is_comment, reads_like_a_row
from resources.sources.layout.parsing import Record

_ABOVE: Final = 40
"""Records above a header that are looked at."""
_ROWS: Final = 3
"""Rows that a header takes at most, unless more are said."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The header is record `at`, and takes `rows` rows (0 = there is none); how sure that is."""

    at: int
    rows: int
    sure: float = 1.0
    doubt: str = ""


def find_heading(records: Sequence[Record], width: int) -> Heading:
    """Find the header among the first records; `width`: the cells that most have."""
    at = _after_titles(records, width)
    if at is None:
        return Heading(0, 1)
    head = records[at]
    rows = [one.cells for one in records[at + 1 :] if len(one.cells) == width and not one.blank]
    kinds = column_kinds(rows, width)
    if len(head.cells) == width and _is_data(head.cells, kinds):
        same = sum(kind_of(c) == k for c, k in zip(head.cells, kinds, strict=True) if k in TYPED)
        return Heading(at, 0, 1 - 0.5 ** (same + 2))
    count = _count_rows(records, at, width)
    if count > 1:
        return Heading(at, count, 0.9)
    again = _values_again(head, rows) if not set(kinds) & set(TYPED) else []
    if 2 * len(again) >= head.filled > 1:
        return Heading(at, 0, 0.75)
    if again:
        said = f"the first record may be a row: {again[0][:40]!r} stands in its column once more"
        return Heading(at, 1, 1.0, said)
    if set(kinds) <= {TEXT, MISSING} and reads_like_a_row(head.cells, rows):
        said = f"the first record, {head.cells[0][:40]!r} ..., is shaped like the rows below it"
        return Heading(at, 1, 1.0, said)
    return Heading(at, 1, 1.0, _doubt(records, at, width))


def _values_again(head: Record, rows: Sequence[Sequence[str]]) -> list[str]:
    """Give the cells of a first record that stand in their columns again: names seldom do.

    Only where all is text, so that nothing else tells. A header written again whole is no sign.
    """
    if not head.filled or any(len(row) != len(head.cells) for row in rows):
        return []
    others = [row for row in rows if list(row) != list(head.cells)]
    return [
        cell
        for at, cell in enumerate(head.cells)
        if cell.strip() and any(row[at] == cell for row in others)
    ]


def _after_titles(records: Sequence[Record], width: int) -> int | None:
    """Give which record is the first that is no title; None where that cannot be told."""
    first = next((at for at, one in enumerate(records) if not one.blank), None)
    if first is None or width < 2:
        return first
    for at in range(first, min(len(records), first + _ABOVE)):
        one = records[at]
        if one.blank:
            continue
        if not (_is_title(records, at, width) or is_comment(records, at, width)):
            return at
    return first


def _is_title(records: Sequence[Record], at: int, width: int) -> bool:
    """Tell a title or a note above the header from the header itself."""
    one = records[at]
    below = [other for other in records[at + 1 : at + 1 + _ABOVE] if not other.blank]
    if not below:
        return False
    if len(one.cells) == width:
        if not one.cells[0].strip() or one.filled > 1 or kind_of(one.cells[0]) in TYPED:
            return False
        return _heads(records, at, width)
    if len(one.cells) == 1 or (one.filled <= 1 and width > 2):
        return True
    if abs(len(one.cells) - width) and len(below[0].cells) != width:
        return True
    return _heads(records, at, width)


def _heads(records: Sequence[Record], at: int, width: int) -> bool:
    """Tell whether a header stands below record `at`, before any row of data."""
    for after in range(at + 1, min(len(records), at + 1 + _ABOVE)):
        one = records[after]
        if one.blank or (len(one.cells) == width and one.filled == 1 and one.cells[0].strip()):
            continue
        if len(one.cells) != width or one.odd:
            continue
        rows = [o.cells for o in records[after + 1 :] if len(o.cells) == width and not o.blank]
        kinds = column_kinds(rows, width)
        texts = [kind_of(cell) == TEXT for cell in one.cells]
        typed = sum(t and k in TYPED for t, k in zip(texts, kinds, strict=True))
        names = sum(texts)
        if (
            len({c.strip().casefold() for c in one.cells if c.strip()})
            < one.filled - 1 - names // 2
        ):
            return False
        if typed:
            return not _is_data(one.cells, kinds)
        return width > 2 and names == one.filled and one.filled > 1 and one.filled >= width - 1
    return False


def _is_data(cells: Sequence[str], kinds: Sequence[str]) -> bool:
    """Tell whether a first record is a row: of the kinds of its columns, and no name among them."""
    pairs = [
        (kind_of(cell), kind) for cell, kind in zip(cells, kinds, strict=True) if kind in TYPED
    ]
    same = sum(found == kind for found, kind in pairs)
    other = sum(found not in (kind, MISSING) for found, kind in pairs)
    if not same or other >= same:
        return False
    names = [cell for cell in cells if kind_of(cell) == TEXT]
    numbers = [cell for cell in cells if kind_of(cell) == NUMBER]
    if len(numbers) > 1 and is_series(numbers) and (names or _are_years(numbers)):
        return False
    if len(numbers) == 1 and names and _are_years(numbers):
        return False
    return other == 0


def _are_years(cells: Sequence[str]) -> bool:
    """Tell whether all numbers of a record are years."""
    return all(c.strip().isdecimal() and 1900 <= int(c) <= 2100 for c in cells)


def _count_rows(records: Sequence[Record], at: int, width: int) -> int:
    """Count the rows of a header whose upper rows have gaps that lower rows fill."""
    count = 1
    for after in range(at + 1, min(len(records), at + _ROWS + 2)):
        if count >= _ROWS:
            break
        one = records[after]
        if one.blank:
            continue
        if len(one.cells) != width or not _goes_on(records[at], records, after, width):
            break
        count += 1
    return count


def _goes_on(head: Record, records: Sequence[Record], after: int, width: int) -> bool:
    """Tell whether a record is one more row of the header above it."""
    one = records[after]
    gaps = [not cell.strip() for cell in head.cells]
    if len(gaps) != width or not any(gaps) or not head.filled:
        return False
    if any(kind_of(cell) in TYPED for cell in one.cells):
        return False
    rows = [o.cells for o in records[after + 1 :] if len(o.cells) == width and not o.blank]
    kinds = column_kinds(rows, width)
    texts = [kind_of(cell) == TEXT for cell in one.cells]
    typed = sum(k in TYPED for k in kinds)
    over = sum(t and k in TYPED for t, k in zip(texts, kinds, strict=True))
    fills = sum(gap and text for gap, text in zip(gaps, texts, strict=True))
    return fills > 0 and (2 * over >= typed > 0) and over > 0


def _doubt(records: Sequence[Record], at: int, width: int) -> str:
    """Say what is odd about a header that was taken as it stands."""
    head = records[at]
    named = head.filled
    if width > 2 and 2 * named <= width and len(records) > at + 1:
        return f"only {named} of {width} columns have a name"
    rows = [one.cells for one in records[at + 2 :] if len(one.cells) == width and not one.blank]
    below = records[at + 1] if len(records) > at + 1 else None
    if below is None or len(below.cells) != width or not rows:
        return ""
    kinds = column_kinds(rows, width)
    typed = [at for at, kind in enumerate(kinds) if kind in TYPED]
    if len(typed) > 1 and all(kind_of(below.cells[at]) == TEXT for at in typed):
        return "the row below the header looks like a second header row"
    return _names_below(records, at, width)


def _names_below(records: Sequence[Record], at: int, width: int) -> str:
    """Name a later record that looks like the header: texts, all different, over typed columns."""
    for after in range(at + 2, min(len(records), at + _ABOVE)):
        one = records[after]
        names = {cell.strip().casefold() for cell in one.cells}
        if len(one.cells) != width or len(names) < width or set(map(kind_of, one.cells)) != {TEXT}:
            continue
        rows = [o.cells for o in records[after + 1 :] if len(o.cells) == width and not o.blank]
        typed = sum(kind in TYPED for kind in column_kinds(rows, width))
        if len(rows) > 1 and typed > 1:
            said = ", ".join(one.cells)[:60]
            return f"record {after + 1}, {said!r}, looks more like the header"
    return ""


def join_rows(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Join the rows of a header, column by column: `control X`, `control Y`.

    What stands over several columns is written once, over the first of them.
    """
    padded = [[*row, *[""] * (width - len(row))][:width] for row in rows]
    for upper, lower in pairwise(padded):
        last = ""
        for at, cell in enumerate(upper):
            if cell.strip():
                last = cell
            elif last and lower[at].strip():
                upper[at] = last
            else:
                last = ""
    joined = []
    for at in range(width):
        parts = dict.fromkeys(text for row in padded if (text := " ".join(row[at].split())))
        joined.append(" ".join(parts))
    return joined
