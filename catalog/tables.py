"""Tables: events' rows, collected and inserted in bulk; a view over each asset's files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalog.reading import quoted
from catalog.records import AnyEvent, Materialized, RolledBack
from catalog.rows import rows_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ASIDE: Final = {
    "quarantined_rows": "quarantine_file",
    "llm_calls": "calls_file",
    "source_calls": "source_calls_file",
    "provenance": "provenance_file",
    "verdicts": "reviewer",
    "corrections": "corrections_file",
}
"""Views over files beside versions, and a field that events with such a file have."""
_CALL: Final = {
    "called_at": "TIMESTAMP",
    "endpoint": "VARCHAR",
    "model": "VARCHAR",
    "answered_as": "VARCHAR",
    "task": "VARCHAR",
    "kind": "VARCHAR",
    "rows": "BIGINT",
    "status": "BIGINT",
    "prompt_tokens": "BIGINT",
    "completion_tokens": "BIGINT",
    "cost": "DOUBLE",
    "latency": "DOUBLE",
    "error": "VARCHAR",
    "request": "VARCHAR",
    "response": "VARCHAR",
}
_SOURCE_CALL: Final = {
    "called_at": "TIMESTAMP",
    "method": "VARCHAR",
    "url": "VARCHAR",
    "kind": "VARCHAR",
    "attempt": "BIGINT",
    "status": "BIGINT",
    "bytes": "BIGINT",
    "seconds": "DOUBLE",
    "error": "VARCHAR",
}
_KEY: Final = "split_part(filename, '/', -2)"
_CSV_TYPES: Final = {
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp[us]": "TIMESTAMP",
    "timestamp[ns]": "TIMESTAMP_NS",
}

_LONGEST_LINE: Final = 140_000_000
"""A record may have 64 MB, each of which may be a quotation mark, which CSV doubles."""


class Tables:
    """The tables of one catalog that is being folded."""

    def __init__(self, con: duckdb.DuckDBPyConnection, data: Path) -> None:
        """Fill the catalog that `con` uses; `data` is where its assets' files are."""
        self._con = con
        self._data = data
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._schemas: dict[str, pa.Schema] = {}
        self._views: dict[str, Materialized] = {}
        self._aside: set[str] = set()
        found = con.execute("SELECT key, schema_version FROM schema_versions").fetchall()
        self._known: set[tuple[str, int]] = set(found)

    def add(self, event: AnyEvent) -> None:
        """Collect an event's rows; a schema version is described where it first appears."""
        known = True
        if isinstance(event, Materialized):
            schema = (event.key, event.schema_version)
            known = schema in self._known
            self._known.add(schema)
            self._views[event.key] = event
        elif isinstance(event, RolledBack):
            self._views[event.key] = event.to
        self._aside |= {view for view, field in _ASIDE.items() if getattr(event, field, "")}
        for table, row in rows_of(event):
            if not (known and table in ("schema_versions", "schema_columns")):
                self._rows.setdefault(table, []).append(row)

    def folded(self, stream: str, number: int) -> None:
        """Note how far a stream is folded."""
        self._rows.setdefault("folded", []).append((stream, number))

    def flush(self) -> None:
        """Insert what was collected."""
        import pyarrow as pa

        self._con.execute("BEGIN")
        for table, rows in self._rows.items():
            schema = self._schema(table)
            arrays = [
                pa.array(
                    [list(v.items()) for v in values] if pa.types.is_map(f.type) else values, f.type
                )
                for values, f in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            batch = pa.Table.from_arrays(arrays, schema=schema)
            self._con.register("batch", batch)
            self._con.execute(f"INSERT INTO {table} SELECT * FROM batch")  # noqa: S608 - our names
            self._con.unregister("batch")
        self._con.execute("COMMIT")
        self._rows.clear()

    def _schema(self, table: str) -> pa.Schema:
        """Give a table's columns as Arrow's."""
        if table not in self._schemas:
            self._schemas[table] = self._con.table(table).limit(0).to_arrow_table().schema
        return self._schemas[table]

    def make_views(self) -> None:
        """Point each changed asset's view at its current files, below whatever data root is set."""
        import duckdb

        wanted = {_view(key): self._select(version) for key, version in self._views.items()}
        wanted |= {view: getattr(self, f"_select_{view}")() for view in sorted(self._aside)}
        try:
            self._con.execute("BEGIN")
            for name, select in wanted.items():
                self._make(name, select)
            self._con.execute("COMMIT")
        except duckdb.Error:  # a file that cannot be read: find out which, and go without it
            self._con.execute("ROLLBACK")
            for name, select in wanted.items():
                try:
                    self._make(name, select)
                except duckdb.Error:
                    self._make(name, "")

    def _make(self, name: str, select: str) -> None:
        """Make one view, or drop it where there is nothing to read."""
        if select:
            self._con.execute(f"CREATE OR REPLACE VIEW {name} AS {select}")
        elif name not in _ASIDE:
            self._con.execute(f"DROP VIEW IF EXISTS {name}")

    def _root(self) -> str:
        """Give the SQL of the data root: that of who reads, else the one this was folded for."""
        return f"coalesce(getvariable('data')::VARCHAR, '{quoted(self._data.absolute())}')"

    def _select(self, version: Materialized) -> str:
        """Give the SQL over a version's files; nothing where they are gone."""
        files = [self._data / file.path for file in version.files]
        if not files or not all(os.access(file, os.R_OK) for file in files):
            return ""
        paths = ", ".join(f"{self._root()} || '/{quoted(Path(f.path))}'" for f in version.files)
        if not version.files[0].path.endswith(".csv"):
            return f"SELECT * FROM read_parquet([{paths}], hive_partitioning = false)"  # noqa: S608
        types = ", ".join(f"{_text(c.name)}: '{_csv_type(c.type)}'" for c in version.columns)
        return (
            f"SELECT * FROM read_csv([{paths}], header = true, delim = ',', quote = '\"', "  # noqa: S608
            f"escape = '\"', auto_detect = false, columns = {{{types}}}, "
            "allow_quoted_nulls = false, null_padding = false, hive_partitioning = false, "
            f"max_line_size = {_LONGEST_LINE})"
        )

    def _select_quarantined_rows(self) -> str:
        """Give the SQL over all rows that were ever set aside, each with its file's path."""
        path = f"{self._root()} || '/quarantine/*/[!b]*.parquet'"
        return (
            "SELECT replace(filename, "  # noqa: S608
            f"{self._root()} || '/', '') AS file, * EXCLUDE (filename) "
            f"FROM read_parquet({path}, filename = true, hive_partitioning = false)"
        )

    def _select_llm_calls(self) -> str:
        """Give the SQL over every call to a model."""
        return self._lines("calls", _CALL)

    def _select_source_calls(self) -> str:
        """Give the SQL over every request to a web source."""
        return self._lines("source_calls", _SOURCE_CALL)

    def _lines(self, folder: str, fields: Mapping[str, str]) -> str:
        """Give the SQL over logs; what a killed process left half written is left out."""
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in fields.items())
        return (
            f"SELECT {_KEY} AS key, replace(filename, {self._root()} || '/', '') AS file, "  # noqa: S608
            "* EXCLUDE (filename) "
            f"FROM read_ndjson({self._root()} || '/{folder}/*/*.jsonl', columns = {{{columns}}}, "
            "filename = true, ignore_errors = true, hive_partitioning = false) "
            "WHERE called_at IS NOT NULL"
        )

    def _select_provenance(self) -> str:
        """Give the SQL over how every row of every version was made."""
        return (
            f"SELECT {_KEY} AS key, replace(filename, {self._root()} || '/', '') AS file, "  # noqa: S608
            "* EXCLUDE (filename) "
            f"FROM read_parquet({self._root()} || '/provenance/*/*.parquet', "
            "filename = true, hive_partitioning = false)"
        )

    def _select_verdicts(self) -> str:
        """Give the SQL over every verdict that a review recorded."""
        return (
            f"SELECT {_KEY} AS key, replace(filename, {self._root()} || '/', '') AS file, "  # noqa: S608
            "* EXCLUDE (filename) "
            f"FROM read_parquet({self._root()} || '/reviews/*/*.parquet', "
            "filename = true, hive_partitioning = false)"
        )

    def _select_corrections(self) -> str:
        """Give the SQL over every correction that was accepted."""
        return (
            f"SELECT {_KEY} AS key, replace(filename, {self._root()} || '/', '') AS file, "  # noqa: S608
            "* EXCLUDE (filename) "
            f"FROM read_parquet({self._root()} || '/corrections/*/*.parquet', "
            "filename = true, hive_partitioning = false)"
        )


def _view(key: str) -> str:
    """Give the name of an asset's view."""
    layer, _, name = key.partition(".")
    return f'{layer}."{name}"'


def _text(text: str) -> str:
    """Write a text inside SQL."""
    return "'" + text.replace("'", "''") + "'"


def _csv_type(kind: str) -> str:
    """Give the SQL type to read a CSV column as."""
    return _CSV_TYPES.get(kind, kind.upper() if kind.startswith("decimal(") else "VARCHAR")
