"""Workbooks handed out to people: every cell a text, so that Excel changes none of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from resources.errors import DataOpsError
from resources.excel_ways import LONGEST

if TYPE_CHECKING:
    from resources.tables import Table

SUFFIX: Final = ".xlsx"
MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 16_384
"""What a sheet of Excel's holds."""


class WorkbookError(DataOpsError):
    """Rows that no workbook can hold."""


def is_workbook(path: Path) -> bool:
    """Tell by its name whether a file is to be a workbook."""
    return path.suffix.lower() == SUFFIX


def write_workbook(table: Table, path: Path) -> None:
    """Write a table of texts as .xlsx: cells of the format Text, row by row, in bounded memory.

    No cell is a formula, whatever it begins with. Raises WorkbookError beyond what Excel holds,
    naming row and column: nothing is ever cut. The file appears when it is whole.
    """
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        aside = Path(folder) / path.name
        options = {"constant_memory": True, "tmpdir": folder}
        with xlsxwriter.Workbook(str(aside), options) as book:
            _fill(book, table, path)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        os.link(aside, path)


def _fill(book: Any, table: Table, path: Path) -> None:
    """Write the cells."""
    text = book.add_format({"num_format": "@"})
    head = book.add_format({"num_format": "@", "bold": True})
    sheet = book.add_worksheet()
    names = list(table.columns)
    if len(names) > MOST_COLUMNS:
        raise _too_much(path, f"{len(names):,} columns, and a sheet holds {MOST_COLUMNS:,}")
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(names) - 1, 20, text)
    for row, cells in enumerate(_rows(table, names)):
        if row >= MOST_ROWS:
            raise _too_much(path, f"more rows than the {MOST_ROWS:,} that a sheet holds")
        for at, cell in enumerate(cells):
            if len(cell.encode("utf-16-le")) // 2 > LONGEST:
                where = f"{len(cell):,} characters in {names[at]!r} of row {row + 1:,}"
                raise _too_much(path, f"{where}, and a cell holds {LONGEST:,}")
            if cell:
                sheet.write_string(row, at, cell, text if row else head)


def _rows(table: Table, names: list[str]) -> Iterator[list[str]]:
    """Stream the header and the rows."""
    yield names
    for batch in table.batches():
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield ["" if cell is None else str(cell) for cell in row]


def _too_much(path: Path, what: str) -> WorkbookError:
    """Say what no workbook holds."""
    return WorkbookError(
        f"{path} cannot be a workbook: there are {what}",
        "write it as CSV (a name that ends in .csv), which has no such limit",
        file=str(path),
    )
