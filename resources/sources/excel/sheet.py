"""The rows of one sheet of an .xlsx file, while its XML goes by."""

from __future__ import annotations

import re
from typing import Final

from resources.sources.excel.cells import Cell, Row, Value, bad, error, number, unescaped
from resources.sources.excel.strings import SharedStrings
from resources.sources.excel.workbook import Merge

COLUMNS: Final = 16_384
ROWS: Final = 1_048_576
_LETTERS: Final = re.compile(r"([A-Za-z]{1,3})\$?\d*")
_MERGED: Final = re.compile(r"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})")


class SheetRows:
    """Collects the rows of a sheet; `rows` holds those that are complete."""

    def __init__(self, texts: SharedStrings, forms: list[str | None], *, from_1904: bool) -> None:
        """texts: the workbook's. forms: how each cell style shows numbers."""
        self.rows: list[Row] = []
        self._texts = texts
        self._forms = forms
        self._from_1904 = from_1904
        self._number = 0
        self._cells: list[Cell] | None = None
        self._column = -1
        self._kind: str | None = None
        self._style: str | None = None
        self._formula: str | None = None
        self._value: str | None = None
        self._pieces: list[str] = []
        self._collecting = False
        self._aids = 0
        self._columns: dict[str, int] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin a row, a cell, or what is in one."""
        if ":" in name:
            name = name.rpartition(":")[2]
        if name == "row":
            self._number = int(attributes.get("r") or self._number + 1)
            if not 0 < self._number <= ROWS:
                raise ValueError(f"row {self._number} is beyond Excel's grid")
            self._cells, self._column = [], -1
        elif self._cells is None:
            return
        elif name == "c":
            get = attributes.get
            reference = get("r")
            at = self._column + 1 if reference is None else self._at(reference)
            if at <= self._column:
                raise ValueError(f"cell {reference} stands behind a later one")
            self._column = at
            self._kind, self._style = get("t"), get("s")
            self._value, self._formula = None, None
        elif name in ("v", "f") or (name == "t" and not self._aids):
            self._collecting = True
            self._pieces.clear()
        elif name == "rPh":
            self._aids += 1

    def end(self, name: str) -> None:
        """End it."""
        if ":" in name:
            name = name.rpartition(":")[2]
        if self._cells is None:
            return
        if name in ("v", "f"):
            self._take(name)
        elif name == "c":
            value = self._read()
            if value is not None:
                self._cells.append((self._column, *value))
        elif name == "row":
            if self._cells:
                self.rows.append((self._number, self._cells))
            self._cells = None
        elif name == "t" and self._collecting:
            self._collecting = False
            self._value = (self._value or "") + "".join(self._pieces)
        elif name == "rPh":
            self._aids -= 1

    def text(self, text: str) -> None:
        """Take a piece of text."""
        if self._collecting:
            self._pieces.append(text)

    def _take(self, name: str) -> None:
        """Take the text of a value or a formula that ends here."""
        self._collecting = False
        if name == "v":
            self._value = "".join(self._pieces)
        else:
            self._formula = "".join(self._pieces)

    def _read(self) -> Value | None:
        """Give the value of the cell that ends here."""
        value, kind = self._value, self._kind
        if not value and (value is None or kind in (None, "n", "s")):
            if self._formula is not None:  # "" = it is written at another cell
                held = self._formula and f"={self._formula}"
                return bad(held, "holds a formula that was never calculated")
            return ("text", "") if kind == "inlineStr" else None
        if kind is None or kind == "n":
            form = self._forms[int(self._style)] if self._style else None
            return number(value, form, from_1904=self._from_1904)
        if kind == "s":
            return self._shared(value)
        return _OTHER[kind](value)

    def _shared(self, value: str) -> Value:
        """Give a text by its number among the workbook's."""
        try:
            return ("text", self._texts[int(value)])
        except (ValueError, IndexError):
            return bad(value, f"refers to text number {value!r}, which the workbook does not have")

    def _at(self, reference: str) -> int:
        """Give the position of a cell's column."""
        letters = reference.rstrip("0123456789")
        at = self._columns.get(letters)
        if at is None:
            at = self._columns[letters] = column_at(letters)
        return at


def _flag(text: str) -> Value:
    """Read true or false."""
    return ("bool", "true" if text in ("1", "true") else "false")


def _iso(text: str) -> Value:
    """Read a date that is written as such."""
    bare = text.removesuffix("Z").replace("T", " ")
    kind = "date" if re.fullmatch(r"\d{4}-\d\d-\d\d", bare) else "text"
    return (kind, bare)


_OTHER: Final = {
    "str": lambda text: ("text", unescaped(text)),
    "inlineStr": lambda text: ("text", unescaped(text)),
    "b": _flag,
    "e": error,
    "d": _iso,
}


def column_at(letters: str) -> int:
    """Give the position, from 0, of the column with these letters."""
    at = 0
    for letter in letters.upper():
        at = at * 26 + ord(letter) - 64 if "A" <= letter <= "Z" else COLUMNS + 1
    if not 0 < at <= COLUMNS:
        raise ValueError(f"column {letters!r} is beyond Excel's grid")
    return at - 1


class MergeFinder:
    """Collects the merged cells of a sheet."""

    def __init__(self) -> None:
        self.merges: list[Merge] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Keep a range of merged cells."""
        if name.endswith("mergeCell") and (match := _MERGED.fullmatch(attributes.get("ref", ""))):
            left, top, right, bottom = match.groups()
            self.merges.append(Merge(int(top), column_at(left), int(bottom), column_at(right)))

    def end(self, name: str) -> None:
        """Pass over an end."""

    def text(self, text: str) -> None:
        """Pass over text."""
