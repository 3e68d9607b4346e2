"""Workbooks (.xlsx) for people: texts that Excel leaves as they are, numbers and dates it knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from resources.errors import DataOpsError
from resources.excel_ways import LONGEST
from resources.export import as_texts

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.tables import Table

SUFFIX: Final = ".xlsx"
MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 16_384
"""What a sheet of Excel's holds."""
DIGITS: Final = 15
"""Digits of a number that Excel keeps."""
AS_CSV: Final = "write it as CSV (a name that ends in .csv), which has no such limit"
_TEXT: Final = "@"
_DATE: Final = "yyyy-mm-dd"
_SECONDS: Final = "yyyy-mm-dd hh:mm:ss"
_MILLISECONDS: Final = "yyyy-mm-dd hh:mm:ss.000"
_FIRST, _LAST = 61, 2_958_465
"""Days as Excel counts them: 1900-03-01, after the day it wrongly believes in, to 9999-12-31."""
_EPOCH: Final = 25_569
"""The day 1970-01-01, as Excel counts."""
_PER_DAY: Final = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When every workbook was made, as it says itself: the same rows give the same bytes."""
Cell = tuple[Any, str]
"""A value, and the format it stands in; None and "" are empty cells."""


class WorkbookError(DataOpsError):
    """Rows that no workbook can hold."""


class _Number(float):
    """A number that is written with its own digits: the library rounds to 16."""

    digits: str

    def __format__(self, _format: str) -> str:
        """Give the digits."""
        return self.digits


class _Place(NamedTuple):
    """Where a workbook goes, and what to do where it cannot."""

    path: Path
    about: str
    otherwise: str

    def refuse(self, what: str) -> WorkbookError:
        """Say what no workbook holds."""
        return WorkbookError(
            f"{self.about} cannot be a workbook: there are {what}",
            self.otherwise,
            file=str(self.path),
        )


def is_workbook(path: Path) -> bool:
    """Tell by its name whether a file is to be a workbook."""
    return path.suffix.lower() == SUFFIX


def write_workbook(table: Table, path: Path, *, about: str = "", otherwise: str = AS_CSV) -> None:
    """Write a table as .xlsx, row by row, in bounded memory; the same table gives the same bytes.

    Texts are cells of the format Text, and no cell is a formula, whatever it begins with. Numbers,
    dates and times are what Excel counts with, where it keeps them exactly; a column of whole
    numbers or decimals beyond 15 digits is one of texts, and so are a date before 1900-03-01, a
    time finer than milliseconds, a time with its zone, and everything else: written as in a CSV.
    A missing value is an empty cell. The file appears when it is whole. Raises WorkbookError beyond
    what Excel holds, naming what it is `about` (left out = the file), row, column, and what to do
    `otherwise`: nothing is ever cut. Raises FileExistsError where a file is there.
    """
    import xlsxwriter

    place = _Place(path, about or str(path), otherwise)
    if len(table.columns) > MOST_COLUMNS:
        raise place.refuse(f"{len(table.columns):,} columns, and a sheet holds {MOST_COLUMNS:,}")
    if table.rows is not None and table.rows >= MOST_ROWS:
        raise place.refuse(f"more rows than the {MOST_ROWS:,} that a sheet holds")
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        aside = Path(folder) / path.name
        options = {"constant_memory": True, "tmpdir": folder}
        with xlsxwriter.Workbook(str(aside), options) as book:
            book.set_properties({"created": _NEVER})
            _fill(book, table, place)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        os.link(aside, path)


@cache
def _sheet_class() -> Any:
    """Give a sheet that writes every text as a text."""
    from xlsxwriter.worksheet import Worksheet

    class Sheet(Worksheet):  # type: ignore[misc]
        """The library takes a text that looks like its own markup, <r>...</r>, for markup."""

        def _xml_rich_inline_string(self, string: str, attributes: Any) -> None:
            """Write it as any text."""
            kept = string[0].isspace() or string[-1].isspace()
            self._xml_inline_string(string, kept, attributes)

        def _escape_control_characters(self, string: str) -> str:
            """Escape what XML has no form for, and the line end that its readers change."""
            escaped = str(super()._escape_control_characters(string))
            for sign in "\r\ufffe\uffff":
                escaped = escaped.replace(sign, f"_x{ord(sign):04X}_")
            return escaped

    return Sheet


def _fill(book: Any, table: Table, place: _Place) -> None:
    """Write the header and the rows."""
    names = list(table.columns)
    sheet = book.add_worksheet(worksheet_class=_sheet_class())
    sheet.freeze_panes(1, 0)
    formats = _Formats(book)
    exact = _columns_beyond_excel(table)
    for at, field in enumerate(table.schema):
        texts = at in exact or _kind(_value_type(field.type)) == "text"
        sheet.set_column(at, at, 20, formats[_TEXT] if texts else None)
    bold = book.add_format({"num_format": _TEXT, "bold": True})
    for at, name in enumerate(names):
        sheet.write_string(0, at, _held(name, name, 0, place), bold)
    for row, cells in enumerate(_rows(table, exact), start=1):
        if row >= MOST_ROWS:
            raise place.refuse(f"more rows than the {MOST_ROWS:,} that a sheet holds")
        sheet.write_blank(row, 0, None, formats[_TEXT])  # a row is there, though it is empty
        for at, (value, pattern) in enumerate(cells):
            if isinstance(value, str) and value:
                sheet.write_string(row, at, _held(value, names[at], row, place), formats[pattern])
            elif isinstance(value, bool):
                sheet.write_boolean(row, at, value)
            elif isinstance(value, int | float):
                sheet.write_number(row, at, value, formats[pattern])


class _Formats(dict[str, Any]):
    """A workbook's cell formats, each made once."""

    def __init__(self, book: Any) -> None:
        """Begin without any."""
        super().__init__({"": None})
        self._book = book

    def __missing__(self, pattern: str) -> Any:
        """Make one."""
        self[pattern] = self._book.add_format({"num_format": pattern})
        return self[pattern]


def _held(text: str, column: str, row: int, place: _Place) -> str:
    """Give a text that a cell holds; raises WorkbookError where it is too long."""
    if len(text) > LONGEST // 2 and len(text.encode("utf-16-le")) // 2 > LONGEST:
        where = f"{len(text):,} characters in {column!r} of row {row + 1:,}"
        raise place.refuse(f"{where}, and a cell holds {LONGEST:,}")
    return text


def _rows(table: Table, exact: set[int]) -> Iterator[tuple[Cell, ...]]:
    """Stream the rows as cells."""
    for batch in table.batches():
        columns = [
            _text_cells(column) if at in exact else _cells(column)
            for at, column in enumerate(map(_decoded, batch.columns))
        ]
        yield from zip(*columns, strict=True)


def _decoded(column: pa.Array) -> pa.Array:
    """Give a column's values themselves, where it holds places in a dictionary."""
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _value_type(kind: pa.DataType) -> pa.DataType:
    """Give the type of a column's values themselves."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _columns_beyond_excel(table: Table) -> set[int]:
    """Give the columns of whole numbers and decimals of which one has more digits than Excel keeps.

    All of such a column is written as texts: numbers and texts in one do not sort or look up.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    types = [_value_type(field.type) for field in table.schema]
    wide = [
        at
        for at, kind in enumerate(types)
        if kind in (pa.int64(), pa.uint64())
        or (pa.types.is_decimal(kind) and kind.precision > DIGITS)
    ]
    beyond: set[int] = set()
    for batch in table.batches() if wide else ():
        for at in wide:
            ends = pc.min_max(_decoded(batch.column(at)))
            least, most = (end.as_py() for end in ends.values())
            scale = types[at].scale if pa.types.is_decimal(types[at]) else 0
            if least is not None and max(abs(least), abs(most)) >= 10 ** (DIGITS - scale):
                beyond.add(at)
    return beyond


def _kind(kind: pa.DataType) -> str:
    """Give what Excel has for a type: number, boolean, date, time, or text."""
    import pyarrow as pa

    types = pa.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_boolean(kind):
        return "boolean"
    if types.is_date(kind):
        return "date"
    return "time" if types.is_timestamp(kind) and kind.tz is None else "text"


def _cells(column: pa.Array) -> list[Cell]:
    """Give a column's cells."""
    makers: dict[str, Callable[[pa.Array], list[Cell]]] = {
        "number": _number_cells,
        "boolean": lambda truths: [(v, "") for v in truths.to_pylist()],
        "date": _date_cells,
        "time": _time_cells,
        "text": _text_cells,
    }
    return makers[_kind(column.type)](column)


def _text_cells(column: pa.Array) -> list[Cell]:
    """Give values as a CSV has them."""
    return [(text, _TEXT) for text in as_texts(column).to_pylist()]


def _number_cells(column: pa.Array) -> list[Cell]:
    """Give numbers with the digits a CSV has; what is no number (nan, inf) as text."""
    import pyarrow as pa

    kind = column.type
    pattern = "" if pa.types.is_floating(kind) else "0"
    if pa.types.is_decimal(kind) and kind.scale > 0:
        pattern = f"0.{'0' * kind.scale}"
    return [_number(text, pattern) for text in as_texts(column).to_pylist()]


def _number(digits: str | None, pattern: str) -> Cell:
    """Give a number that is written with these digits."""
    number = None if digits is None else _Number(digits)
    if number is None or digits is None or not isfinite(number):
        return digits, _TEXT
    number.digits = digits
    return number, pattern


def _date_cells(column: pa.Array) -> list[Cell]:
    """Give days as Excel counts them."""
    import pyarrow as pa

    days = column.cast(pa.date32()).cast(pa.int32()).to_pylist()
    texts = as_texts(column).to_pylist()
    return [
        (text, _TEXT) if day is None or not _is_known(day) else (day + _EPOCH, _DATE)
        for day, text in zip(days, texts, strict=True)
    ]


def _is_known(day: int) -> bool:
    """Tell days since 1970-01-01 that Excel counts as others do."""
    return _FIRST <= day + _EPOCH <= _LAST


def _time_cells(column: pa.Array) -> list[Cell]:
    """Give moments as days and parts of them; finer than milliseconds is none that Excel keeps."""
    import pyarrow as pa

    per_day = _PER_DAY[column.type.unit]
    counts, texts = column.cast(pa.int64()).to_pylist(), as_texts(column).to_pylist()
    return [_time(n, per_day, text) for n, text in zip(counts, texts, strict=True)]


def _time(count: int | None, per_day: int, text: str | None) -> Cell:
    """Give a moment's cell."""
    if count is None:
        return None, ""
    day, rest = divmod(count, per_day)
    milliseconds, finer = divmod(rest * _PER_DAY["ms"], per_day)
    if finer or not _is_known(day):
        return text, _TEXT
    pattern = _MILLISECONDS if milliseconds % 1000 else _SECONDS
    return _number(repr(day + _EPOCH + milliseconds / _PER_DAY["ms"]), pattern)
