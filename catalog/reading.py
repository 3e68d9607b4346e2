"""Reading: the published catalog, opened so that nothing but data is seen and nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import DataOpsError, TransientError

if TYPE_CHECKING:
    import duckdb

_FOLDERS: Final = (
    "raw",
    "processed",
    "output",
    "quarantine",
    "corrections",
    "calls",
    "source_calls",
    "provenance",
    "reviews",
)
MEMORY_MB: Final = 400
_ZONED: Final = "TIMESTAMP WITH TIME ZONE"
_FINE: Final = {"TIMESTAMP_NS", "TIME_NS"}
_MICRO: Final = 6
_READING: Final = {"SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE", "RECURSIVE_CTE_NODE"}
# These run SQL that is hidden in a text, where it cannot be looked at.
_HIDING: Final = {"query", "json_execute_serialized_sql"}


class QueryError(DataOpsError):
    """A query that cannot be answered."""


class CatalogInUseError(TransientError):
    """The published file cannot be opened, most likely since somebody has it open to write."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found; complete: False where there are more rows than were asked for."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    complete: bool


def connect(catalog: Path, data: Path, memory_mb: int = MEMORY_MB) -> duckdb.DuckDBPyConnection:
    """Attach the catalog read-only in a DuckDB of its own, limited to the files of the data folder.

    Each call has its own: a second connection to the same file would otherwise share the first
    one's old content and its locked settings. memory_mb: what it may use; beyond it, it spills.
    """
    import duckdb

    root = data.absolute()
    if not catalog.is_file():
        raise QueryError(
            f"there is no catalog at {catalog}",
            "make it where the data folder can be written: dataops plan",
            file=str(catalog),
        )
    con = duckdb.connect(config={"memory_limit": f"{memory_mb}MB", "threads": 2})
    con.execute("SET preserve_insertion_order = true")
    con.execute(
        "SET TimeZone = 'UTC'"
    )  # what is read is in UTC, whatever this machine's clock says
    con.execute("SET enable_progress_bar = false")
    for last in (False, True):
        try:
            con.execute(f"ATTACH '{quoted(catalog)}' AS catalog (READ_ONLY)")
            break
        except duckdb.Error as error:
            # Its header may have been read just before a fold replaced the file.
            if last:
                con.close()
                raise CatalogInUseError(
                    f"{catalog} cannot be opened: {str(error).strip()}",
                    "close the session that has it open to write (open it with `duckdb -readonly`)",
                    file=str(catalog),
                ) from error
    folders = ", ".join(f"'{quoted(root / folder)}/'" for folder in _FOLDERS)
    con.execute("USE catalog")
    con.execute(f"SET VARIABLE data = '{quoted(root)}'")
    con.execute(f"SET temp_directory = '{quoted(root)}/.staging/spill'")
    con.execute(f"SET allowed_directories = [{folders}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def read(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
    limit: int | None = None,
) -> Answer:
    """Run one query, having seen that it only reads; raises QueryError where it is wrong.

    Its type does not tell: since DuckDB 2.0 `WITH x AS (COPY ... TO 'file') SELECT` is a SELECT.
    """
    import duckdb

    try:
        parsed = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()
        _need_reading(json.loads(parsed[0]) if parsed else {})
        found = con.execute(sql, parameters or None)
        columns = tuple(part[0] for part in found.description or ())
        kinds = [str(part[1]) for part in found.description or ()]
        if any(_ZONED in kind or kind in _FINE for kind in kinds):
            con.abort()  # it is asked once more, so that nothing of it is fetched in between
            rows = _exact(con.sql(sql, params=parameters or None), kinds, limit)
        else:
            rows = found.fetchall() if limit is None else found.fetchmany(limit + 1)
    except duckdb.Error as error:
        raise _wrong(error) from error
    return Answer(columns, rows[:limit], limit is None or len(rows) <= limit)


def _exact(
    found: duckdb.DuckDBPyRelation, kinds: Sequence[str], limit: int | None
) -> list[tuple[Any, ...]]:
    """Fetch what DuckDB's client cannot give, or would cut.

    Moments come as datetimes in UTC, inside lists and the like as text: the client would need
    another library for what the standard one can do. Times with nanoseconds come as text: Python's
    own hold microseconds.
    """
    parts = [_without_zone(f"#{place}", kind) for place, kind in enumerate(kinds, 1)]
    fine = [place for place, kind in enumerate(kinds) if kind in _FINE]
    parts += [f"CAST(#{place + 1} AS VARCHAR)" for place in fine]
    plain = found.project(", ".join(f"{part} AS c{n}" for n, part in enumerate(parts)))
    rows = plain.fetchall() if limit is None else plain.limit(limit + 1).fetchall()
    answer = []
    for row in rows:
        values = [_utc(v) if k == _ZONED else v for v, k in zip(row, kinds, strict=False)]
        for place, text in zip(fine, row[len(kinds) :], strict=True):
            if text is not None and len(text.partition(".")[2]) > _MICRO:
                values[place] = text
        answer.append(tuple(values))
    return answer


def _without_zone(column: str, kind: str) -> str:
    """Write a column in a type that has no zone; its values are in UTC."""
    if kind == _ZONED:
        return f"CAST({column} AS TIMESTAMP)"
    return f"CAST({column} AS {kind.replace(_ZONED, 'VARCHAR')})" if _ZONED in kind else column


def _utc(value: Any) -> Any:
    """Say that a moment is in UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _need_reading(tree: Mapping[str, Any]) -> None:
    """Raise QueryError unless the syntax tree is that of one query that only reads."""
    if tree.get("error_type") == "parser":
        raise _wrong(tree.get("error_message"))
    statements = tree.get("statements", ())
    if len(statements) != 1 or any(_acts(node) for node in _nodes(statements)):
        raise QueryError(
            "only one query that reads can be run here",
            "write one SELECT, FROM, WITH, VALUES, DESCRIBE, SUMMARIZE or SHOW; "
            "to change data, declare an asset",
        )


def _wrong(error: object) -> QueryError:
    """Say what DuckDB says."""
    message = str(error).strip()
    if type(error).__name__ == "OutOfMemoryException":
        return QueryError(
            f"the query needs more memory than it may use: {message.splitlines()[0]}",
            "ask for fewer columns or rows at a time, or raise DATAOPS_MEMORY_MB",
        )
    return QueryError(
        f"DuckDB says: {message}", "`dataops sql 'show all tables'` lists what there is"
    )


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Give every object of a syntax tree."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _acts(node: Mapping[str, Any]) -> bool:
    """Tell whether a part of a query does anything else than read, or hides what it does."""
    if "cte_map" in node and node.get("type") not in _READING:
        return True
    return str(node.get("function_name", "")).lower() in _HIDING


def quoted(path: Path) -> str:
    """Write a path inside an SQL literal."""
    return str(path).replace("'", "''")
