"""Parquet files, as they are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.errors import SourceError
from resources.rejects import Rejects
from resources.tables import parquet_table

if TYPE_CHECKING:
    import pyarrow as pa


class ParquetFiles:
    """Parquet files read as one table; they share their columns and types."""

    def __init__(
        self,
        files: tuple[Path, ...],
        rejects: Rejects,  # noqa: ARG002 - as every reader
        *,
        typed: bool = True,  # noqa: ARG002 - as every reader
    ) -> None:
        """Read `files`; they hold types of their own, and no record that cannot be read."""
        self.files = files

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the columns; raises SourceError where two files differ."""
        first = _schema(self.files[0])
        for file in self.files[1:]:
            if (other := _schema(file)) != first:
                raise SourceError(
                    f"{file} does not have the columns of {self.files[0]}: "
                    f"{_difference(first, other)}",
                    "read files with different columns as assets of their own",
                    file=str(file),
                )
        return first

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        for batch in parquet_table(self.files).batches(rows):
            yield batch.cast(self.schema)  # compares the files, once, and drops their metadata

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream rows, each with its file."""
        for file in self.files:
            for batch in parquet_table([file]).batches():
                for row in batch.to_pylist():
                    yield file, row


def _schema(file: Path) -> pa.Schema:
    """Read a file's schema from its footer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(file).remove_metadata()
    except (OSError, pa.ArrowException) as error:
        raise SourceError(
            f"{file} is not a Parquet file that can be read ({error})",
            "fetch it again, or take it off source=",
            file=str(file),
        ) from error


def _difference(first: pa.Schema, other: pa.Schema) -> str:
    """Say the first difference of two schemas."""
    for one, two in zip(first, other, strict=False):
        if one != two:
            return f"{two.name!r} is {two.type} where {one.name!r} is {one.type}"
    return f"it has {len(other)} columns, not {len(first)}"
