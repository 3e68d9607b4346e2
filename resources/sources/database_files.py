"""SQLite files as a source like other files: one table of each, read one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.errors import SourceError
from resources.rejects import Rejects
from resources.sources.database import DatabaseRead, DatabaseRows
from resources.sources.database_backend import SqliteFile
from resources.sources.database_request import request_of
from resources.sources.onward import Onward

if TYPE_CHECKING:
    import pyarrow as pa


class SqliteFiles:
    """SQLite files read as one table; they share its columns and their types."""

    states_types = True

    def __init__(
        self,
        files: tuple[Path, ...],
        rejects: Rejects,
        *,
        typed: bool,
        onward: Onward | None = None,
        **options: Any,
    ) -> None:
        """Read one table, or one query, of each file."""
        self._files = [
            DatabaseRows(
                SqliteFile(file),
                request_of(str(file), **options),
                rejects,
                typed=typed,
                onward=onward,
            )
            for file in files
        ]

    @property
    def reads(self) -> list[DatabaseRead]:
        """Give the reads so far."""
        return [read for file in self._files for read in file.reads]

    @property
    def last(self) -> str | int | float | None:
        """Give the greatest value of the column `by=`, once all was read."""
        found: list[Any] = [file.last for file in self._files if file.last is not None]
        return max(found) if found else None

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the columns; raises SourceError where two files differ."""
        first = self._files[0].schema
        for file in self._files[1:]:
            if file.schema != first:
                one, two = (
                    f"({', '.join(f'{f.name} {f.type}' for f in s)})" for s in (file.schema, first)
                )
                raise SourceError(
                    f"{file.place} holds {one} where {self._files[0].place} holds {two}",
                    "declare a schema, or read files with different columns as assets of their own",
                    source=file.place,
                )
        return first

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        for file in self._files if self.schema is not None else ():
            yield from file.batches(rows)

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream rows as plain values, each with its file."""
        for file in self._files:
            yield from file.rows()
