"""Excel files read as one table: typed by their cells, each row once, in bounded memory."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError, did_you_mean
from resources.rejects import Rejects
from resources.sources.excel.layout import Layout, Read, read_sheet
from resources.sources.excel.workbook import Sheet, Workbook, open_workbook
from resources.sources.header import check_same
from resources.sources.json_text import Written

if TYPE_CHECKING:
    import pyarrow as pa

ALL: Final = "*"


class ExcelFiles:
    """Workbooks read as one table; the sheets that are read share their columns."""

    def __init__(
        self,
        files: tuple[Path, ...],
        rejects: Rejects,
        *,
        typed: bool,
        sheet: str | int | None = None,
        header_rows: int = 1,
        skip: int = 0,
    ) -> None:
        """Read `files`; sheet: its name, its number from 1, or "*" (None = the first with rows)."""
        self.files = files
        self._rejects = rejects
        self._typed = typed
        self._sheet = sheet
        self._layout = Layout(_count("skip", skip, 0), _count("header_rows", header_rows, 1))

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the columns, with the types that all their cells have, or else text."""
        import pyarrow as pa

        if not self._typed:
            return pa.schema([(name, pa.string()) for name in self._types])
        return pa.schema(list(self._types.items()))

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        import pyarrow as pa

        schema = self.schema
        for read in self._read:
            for texts in self._texts(read):
                columns = [_cast(texts.column(field.name), field.type) for field in schema]
                batch = pa.RecordBatch.from_arrays(columns, schema=schema)
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream rows, numbers and truth values as such, each with its file."""
        reads = {name: _FROM_TEXT.get(str(kind), str) for name, kind in self._types.items()}
        for read in self._read:
            for texts in self._texts(read):
                for row in texts.to_pylist():
                    yield read.file, {
                        name: None if row[name] is None else as_value(row[name])
                        for name, as_value in reads.items()
                    }

    @cached_property
    def _read(self) -> tuple[Read, ...]:
        """Read all sheets, once: what does not fit goes aside here."""
        found: list[Read] = []
        for file in self.files:
            for read in self._read_file(file):
                first = found[0] if found else read
                one, other = (f"{it.file} (sheet {it.sheet.name!r})" for it in (first, read))
                check_same(Path(one), first.names.values(), Path(other), read.names.values())
                found.append(read)
        return tuple(found)

    def _read_file(self, file: Path) -> Iterator[Read]:
        """Read the sheets of one file that are asked for."""
        book = open_workbook(file)
        try:
            count = 0
            for sheet in _chosen(book, file, self._sheet):
                read = read_sheet(file, book, sheet, self._layout, self._rejects.add)
                if read is not None:
                    count += 1
                    yield read
                    if self._sheet is None:
                        return
            if not count:
                raise _nothing(book, file, self._sheet)
        finally:
            book.close()

    def _texts(self, read: Read) -> Iterator[pa.RecordBatch]:
        """Stream the rows of one sheet as texts, in the columns' common order."""
        import pyarrow as pa

        places = {name: at for at, name in read.names.items()}
        names = list(self._types)
        for batch in read.spool.batches():
            yield pa.RecordBatch.from_arrays([batch.column(places[n]) for n in names], names=names)

    @cached_property
    def _types(self) -> dict[str, pa.DataType]:
        """Give the columns, and the type that keeps all cells of each."""
        kinds: dict[str, set[str]] = {}
        for read in self._read:
            for at, name in read.names.items():
                kinds.setdefault(name, set()).update(read.spool.kinds[at])
        return {name: _type_of(seen) for name, seen in kinds.items()}


def _type_of(kinds: set[str]) -> pa.DataType:
    """Give the one type that keeps all values of a column."""
    import pyarrow as pa

    choices = (
        ({"exact", "int64"}, pa.int64()),
        ({"exact", "float"}, pa.float64()),
        ({"bool"}, pa.bool_()),
        ({"date"}, pa.date32()),
        ({"date", "datetime"}, pa.timestamp("us")),
        ({"time"}, pa.time64("us")),
    )
    return next((kind for those, kind in choices if kinds and kinds <= those), pa.string())


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Read texts as the type that all of them are written in."""
    import pyarrow as pa

    if pa.types.is_time(kind):  # Arrow does not read these
        written = texts.to_pylist()
        return pa.array([None if it is None else time.fromisoformat(it) for it in written], kind)
    return texts.cast(kind)


def _true(text: str) -> bool:
    """Read a truth value."""
    return text == "true"


_FROM_TEXT: Final[dict[str, Any]] = {"int64": int, "double": Written, "bool": _true}


def _chosen(book: Workbook, file: Path, asked: str | int | None) -> Iterable[Sheet]:
    """Give the sheets that are asked for."""
    if asked is None or asked == ALL:
        return [sheet for sheet in book.sheets if not sheet.hidden]
    if isinstance(asked, int):
        if 0 < asked <= len(book.sheets):
            return [book.sheets[asked - 1]]
    else:
        for sheet in book.sheets:
            if _plain(sheet.name) == _plain(asked):
                return [sheet]
    names = [sheet.name for sheet in book.sheets]
    raise SourceError(
        f"{file} has no sheet {asked!r}{did_you_mean(str(asked), names)}",
        f"name one of its sheets ({', '.join(names)}), or give its number from 1",
        file=str(file),
        sheet=asked,
    )


def _plain(name: str) -> str:
    """Give a sheet's name as Excel compares it."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def _nothing(book: Workbook, file: Path, asked: str | int | None) -> SourceError:
    """Say that there are no rows where they were looked for."""
    hidden = [sheet.name for sheet in book.sheets if sheet.hidden]
    if asked not in (None, ALL):
        problem, fix = (
            f"has no rows in its sheet {asked!r}",
            "name another sheet, or skip fewer lines",
        )
    elif hidden:
        problem, fix = "has no rows in a sheet that Excel shows", f"name a hidden one: {hidden}"
    else:
        problem, fix = "has no rows in any sheet", "put data in it, or take it off source="
    return SourceError(f"{file} {problem}", fix, file=str(file))


def _count(name: str, value: int, least: int) -> int:
    """Hold an option to a whole number."""
    if type(value) is int and value >= least:
        return value
    raise SourceError(
        f"{name}={value!r} is not a number of rows",
        f"give a whole number from {least}",
        option=name,
    )
