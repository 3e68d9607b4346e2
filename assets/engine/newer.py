"""Newer rows: whether a row of an upsert's version is younger than a rejected row of its key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assets.engine.content import row_hash
from assets.engine.corrections import content_id
from assets.engine.deleting import deleted_among
from assets.engine.project import Project
from assets.engine.sql import connection, literal, quoted
from catalog.quarantine import took_over, version_before
from catalog.records import Materialized
from resources.columns import Column
from resources.rejects import read_rejects

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def newer_there(
    project: Project,
    version: Materialized,
    key: Sequence[str],
    columns: Sequence[Column],
    rows: Sequence[pa.RecordBatch],
    ids: Sequence[str],
) -> list[int]:
    """Give which of the rows may not join the version: a row of their key is there, not older.

    ids: of the rejected rows that they are made of. A row that is there is older where it stood in
    the version before the one that rejected them; where that cannot be seen any more, it is not.
    """
    import pyarrow as pa

    if not rows:
        return []
    con = connection(project.settings.memory_mb, project.data / ".staging" / "spill")
    table = pa.Table.from_batches(rows)
    con.register("asked", table.append_column("__at", pa.array(range(len(rows)), pa.int64())))
    try:
        there = _rows_of(con, project, version, key, columns)
        if not there:
            return []
        volatile = frozenset(column.name for column in columns if column.volatile)
        origins = _origins(project, version, {ids[at] for at in there}, volatile)
        older: dict[int, dict[int, set[int]]] = {}
        newer = []
        for at, found in there.items():
            origin = origins.get(ids[at])
            before = version_before(project.events, origin) if origin is not None else None
            if before is not None and before.number not in older:
                same = before.schema_fingerprint == version.schema_fingerprint
                whole = all((project.data / file.path).is_file() for file in before.files)
                old = _rows_of(con, project, before, key, columns) if same and whole else {}
                older[before.number] = old
            if before is None or not found <= older[before.number].get(at, set()):
                newer.append(at)
        return newer
    finally:
        con.unregister("asked")


def deleted_since(
    project: Project,
    version: Materialized | None,
    batch: Path | None,
    key: Sequence[str],
    rows: Sequence[pa.RecordBatch],
    ids: Sequence[str],
    volatile: frozenset[str] | set[str],
) -> list[int]:
    """Give which of the rows have a key that was deleted after they were rejected, or with them.

    version: that they shall join (None: they come with the rows of a batch that deletes the keys
    in the file `batch`).
    """
    import pyarrow as pa

    if not rows:
        return []
    con = connection(project.settings.memory_mb, project.data / ".staging" / "spill")
    table = pa.Table.from_batches(rows)
    con.register("asked", table.append_column("__at", pa.array(range(len(rows)), pa.int64())))
    try:
        if version is None:
            return deleted_among(con, batch, key, "asked") if batch is not None else []
        origins = _origins(project, version, set(ids), frozenset(volatile))
        found: set[int] = set()
        step: Materialized | None = version
        while step is not None:
            file = project.data / step.deleted_file
            if step.deleted_file and file.is_file():
                found |= {
                    at
                    for at in deleted_among(con, file, key, "asked")
                    if ids[at] not in origins or origins[ids[at]].number <= step.number
                }
            step = None if step.mode == "replace" else version_before(project.events, step)
        return sorted(found)
    finally:
        con.unregister("asked")


def _rows_of(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    version: Materialized,
    key: Sequence[str],
    columns: Sequence[Column],
) -> dict[int, set[int]]:
    """Give the content of a version's rows that have the keys of the rows asked for."""
    paths = ", ".join(literal(str(project.data / file.path)) for file in version.files)
    if not paths:
        return {}
    alike = " AND ".join(f"o.{quoted(name)} = a.{quoted(name)}" for name in key)
    keys = ", ".join(quoted(name) for name in key)
    found = con.execute(
        f"SELECT a.__at, o.h FROM (SELECT {keys}, {row_hash(columns)} AS h "  # noqa: S608
        f"FROM read_parquet([{paths}], hive_partitioning = false)) o JOIN asked a ON {alike}"
    ).fetchall()
    rows: dict[int, set[int]] = {}
    for at, digest in found:
        rows.setdefault(at, set()).add(digest)
    return rows


def _origins(
    project: Project, version: Materialized, wanted: set[str], volatile: frozenset[str]
) -> dict[str, Materialized]:
    """Find the versions that rejected these rows; one made by accepting only took them over."""
    found: dict[str, Materialized] = {}
    left, step = set(wanted), version
    while left:
        here = (
            _ids(project.data / step.quarantine_file, volatile) if step.quarantine_file else set()
        )
        found |= dict.fromkeys(left & here, step)
        if took_over(step):
            left &= here
        else:
            left -= here
            if step.mode == "replace":
                break
        before = version_before(project.events, step)
        if before is None:
            break
        step = before
    return found


def _ids(path: Path, volatile: frozenset[str]) -> set[str]:
    """Give the ids of the rows in a quarantine file."""
    if not path.is_file():
        return set()
    return {content_id(reject.row, volatile) for reject in read_rejects(path)}
