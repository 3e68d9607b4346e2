"""Checks from the schema: counted by SQL over all rows, before anything is published.

Row checks (not null, allowed, unique) set rows aside; `rows` and `max_quarantine` block; missing
values above a column's `MaxMissing` and undeclared columns warn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.engine.content import row_hash
from assets.engine.sql import connection, literal, quoted
from assets.engine.stage import Staged, StagedWriter, read_batches
from catalog.records import Check
from resources.columns import Column
from resources.rejects import Reject, Rejects, row_json
from resources.settings import Settings

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Checked:
    """A staged file whose rows all hold, with what was found on the way.

    content: the sum over its rows. duplicates: identical rows removed. broken: rows set aside, by
    check and column. missing: missing values by column, among the rows that stayed.
    """

    staged: Staged
    content: str
    duplicates: int
    broken: dict[tuple[str, str], int]
    missing: dict[str, int]


def check_rows(
    staged: Staged,
    columns: Sequence[Column],
    rejects: Rejects,
    settings: Settings,
    *,
    ordered: bool,
) -> Checked:
    """Check every row; where some break a check, write the others to a second file aside."""
    con = connection(settings.memory_mb, settings.data / ".staging" / "spill")
    found = _count(con, staged.path, columns, ordered)
    if not any(found.broken.values()):
        return Checked(staged, found.content, 0, {}, found.missing)
    bad = _bad_rows(con, staged.path, columns)
    kept, duplicates, broken = _split(staged, bad, rejects, settings)
    again = _count(con, kept.path, columns, ordered)
    return Checked(kept, again.content, duplicates, broken, again.missing)


@dataclass(frozen=True, slots=True)
class _Counts:
    """What one pass over a file counts."""

    content: str
    broken: dict[tuple[str, str], int]
    missing: dict[str, int]


def _count(
    con: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[Column], ordered: bool
) -> _Counts:
    """Count in one pass: content sum, missing values, and rows that break each check."""
    picks = ["count(*)", f"coalesce(sum({row_hash(columns, ordered=ordered)}), 0)::VARCHAR"]
    picks += [f"count({quoted(c.name)})" for c in columns]
    rules: list[tuple[str, str]] = []
    for column in columns:
        name = quoted(column.name)
        if column.allowed:
            rules.append(("allowed", column.name))
            picks.append(f"count(*) FILTER (WHERE {_not_allowed(column)})")
        if column.unique:
            rules.append(("unique", column.name))
            picks.append(f"count({name}) - count(DISTINCT {name})")
    row = _one(con, f"SELECT {', '.join(picks)} FROM {_scan(path)}")  # noqa: S608 - all quoted
    rows, content, rest = int(row[0]), str(row[1]), [int(v) for v in row[2:]]
    missing = {c.name: rows - n for c, n in zip(columns, rest, strict=False)}
    broken = dict(zip(rules, rest[len(columns) :], strict=True))
    broken |= {("not null", c.name): missing[c.name] for c in columns if not c.nullable}
    return _Counts(content, broken, missing)


def _scan(path: Path) -> str:
    """Give the SQL that scans a staged file with its row numbers."""
    return f"read_parquet({literal(str(path))}, file_row_number = true)"


def _one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Run a query that gives exactly one row."""
    rows: list[tuple[Any, ...]] = con.execute(query).fetchall()
    return rows[0]


def _not_allowed(column: Column) -> str:
    """Give the SQL condition that a value is none of the allowed ones."""
    name = quoted(column.name)
    return f"{name} IS NOT NULL AND {name} NOT IN ({', '.join(literal(v) for v in column.allowed)})"


def _bad_rows(
    con: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[Column]
) -> list[tuple[int, str, str, int]]:
    """Give (row, rule, column, other row) of rows that cannot stay, in row order.

    Rule "duplicate" is a row identical to an earlier one; "unique" shares the value, not the rest.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE bad "
        "(row_number BIGINT, rule VARCHAR, column_name VARCHAR, other BIGINT)"
    )
    for column in columns:
        tests = [("not null", f"{quoted(column.name)} IS NULL")] if not column.nullable else []
        if column.allowed:
            tests.append(("allowed", _not_allowed(column)))
        for rule, condition in tests:
            con.execute(
                f"INSERT INTO bad SELECT file_row_number, {literal(rule)}, "  # noqa: S608
                f"{literal(column.name)}, NULL FROM {_scan(path)} s "
                f"WHERE {condition} AND NOT EXISTS "
                "(SELECT 1 FROM bad b WHERE b.row_number = s.file_row_number)"
            )
    for column in [c for c in columns if c.unique]:
        con.execute(f"""
            INSERT INTO bad
            SELECT n, CASE WHEN h = first_h THEN 'duplicate' ELSE 'unique' END,
                   {literal(column.name)}, first_n
            FROM (
              SELECT n, h, first_value(h) OVER w AS first_h, first_value(n) OVER w AS first_n
              FROM (
                SELECT file_row_number AS n, {quoted(column.name)} AS k, {row_hash(columns)} AS h
                FROM {_scan(path)} s
                WHERE {quoted(column.name)} IS NOT NULL AND NOT EXISTS
                  (SELECT 1 FROM bad b WHERE b.row_number = s.file_row_number)
              )
              WINDOW w AS (PARTITION BY k ORDER BY n)
            )
            WHERE n <> first_n
            """)  # noqa: S608
    rows: list[tuple[int, str, str, int]] = con.execute(
        "SELECT row_number, rule, column_name, other FROM bad ORDER BY row_number"
    ).fetchall()
    con.execute("DROP TABLE bad")
    return rows


def _split(
    staged: Staged, bad: list[tuple[int, str, str, int]], rejects: Rejects, settings: Settings
) -> tuple[Staged, int, dict[tuple[str, str], int]]:
    """Write the rows that stay to a second file; the others become rejects or are duplicates."""
    import numpy as np
    import pyarrow as pa

    path = staged.path.with_name("kept.parquet")
    writer = StagedWriter(path, staged.schema, settings.compression)
    duplicates, broken = 0, dict[tuple[str, str], int]()
    position, start = 0, 0
    try:
        for batch in read_batches(staged.path, settings.chunk_rows):
            keep = np.ones(batch.num_rows, dtype=bool)
            while position < len(bad) and bad[position][0] < start + batch.num_rows:
                row, rule, column, other = bad[position]
                keep[row - start] = False
                if rule == "duplicate":
                    duplicates += 1
                else:
                    values = batch.slice(row - start, 1).to_pylist()[0]
                    reason = _reason(rule, column, values[column], other)
                    rejects.add(Reject(row_json(values), rule, column, reason))
                    broken[rule, column] = broken.get((rule, column), 0) + 1
                position += 1
            writer.write(batch.filter(pa.array(keep)))
            start += batch.num_rows
        facts = writer.close()
    except BaseException:
        writer.abort()
        raise
    return replace(staged, path=path, facts=facts, rows=writer.rows), duplicates, broken


def _reason(rule: str, column: str, value: object, other: int | None) -> str:
    """Say why a row was set aside."""
    if rule == "not null":
        return f"{column} is missing"
    if rule == "allowed":
        return f"{column} is {str(value)[:80]!r}, which is not an allowed value"
    said = f"{column} is {str(value)[:80]!r}"
    return f"{said}, as in row {(other or 0) + 1}, which is otherwise different"


def schema_checks(
    checked: Checked,
    columns: Sequence[Column],
    rejects: dict[tuple[str, str], int],
    *,
    declared: bool,
    rows_in: int,
    quarantined: int,
    limit: float,
    layer: str,
) -> tuple[Check, ...]:
    """Put together what all checks found; those of severity "block" decide over publishing.

    rejects: rows set aside by the reader, the cast or the cleaner, by rule and column.
    """
    checks: list[Check] = []
    rows = checked.staged.rows
    if layer == "raw" or rows_in == 0:
        severity = "block" if layer == "raw" else "warn"
        checks.append(Check("rows", "", severity, rows > 0, 0, float(rows), 1.0, ""))
    if declared:
        checks.append(Check("columns", "", "block", True))
        aside = {**rejects, **checked.broken}
        for column in columns:
            for name, applies in (
                ("type", True),
                ("not null", not column.nullable),
                ("allowed", bool(column.allowed)),
                ("unique", column.unique),
            ):
                if applies:
                    count = aside.get((name, column.name), 0)
                    checks.append(Check(name, column.name, "warn", count == 0, count))
    if checked.staged.ignored:
        text = f"not in the schema, left out: {', '.join(checked.staged.ignored)}"
        checks.append(Check("undeclared columns", "", "warn", False, 0, detail=text))
    for column in columns:
        gone = checked.missing.get(column.name, 0)
        if gone or column.max_missing is not None:
            share, most = (gone / rows if rows else 0.0), column.max_missing
            passed = most is None or share <= most
            checks.append(Check("missing values", column.name, "warn", passed, gone, share, most))
    share = quarantined / rows_in if rows_in else 0.0
    checks.append(Check("quarantined rows", "", "block", share <= limit, quarantined, share, limit))
    return tuple(checks)
