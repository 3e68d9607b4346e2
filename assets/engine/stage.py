"""Staging: stream what the function returned into a Parquet file aside, with the declared types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assets.engine.casting import cast_array, cast_rows, not_exact, not_json
from assets.engine.errors import SchemaMismatch
from resources.columns import Column, arrow_type
from resources.errors import DataOpsError, did_you_mean
from resources.files import FileFacts, HashingFile
from resources.rejects import Reject, Rejects, row_json
from resources.tables import Table, as_batches
from resources.values.misfits import Misfits
from resources.values.reading import in_plain
from resources.values.widening import widened
from resources.values.written import Written
from resources.wording import counted

if TYPE_CHECKING:
    import pyarrow as pa

_DIGITS: Final = 38
"""What a decimal of DuckDB and of most databases may have; one with more is kept as text."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A finished file aside. rows: in the file; ignored: columns that the schema does not have.

    came: the columns that were handed over (none where nothing was).
    """

    path: Path
    facts: FileFacts
    rows: int
    schema: pa.Schema
    ignored: tuple[str, ...] = ()
    came: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Casting:
    """How a batch gets its types: of declared columns, of rows that it joins, or as they come.

    jsons: columns that hold JSON. before: how many rows came before the batch. written: how texts
    are written, by column. misfits: those that are written otherwise.
    """

    declared: bool
    joins: bool
    jsons: frozenset[str]
    before: int
    written: Mapping[str, Written]
    misfits: Misfits


class StagedWriter:
    """Write record batches to a Parquet file aside, hashed as written."""

    def __init__(self, path: Path, schema: pa.Schema, compression: str) -> None:
        """Open the file; row groups are about 100,000 rows."""
        import pyarrow.parquet as pq

        self.schema = schema
        self.rows = 0
        self._sink = HashingFile(path)
        self._waiting: list[pa.RecordBatch] = []
        self._held = 0
        try:
            self._writer = pq.ParquetWriter(self._sink, schema, compression=compression)
        except BaseException:
            self._sink.abort()
            raise

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; it reaches the file with its row group."""
        self._waiting.append(batch)
        self._held += batch.num_rows
        self.rows += batch.num_rows
        if self._held >= 100_000:
            self._flush()

    def _flush(self) -> None:
        """Write what is waiting as one row group."""
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self.schema))
            self._waiting, self._held = [], 0

    def close(self) -> FileFacts:
        """Finish the file and read it back; raises TransientError where the disk lost bytes."""
        try:
            self._flush()
            self._writer.close()
        except BaseException:
            self.abort()
            raise
        return self._sink.verified()

    def abort(self) -> None:
        """Give up; the unfinished file stays aside, nobody reads it."""
        self._sink.abort()
        self._writer.is_open = False  # or it would write its footer when it is collected


def stage(  # noqa: PLR0913 - what becomes of the rows, all by name
    value: object,
    path: Path,
    *,
    key: str,
    columns: tuple[Column, ...] | None,
    rejects: Rejects,
    chunk_rows: int,
    compression: str,
    progress: Callable[[int], None] | None = None,
    like: pa.Schema | None = None,
) -> Staged:
    """Write `value` to `path`; rows whose values do not fit the declared types become rejects.

    like: what the rows join, where they join some: undeclared columns take its types, and where
    nothing new is handed over (None, no table) that is no mistake.
    Raises SchemaMismatch for missing columns and for types that change on the way.
    """
    declared = _declared(columns)
    schema, batches = _handed(value, chunk_rows, like, declared)
    ignored: tuple[str, ...] = ()
    if columns is not None and declared is not None:
        ignored = _match(key, columns, schema)
        target = declared
    elif like is not None:
        target = _joined(like, _plain(schema, value))
        batches = filled(batches, [f for f in target if f.name not in schema.names])
    else:
        target = _plain(schema, value)
    _distinct(key, target)
    jsons = frozenset(column.name for column in columns or () if column.type == "json")
    written = {c.name: c.written for c in columns or () if c.written is not None}
    misfits = Misfits()
    writer = StagedWriter(path, target, compression)
    try:
        for batch in batches:
            how = _Casting(
                columns is not None, like is not None, jsons, writer.rows, written, misfits
            )
            writer.write(_fit(key, batch, target, rejects, how))
            if progress is not None:
                progress(writer.rows)
        for hint in misfits.hints(columns or ()):
            rejects.hint(hint)
        if (unclear := misfits.contradiction(columns or ())) is not None:
            raise unclear
        came = () if value is None else tuple(schema.names)
        return Staged(path, writer.close(), writer.rows, target, ignored, came)
    except BaseException as error:
        writer.abort()
        if isinstance(error, Exception) and not isinstance(error, DataOpsError):
            error.add_note(f"{key} had handed over {counted(writer.rows)} before this happened")
        raise


def _joined(like: pa.Schema, new: pa.Schema) -> pa.Schema:
    """Give the columns of what is there and of what joins it; types widen where nothing is lost."""
    import pyarrow as pa

    kept = [
        (
            field.with_type(widened(field.type, new.field(field.name).type) or field.type)
            if field.name in new.names
            else field
        )
        for field in like
    ]
    return pa.schema([*kept, *(field for field in new if field.name not in like.names)])


def _declared(columns: tuple[Column, ...] | None) -> pa.Schema | None:
    """Give the Arrow schema of declared columns."""
    import pyarrow as pa

    if columns is None:
        return None
    return pa.schema([pa.field(c.name, arrow_type(c)) for c in columns])


def _handed(
    value: object, rows: int, like: pa.Schema | None, declared: pa.Schema | None
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Give the schema and batches of what was handed over; of nothing, where nothing may be."""
    nothing = declared if declared is not None else like
    if value is None and like is not None:
        return nothing, iter(())
    try:
        schema, batches = as_batches(value, rows)
    except DataOpsError as error:
        if nothing is None or not error.facts.get("empty"):
            raise
        return nothing, iter(())
    return (nothing, iter(())) if like is not None and not schema.names else (schema, batches)


def filled(
    batches: Iterator[pa.RecordBatch], fields: Sequence[pa.Field]
) -> Iterator[pa.RecordBatch]:
    """Add columns without any value."""
    import pyarrow as pa

    for batch in batches:
        nulls = [pa.nulls(batch.num_rows, field.type) for field in fields]
        schema = pa.schema([*batch.schema, *fields])
        yield pa.RecordBatch.from_arrays([*batch.columns, *nulls], schema=schema)


def _match(key: str, columns: tuple[Column, ...], schema: pa.Schema) -> tuple[str, ...]:
    """Check that every declared column is there; give the names nobody declared."""
    missing = [c.name for c in columns if c.name not in schema.names]
    if missing:
        hints = "".join(
            f" ({name!r}{did_you_mean(name, schema.names)})"
            for name in missing
            if did_you_mean(name, schema.names)
        )
        raise SchemaMismatch(
            f"{key} lacks the declared columns {missing}{hints}; it has {schema.names}",
            "return them, or change the schema",
            asset=key,
            columns=missing,
        )
    known = {c.name for c in columns}
    return tuple(name for name in schema.names if name not in known)


def _distinct(key: str, schema: pa.Schema) -> None:
    """Refuse what SQL cannot name: no columns, no name, names that only capitals tell apart."""
    if not schema.names or any(not name.strip() for name in schema.names):
        what = "a column without a name" if schema.names else "no columns at all"
        raise SchemaMismatch(
            f"{key} has {what} (its columns: {schema.names})",
            "name every column",
            asset=key,
        )
    seen: dict[str, str] = {}
    for name in schema.names:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            raise SchemaMismatch(
                f"{key} has two columns called {other!r} and {name!r}, which SQL cannot tell apart",
                "rename one of them",
                asset=key,
            )


def _plain(schema: pa.Schema, value: object) -> pa.Schema:
    """Give undeclared columns types that Parquet, DuckDB and pandas all carry, exactly.

    A moment keeps its zone where the table is one of ours: somebody declared it there.
    """
    import pyarrow as pa

    ours = isinstance(value, Table)

    def plain(kind: pa.DataType) -> pa.DataType:
        """Unpack dictionaries and views; columns without any value are text."""
        if pa.types.is_dictionary(kind):
            return plain(kind.value_type)
        if (
            pa.types.is_null(kind)
            or pa.types.is_large_string(kind)
            or pa.types.is_string_view(kind)
        ):
            return pa.string()
        if pa.types.is_decimal(kind) and not pa.types.is_decimal128(kind):
            fits = 0 <= kind.scale <= kind.precision <= _DIGITS
            return pa.decimal128(kind.precision, kind.scale) if fits else pa.string()
        if pa.types.is_list(kind) and _has_long(kind):
            return pa.list_(plain(kind.value_type))
        if pa.types.is_struct(kind) and _has_long(kind):
            return pa.struct([field.with_type(plain(field.type)) for field in kind.fields])
        if ours and kind == pa.timestamp("us", "UTC"):
            return kind
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            return pa.timestamp(kind.unit)
        return kind

    return pa.schema([pa.field(f.name, plain(f.type)) for f in schema])


def _has_long(kind: pa.DataType) -> bool:
    """Tell whether a nested type holds decimals that DuckDB would make floats of."""
    import pyarrow as pa

    if pa.types.is_nested(kind):
        return any(_has_long(kind.field(at).type) for at in range(kind.num_fields))
    return bool(pa.types.is_decimal256(kind))


def _fit(
    key: str, batch: pa.RecordBatch, target: pa.Schema, rejects: Rejects, how: _Casting
) -> pa.RecordBatch:
    """Give a batch the target's columns and types; rows that do not fit become rejects."""
    import pyarrow as pa

    arrays: list[pa.Array] = []
    bad: dict[int, tuple[str, str]] = {}
    for field in target:
        try:
            source = batch.column(field.name)
        except KeyError:
            raise SchemaMismatch(
                f"{key} handed over a table without the column {field.name!r}, "
                "which the ones before had",
                "hand over the same columns every time",
                asset=key,
                column=field.name,
            ) from None
        array, wrong = _cast(key, source, field, how)
        kind = str(field.type)
        if field.name in how.jsons:
            array, kind = _blank_as_missing(array), "json"
            wrong = [*wrong, *not_json(array)]
        arrays.append(array)
        for row in wrong:
            bad.setdefault(row, (field.name, kind))
    fitted = pa.RecordBatch.from_arrays(arrays, schema=target)
    if not bad:
        return fitted
    for gone, (row, (column, kind)) in enumerate(sorted(bad.items())):
        values = batch.slice(row, 1).to_pylist()[0]
        reason = f"{column}: {str(values[column])[:80]!r} is not {kind}"
        if not how.declared:
            reason += ", as the rows before are; declare the columns to have them read otherwise"
        rejects.add(Reject(row_json(values), "type", column, reason, after=how.before + row - gone))
    return fitted.filter(pa.array([i not in bad for i in range(batch.num_rows)]))


def _cast(key: str, source: pa.Array, field: pa.Field, how: _Casting) -> tuple[pa.Array, list[int]]:
    """Give a column its type, and the rows whose values do not fit it.

    Where nobody declared the type, a text has to read the same when it is written again.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    wrong: list[int] = []
    given = source
    if field.name in how.written:
        source, odd = in_plain(source, field.type, how.written[field.name])
        wrong = pc.indices_nonzero(odd).to_pylist()
    try:
        array = cast_array(source, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        if not (how.declared or how.joins) or isinstance(error, pa.ArrowNotImplementedError):
            raise SchemaMismatch(
                f"{key}: column {field.name!r} is {source.type}, not {field.type} ({error})",
                "hand over one type, or declare it with schema=",
                asset=key,
                column=field.name,
            ) from error
        array, misfits = cast_rows(source, field.type)
        wrong = [*wrong, *misfits]
    if how.declared:
        _note(field, given, wrong, how)
    if not how.declared and source.type != field.type:
        wrong = [*wrong, *not_exact(source, array)]
    return array, wrong


def _note(field: pa.Field, given: pa.Array, wrong: Sequence[int], how: _Casting) -> None:
    """Note texts that do not fit, and such as fit and may be meant otherwise."""
    import pyarrow as pa

    if wrong:
        how.misfits.note(field.name, given, wrong)
    number = pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
    said = how.written.get(field.name)
    marked = said is not None and (said.decimal or said.thousands)
    if number and not marked:
        how.misfits.note_thousands(field.name, given)


def _blank_as_missing(array: pa.Array) -> pa.Array:
    """Give texts with the empty ones missing."""
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(array, ""), None, array)


def read_batches(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    """Stream a staged file's batches."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        yield from file.iter_batches(batch_size=rows)
