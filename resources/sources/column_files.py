"""What files with types of their own share: Parquet and Arrow, read as one table of plain types."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.limits import check_width
from resources.rejects import Reject, Rejects, row_json
from resources.sources.header import column_names
from resources.sources.years import any_beyond, beyond, counted
from resources.values.widening import widened

if TYPE_CHECKING:
    import pyarrow as pa


class ColumnFiles:
    """Files read as one table; they share their columns and types.

    Dictionaries and views become the values that they stand for, times with a zone UTC.
    """

    format = ""
    """What the files are, in errors."""

    def __init__(
        self,
        files: tuple[Path, ...],
        rejects: Rejects,
        *,
        typed: bool = True,  # noqa: ARG002 - as every reader
    ) -> None:
        """Read `files`; they hold types of their own. A date of no year here goes to `rejects`."""
        self.files = files
        self._rejects = rejects
        self._reported: dict[Path, int] = {}

    def schema_of(self, file: Path) -> pa.Schema:
        """Read the schema of one file."""
        raise NotImplementedError

    def batches_of(self, file: Path, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream one file, as it is; batches may be longer than `rows`."""
        raise NotImplementedError

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the columns; raises SourceError where two files differ."""
        first = self._plain_schema(self.files[0])
        for file in self.files[1:]:
            other = self._plain_schema(file)
            wider = first if other == first else _wider(first, other)
            if wider is None:
                raise SourceError(
                    f"{file} does not have the columns of {self.files[0]}: "
                    f"{_difference(first, other)}",
                    "read files with different columns as assets of their own",
                    file=str(file),
                )
            first = wider
        return first

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        for file in self.files:
            yield from self._plain_batches(file, rows)

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream rows, each with its file."""
        for file in self.files:
            for batch in self._plain_batches(file, 10_000):
                for row in batch.to_pylist():
                    yield file, row

    def _plain_batches(self, file: Path, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream one file with plain types; rows with a date that cannot be shown go aside."""
        schema, seen = self.schema, 0
        names = self._plain_schema(file).names
        for batch in self._sound(file, rows):
            for start in range(0, batch.num_rows, rows):
                part = _plain_batch(batch.slice(start, rows), names, schema)
                plain, found = _showable(file, part)
                for reject in found:
                    seen += 1
                    if seen > self._reported.get(file, 0):
                        self._reported[file] = seen
                        self._rejects.add(reject)
                yield plain

    def _plain_schema(self, file: Path) -> pa.Schema:
        """Give a file's columns with plain types and usable names."""
        import pyarrow as pa

        with self._damage(file):
            found = self.schema_of(file)
        names = found.names
        check_width(file, len(names))
        if len({name.casefold() for name in names}) < len(names) or not all(map(str.strip, names)):
            names = list(column_names(names))
        return pa.schema(
            [
                (name, _plain(file, field, field.type))
                for name, field in zip(names, found, strict=True)
            ]
        )

    def _sound(self, file: Path, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream a file's batches; what damaged bytes made of one is found before it is used."""
        with self._damage(file):
            for batch in self.batches_of(file, rows):
                batch.validate(full=True)
                yield batch

    @contextmanager
    def _damage(self, file: Path) -> Generator[None]:
        """Turn what a damaged file leads to into a SourceError that names it."""
        import pyarrow as pa

        try:
            yield
        except (OSError, pa.ArrowException, MemoryError, ValueError, EOFError) as error:
            what, fix = _trouble(file, self.format, error)
            raise SourceError(f"{file} {what}", fix, file=str(file)) from error


def _trouble(file: Path, kind: str, error: Exception) -> tuple[str, str]:
    """Say why a file cannot be read, and what to do: some are sound, and only not readable here."""
    import pyarrow as pa

    said = str(error) or "its parts contradict each other"
    if any(word in said.lower() for word in _LOCKED):
        return (
            f"is encrypted, and no key for it is known here ({said})",
            "write it again without encryption, or read it in the collector with code of your own",
        )
    what = f"is not {kind} file that can be read ({said})"
    if file.suffix.lower() == ".gz":
        return what, "unpack it first: the format packs its columns itself"
    if isinstance(error, pa.ArrowNotImplementedError) or "not implemented" in said.lower():
        return (
            f"holds what {kind.rsplit(maxsplit=1)[-1]} readers here do not read ({said})",
            "write it again without that, for example through DuckDB's COPY",
        )
    return what, "write it again, for it is damaged or breaks its format's rules, or leave it out"


_LOCKED: Final = ("decrypt", "encrypt")


def _plain(file: Path, field: pa.Field, kind: pa.DataType) -> pa.DataType:
    """Give the type that holds a column's values as they are, without how they were packed."""
    import pyarrow as pa

    is_a = pa.types
    if is_a.is_dictionary(kind) or is_a.is_run_end_encoded(kind):
        return _plain(file, field, kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(file, field, kind.storage_type)
    if is_a.is_string_view(kind) or is_a.is_large_string(kind):
        return pa.string()
    if is_a.is_binary_view(kind) or is_a.is_large_binary(kind):
        return pa.binary()
    if is_a.is_timestamp(kind):
        return pa.timestamp(kind.unit)
    if is_a.is_union(kind) or is_a.is_interval(kind) or _is_empty(kind):
        raise SourceError(
            f"{file} has the column {field.name!r} of type {kind}, which no table here can hold",
            "write it as text or as a struct",
            file=str(file),
            column=field.name,
        )
    return kind


def _is_empty(kind: pa.DataType) -> bool:
    """Tell whether a type is a struct without fields, or holds one: Parquet has no such."""
    import pyarrow as pa

    if pa.types.is_struct(kind) and not kind.num_fields:
        return True
    return any(_is_empty(kind.field(at).type) for at in range(kind.num_fields))


def _wider(one: pa.Schema, other: pa.Schema) -> pa.Schema | None:
    """Give the columns of two files, in whatever order, with types that hold both."""
    import pyarrow as pa

    if set(one.names) != set(other.names):
        return None
    kinds = [widened(field.type, other.field(field.name).type) for field in one]
    if any(kind is None for kind in kinds):
        return None
    return pa.schema(list(zip(one.names, kinds, strict=True)))


def _plain_batch(batch: pa.RecordBatch, names: Sequence[str], schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch the plain types; `names`: its columns', as they are usable."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays = []
    for name, kind in zip(schema.names, schema.types, strict=True):
        column = batch.column(names.index(name))
        array = column.storage if isinstance(column.type, pa.BaseExtensionType) else column
        if pa.types.is_run_end_encoded(array.type):
            array = pc.run_end_decode(array)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        arrays.append(array if array.type == kind else array.cast(kind))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _showable(file: Path, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, list[Reject]]:
    """Give the rows whose dates are of the years 1 to 9999, and the others as they are set aside.

    Raises SourceError where such a date lies within a list or a struct.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    odd: dict[int, pa.Array] = {}
    for at, column in enumerate(batch.columns):
        if pa.types.is_nested(column.type):
            if any_beyond(column):
                raise _odd_inside(file, batch.schema.names[at])
        elif (mask := beyond(column)) is not None:
            odd[at] = mask
    if not odd:
        return batch, []
    bad = pa.array([False] * batch.num_rows)
    for mask in odd.values():
        bad = pc.or_(bad, mask)
    counts = batch
    for at in odd:
        counts = counts.set_column(at, batch.schema.names[at], counted(batch.column(at)))
    found = []
    for row in pc.indices_nonzero(bad).to_pylist():
        at = next(at for at, mask in odd.items() if mask[row].as_py())
        held: dict[str, Any] = counts.slice(row, 1).to_pylist()[0]
        name = batch.schema.names[at]
        reason = f"{name!r} counts {held[name]} of {batch.schema.types[at]} from 1970"
        found.append(
            Reject(row_json(held), "type", name, f"{reason}, beyond the years 1 to 9999", str(file))
        )
    return batch.filter(pc.invert(bad)), found


def _odd_inside(file: Path, name: str) -> SourceError:
    """Say that a date within a nested value cannot be shown."""
    return SourceError(
        f"{file} has a date beyond the years 1 to 9999 within the column {name!r}",
        "correct it, or write it as text",
        file=str(file),
        column=name,
    )


def _difference(first: pa.Schema, other: pa.Schema) -> str:
    """Say the first difference of two schemas."""
    for one, two in zip(first, other, strict=False):
        if one.name != two.name or one.type != two.type:
            return f"{two.name!r} is {two.type} where {one.name!r} is {one.type}"
    return f"it has {len(other)} columns, not {len(first)}"
