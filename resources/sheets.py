"""Sheets: CSVs and workbooks that people fill in, in whatever form a spreadsheet saved them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from resources.errors import SourceError

_ZIP: Final = b"PK\x03\x04"
_FORMULA: Final = tuple("=+-@＝＋－＠")


def sheet_columns(path: Path) -> list[str]:
    """Give the names of a sheet's columns."""
    _, header = next(_lines(path), (1, []))
    return [name.strip() for name in header]


def sheet_records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the rows of a CSV or a workbook as fields, with their lines, as Excel saved them."""
    lines = _lines(path)
    _, first = next(lines, (1, []))
    header = [name.strip() for name in first]
    for line, cells in lines:
        if any(cells):
            yield line, dict(zip(header, cells, strict=False))


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give the lines of a sheet with their numbers: by what it is, not by its name."""
    with path.open("rb") as file:
        packed = file.read(4) == _ZIP
    return _workbook_lines(path) if packed else _csv_lines(path)


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give the lines of a CSV."""
    from resources.sources.encoding import whole_text

    text = whole_text(path)
    head = text.partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    line = 1
    for cells in reader:
        yield line, cells
        line = reader.line_num + 1


def _workbook_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give the rows of a workbook's first sheet; cells that hold nothing are empty."""
    from resources.sources.excel.cells import Bad
    from resources.sources.excel.workbook import open_workbook

    book = open_workbook(path)
    try:
        sheet = next((one for one in book.sheets if not one.hidden), None)
        for number, cells in book.rows(sheet) if sheet is not None else ():
            texts = [""] * (cells[-1][0] + 1)
            for at, _, value in cells:
                if isinstance(value, Bad):
                    raise SourceError(
                        f"{path}, line {number}: the cell in column {at + 1} {value.reason}",
                        "put a text or a number there",
                        file=str(path),
                        line=number,
                    )
                texts[at] = value
            yield number, texts
    finally:
        book.close()


def as_meant(text: str, texts: Sequence[str]) -> str:
    """Take back the ' that was put before a cell which a spreadsheet would run as a formula.

    texts: what the cell may have held; one of them that begins with ' keeps it.
    """
    text = text.replace("\r\n", "\n")
    runs = text[1:].strip()[:1] in _FORMULA
    if text[:1] == "'" and runs and not any(each.startswith("'") for each in texts):
        return text[1:]
    return text
