"""Marking: which staged rows cannot stay, and by which rule. All in SQL, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from assets.engine.content import row_hash
from assets.engine.deleting import Deletes, Gone, exempt, mark_deleted
from assets.engine.known import (
    Keys,
    Replaced,
    key_sql,
    label,
    mark_known,
    mark_replaced,
    mark_taken,
    replaced_rows,
    superseded,
)
from assets.engine.sql import literal, quoted
from resources.columns import Column

if TYPE_CHECKING:
    import duckdb

_AT_ONCE: Final = 100
"""Tests in one scan: a scan of its own for each would open a wide file once a column."""
_NOTES: Final = ("bad", "hits", "compared", "replaced", "leaving")


def mark(
    con: duckdb.DuckDBPyConnection,
    new: str,
    columns: Sequence[Column],
    keys: Keys,
    deletes: Deletes,
) -> tuple[Replaced, Gone]:
    """Note which rows cannot stay (table `bad`); give the old rows that the others replace.

    And those that go, as their source has them no more. A row that says so needs a key only.

    new: the SQL that scans the rows with their numbers. Rule "duplicate" is a row identical to an
    earlier one; "unique" shares the key, not the rest; "superseded" came with its successor.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE bad "
        "(row_number BIGINT, rule VARCHAR, column_name VARCHAR, other BIGINT)"
    )
    con.execute("CREATE OR REPLACE TEMP TABLE gone (__f VARCHAR, __r BIGINT)")
    tests = list(_tests(columns, keys, deletes))
    for start in range(0, len(tests), _AT_ONCE):
        _mark_tests(con, new, tests[start : start + _AT_ONCE])
    if keys.replaces:
        return _mark_upsert(con, new, columns, keys, deletes)
    if keys.base is not None:
        for key in keys.columns:
            mark_known(con, new, columns, key, keys.base)
    for key in keys.columns:
        _mark_repeated(con, new, columns, key)
    return Replaced(), Gone()


@dataclass(frozen=True, slots=True)
class _Test:
    """A condition, in SQL, by which a row breaks the rule of a column."""

    rule: str
    column: str
    condition: str


def _tests(columns: Sequence[Column], keys: Keys, deletes: Deletes) -> Iterator[_Test]:
    """Give what each row is tested for by itself, in the order in which it counts."""
    for column in columns:
        in_key = keys.replaces and column.name in keys.columns[0]
        spared = "" if in_key else exempt(deletes.condition)
        if not column.nullable:
            yield _Test("not null", column.name, f"{quoted(column.name)} IS NULL{spared}")
        if column.allowed:
            yield _Test("allowed", column.name, f"{not_allowed(column)}{spared}")


def _mark_tests(con: duckdb.DuckDBPyConnection, new: str, tests: Sequence[_Test]) -> None:
    """Mark the rows that break one of some tests, by the first of them, in one scan.

    Where their columns together are too heavy for memory, test by test.
    """
    import duckdb

    cases = " ".join(f"WHEN {one.condition} THEN {n}" for n, one in enumerate(tests, 1))
    rules, names = (
        f"[{', '.join(literal(name) for name in found)}]"
        for found in ([one.rule for one in tests], [one.column for one in tests])
    )
    try:
        con.execute(f"""
            INSERT INTO bad
            SELECT __n, {rules}[__broken], {names}[__broken], NULL
            FROM (SELECT file_row_number AS __n, CASE {cases} END AS __broken FROM {new} s)
            WHERE __broken IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM bad b WHERE b.row_number = __n)
            """)  # noqa: S608
    except duckdb.OutOfMemoryException:
        if len(tests) == 1:
            raise
        for one in tests:
            _mark_tests(con, new, [one])


def _mark_upsert(
    con: duckdb.DuckDBPyConnection,
    new: str,
    columns: Sequence[Column],
    keys: Keys,
    deletes: Deletes,
) -> tuple[Replaced, Gone]:
    """Note what cannot stay of rows that replace old ones by their first key; give those."""
    first, *others = keys.columns
    superseded(con, new, first)
    asked = deletes.condition or deletes.full
    gone = mark_deleted(con, new, columns, keys, deletes) if asked else Gone()
    if keys.base is not None:
        mark_replaced(con, new, columns, first, keys.base)
    for key in others:
        _mark_repeated(con, new, columns, key)
    if keys.base is None:
        return Replaced(), gone
    # A row that is set aside leaves its old row in place, which may stand in another one's way.
    while sum(mark_taken(con, new, key, keys.base) for key in others):
        pass
    return replaced_rows(con, columns), gone


def _mark_repeated(
    con: duckdb.DuckDBPyConnection, new: str, columns: Sequence[Column], key: Sequence[str]
) -> None:
    """Mark new rows that share a key with an earlier one of them."""
    con.execute(f"""
        INSERT INTO bad
        SELECT n, CASE WHEN h = first_h THEN 'duplicate' ELSE 'unique' END,
               {literal(label(key))}, first_n
        FROM (
          SELECT n, h, first_value(h) OVER w AS first_h, first_value(n) OVER w AS first_n
          FROM (
            SELECT file_row_number AS n, {key_sql(key)} AS k, {row_hash(columns)} AS h
            FROM {new} s
            WHERE {key_sql(key)} IS NOT NULL AND NOT EXISTS
              (SELECT 1 FROM bad b WHERE b.row_number = s.file_row_number)
          )
          WINDOW w AS (PARTITION BY k ORDER BY n)
        )
        WHERE n <> first_n
        """)  # noqa: S608


def not_allowed(column: Column) -> str:
    """Give the SQL condition that a value is none of the allowed ones."""
    name = quoted(column.name)
    return f"{name} IS NOT NULL AND {name} NOT IN ({', '.join(literal(v) for v in column.allowed)})"


def forget(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the notes: the connection serves the next asset, too."""
    for table in (*_NOTES, "gone", "going", "came", "rejected"):
        con.execute(f"DROP TABLE IF EXISTS {table}")
