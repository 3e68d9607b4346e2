"""Tables as the product hands them over: streamed, lazy, readable by Arrow, DuckDB and pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from resources.errors import DataOpsError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_WIDE: Final = 64
_EXACT: Final = 1 << 53
"""The greatest whole number up to which a float holds all."""


class Table:
    """Rows that are read when they are asked for, in batches, as often as they are asked for.

    Anything that speaks the Arrow C stream (pyarrow, DuckDB, polars, pandas 3) can scan it:
    `duckdb.sql("from table")`, `pa.table(table)`, `polars.from_arrow(table)`.
    """

    def __init__(
        self,
        schema: Callable[[], pa.Schema],
        batches: Callable[[int], Iterator[pa.RecordBatch]],
        *,
        rows: int | None = None,
        volatile: frozenset[str] = frozenset(),
        files: tuple[Path, ...] = (),
    ) -> None:
        """Make a table from two functions: its Arrow schema, and batches of at most n rows.

        volatile: columns that we filled ourselves and that do not count as content.
        files: the Parquet files behind it, where it is exactly those.
        """
        self._schema = schema
        self._batches = batches
        self.rows = rows
        self.volatile = volatile
        self.files = files

    @property
    def schema(self) -> pa.Schema:
        """Give the Arrow schema."""
        return self._schema()

    @property
    def columns(self) -> list[str]:
        """Give the column names, in order."""
        return list(self.schema.names)

    def batches(self, rows: int = 10_000) -> Iterator[pa.RecordBatch]:
        """Stream record batches of at most `rows` rows, in order."""
        return self._batches(rows)

    def frames(self, rows: int = 10_000) -> Iterator[pd.DataFrame]:
        """Stream pandas DataFrames of at most `rows` rows, in order."""
        return (exact_frame(batch) for batch in self.batches(rows))

    def to_arrow(self) -> pa.Table:
        """Read everything into one Arrow table (in memory)."""
        import pyarrow as pa

        return pa.Table.from_batches(self.batches(), schema=self.schema)

    def to_pandas(self) -> pd.DataFrame:
        """Read everything into one pandas DataFrame (in memory)."""
        return exact_frame(self.to_arrow())

    def map(
        self,
        function: Callable[[pa.RecordBatch], pa.RecordBatch],
        schema: Callable[[], pa.Schema] | None = None,
    ) -> Table:
        """Give the table whose batches are `function(batch)`; lazy, one batch at a time."""
        return Table(
            schema or self._schema,
            lambda rows: (function(batch) for batch in self.batches(rows)),
            volatile=self.volatile,
        )

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Offer the rows as an Arrow C stream."""
        import pyarrow as pa

        reader = pa.RecordBatchReader.from_batches(self.schema, self.batches())
        return reader.__arrow_c_stream__(requested_schema)


def exact_frame(table: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    """Give a table as pandas has it; whole numbers that a float cannot hold stay whole numbers.

    pandas makes floats of whole numbers where some are missing: 9007199254740993 would end in 2.
    """
    import pyarrow.compute as pc
    from pyarrow import types

    frame: pd.DataFrame = table.to_pandas()
    for at, field in enumerate(table.schema):
        column = table.column(at)
        if types.is_nested(field.type) and "int64" in str(field.type):
            frame.isetitem(at, column.to_pandas(integer_object_nulls=True))
        elif types.is_integer(field.type) and field.type.bit_width == _WIDE and column.null_count:
            found = pc.min_max(column)
            if max(abs(found["min"].as_py() or 0), abs(found["max"].as_py() or 0)) > _EXACT:
                frame.isetitem(at, column.to_pandas(types_mapper=_whole))
    return frame


def _whole(kind: pa.DataType) -> Any:
    """Give pandas' own type of whole numbers that may be missing."""
    import pandas as pd
    from pyarrow import types

    return pd.UInt64Dtype() if types.is_unsigned_integer(kind) else pd.Int64Dtype()


def parquet_table(files: Sequence[Path], rows: int | None = None, *, skip: int = 0) -> Table:
    """Give the table that lies in Parquet `files`, in that order (they share one schema).

    skip: how many rows of the first file are left out.
    """

    def schema() -> pa.Schema:
        """Read the schema from the first file's footer."""
        import pyarrow.parquet as pq

        return pq.read_schema(files[0]).remove_metadata()

    def batches(size: int) -> Iterator[pa.RecordBatch]:
        """Stream the files one after the other."""
        for at, file in enumerate(files):
            yield from _read(file, size, 0 if at else skip)

    return Table(schema, batches, rows=rows, files=() if skip else tuple(files))


def _read(file: Path, size: int, skip: int) -> Iterator[pa.RecordBatch]:
    """Stream a Parquet file from its row `skip` on; row groups before it are not read."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        groups = list(range(parquet.num_row_groups))
        while skip and groups and parquet.metadata.row_group(groups[0]).num_rows <= skip:
            skip -= parquet.metadata.row_group(groups.pop(0)).num_rows
        for batch in parquet.iter_batches(batch_size=size, row_groups=groups):
            left_out = min(skip, batch.num_rows)
            skip -= left_out
            yield batch.slice(left_out) if left_out else batch


def as_batches(value: object, rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Turn whatever an asset's function returned into a schema and a stream of record batches.

    Takes a Table, a pandas DataFrame, anything with an Arrow C stream (Arrow table, record batch
    reader, DuckDB relation, polars frame), or an iterator of these. Raises DataOpsError else.
    """
    import pyarrow as pa

    if isinstance(value, Table):
        return value.schema, value.batches(rows)
    if _is_frame(value):
        table = _from_frame(cast("pd.DataFrame", value))
        return table.schema.remove_metadata(), iter(table.to_batches(max_chunksize=rows))
    if hasattr(value, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(value)
        return reader.schema, _split(reader, rows)
    if isinstance(value, pa.RecordBatch):
        return value.schema, _split([value], rows)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | dict):
        return _from_iterator(iter(value), rows)
    raise DataOpsError(
        f"the function returned {type(value).__name__}, which is not a table",
        "return a DataFrame, an Arrow table, a DuckDB relation, a Table, or an iterator of these",
    )


def _is_frame(value: object) -> bool:
    """Tell a pandas DataFrame without importing pandas."""
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.split(".")[0] == "pandas"


def _from_frame(frame: pd.DataFrame) -> pa.Table:
    """Give a DataFrame as an Arrow table; a column of mixed types becomes text, nothing is lost."""
    import pyarrow as pa

    if not frame.columns.is_unique:
        twice = [str(name) for name in frame.columns[frame.columns.duplicated()].unique()]
        raise DataOpsError(
            f"the table has more than one column called {', '.join(map(repr, twice))}",
            "rename them, so that each name stands once",
        )
    mixed = {at for at in range(frame.shape[1]) if _mixes_truth(frame.iloc[:, at])}
    if not mixed:
        with suppress(
            pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError
        ):
            return pa.Table.from_pandas(frame, preserve_index=False)
    arrays = []
    for position in range(frame.shape[1]):
        column = frame.iloc[:, position]
        try:
            if position in mixed:
                raise pa.ArrowInvalid("numbers and truth values")
            arrays.append(pa.array(column, from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            arrays.append(_as_texts(column))
        except pa.ArrowNotImplementedError as error:
            raise DataOpsError(
                f"the column {str(frame.columns[position])!r} has the type {column.dtype}, "
                f"for which tables have none ({error})",
                "hand over its parts as columns of their own, or its texts: .astype(str)",
                column=str(frame.columns[position]),
            ) from None
    return pa.Table.from_arrays(arrays, names=[str(name) for name in frame.columns])


def _mixes_truth(column: pd.Series[Any]) -> bool:
    """Tell a column of numbers and truth values, in which Arrow would make numbers of all."""
    if column.dtype != object:
        return False
    kinds = {type(value) for value in column}
    return bool in kinds and bool({int, float} & kinds)


def _as_texts(column: pd.Series[Any]) -> pa.Array:
    """Give a column of mixed types as texts; bytes have none, beside other values.

    Raises DataOpsError, which names the column.
    """
    import pyarrow as pa

    if any(isinstance(value, bytes | bytearray) for value in column):
        raise DataOpsError(
            f"the column {str(column.name)!r} holds bytes beside other values",
            "return one type in a column, or decode the bytes",
            column=str(column.name),
        )
    missing = column.isna()
    texts = [None if gone else str(v) for v, gone in zip(column, missing, strict=True)]
    return pa.array(texts, pa.string())


def _from_iterator(values: Iterator[Any], rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Stream an iterator of tables; the first one's schema holds for all."""
    first = next(values, None)
    if first is None:
        raise DataOpsError(
            "the function returned an iterator without a single table, so its columns are unknown",
            "yield at least one table, empty if need be, or declare a schema",
            empty=True,
        )
    if isinstance(first, dict | list | tuple | str):
        raise DataOpsError(
            f"the function yields {type(first).__name__}, which is not a table",
            "yield DataFrames or Arrow record batches",
        )
    schema, batches = as_batches(first, rows)

    def rest() -> Iterator[pa.RecordBatch]:
        """Stream the tables after the first."""
        for value in values:
            yield from as_batches(value, rows)[1]

    return schema, chain(batches, rest())


def _split(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Cut batches that are longer than `rows`."""
    for batch in batches:
        for start in range(0, max(batch.num_rows, 1), rows):
            yield batch.slice(start, rows)


class Previous(Table):
    """An asset's own current version, handed to its function; it has no rows before the first."""
