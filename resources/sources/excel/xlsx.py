"""Workbooks of Excel 2007 and later (.xlsx, .xlsm), streamed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from resources.errors import SourceError
from resources.sources.excel.cells import Row, form_of
from resources.sources.excel.package import Package, damaged, plain_reason, related_id
from resources.sources.excel.sheet import MergeFinder, SheetRows
from resources.sources.excel.strings import SharedStrings
from resources.sources.excel.workbook import Merge, Sheet
from resources.sources.xml_parser import Handler, XmlParser

MOST_CELLS: Final = 200_000_000
"""Cells that one sheet may hold."""
_DAMAGE: Final = (ValueError, KeyError, IndexError, OverflowError)


class Xlsx:
    """One .xlsx or .xlsm file."""

    def __init__(self, file: Path) -> None:
        """Open the file and list its sheets."""
        self._package = Package(file)
        self._file = file
        self._book = self._find_book()
        self._related = self._package.related(self._book)
        self._from_1904 = False
        self.sheets = tuple(self._list())

    def close(self) -> None:
        """Close the file."""
        self._package.close()

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Stream the rows of a sheet that hold something."""
        found = SheetRows(self._texts, self._forms, from_1904=self._from_1904)
        cells = 0
        for _ in self._parse(sheet, found):
            for row in found.rows:
                cells += len(row[1])
                yield row
            found.rows.clear()
            if cells > MOST_CELLS:
                raise SourceError(
                    f"{self._file}, sheet {sheet.name!r}, has more than {MOST_CELLS:,} cells",
                    "save its data as CSV",
                    file=str(self._file),
                )

    def merges(self, sheet: Sheet) -> tuple[Merge, ...]:
        """Give the merged cells of a sheet: they stand behind its rows."""
        found = MergeFinder()
        for _ in self._parse(sheet, found):
            pass
        return tuple(found.merges)

    def _parse(self, sheet: Sheet, handler: Handler) -> Iterator[XmlParser]:
        """Stream a sheet's XML."""
        try:
            yield from self._package.parse(sheet.place, handler)
        except _DAMAGE as error:
            reason = plain_reason(error)
            raise damaged(self._file, f"sheet {sheet.name!r}: {reason}") from error

    def _find_book(self) -> str:
        """Give the part that lists the sheets."""
        for kind, part in self._package.related("").values():
            if kind == "officeDocument":
                if part.endswith(".bin"):
                    raise self._other("a binary workbook (.xlsb)")
                if part.startswith("xl/") or self._package.elements(part, "workbook"):
                    return part
                raise self._other("an Office document")
        if self._package.has("mimetype"):
            raise self._other("an OpenDocument file")
        raise self._other("a zip file")

    def _other(self, what: str) -> SourceError:
        """Say what kind of file this is."""
        return SourceError(
            f"{self._file} is {what}, not a workbook that can be read here",
            "open it in Excel (or unpack it) and save it as .xlsx",
            file=str(self._file),
        )

    def _list(self) -> Iterator[Sheet]:
        """List the sheets that hold cells, and note from when the workbook counts days."""
        for name, it in self._package.elements(self._book, "sheet", "workbookPr"):
            if name == "workbookPr":
                self._from_1904 = it.get("date1904") in ("1", "true")
                continue
            kind, part = self._related.get(related_id(it), ("", ""))
            if kind == "worksheet":
                yield Sheet(it.get("name", ""), part, it.get("state", "visible") != "visible")

    @cached_property
    def _texts(self) -> SharedStrings:
        """Read the shared texts."""
        return SharedStrings(self._package, self._part("sharedStrings"))

    @cached_property
    def _forms(self) -> list[str | None]:
        """Tell for each cell style how it shows numbers."""
        part = self._part("styles")
        if part is None:
            return [None]
        codes: dict[str, str] = {}
        styles: list[str] = []
        within = False
        for name, it in self._package.elements(
            part, "numFmt", "cellXfs", "cellStyles", "xf", "dxfs"
        ):
            if name == "numFmt":
                codes.setdefault(it.get("numFmtId", ""), it.get("formatCode", ""))
            elif name == "xf" and within:
                styles.append(it.get("numFmtId", "0"))
            elif name != "xf":
                within = name == "cellXfs"
        try:
            return [form_of(int(style), codes.get(style)) for style in styles] or [None]
        except ValueError as error:
            raise damaged(self._file, f"styles: {plain_reason(error)}") from error

    def _part(self, wanted: str) -> str | None:
        """Give the part of a kind that the workbook refers to."""
        for kind, part in self._related.values():
            if kind == wanted and self._package.has(part):
                return part
        return None
