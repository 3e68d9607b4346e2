"""Where a sheet's table lies: its header, of one row or several, and its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from resources.limits import check_width
from resources.rejects import Reject, row_json
from resources.sources.excel.cells import Bad, Cell, Row
from resources.sources.excel.spool import Spool
from resources.sources.excel.workbook import Merge, Sheet, Workbook
from resources.sources.header import column_names

_PEEK: Final = 100
JOIN: Final = " / "


@dataclass(frozen=True, slots=True)
class Layout:
    """How a collector says that a sheet is laid out: lines above the header, rows it takes."""

    skip: int
    header_rows: int


@dataclass(frozen=True, slots=True)
class Read:
    """A sheet that has been read. names: those of its columns that are used, by their position."""

    file: Path
    sheet: Sheet
    names: dict[int, str]
    spool: Spool


def read_sheet(
    file: Path, book: Workbook, sheet: Sheet, layout: Layout, set_aside: Callable[[Reject], None]
) -> Read | None:
    """Read a sheet's table; rows that do not fit are set aside (None = it holds nothing)."""
    rows = _filled(book.rows(sheet), layout.skip)
    first = next(rows, None)
    if first is None:
        return None
    head: list[Row] = [first]
    body: list[Row] = []
    for row in rows:
        (head if row[0] < first[0] + layout.header_rows else body).append(row)
        if len(body) == _PEEK:
            break
    parts, names = _header(
        file, f"sheet {sheet.name!r}", head, body, layout, lambda: book.merges(sheet)
    )
    with Spool(names) as spool:
        table = _Table(file, sheet, names, spool, set_aside)
        for row in chain(body, rows):
            table.add(row)
    used = {at: name for at, name in enumerate(names) if parts[at] or spool.kinds[at]}
    return Read(file, sheet, used, spool)


def letters(at: int) -> str:
    """Give the letters of a column by its position."""
    found = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        found = chr(65 + rest) + found
    return found


def _filled(rows: Iterator[Row], skip: int) -> Iterator[Row]:
    """Pass over the lines to skip, and rows that hold nothing but empty texts."""
    for row in rows:
        if row[0] > skip and any(text or kind != "text" for _, kind, text in row[1]):
            yield row


def _header(
    file: Path,
    where: str,
    head: list[Row],
    body: list[Row],
    layout: Layout,
    find: Callable[[], tuple[Merge, ...]],
) -> tuple[list[str], tuple[str, ...]]:
    """Give what the header says over each column, and the names made of it."""
    top = head[0][0]
    said = {
        (row, at): text.strip() for row, cells in head for at, kind, text in cells if kind != "bad"
    }
    width = 1 + max((at for (_, at), text in said.items() if text), default=0)
    reach = 1 + max((cells[-1][0] for _, cells in body if cells), default=0)
    gaps = any(not said.get((top, at)) for at in range(width))
    if layout.header_rows > 1 or gaps or reach > width:
        for merge in find():
            width = max(width, _fill(said, merge, range(top, top + layout.header_rows), reach))
    check_width(file, width, f"columns (its header reaches {letters(width - 1)})", where)
    parts = [_joined(said, top, layout.header_rows, at) for at in range(width)]
    return parts, column_names(parts)


def _fill(said: dict[tuple[int, int], str], merge: Merge, rows: range, reach: int) -> int:
    """Have a merged cell stand over all that it covers in the header; give how far it reaches."""
    text = said.get((merge.top, merge.left))
    if merge.top not in rows or not text:
        return 0
    right = min(merge.right, max(reach, merge.left + 1) - 1)
    for row in range(merge.top, min(merge.bottom + 1, rows.stop)):
        for at in range(merge.left, right + 1):
            said[row, at] = text
    return right + 1


def _joined(said: dict[tuple[int, int], str], top: int, rows: int, at: int) -> str:
    """Join what the header's rows say over one column; what is said twice in a row counts once."""
    parts: list[str] = []
    for row in range(top, top + rows):
        text = said.get((row, at), "")
        if text and parts[-1:] != [text]:
            parts.append(text)
    return JOIN.join(parts)


class _Table:
    """Takes the rows below a header."""

    def __init__(
        self,
        file: Path,
        sheet: Sheet,
        names: tuple[str, ...],
        spool: Spool,
        set_aside: Callable[[Reject], None],
    ) -> None:
        self._spool = spool
        self._file = file
        self._sheet = sheet
        self._names = names
        self._set_aside = set_aside

    def add(self, row: Row) -> None:
        """Take one row; a cell that cannot be used, or lies beside the table, sets it aside."""
        number, cells = row
        width = len(self._names)
        if cells[-1][0] < width and not any(kind == "bad" for _, kind, _ in cells):
            self._spool.add(cells)
            return
        inside = [cell for cell in cells if cell[0] < width or cell[2] or cell[1] == "bad"]
        wrong = next((cell for cell in inside if cell[0] >= width or cell[1] == "bad"), None)
        if wrong is None:
            self._spool.add(inside)
        else:
            self._set_aside(self._reject(number, cells, wrong))

    def _reject(self, number: int, cells: list[Cell], wrong: Cell) -> Reject:
        """Describe a row that does not fit."""
        at, _, held = wrong
        beside = at >= len(self._names)
        problem = held.reason if isinstance(held, Bad) else "holds a value"
        if beside:
            problem += f", where the header ends with {letters(len(self._names) - 1)}"
        return Reject(
            row=row_json(
                {
                    self._name(at): text or (None if kind == "bad" else "")
                    for at, kind, text in cells
                }
            ),
            rule="fields" if beside else "cell",
            column="" if beside else self._names[at],
            reason=f"{letters(at)}{number} of sheet {self._sheet.name!r} {problem}",
            source=str(self._file),
            line=number,
        )

    def _name(self, at: int) -> str:
        """Name a column, also one beside the table."""
        return self._names[at] if at < len(self._names) else letters(at)
