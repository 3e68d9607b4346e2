"""Deleting: which old rows of an upsert go, as their source deleted them or has them no more.

A row that came and says of itself that it is deleted (`deleted=`) takes the old row of its key
away; with `full={"missing": "delete"}` a load of everything takes away what did not come.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assets.engine.errors import SchemaMismatch
from assets.engine.known import Base, Keys, Replaced, label, places_of, scan_old, standing
from assets.engine.sql import literal, quoted
from resources.columns import Column
from resources.errors import did_you_mean

if TYPE_CHECKING:
    import duckdb

RULE: Final = "deleted"
_NAME: Final = re.compile(r"[^\W\d]\w*")
_NAMED: Final = 20
_UNSURE: Final = "nobody knows which rows are missing: none was taken away for not having come"


@dataclass(frozen=True, slots=True)
class Deletes:
    """How rows go.

    condition: SQL of a row that says so ("" = none does). full: the load is of all
    that the source has, and what did not come goes. aside: rows (JSON) that
    were rejected before they were rows, each with the column that is wrong; None: too many.
    to: where the keys are written.
    """

    condition: str = ""
    full: bool = False
    aside: tuple[tuple[str, str], ...] | None = ()
    to: Path | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The old rows that go, by place; how many rows said so; and their keys.

    named: the first keys, as text. file: all keys, also of rows that were never there (None: no
    key). kept_for: why nothing that did not come was taken away, where that is so.
    """

    old: Replaced = field(default_factory=Replaced)
    marks: int = 0
    named: tuple[str, ...] = ()
    file: Path | None = None
    kept_for: str = ""


def condition_of(key: str, deleted: str, columns: Sequence[Column]) -> str:
    """Give the SQL of a row that says that it is deleted: of a column, or the condition itself.

    A column says so by true, by a number but 0, or by a time; raises SchemaMismatch for others.
    """
    if not deleted:
        return ""
    column = next((c for c in columns if c.name == deleted), None)
    if column is None:
        if not _NAME.fullmatch(deleted):
            return f"coalesce(({deleted}), false)"
        names = [c.name for c in columns]
        raise SchemaMismatch(
            f"{key} has deleted={deleted!r}, but its rows lack that column"
            f"{did_you_mean(deleted, names)}; they have {names}",
            "name a column of the rows, or write a condition: deleted=\"status = 'gone'\"",
            asset=key,
            column=deleted,
        )
    name = quoted(column.name)
    if column.type == "bool":
        return f"coalesce({name}, false)"
    if column.type.startswith(("int", "uint", "float", "double", "decimal")):
        return f"coalesce({name} <> 0, false)"
    if column.type.startswith(("timestamp", "date")):
        return f"({name} IS NOT NULL)"
    raise SchemaMismatch(
        f"{key} has deleted={deleted!r}, a column of {column.type}: which of its values mean that "
        "a row is deleted is not said",
        f"write a condition: deleted=\"{deleted} = 'Y'\"",
        asset=key,
        column=deleted,
    )


def mark_deleted(
    con: duckdb.DuckDBPyConnection, new: str, columns: Sequence[Column], keys: Keys, how: Deletes
) -> Gone:
    """Mark rows that say that they are deleted (rule "deleted"), and note which old rows go.

    The table `gone` (__f, __r) has the places of the old ones. Rows that a later one of their key
    supersedes are marked already.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE gone (__f VARCHAR, __r BIGINT)")
    names = keys.columns[0]
    picks = ", ".join(quoted(name) for name in names)
    said = how.condition or "false"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE going AS SELECT file_row_number AS __n, {picks} "  # noqa: S608
        f"FROM {new} s WHERE {said} AND {standing('s')}"
    )
    con.execute(
        f"INSERT INTO bad SELECT __n, {literal(RULE)}, {literal(label(names))}, NULL FROM going"  # noqa: S608
    )
    marks = con.execute("SELECT count(*) FROM going").fetchall()[0][0]
    why = ""
    if keys.base is not None:
        alike = " AND ".join(f"o.{quoted(name)} = g.{quoted(name)}" for name in names)
        con.execute(
            f"INSERT INTO gone SELECT DISTINCT o.__file, o.file_row_number "  # noqa: S608
            f"FROM {scan_old(keys.base.paths)} o JOIN going g ON {alike}"
        )
        why = _miss(con, new, names, keys.base, how) if how.full else ""
    if keys.base is None and not marks:
        return Gone(kept_for=why)
    return _found(con, columns, names, keys.base, int(marks), how, why)


def _miss(
    con: duckdb.DuckDBPyConnection, new: str, names: Sequence[str], base: Base, how: Deletes
) -> str:
    """Note old rows whose key did not come; give why none is noted, where that is so.

    A row that came and was set aside is there at its source, so its old row stays.
    """
    aside = how.aside
    if aside is None:
        return f"too many rows that came could not be read, so {_UNSURE}"
    picks = ", ".join(quoted(name) for name in names)
    empty = " OR ".join(f"{quoted(name)} IS NULL" for name in names)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE came AS SELECT DISTINCT {picks} FROM {new}"  # noqa: S608
    )
    lost = _count(con, f"{new} WHERE {empty}")
    lost += sum(column in names for _, column in aside)
    if aside:
        con.execute("CREATE OR REPLACE TEMP TABLE rejected (j VARCHAR)")
        con.executemany("INSERT INTO rejected VALUES (?)", [[row] for row, _ in aside])
        kinds = con.execute(f"SELECT {picks} FROM came LIMIT 0").description or []  # noqa: S608
        read = ", ".join(
            f"TRY_CAST(CASE WHEN json_valid(j) THEN json_extract_string(j, "
            f"{literal(_pointer(name))}) END AS {kind[1]}) AS {quoted(name)}"
            for name, kind in zip(names, kinds, strict=True)
        )
        found = f"(SELECT {read} FROM rejected)"  # noqa: S608
        lost += _count(con, f"{found} WHERE {empty}")
        con.execute(f"INSERT INTO came SELECT DISTINCT {picks} FROM {found}")  # noqa: S608
    if lost:
        return f"{lost:,} rows that came could not be read as far as their key, so {_UNSURE}"
    alike = " AND ".join(f"came.{quoted(name)} = o.{quoted(name)}" for name in names)
    con.execute(
        f"INSERT INTO gone SELECT o.__file, o.file_row_number FROM {scan_old(base.paths)} o "  # noqa: S608
        f"WHERE NOT EXISTS (SELECT 1 FROM came WHERE {alike}) AND NOT EXISTS "
        "(SELECT 1 FROM gone g WHERE g.__f = o.__file AND g.__r = o.file_row_number)"
    )
    return ""


def _found(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[Column],
    names: Sequence[str],
    base: Base | None,
    marks: int,
    how: Deletes,
    why: str,
) -> Gone:
    """Write the keys of what goes to a file, and give it all."""
    picks = ", ".join(quoted(name) for name in names)
    query = f"SELECT {picks} FROM going"  # noqa: S608
    if base is not None:
        query += (
            f" UNION SELECT {picks} FROM {scan_old(base.paths)} o "  # noqa: S608
            "JOIN gone g ON o.__file = g.__f AND o.file_row_number = g.__r"
        )
    old = Replaced() if base is None else places_of(con, "gone", columns)
    if not marks and not old.rows:
        return Gone(kept_for=why)
    file = how.to
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        con.execute(
            f"COPY (SELECT DISTINCT {picks} FROM ({query}) ORDER BY {picks}) "  # noqa: S608
            f"TO {literal(str(file))} (FORMAT parquet)"
        )
    shown = (
        []
        if base is None
        else con.execute(
            f"SELECT DISTINCT {picks} FROM {scan_old(base.paths)} o "  # noqa: S608
            f"JOIN gone g ON o.__file = g.__f AND o.file_row_number = g.__r ORDER BY {picks} "
            f"LIMIT {_NAMED}"
        ).fetchall()
    )
    named = tuple(", ".join(str(value) for value in one) for one in shown)
    return Gone(old, marks, named, file, why)


def deleted_among(
    con: duckdb.DuckDBPyConnection, file: Path, key: Sequence[str], asked: str
) -> list[int]:
    """Give which rows of a table (with their number in `__at`) have a key that was deleted."""
    alike = " AND ".join(f"d.{quoted(name)} = a.{quoted(name)}" for name in key)
    found = con.execute(
        f"SELECT DISTINCT a.__at FROM read_parquet({literal(str(file))}) d "  # noqa: S608
        f"JOIN {asked} a ON {alike}"
    ).fetchall()
    return sorted(int(at) for (at,) in found)


def exempt(condition: str) -> str:
    """Give the SQL that keeps checks from rows that only say that they are deleted."""
    return f" AND NOT ({condition})" if condition else ""


def _pointer(name: str) -> str:
    """Give a column's name as a JSON pointer."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _count(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    """Count rows where they are: they may be many."""
    found = con.execute(f"SELECT count(*) FROM {rows}").fetchone()  # noqa: S608
    return int(found[0]) if found else 0
