"""Workbooks of Excel 97 to 2003 (.xls), through xlrd: at most 65,536 rows a sheet, in memory."""

from __future__ import annotations

import mmap
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from resources.errors import SourceError
from resources.hosts import is_hosts
from resources.sources.excel.cells import Cell, Row, Value, error, form_of, shown
from resources.sources.excel.package import damaged, plain_reason
from resources.sources.excel.workbook import Merge, Sheet

LARGEST: Final = 64 << 20
"""Bytes of a file: all its sheets, full, stay well below 1 GB in memory."""
_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")


class Xls:
    """One .xls file."""

    def __init__(self, file: Path) -> None:
        """Read the file."""
        import xlrd

        self._file = file
        self._refuse()
        with self._damage(), Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            self._book = xlrd.open_workbook(
                str(file), logfile=nowhere, formatting_info=True, ragged_rows=True
            )
            self.sheets = tuple(
                Sheet(sheet.name, str(at), sheet.visibility > 0)
                for at, sheet in enumerate(self._book.sheets())
            )
            self._forms = [self._form(style.format_key) for style in self._book.xf_list]

    def close(self) -> None:
        """Let go of what was read."""
        self._book.release_resources()

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Stream the rows of a sheet that hold something."""
        with self._damage():
            found = self._book.sheet_by_index(int(sheet.place))
        for at in range(found.nrows):
            with self._damage():
                cells = list(self._cells(found, at))
            if cells:
                yield at + 1, cells

    def merges(self, sheet: Sheet) -> tuple[Merge, ...]:
        """Give the merged cells of a sheet."""
        found = self._book.sheet_by_index(int(sheet.place)).merged_cells
        return tuple(Merge(top + 1, left, bottom, right - 1) for top, bottom, left, right in found)

    def _cells(self, sheet: Any, row: int) -> Iterator[Cell]:
        """Give the cells of a row that hold something."""
        for at, (kind, value) in enumerate(
            zip(sheet.row_types(row), sheet.row_values(row), strict=True)
        ):
            found = self._value(kind, value, sheet.cell_xf_index(row, at))
            if found is not None:
                yield at, *found

    def _value(self, kind: int, value: Any, style: int) -> Value | None:
        """Read one cell."""
        import xlrd

        if kind == xlrd.XL_CELL_TEXT:
            return ("text", value)
        if kind in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
            return shown(value, self._forms[style], from_1904=self._book.datemode == 1)
        if kind == xlrd.XL_CELL_BOOLEAN:
            return ("bool", "true" if value else "false")
        if kind == xlrd.XL_CELL_ERROR:
            return error(xlrd.error_text_from_code.get(value, f"number {value}"))
        return None

    def _form(self, key: int) -> str | None:
        """Tell how cells in a number format show numbers; what the workbook says comes first."""
        found = self._book.format_map.get(key)
        return form_of(key, (found.format_str if found else None) or None)

    def _refuse(self) -> None:
        """Refuse what is locked, and what is too large for memory."""
        with (
            self._damage(),
            self._file.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            size, locked = len(data), data.find(_LOCKED) >= 0
        if locked:
            raise _locked(self._file)
        if size > LARGEST:
            raise SourceError(
                f"{self._file} has {size:,} bytes; .xls files are read up to {LARGEST:,}",
                "save it as .xlsx, which is streamed",
                file=str(self._file),
            )

    @contextmanager
    def _damage(self) -> Generator[None]:
        """Turn whatever damaged bytes lead xlrd to into a SourceError."""
        try:
            yield
        except SourceError:
            raise
        except Exception as error:
            if is_hosts(error):
                raise
            if "encrypted" in str(error).lower() or "password" in str(error).lower():
                raise _locked(self._file) from error
            raise damaged(self._file, plain_reason(error)) from error


def _locked(file: Path) -> SourceError:
    """Say that a workbook is locked."""
    return SourceError(
        f"{file} is encrypted with a password",
        "open it in Excel and save it without one (File, Info, Protect Workbook)",
        file=str(file),
    )
