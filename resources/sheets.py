"""Sheets: CSVs that people fill in with a spreadsheet, in whatever form it saved them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Final

_FORMULA: Final = tuple("=+-@＝＋－＠")


def sheet_columns(path: Path) -> list[str]:
    """Give the names of a CSV's columns."""
    from resources.sources.encoding import whole_text

    return _begun(whole_text(path))[0]


def _begun(text: str) -> tuple[list[str], Any]:
    """Give the header of a CSV, and what reads the lines after it."""
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    return [name.strip() for name in next(reader, [])], reader


def sheet_records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the rows of a CSV as fields, with their lines, in whatever form Excel saved it."""
    from resources.sources.encoding import whole_text

    header, reader = _begun(whole_text(path))
    while True:
        line = reader.line_num + 1
        cells = next(reader, None)
        if cells is None:
            return
        if any(cells):
            yield line, dict(zip(header, cells, strict=False))


def as_meant(text: str, texts: Sequence[str]) -> str:
    """Take back the ' that was put before a cell which a spreadsheet would run as a formula.

    texts: what the cell may have held; one of them that begins with ' keeps it.
    """
    text = text.replace("\r\n", "\n")
    runs = text[1:].strip()[:1] in _FORMULA
    if text[:1] == "'" and runs and not any(each.startswith("'") for each in texts):
        return text[1:]
    return text
