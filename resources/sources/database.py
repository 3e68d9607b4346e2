"""A database table or query, streamed: one read-only snapshot, the types the database states."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.rejects import Reject, Rejects, row_json
from resources.sources.database_backend import Backend
from resources.sources.database_connect import backend_of
from resources.sources.database_errors import failures
from resources.sources.database_request import Request, request_of
from resources.sources.database_select import Shape, names_of, shape_of
from resources.sources.database_since import remembered
from resources.sources.database_values import columns_of, readable, shown
from resources.sources.json_text import Written
from resources.sources.onward import Onward, Trail

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

_FIRST: Final = 100
_BYTES: Final = 8 << 20
"""How many bytes of rows are fetched at a time: wide rows come in fewer."""


@dataclass(frozen=True, slots=True)
class DatabaseRead:
    """One read, for the log of calls: where, what, how much, how long, and whether to its end.

    digest: of the table and columns, or of the query; never of values.
    """

    source: str
    table: str
    digest: str
    rows: int
    seconds: float
    complete: bool


class DatabaseRows:
    """The rows of one request to one database.

    reads: the reads so far. last: the greatest value of the column `by=`, once all was read.
    """

    states_types = True

    def __init__(
        self,
        backend: Backend,
        request: Request,
        rejects: Rejects,
        *,
        typed: bool,
        onward: Onward | None = None,
    ) -> None:
        """Read nothing yet; a row with a value that its column cannot carry goes to `rejects`.

        onward: where a cursor stands that the read goes on from.
        """
        self._trail: Trail | None = None
        if onward is not None and request.by:
            self._trail = onward.trail(backend.place, request.by)
            how = "append" if onward.appends else "upsert"
            request = replace(request, onward=how, strict=onward.strict)
        self._backend = backend
        self._request = request
        self._rejects = rejects
        self._typed = typed
        self._reported = 0
        self._speaker = replace(
            backend.speaker, values={**request.parameters, "since": request.since}
        )
        self.reads: list[DatabaseRead] = []
        self.last: str | int | float | None = None

    @property
    def place(self) -> str:
        """Give the database's name in sentences."""
        return self._backend.place

    @property
    def schema(self) -> pa.Schema:
        """Give the columns, as the database states them (it is asked once)."""
        return self._shape.schema

    @cached_property
    def _shape(self) -> Shape:
        """Ask the database what the request gives, without reading it."""
        with self._backend.connect() as connection:
            try:
                return shape_of(self._backend, connection, self._request, typed=self._typed)
            except failures(self._speaker.dialect) as error:
                raise self._speaker.reading(error, 0) from None

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows, all of one moment."""
        import pyarrow as pa

        shape, started, done, whole = self._shape, time.monotonic(), 0, False
        seen = known = 0
        if self._trail is not None:
            self._trail.begin(shape.names)
        try:
            with self._backend.connect() as connection:
                for asked in self._fetched(connection, shape, rows):
                    done += len(asked)
                    self._remember(shape, asked)
                    fetched = self._fresh(shape, asked)
                    if not fetched:
                        known += len(asked)
                        continue
                    known += len(asked) - len(fetched)
                    batch, misfits = columns_of(fetched, shape.kinds, shape.schema)
                    for misfit in misfits:
                        seen += 1
                        if seen > self._reported:
                            self._reported = seen
                            self._rejects.add(self._reject(shape, fetched[misfit.row], misfit))
                    if batch.num_rows:
                        yield batch
                self._end(connection, shape)
                whole = True
            if done == seen + known:  # a table without rows has its columns all the same
                yield pa.RecordBatch.from_pylist([], schema=shape.schema)
        finally:
            seconds = round(time.monotonic() - started, 3)
            table, digest = self._request.table, self._request.digest
            read = DatabaseRead(self._backend.place, table, digest, done, seconds, whole)
            self.reads.append(read)

    def _fetched(
        self, connection: sa.Connection, shape: Shape, most: int
    ) -> Iterator[Sequence[Any]]:
        """Fetch rows from a cursor that stays on the server, a few megabytes at a time."""
        done, size = 0, min(_FIRST, most)
        result: Any = None
        try:
            self._backend.begin(connection)
            result = connection.execution_options(stream_results=True).execute(shape.select)
            flags = ("dataops_last",) if shape.going and shape.going.flagged else ()
            if names_of(self._backend.place, result) != (*shape.names, *flags):
                raise SourceError(
                    f"{self._backend.place} changed its columns while it was read", "try again"
                )
            while True:
                rows = result.fetchmany(size)
                if not rows:
                    return
                yield rows
                done += len(rows)
                size = max(1, min(most, _BYTES // max(1, _bytes(rows))))
        except failures(self._speaker.dialect) as error:
            raise self._speaker.reading(error, done) from None
        finally:
            if result is not None:
                self._backend.end(result.cursor)

    def _fresh(self, shape: Shape, rows: Sequence[Any]) -> Sequence[Any]:
        """Give the rows that are not there already, by what the cursor left."""
        trail, going = self._trail, shape.going
        if trail is None or going is None:
            return rows
        at, width = shape.names.index(self._request.by), len(shape.names)

        def value_of(row: Sequence[Any]) -> Any:
            """Give a row's value as the cursor keeps it."""
            return remembered(readable(going.kind, row[at]))

        flag = width if going.flagged else None
        fresh = trail.fresh(rows, value_of, going.at, flag=flag)
        return [row[:width] for row in fresh] if going.flagged else fresh

    def _end(self, connection: sa.Connection, shape: Shape) -> None:
        """Count the rows that are left out, as they have no value yet."""
        if self._trail is not None and shape.going is not None and shape.going.missing is not None:
            self._trail.missing = int(connection.execute(shape.going.missing).scalar() or 0)

    def _reject(self, shape: Shape, row: Sequence[Any], misfit: Any) -> Reject:
        """Describe a row with a value that its column cannot carry."""
        values = {n: shown(value) for n, value in zip(shape.names, row, strict=True)}
        return Reject(
            row_json(values), "type", misfit.column, misfit.reason, source=self._backend.place
        )

    def _remember(self, shape: Shape, rows: Sequence[Sequence[Any]]) -> None:
        """Keep the last value of the column `by=`, also of a row that is set aside.

        Rows come in its order, those without a value at either end.
        """
        if not self._request.by:
            return
        at = shape.names.index(self._request.by)
        kind = shape.kinds[at] if shape.going is None else shape.going.kind
        for row in reversed(rows):
            value = remembered(readable(kind, row[at]))
            if value is not None:
                self.last = value
                return

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream rows as plain values, each with the database's name."""
        for batch in self.batches(10_000):
            for row in batch.to_pylist():
                yield self._backend.place, {name: _plain(value) for name, value in row.items()}


class Database(DatabaseRows):
    """A database behind a connection: `sql:shop`."""

    def __init__(
        self,
        places: tuple[str, ...],
        rejects: Rejects,
        *,
        typed: bool,
        onward: Onward | None = None,
        **options: Any,
    ) -> None:
        """Read from the one connection; raises SourceError and SettingError for what is wrong."""
        if len(places) > 1:
            raise SourceError(
                f"{', '.join(places)} are several connections",
                "read each as an asset of its own",
                source=places[0],
            )
        request = request_of(places[0], **options)
        if not request.table and not request.query:
            raise SourceError(
                f"{places[0]} is a database, and nothing says what to read of it",
                "say table='...' or query='select ...'",
                source=places[0],
            )
        super().__init__(backend_of(places[0]), request, rejects, typed=typed, onward=onward)


def _bytes(rows: Sequence[Any]) -> int:
    """Estimate the bytes of a row, by the texts and bytes in the first and last of them."""
    sample = rows[:: max(1, len(rows) // 20)]
    size = sum(len(v) if isinstance(v, str | bytes) else 16 for row in sample for v in row)
    return size // len(sample)


def _plain(value: Any) -> Any:
    """Give a value as JSON text carries it exactly."""
    from decimal import Decimal
    from math import isfinite

    if isinstance(value, Decimal):
        return Written(value)
    return str(value) if isinstance(value, float) and not isfinite(value) else value
