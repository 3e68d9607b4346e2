"""Figures of a staged file whose rows are too wide or too heavy for DuckDB's vectors.

DuckDB handles 2,048 rows at a time, whatever their size: 5,000 columns, or texts of a megabyte,
take gigabytes then. Here the file goes by a few rows and a few columns at a time: slower, but the
figures are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assets.engine.errors import AttemptFailed
from assets.engine.sql import literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

WIDE: Final = 500
"""Columns from which a file goes by in pieces at once."""
_AT_ONCE: Final = 100
_BYTES: Final = 1 << 20
_ROWS: Final = 64
_NUMBER: Final = "file_row_number"


@dataclass(frozen=True, slots=True)
class Pick:
    """An aggregate in SQL, and the columns that it reads."""

    sql: str
    columns: tuple[str, ...] = ()


def scan(path: Path) -> str:
    """Give the SQL that scans a staged file with its row numbers."""
    return f"read_parquet({literal(str(path))}, file_row_number = true)"


def pick_all(
    con: duckdb.DuckDBPyConnection, path: Path, picks: Sequence[Pick], width: int
) -> list[Any]:
    """Give one row of aggregates over a file of `width` columns, in pieces where it must be."""
    import duckdb
    import pyarrow.parquet as pq

    if width <= WIDE:
        query = f"SELECT {', '.join(pick.sql for pick in picks)} FROM {scan(path)}"  # noqa: S608
        try:
            return list(con.execute(query).fetchall()[0])
        except duckdb.OutOfMemoryException:
            if not _reads_alike(con, path):
                raise
    elif not _reads_alike(con, path):
        return [one for group in _grouped(picks) for one in _whole(con, path, group)]
    footer = pq.read_metadata(path)
    try:
        return [one for group in _grouped(picks) for one in _in_pieces(con, path, footer, group)]
    except duckdb.OutOfMemoryException as error:
        raise _too_heavy(con, path) from error


def _grouped(picks: Sequence[Pick]) -> Iterator[list[Pick]]:
    """Give picks of a hundred columns at a time; one that reads several of them stands alone."""
    waiting: list[Pick] = []
    columns: set[str] = set()
    for pick in picks:
        heavy = len(pick.columns) > 1
        if waiting and (heavy or len(columns.union(pick.columns)) > _AT_ONCE):
            yield waiting
            waiting, columns = [], set()
        columns.update(pick.columns)
        if heavy:
            yield [pick]
        else:
            waiting.append(pick)
    if waiting:
        yield waiting


def _whole(con: duckdb.DuckDBPyConnection, path: Path, picks: Sequence[Pick]) -> tuple[Any, ...]:
    """Ask for some aggregates over the file as DuckDB reads it."""
    query = f"SELECT {', '.join(pick.sql for pick in picks)} FROM {scan(path)}"  # noqa: S608
    rows: list[tuple[Any, ...]] = con.execute(query).fetchall()
    return rows[0]


def _in_pieces(
    con: duckdb.DuckDBPyConnection, path: Path, footer: pq.FileMetaData, picks: Sequence[Pick]
) -> Iterable[Any]:
    """Ask for some aggregates while a few rows of their columns go by at a time.

    footer: of the file, read once: that of 5,000 columns takes longer than their values.
    """
    wanted = list(dict.fromkeys(name for pick in picks for name in pick.columns))
    query = f"SELECT {', '.join(pick.sql for pick in picks)} FROM pieces"  # noqa: S608
    (threads,) = con.execute("SELECT current_setting('threads')").fetchall()[0]
    with closing(_reader(path, footer, wanted)) as reader:
        con.register("pieces", reader)
        con.execute("SET threads = 1")  # each thread holds vectors of its own
        try:
            rows: list[tuple[Any, ...]] = con.execute(query).fetchall()
        finally:
            con.execute(f"SET threads = {int(threads)}")
            con.unregister("pieces")
    return rows[0]


def _reader(path: Path, footer: pq.FileMetaData, names: Sequence[str]) -> pa.RecordBatchReader:
    """Stream a file's columns with row numbers, about a megabyte at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    opened = pq.ParquetFile(path, metadata=footer)
    kinds = opened.schema_arrow
    fields = [kinds.field(name) for name in names]
    schema = pa.schema([*fields, pa.field(_NUMBER, pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        """Give small batches, and close the file."""
        number = 0
        with opened as file:
            for batch in file.iter_batches(_ROWS, columns=list(names)):
                each = max(batch.nbytes // max(batch.num_rows, 1), 1)
                rows = max(_BYTES // each, 1)
                for start in range(0, batch.num_rows, rows):
                    piece = batch.slice(start, rows)
                    numbers = pa.array(range(number, number + piece.num_rows), pa.int64())
                    columns = [piece.column(name) for name in names]
                    yield pa.RecordBatch.from_arrays([*columns, numbers], schema=schema)
                    number += piece.num_rows

    return pa.RecordBatchReader.from_batches(schema, batches())


def _too_heavy(con: duckdb.DuckDBPyConnection, path: Path) -> AttemptFailed:
    """Say which row takes more than the memory there is."""
    import pyarrow.parquet as pq

    most, at, number, column = 0, 0, 0, ""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(1):
            number += 1
            if batch.nbytes > most:
                sizes = [one.nbytes for one in batch.columns]
                most, at = batch.nbytes, number
                column = batch.schema.names[sizes.index(max(sizes))]
    (said,) = con.execute("SELECT current_setting('memory_limit')").fetchall()[0]
    return AttemptFailed(
        f"row {at:,} is too large to be checked: it has {most / 1e6:,.1f} MB (most of it in "
        f"{column!r}), and DuckDB may use {said}",
        "raise DATAOPS_MEMORY_MB to 16 times the row (docs/limits.md), or read the data in "
        "smaller pieces",
        row=at,
        column=column,
    )


def _reads_alike(con: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Tell whether DuckDB gives all columns the same types read by itself and handed over."""
    import pyarrow.parquet as pq

    def types(source: str) -> dict[str, str]:
        """Give the columns' types in DuckDB."""
        found = con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
        return {str(name): str(kind) for name, kind, *_ in found}

    footer = pq.read_metadata(path)
    names = [name for name in footer.schema.to_arrow_schema().names if name != _NUMBER]
    with closing(_reader(path, footer, names)) as reader:
        con.register("pieces", reader)
        try:
            return types("pieces") == types(scan(path))
        finally:
            con.unregister("pieces")
