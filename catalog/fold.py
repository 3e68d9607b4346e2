"""Folding: events become `catalog.duckdb`, in a private copy that replaces the old file at once."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalog.events import EventStore, tail
from catalog.records import AnyEvent, Materialized, RolledBack
from catalog.rows import rows_of
from resources.files import sync_folder

if TYPE_CHECKING:
    import duckdb

FORMAT: Final = "1"
_STORAGE: Final = "v1.5.0"
_BATCH: Final = 5_000
_READERS: Final = {"parquet": "read_parquet", "csv": "read_csv"}


@contextmanager
def fold_lock(path: Path, wait: float) -> Iterator[bool]:
    """Hold the one lock of the fold; give False where another holds it for `wait` seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        end = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    yield False
                    return
                time.sleep(0.02)
        try:
            yield True
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def fold_into(data: Path, catalog: Path, events: EventStore, *, rebuild: bool = False) -> int:
    """Bring the published catalog up to date; the caller holds the lock. Give the events folded.

    A catalog that cannot be opened, or of another format, is made anew from the events.
    """
    staging = data / ".staging"
    staging.mkdir(parents=True, exist_ok=True)
    for left in staging.glob("catalog-*.duckdb*"):
        left.unlink(missing_ok=True)  # a fold that died; nobody else writes these: we hold the lock
    copy = staging / f"catalog-{os.getpid()}.duckdb"
    try:
        count = None if rebuild or not catalog.is_file() else _try(data, catalog, copy, events)
        if count is None:
            copy.unlink(missing_ok=True)
            count = _fold(data, copy, events, new=True)
        if count or not catalog.is_file() or rebuild:
            _publish(copy, catalog)
        return count
    finally:
        for left in (copy, copy.with_name(copy.name + ".wal")):
            left.unlink(missing_ok=True)


def _try(data: Path, catalog: Path, copy: Path, events: EventStore) -> int | None:
    """Fold into a copy of what is published; None where that cannot be used."""
    import duckdb

    shutil.copyfile(catalog, copy)
    try:
        return _fold(data, copy, events, new=False)
    except duckdb.Error:
        return None


def _publish(copy: Path, catalog: Path) -> None:
    """Replace the published file; a WAL that somebody's writing session left would not fit it."""
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    catalog.with_name(catalog.name + ".wal").unlink(missing_ok=True)
    copy.replace(catalog)
    sync_folder(catalog.parent)


def _fold(data: Path, copy: Path, events: EventStore, *, new: bool) -> int:
    """Fold new events into one private file; give how many."""
    import duckdb

    con = duckdb.connect(config={"threads": 1})
    try:
        con.execute(f"ATTACH '{_sql(copy)}' AS c (STORAGE_VERSION '{_STORAGE}')")
        con.execute("USE c")
        if new:
            con.execute((Path(__file__).with_name("schema.sql")).read_text(encoding="utf-8"))
            con.execute("CREATE TABLE format AS SELECT ? AS format", [FORMAT])
        elif con.execute("SELECT format FROM format").fetchall() != [(FORMAT,)]:
            raise duckdb.CatalogException("the catalog has another format")
        marks: dict[str, int] = dict(
            con.execute("SELECT stream, max(number) FROM folded GROUP BY 1").fetchall()
        )
        streams = _streams(events, marks)
        _Folding(con, data, marks).all(events, streams)
        count = sum(events_after for events_after in streams.values())
        con.execute("USE memory")
        con.execute("DETACH c")
        return count
    finally:
        con.close()


def _sql(path: Path) -> str:
    """Write a path inside an SQL literal."""
    return str(path).replace("'", "''")


def _streams(events: EventStore, marks: Mapping[str, int]) -> dict[str, int]:
    """Give the streams that have new events, and how many; a stream that shrank means: not ours."""
    import duckdb

    found = {stream: marks.get(stream, 0) for stream in events.streams()}
    gone = [stream for stream, number in marks.items() if number and stream not in found]
    if gone or any(n and events.get(s, n) is None for s, n in _sample(found)):
        raise duckdb.CatalogException("the catalog belongs to other events")
    return {s: events.last(s, found[s]) - found[s] for s in events.advanced(found)}


def _sample(found: Mapping[str, int]) -> list[tuple[str, int]]:
    """Give a few streams to look at: a restore goes back on nearly all at once."""
    return [(s, n) for s, n in found.items() if n][:20]


class _Folding:
    """One fold: rows collected by table, inserted in bulk; the views of assets that changed."""

    def __init__(self, con: duckdb.DuckDBPyConnection, data: Path, marks: dict[str, int]) -> None:
        """Fold into the attached catalog of `con`."""
        self._con = con
        self._data = data
        self._marks = marks
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._seen: set[tuple[str, int]] = set()
        self._views: dict[str, Materialized] = {}

    def all(self, events: EventStore, streams: Mapping[str, int]) -> None:
        """Fold every stream's new events, in batches."""
        self._seen = set(
            self._con.execute("SELECT key, schema_version FROM schema_versions").fetchall()
        )
        waiting = 0
        for stream in streams:
            number = self._marks.get(stream, 0)
            for event in tail(events, stream, number):
                self._one(event)
                number = event.number
                waiting += 1
            self._rows.setdefault("folded", []).append((stream, number))
            if waiting >= _BATCH:
                self._flush()
                waiting = 0
        self._flush()
        self._make_views()

    def _one(self, event: AnyEvent) -> None:
        """Collect an event's rows."""
        known = True
        if isinstance(event, Materialized):
            schema = (event.key, event.schema_version)
            known = schema in self._seen
            self._seen.add(schema)
            self._views[event.key] = event
        elif isinstance(event, RolledBack):
            self._views[event.key] = event.to
        for table, row in rows_of(event):
            if known and table in ("schema_versions", "schema_columns"):
                continue
            self._rows.setdefault(table, []).append(row)

    def _flush(self) -> None:
        """Insert what was collected."""
        import pyarrow as pa

        for table, rows in self._rows.items():
            described = self._con.table(table).limit(0).to_arrow_table().schema
            columns = zip(*rows, strict=True)
            arrays = [
                pa.array(
                    [list(v.items()) for v in values] if pa.types.is_map(f.type) else list(values),
                    f.type,
                )
                for values, f in zip(columns, described, strict=True)
            ]
            batch = pa.Table.from_arrays(arrays, schema=described)  # noqa: F841 - scanned by name
            self._con.execute(f"INSERT INTO {table} SELECT * FROM batch")  # noqa: S608
        self._rows.clear()

    def _make_views(self) -> None:
        """Point each changed asset's view at its current files."""
        import duckdb

        made: set[str] = set()
        for key, version in self._views.items():
            layer, _, name = key.partition(".")
            if layer not in made:
                self._con.execute(f"CREATE SCHEMA IF NOT EXISTS {layer}")
                made.add(layer)
            try:
                self._con.execute(
                    f'CREATE OR REPLACE VIEW {layer}."{name}" AS {self._select(version)}'
                )
            except duckdb.Error:
                self._con.execute(f'DROP VIEW IF EXISTS {layer}."{name}"')  # its files are gone

    def _select(self, version: Materialized) -> str:
        """Give the SQL over a version's files, below the variable `data` or this data folder."""
        root = f"coalesce(getvariable('data')::VARCHAR, '{_sql(self._data)}')"
        paths = ", ".join(f"{root} || '/{_sql(Path(f.path))}'" for f in version.files)
        if version.files and version.files[0].path.endswith(".csv"):
            types = ", ".join(
                f"'{c.name.replace(chr(39), chr(39) * 2)}': '{_csv_type(c.type)}'"
                for c in version.columns
            )
            return (
                f"SELECT * FROM read_csv([{paths}], header = true, delim = ',', quote = '\"', "  # noqa: S608
                f"escape = '\"', auto_detect = false, columns = {{{types}}}, "
                "allow_quoted_nulls = false, null_padding = false)"
            )
        return f"SELECT * FROM read_parquet([{paths}])"  # noqa: S608 - paths are quoted


def _csv_type(kind: str) -> str:
    """Give the SQL type to read a CSV column as."""
    plain = {
        "int32": "INTEGER",
        "int64": "BIGINT",
        "float64": "DOUBLE",
        "double": "DOUBLE",
        "bool": "BOOLEAN",
        "date": "DATE",
        "timestamp[us]": "TIMESTAMP",
        "timestamp[ns]": "TIMESTAMP_NS",
    }
    return plain.get(kind, kind.upper() if kind.startswith("decimal(") else "VARCHAR")
