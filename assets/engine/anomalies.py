"""Anomalies: what a new version's rows look like beside the asset's own history.

Figures of the rows that a materialization put in are counted in the pass that checks make anyway,
and kept in its event. Each is held against those of the versions before by median and MAD, which a
few odd versions do not move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from assets.engine.sql import quoted
from catalog.events import EventStore
from catalog.records import ACCEPTED, Check, ColumnProfile, Materialized, Profile
from resources.columns import Column

if TYPE_CHECKING:
    from catalog.heads import Head

HISTORY: Final = 20
"""So many of the newest versions are looked at."""
ENOUGH: Final = 5
"""With fewer versions there is nothing to be said."""
_SPREAD: Final = 5 * 1.4826
"""Deviations from the median that are still usual: five standard deviations, from the MAD."""
_RELATIVE: Final = 0.5
"""Rows and means may always differ by this share of the median."""
_ABSOLUTE: Final = 0.1
"""Shares may always differ by this much."""
_TEXT: Final = ("string", "json")
_NUMBERS: Final = ("int", "uint", "float", "double", "decimal")


def figures_of(columns: Sequence[Column]) -> list[str]:
    """Give the SQL of a column's figures, two for each."""
    picks: list[str] = []
    for column in columns:
        name = quoted(column.name)
        picks.append(f"approx_count_distinct({name})" if _is_plain(column.type) else "NULL")
        picks.append(_mean(column.type, name))
    return picks


def profile_of(
    rows: int, missing: Mapping[str, int], columns: Sequence[Column], found: Sequence[Any]
) -> Profile:
    """Put a table's figures together, as `figures_of` asked for them."""
    return Profile(
        rows,
        tuple(
            ColumnProfile(
                column.name,
                missing[column.name],
                int(found[2 * at] or 0),
                None if found[2 * at + 1] is None else float(f"{found[2 * at + 1]:.6g}"),
            )
            for at, column in enumerate(columns)
        ),
    )


def _is_plain(kind: str) -> bool:
    """Tell the types whose values can be counted cheaply."""
    return kind in _TEXT or kind.startswith((*_NUMBERS, "bool", "date", "timestamp"))


def _mean(kind: str, name: str) -> str:
    """Give the SQL of a column's mean: of its numbers, or of its texts' lengths."""
    if kind in _TEXT:
        return f"avg(strlen({name}))"
    if kind.startswith(("float", "double")):
        return f"avg({name}) FILTER (WHERE isfinite({name}))"
    if kind.startswith(_NUMBERS):
        return f"avg({name})"
    return "NULL"


def anomaly_checks(
    events: EventStore,
    head: Head,
    profile: Profile | None,
    columns: Sequence[Column],
    severity: str,
) -> tuple[Check, ...]:
    """Hold a result's figures against the history; severity: warn or block, off says nothing."""
    if severity == "off" or profile is None:
        return ()
    before = history_of(events, head)
    if len(before) < ENOUGH:
        return ()
    odd: list[Check] = []
    compared = 0
    for name, column, value, values in _series(profile, before, columns):
        compared += 1
        found = _odd(name, column, value, values, severity)
        odd += [found] if found is not None else []
    said = f"{compared} figures were held against {len(before)} versions before"
    return tuple(odd) or (Check("anomalies", "", severity, True, detail=said),)


def history_of(events: EventStore, head: Head) -> list[Profile]:
    """Give the figures of the newest versions, of those that brought something of their own."""
    found: list[Profile] = []
    for number in range(head.number, 0, -1):
        event = events.get(head.key, number)
        if isinstance(event, Materialized) and event.profile and not _is_old(event):
            found.append(event.profile)
        if len(found) == HISTORY or head.number - number >= 3 * HISTORY:
            break
    return found


def _is_old(version: Materialized) -> bool:
    """Tell whether a version has nothing but what others had, and rows that people accepted."""
    return version.unchanged or any(why.startswith(ACCEPTED) for why in version.why)


def carried_over(version: Materialized) -> tuple[Check, ...]:
    """Give what was found odd in a version, for one that only adds accepted rows to it."""
    return tuple(check for check in version.checks if check.name.startswith("anomal"))


def _series(
    now: Profile, before: Sequence[Profile], columns: Sequence[Column]
) -> Iterator[tuple[str, str, float, list[float]]]:
    """Give each figure with those before: what it is, of which column, its value and theirs."""
    yield "anomaly: rows", "", float(now.rows), [float(p.rows) for p in before]
    apart = {column.name for column in columns if column.volatile or column.unique}
    olds = [{c.name: (p.rows, c) for c in p.columns} for p in before if p.rows]
    for column in now.columns if now.rows else ():
        known = [old[column.name] for old in olds if column.name in old]
        if len(known) < ENOUGH or column.name in apart:
            continue
        shares = [c.missing / rows for rows, c in known]
        yield "anomaly: missing values", column.name, column.missing / now.rows, shares
        if column.distinct:
            distinct = [_distinct(c, rows) for rows, c in known]
            yield "anomaly: distinct values", column.name, _distinct(column, now.rows), distinct
        means = [c.mean for _, c in known if c.mean is not None]
        if column.mean is not None and len(means) >= ENOUGH:
            yield "anomaly: mean", column.name, column.mean, means


def _distinct(column: ColumnProfile, rows: int) -> float:
    """Give the share of values that are distinct (the count is approximate)."""
    there = rows - column.missing
    return min(column.distinct / there, 1.0) if there else 0.0


def _odd(name: str, column: str, value: float, before: list[float], severity: str) -> Check | None:
    """Give the check of a figure that is far from those before; None for one that is not."""
    middle = median(before)
    spread = _SPREAD * median(abs(one - middle) for one in before)
    relative = name in ("anomaly: rows", "anomaly: mean")
    usual = max(spread, _RELATIVE * abs(middle) if relative else _ABSOLUTE)
    if abs(value - middle) <= usual:
        return None
    bound = middle + usual if value > middle else middle - usual
    if relative:
        said = f"{value:,.6g} where {len(before)} versions before had about {middle:,.6g}"
    else:
        said = f"{value:.1%} where {len(before)} versions before had about {middle:.1%}"
    return Check(name, column, severity, False, 0, value, bound, said)
