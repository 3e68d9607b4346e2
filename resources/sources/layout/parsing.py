"""The first records of delimited text, cut into cells as one dialect would cut them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from resources.sources.dialect import Dialect
from resources.sources.layout.stray import why_unreadable
from resources.sources.records import UTF8_BOM, pure_pattern, record_pattern

MOST: Final = 300
"""Records that are looked at."""
_LEAST: Final = 12
_CELLS: Final = 20_000
"""Cells from which fewer records are looked at, though not fewer than a dozen."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its cells as text, the bytes it takes, whether it breaks the quoting rule.

    quoted: which cells stand between quotation marks.
    """

    cells: tuple[str, ...]
    start: int
    end: int
    odd: bool = False
    quoted: tuple[bool, ...] = ()

    @property
    def filled(self) -> int:
        """Count the cells that say something."""
        return sum(bool(cell.strip()) for cell in self.cells)

    @property
    def blank(self) -> bool:
        """Tell a record of nothing but delimiters."""
        return not self.filled


@lru_cache
def cell_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """Give the pattern of one cell: (quoted part, what follows it, or the bare cell)."""
    sign, quote, escape = (
        re.escape(part.encode()) for part in (dialect.delimiter, dialect.quote, dialect.escape)
    )
    rest = b"[^" + sign + escape + b"\\r\\n]*+"
    if escape:
        rest = b"(?:" + rest[:-2] + b"++|" + escape + b"(?s:.))*+"
    if not quote:
        return re.compile(b"()()(" + rest + b")")
    inside = b"[^" + quote + escape + b"]++|" + quote + quote
    if escape:
        inside += b"|" + escape + b"(?s:.)"
    quoted = b"(" + quote + b"(?:" + inside + b")*+" + quote + b")(" + rest + b")"
    return re.compile(b"(?:" + quoted + b"|(" + rest + b"))")


def split_cells(record: bytes, dialect: Dialect) -> list[tuple[bytes, bytes, bytes]]:
    """Cut a record without its line end into cells: (quoted, rest, bare) each."""
    pattern, sign = cell_pattern(dialect), dialect.delimiter.encode()
    cells, at = [], 0
    while match := pattern.match(record, at):
        cells.append((match[1] or b"", match[2] or b"", match[3] or b""))
        at = match.end()
        if not record.startswith(sign, at):
            break
        at += len(sign)
    return cells


def first_records(head: bytes, start: int, dialect: Dialect, most: int = MOST) -> list[Record]:
    """Cut the first records after `start`; lines without anything and comments are left out.

    The last record counts only where its line end is there.
    """
    pattern, comment = record_pattern(dialect), dialect.comment.encode()
    records: list[Record] = []
    seen = 0
    while (
        len(records) < most
        and (seen < _CELLS or len(records) < _LEAST)
        and (match := pattern.match(head, start))
    ):
        text = match[0].strip(b"\r\n")
        if text and not (comment and text.startswith(comment)):
            records.append(_record(text, match, dialect))
            seen += len(records[-1].cells)
        start = match.end()
    return records


def _record(text: bytes, match: re.Match[bytes], dialect: Dialect) -> Record:
    """Read the cells of one record."""
    cells = split_cells(text.removeprefix(UTF8_BOM), dialect)
    odd = bool(dialect.quote) and bool(why_unreadable(text, cells, dialect))
    quote = dialect.quote.encode()
    values = [
        (quoted[1:-1].replace(quote * 2, quote) + rest) if quoted else bare
        for quoted, rest, bare in cells
    ]
    texts = [value.decode("utf-8", "surrogatepass") for value in values]
    if dialect.escape:
        texts = [re.sub(re.escape(dialect.escape) + "(?s:(.))", r"\1", text) for text in texts]
    marks = tuple(bool(quoted) for quoted, _, _ in cells)
    return Record(tuple(texts), match.start(), match.end(), odd, marks)


def usual_width(records: Sequence[Record]) -> int:
    """Give the number of cells that most records have; of two, the later one's."""
    counts = Counter(len(one.cells) for one in records if not one.blank and not one.odd)
    if not counts:
        return 0
    most = max(counts.values())
    late = {len(one.cells): at for at, one in enumerate(records)}
    return max((width for width in counts if counts[width] == most), key=lambda w: late[w])


def share_of(records: Sequence[Record], width: int) -> float:
    """Give the share of records that have so many cells and keep the quoting rule."""
    filled = [one for one in records if not one.blank]
    return sum(len(one.cells) == width and not one.odd for one in filled) / max(len(filled), 1)


def is_ambiguous(record: bytes, dialect: Dialect, fields: int) -> bool:
    r"""Tell whether a record that holds \" has its fields elsewhere where \ escapes a mark.

    "C:\dir\","x" reads in one way alone; "a \", b" in two where the number of fields allows both.
    """
    escaped = replace(dialect, escape="\\")
    text = record.rstrip(b"\r\n")
    if pure_pattern(escaped).fullmatch(text + b"\n") is None:
        return False
    cells = split_cells(text, escaped)
    return len(cells) == fields and cells != split_cells(text, dialect)
