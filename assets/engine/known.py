"""What is known already: new rows whose key an earlier row of the asset has, found by SQL.

Only key columns of the old files are read; whole rows only of those files that hold such a key.
The connection has the table `bad` (row_number, rule, column_name, other) of rows that cannot stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assets.engine.content import row_hash
from assets.engine.sql import literal, quoted
from catalog.records import File
from resources.columns import Column

if TYPE_CHECKING:
    import duckdb
    import numpy as np

_OLD = "filename = '__file', file_row_number = true, hive_partitioning = false"


@dataclass(frozen=True, slots=True)
class Base:
    """The rows that new ones join: of a version's files, or all of them in one file in a new form.

    files: the version's files that `paths` are (none in a new form). missing: by column.
    quarantined: rows that were set aside on the way to it.
    """

    version: int
    paths: tuple[Path, ...]
    files: tuple[File, ...]
    rows: int
    content: int
    missing: Mapping[str, int]
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Keys:
    """What tells rows apart: groups of columns whose values no two rows may share.

    replaces: a row with a known first key takes the place of the old one, the last one counts.
    required: columns of a key that must not be missing, whatever the schema says.
    """

    columns: tuple[tuple[str, ...], ...] = ()
    replaces: bool = False
    required: frozenset[str] = frozenset()
    base: Base | None = None


@dataclass(frozen=True, slots=True)
class Replaced:
    """Old rows that make room: their places in each file, and their missing values by column."""

    places: Mapping[Path, np.ndarray] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Give how many there are."""
        return sum(len(places) for places in self.places.values())

    def with_others(self, other: Replaced) -> Replaced:
        """Give these and others, which are none of them."""
        import numpy as np

        places = dict(self.places)
        for path, more in other.places.items():
            places[path] = np.union1d(places[path], more) if path in places else more
        names = {**self.missing, **other.missing}
        missing = {n: self.missing.get(n, 0) + other.missing.get(n, 0) for n in names}
        return Replaced(places, missing)


def label(key: Sequence[str]) -> str:
    """Name a key in checks and reasons."""
    return ", ".join(key)


def key_sql(key: Sequence[str]) -> str:
    """Give the SQL of a key as one value; null where a column of it is missing."""
    names = [quoted(name) for name in key]
    if len(names) == 1:
        return names[0]
    whole = " AND ".join(f"{name} IS NOT NULL" for name in names)
    return f"CASE WHEN {whole} THEN row({', '.join(names)}) END"


def superseded(con: duckdb.DuckDBPyConnection, new: str, key: Sequence[str]) -> None:
    """Mark rows that a later row with the same key replaces before they were ever published."""
    con.execute(f"""
        INSERT INTO bad
        SELECT n, 'superseded', {literal(label(key))}, last_n FROM (
          SELECT n, max(n) OVER (PARTITION BY k) AS last_n FROM (
            SELECT file_row_number AS n, {key_sql(key)} AS k FROM {new} s WHERE {standing("s")})
          WHERE k IS NOT NULL)
        WHERE n <> last_n
        """)  # noqa: S608 - quoted


def mark_known(
    con: duckdb.DuckDBPyConnection,
    new: str,
    columns: Sequence[Column],
    key: Sequence[str],
    base: Base,
) -> None:
    """Mark new rows with a known key: an equal row is a duplicate, any other breaks the key."""
    if _compare(con, new, columns, key, base):
        con.execute(
            "INSERT INTO bad SELECT __n, "  # noqa: S608
            "CASE WHEN bool_or(same) THEN 'duplicate' ELSE 'unique' END, "
            f"{literal(label(key))}, NULL FROM compared GROUP BY __n"
        )


def mark_replaced(
    con: duckdb.DuckDBPyConnection,
    new: str,
    columns: Sequence[Column],
    key: Sequence[str],
    base: Base,
) -> None:
    """Mark new rows that are equal to the old row of their key; note which others replace one."""
    con.execute("CREATE OR REPLACE TEMP TABLE replaced (__n BIGINT, __f VARCHAR, __r BIGINT)")
    if _compare(con, new, columns, key, base):
        con.execute(
            f"INSERT INTO bad SELECT DISTINCT __n, 'duplicate', {literal(label(key))}, NULL "  # noqa: S608
            "FROM compared WHERE same"
        )
        con.execute("INSERT INTO replaced SELECT __n, __f, __r FROM compared WHERE NOT same")


def mark_taken(con: duckdb.DuckDBPyConnection, new: str, key: Sequence[str], base: Base) -> int:
    """Mark new rows whose other key an old row has that stays; give how many there are."""
    _hits(con, new, key, base)
    con.execute(f"""
        INSERT INTO bad
        SELECT DISTINCT h.__n, 'unique', {literal(label(key))}, NULL::BIGINT FROM hits h
        WHERE NOT EXISTS (
          SELECT 1 FROM replaced p WHERE p.__f = h.__f AND p.__r = h.__r AND NOT EXISTS
            (SELECT 1 FROM bad b WHERE b.row_number = p.__n))
        AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.__f = h.__f AND g.__r = h.__r)
        """)  # noqa: S608
    return _count(con, "SELECT count(*) FROM hits h JOIN bad b ON b.row_number = h.__n")


def replaced_rows(con: duckdb.DuckDBPyConnection, columns: Sequence[Column]) -> Replaced:
    """Give the old rows that new ones, which stand, replace."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE leaving AS SELECT __f, __r FROM replaced p WHERE NOT EXISTS "
        "(SELECT 1 FROM bad b WHERE b.row_number = p.__n)"
    )
    return places_of(con, "leaving", columns)


def places_of(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[Column]) -> Replaced:
    """Give the places (__f, __r) that a table of the connection has, with what is missing there."""
    import numpy as np

    found = con.execute(f"SELECT DISTINCT __f FROM {table}").fetchall()  # noqa: S608
    places: dict[Path, np.ndarray] = {}
    for (file,) in found:
        rows = con.execute(
            f"SELECT __r FROM {table} WHERE __f = ? ORDER BY __r", [file]  # noqa: S608
        )
        places[Path(file)] = np.asarray(rows.fetchnumpy()["__r"], dtype=np.int64)
    if not places:
        return Replaced()
    picks = ", ".join(f"count(*) - count({quoted(c.name)})" for c in columns)
    counts = con.execute(
        f"SELECT {picks} FROM {scan_old(places)} o "  # noqa: S608
        f"JOIN {table} l ON o.__file = l.__f AND o.file_row_number = l.__r"
    ).fetchone()
    missing = dict(zip((c.name for c in columns), counts or (), strict=False))
    return Replaced(places, missing)


def _compare(
    con: duckdb.DuckDBPyConnection,
    new: str,
    columns: Sequence[Column],
    key: Sequence[str],
    base: Base,
) -> bool:
    """Find new rows with a known key, and whether they equal the old row; False without any."""
    files = _hits(con, new, key, base)
    if not files:
        return False
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE compared AS
        SELECT a.__n, a.__f, a.__r, a.h = b.h AS same FROM (
          SELECT __n, __f, __r, {row_hash(columns)} AS h FROM {scan_old(files)} o
          JOIN hits ON o.__file = hits.__f AND o.file_row_number = hits.__r) a
        JOIN (
          SELECT __n, {row_hash(columns)} AS h FROM {new} s
          JOIN (SELECT DISTINCT __n FROM hits) ON s.file_row_number = __n) b ON b.__n = a.__n
        """)  # noqa: S608
    return True


def _hits(con: duckdb.DuckDBPyConnection, new: str, key: Sequence[str], base: Base) -> list[Path]:
    """Note which new rows have which old row's key (table `hits`); give the old ones' files."""
    # Column by column, not as one value: then DuckDB skips row groups that cannot match.
    picks = ", ".join(f"{quoted(name)} AS __k{at}" for at, name in enumerate(key))
    alike = " AND ".join(f"o.{quoted(name)} = s.__k{at}" for at, name in enumerate(key))
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE hits AS
        SELECT s.__n, o.__file AS __f, o.file_row_number AS __r FROM {scan_old(base.paths)} o
        JOIN (SELECT file_row_number AS __n, {picks} FROM {new} s WHERE {standing("s")}) s
        ON {alike}
        """)  # noqa: S608
    return [Path(file) for (file,) in con.execute("SELECT DISTINCT __f FROM hits").fetchall()]


def standing(alias: str) -> str:
    """Give the SQL condition that a new row is not marked yet."""
    return f"NOT EXISTS (SELECT 1 FROM bad b WHERE b.row_number = {alias}.file_row_number)"  # noqa: S608


def scan_old(paths: Sequence[Path] | Mapping[Path, object]) -> str:
    """Give the SQL that scans old files, with each row's file and place in it."""
    return f"read_parquet([{', '.join(literal(str(path)) for path in paths)}], {_OLD})"


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """Run a query that gives one number."""
    row = con.execute(query).fetchone()
    return int(row[0]) if row is not None else 0
