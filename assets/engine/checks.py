"""Checks from the schema: counted by SQL over all rows, before anything is published.

Row checks (not null, allowed, unique) set rows aside; `rows` and `max_quarantine` block; missing
values above a column's `MaxMissing` and undeclared columns warn. Where new rows join old ones, keys
hold over both, and a repeated row is a duplicate.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assets.engine.anomalies import figures_of, profile_of
from assets.engine.content import row_hash
from assets.engine.deleting import RULE, Deletes, Gone
from assets.engine.known import Keys, Replaced, key_sql, label
from assets.engine.marking import forget, mark, not_allowed
from assets.engine.pieces import Pick, pick_all, scan
from assets.engine.sql import connection, quoted
from assets.engine.stage import Staged, StagedWriter, read_batches
from catalog.records import Check, Profile
from resources.columns import Column
from resources.rejects import Reject, Rejects, row_json
from resources.settings import Settings

if TYPE_CHECKING:
    import duckdb

NEW_ROWS: Final = "quarantined new rows"
_MOST_NEW: Final = 0.5
_FEW: Final = 10


@dataclass(frozen=True, slots=True)
class Checked:
    """A staged file whose rows all hold, with what was found on the way.

    content: the sum over its rows. duplicates: identical rows removed. broken: rows set aside, by
    check and column. missing: missing values by column, among the rows that stayed. replaced: the
    old rows that they take the place of; gone: those that are deleted. removed: which of
    the staged rows did not stay, in order.
    """

    staged: Staged
    content: str
    duplicates: int
    broken: dict[tuple[str, str], int]
    missing: dict[str, int]
    profile: Profile | None = None
    replaced: Replaced = field(default_factory=Replaced)
    removed: Sequence[int] = ()
    gone: Gone = field(default_factory=Gone)

    @property
    def leaving(self) -> Replaced:
        """Give all old rows that do not stay: those that make room, and those that are deleted."""
        return self.replaced.with_others(self.gone.old)


def check_rows(
    staged: Staged,
    columns: Sequence[Column],
    rejects: Rejects,
    settings: Settings,
    *,
    ordered: bool,
    keys: Keys | None = None,
    deletes: Deletes | None = None,
) -> Checked:
    """Check every row; where some break a check, write the others to a second file aside.

    keys: what tells rows apart beside the columns that are unique, and the old rows they join.
    """
    con = connection(settings.memory_mb, settings.data / ".staging" / "spill")
    deletes = deletes or Deletes()
    keys = keys or Keys(tuple((c.name,) for c in columns if c.unique))
    columns = [replace(c, nullable=c.nullable and c.name not in keys.required) for c in columns]
    found = _count(con, staged.path, columns, ordered, keys)
    simple = keys.base is None and not deletes.condition
    if simple and not any(found.broken.values()):
        return Checked(staged, found.content, 0, {}, found.missing, profile=found.profile)
    try:
        replaced, gone = mark(con, scan(staged.path), columns, keys, deletes)
        if not _one(con, "SELECT count(*) FROM bad")[0]:
            return Checked(
                staged, found.content, 0, {}, found.missing, found.profile, replaced, gone=gone
            )
        version = keys.base.version if keys.base is not None else 0
        removed = array("q")
        bad = _noted(_bad_rows(con), removed)
        kept, duplicates, broken = _split(staged, bad, rejects, settings, version)
    finally:
        forget(con)
    again = _count(con, kept.path, columns, ordered, keys)
    return Checked(
        kept,
        again.content,
        duplicates,
        broken,
        again.missing,
        again.profile,
        replaced,
        removed,
        gone,
    )


def content_of(path: Path, columns: Sequence[Column], settings: Settings) -> str:
    """Give the content sum of a staged file's rows."""
    con = connection(settings.memory_mb, settings.data / ".staging" / "spill")
    names = tuple(c.name for c in columns if not c.volatile)
    picked = Pick(f"coalesce(sum({row_hash(columns)}), 0)::VARCHAR", names)
    return str(pick_all(con, path, [picked], len(columns))[0])


@dataclass(frozen=True, slots=True)
class _Counts:
    """What one pass over a file counts."""

    content: str
    broken: dict[tuple[str, str], int]
    missing: dict[str, int]
    profile: Profile


def _count(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    columns: Sequence[Column],
    ordered: bool,
    keys: Keys,
) -> _Counts:
    """Count in one pass: content sum, missing values, and rows that break each check."""
    content = f"coalesce(sum({row_hash(columns, ordered=ordered)}), 0)::VARCHAR"
    picks = [Pick("count(*)"), Pick(content, tuple(c.name for c in columns if not c.volatile))]
    picks += [Pick(f"count({quoted(c.name)})", (c.name,)) for c in columns]
    rules: list[tuple[str, str]] = []
    for column in columns:
        if column.allowed:
            rules.append(("allowed", column.name))
            picks.append(Pick(f"count(*) FILTER (WHERE {not_allowed(column)})", (column.name,)))
    for key in keys.columns:
        rules.append(("unique", label(key)))
        picks.append(Pick(f"count({key_sql(key)}) - count(DISTINCT {key_sql(key)})", tuple(key)))
    figures = [Pick(sql, (column.name,)) for column in columns for sql in figures_of([column])]
    row = pick_all(con, path, [*picks, *figures], len(columns))
    rows, content, rest = int(row[0]), str(row[1]), [int(v) for v in row[2 : len(picks)]]
    missing = {c.name: rows - n for c, n in zip(columns, rest, strict=False)}
    broken = dict(zip(rules, rest[len(columns) :], strict=True))
    broken |= {("not null", c.name): missing[c.name] for c in columns if not c.nullable}
    return _Counts(content, broken, missing, profile_of(rows, missing, columns, row[len(picks) :]))


def _one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Run a query that gives exactly one row."""
    rows: list[tuple[Any, ...]] = con.execute(query).fetchall()
    return rows[0]


def _bad_rows(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, str, str, int | None]]:
    """Stream (row, rule, column, other row) of the rows that cannot stay, in row order."""
    found = con.execute("SELECT row_number, rule, column_name, other FROM bad ORDER BY row_number")
    while rows := found.fetchmany(10_000):
        yield from rows


def _noted(
    bad: Iterator[tuple[int, str, str, int | None]], removed: array[int]
) -> Iterator[tuple[int, str, str, int | None]]:
    """Note the numbers of the rows on their way."""
    for one in bad:
        removed.append(one[0])
        yield one


def _split(
    staged: Staged,
    bad: Iterator[tuple[int, str, str, int | None]],
    rejects: Rejects,
    settings: Settings,
    version: int,
) -> tuple[Staged, int, dict[tuple[str, str], int]]:
    """Write the rows that stay to a second file; the others become rejects or are duplicates."""
    import numpy as np
    import pyarrow as pa

    path = staged.path.with_name("kept.parquet")
    writer = StagedWriter(path, staged.schema, settings.compression)
    duplicates, broken = 0, dict[tuple[str, str], int]()
    start = 0
    try:
        one = next(bad, None)
        for batch in read_batches(staged.path, settings.chunk_rows):
            keep = np.ones(batch.num_rows, dtype=bool)
            while one is not None and one[0] < start + batch.num_rows:
                row, rule, column, other = one
                keep[row - start] = False
                if rule == RULE:
                    pass
                elif rule in ("duplicate", "superseded"):
                    duplicates += 1
                else:
                    values = batch.slice(row - start, 1).to_pylist()[0]
                    reason = _reason(rule, column, values, other, version)
                    rejects.add(Reject(row_json(values), rule, column, reason, after=row))
                    broken[rule, column] = broken.get((rule, column), 0) + 1
                one = next(bad, None)
            writer.write(batch.filter(pa.array(keep)))
            start += batch.num_rows
        facts = writer.close()
    except BaseException:
        writer.abort()
        raise
    return replace(staged, path=path, facts=facts, rows=writer.rows), duplicates, broken


def _reason(rule: str, column: str, row: dict[str, Any], other: int | None, version: int) -> str:
    """Say why a row was set aside. version: the one whose row it meets, where `other` is none."""
    if rule == "not null":
        return f"{column} is missing"
    shown = row[column] if column in row else tuple(row.get(name) for name in column.split(", "))
    said = f"{column} is {str(shown)[:80]!r}"
    if rule == "allowed":
        return f"{said}, which is not an allowed value"
    where = "another row" if other is not None else f"a row of version {version}"
    return f"{said}, as in {where}, which is otherwise different"


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

    checked: its rows and missing values are those of the whole version. rejects: rows set aside by
    the reader, the cast or the cleaner, by rule and column.
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
    checks += _whole_rows({**rejects, **checked.broken})
    share = quarantined / rows_in if rows_in else 0.0
    checks.append(Check("quarantined rows", "", "block", share <= limit, quarantined, share, limit))
    return tuple(checks)


def new_rows_check(rows_in: int, quarantined: int, limit: float) -> Check:
    """Tell whether most of the new rows are bad: a source that broke, however many old ones hold.

    A few bad rows of a small batch are few of the whole, and no reason to stop.
    """
    share, most = (quarantined / rows_in if rows_in else 0.0), max(limit, _MOST_NEW)
    passed = share <= most or quarantined < _FEW
    return Check(NEW_ROWS, "", "block", passed, quarantined, share, most)


def key_checks(checked: Checked, columns: Sequence[Column], on: Sequence[str]) -> tuple[Check, ...]:
    """Put together what was found of the asset's key, as far as its schema does not say it."""
    if not on:
        return ()
    said = {("unique", c.name) for c in columns if c.unique}
    said |= {("not null", c.name) for c in columns if not c.nullable}
    rules = [("unique", label(on)), *(("not null", name) for name in on)]
    return tuple(
        Check(name, column, "warn", not checked.broken.get((name, column)), n)
        for name, column in rules
        if (name, column) not in said
        for n in [checked.broken.get((name, column), 0)]
    )


def _whole_rows(rejects: dict[tuple[str, str], int]) -> list[Check]:
    """Give the rules that set whole rows aside: those that could not even be read, or cleaned."""
    found = [(rule, count) for (rule, column), count in rejects.items() if not column]
    return [Check(rule, "", "warn", count == 0, count) for rule, count in found]
