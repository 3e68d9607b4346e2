"""Layouts that fit and are still not believed: somebody has to say them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from resources.errors import SourceError
from resources.sources.dialect import Dialect
from resources.sources.layout.heading import Heading
from resources.sources.layout.kinds import MISSING, TEXT, TYPED, column_kinds, kind_of
from resources.sources.layout.parsing import Record

_FEWEST: Final = 3
"""Records of a table, its header with them, that are no notes by chance."""


def refuse_doubts(
    file: Path, records: Sequence[Record], heading: Heading, dialect: Dialect, lines: int
) -> None:
    """Raise SourceError where a layout that was found is not to be believed unless it was said.

    lines: how many lines stand before the header.
    """
    if "skip" not in dialect.said:
        _refuse_two_tables(file, records, heading.at, lines)
        _refuse_second_header(file, records[heading.at :])
    if "delimiter" not in dialect.said:
        _refuse_doubled(file, records[heading.at :], dialect)
    if not {"header", "header_rows", "names", "skip"} & dialect.said and not dialect.names:
        _refuse_lone_row(file, records, heading)


def _refuse_two_tables(file: Path, records: Sequence[Record], at: int, lines: int) -> None:
    """Refuse to pass over lines above the header that are a table themselves."""
    above = [one for one in records[:at] if not one.blank]
    if not above or not at < len(records):
        return
    width = len(above[0].cells)
    same = [one for one in above if len(one.cells) == width]
    if width < 2 or len(same) < len(above) or not _is_table(same):
        return
    one, other = above[0].cells[0].strip(), records[at].cells[0].strip()
    raise SourceError(
        f"{file} holds two tables: one begins with {one[:40]!r} and has {width} columns, the other "
        f"with {other[:40]!r} and has {len(records[at].cells)}",
        f"say skip={lines} to read the second one, skip=0 to read the first, or part the file",
        file=str(file),
        option="skip",
    )


def _refuse_second_header(file: Path, records: Sequence[Record]) -> None:
    """Refuse a table that goes on, after a gap, with the names of another one."""
    width = len(records[0].cells) if records else 0
    for at in range(2, len(records) - 1):
        one = records[at]
        if one.start == records[at - 1].end or len(one.cells) != width or width < 2:
            continue  # no line is missing between them
        before, after = (
            column_kinds([each.cells for each in part if len(each.cells) == width], width)
            for part in (records[1:at], records[at + 1 :])
        )
        typed = [a in TYPED and b in TYPED for a, b in zip(before, after, strict=True)]
        names = all(kind_of(cell) == TEXT for cell in one.cells)
        if names and any(typed) and one.cells != records[0].cells:
            raise SourceError(
                f"{file} holds two tables: after a gap {one.cells[0].strip()[:40]!r} and "
                f"{one.cells[1].strip()[:40]!r} look like the names of another one's columns",
                "part the file, or say skip=0 to read all of it as one table",
                file=str(file),
                option="skip",
            )


def _is_table(records: Sequence[Record]) -> bool:
    """Tell a header with its rows: some column has a name above nothing but numbers or dates."""
    head, rows = records[0].cells, [one.cells for one in records[1:]]
    if not rows or any(kind_of(cell) != TEXT for cell in head) or len(set(head)) < len(head):
        return False
    typed = [kind in TYPED for kind in column_kinds(rows, len(head))]
    return all(typed) or (any(typed) and len(records) >= _FEWEST)


def _refuse_doubled(file: Path, records: Sequence[Record], dialect: Dialect) -> None:
    """Refuse fields that a doubled delimiter parts: every second column has no name and no value.

    `id||name||note`: read by the single sign, the columns between would be empty.
    """
    filled = [one.cells for one in records if not one.blank]
    width = len(filled[0]) if filled else 0
    if width < 3 or width % 2 == 0 or any(len(cells) != width for cells in filled):
        return
    between = [cell for cells in filled for cell in cells[1::2]]
    if any(cell.strip() for cell in between) or not all(cell.strip() for cell in filled[0][::2]):
        return
    sign = dialect.delimiter
    raise SourceError(
        f"{file} seems to have {sign * 2!r} between its fields, and a delimiter is one sign",
        f"write the file with one sign between fields, or say delimiter={sign!r}: then every "
        "second column is empty, and `columns` takes the others",
        file=str(file),
        option="delimiter",
    )


def _refuse_lone_row(file: Path, records: Sequence[Record], heading: Heading) -> None:
    """Refuse to take the only line for a header where it looks like a row: it would be lost."""
    filled = [one for one in records if not one.blank]
    if len(filled) != 1 or heading.rows == 0:
        return
    kinds = [kind_of(cell) for cell in filled[0].cells]
    typed = [cell for cell, kind in zip(filled[0].cells, kinds, strict=True) if kind in TYPED]
    if typed and sum(kind != MISSING for kind in kinds) > 0:
        raise SourceError(
            f"{file} has a single line, and {typed[0].strip()[:40]!r} in it is no name of a column",
            "say header=False where it is a row, header=True where it names the columns",
            file=str(file),
            option="header",
        )
