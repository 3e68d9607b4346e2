"""Quarantine: which rows are open, and that people discard them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from assets.engine.attempt import refold
from assets.engine.corrections import SUITE, content_id, numbered, read_corrections
from assets.engine.due import show_time
from assets.engine.plan import heads_of
from assets.engine.project import Project
from catalog.heads import Head
from catalog.quarantine import discards_of, files_of, record_discard
from catalog.records import Discarded
from resources.errors import DataOpsError, did_you_mean
from resources.rejects import Reject, read_rejects


class QuarantineError(DataOpsError):
    """Rows in quarantine that cannot be shown or decided about."""


@dataclass(frozen=True, slots=True)
class OpenRow:
    """A row in quarantine that nobody has decided about.

    id: from its content. version: the one that set it aside; 0: the last attempt, which was
    blocked. at: when. file: where it lies.
    """

    id: str
    reject: Reject
    version: int
    at: str
    file: str


def open_rows(project: Project, key: str, head: Head | None = None) -> list[OpenRow]:
    """Give an asset's open rows: of the last attempt, if it was blocked, and of what is current."""
    head = head or heads_of(project, [key])[key]
    discarded = {one for event in discards_of(project.events, key) for one in event.rows}
    volatile = volatile_of(project, key, head)
    found: list[OpenRow] = []
    last, current = head.last_attempt, head.current
    if last is not None and last.state == "blocked" and last.quarantine_file:
        found += _rows(project, [last.quarantine_file], 0, last.at, volatile)
    if current is not None:
        known = {row.id for row in found}
        files = files_of(project.events, current)
        rows = _rows(project, files, current.number, current.at, volatile)
        found += [row for row in rows if row.id not in known]
    return [row for row in found if row.id not in discarded]


def kept_columns(project: Project, key: str) -> list[str]:
    """Give the columns of the rows that held in a blocked attempt; none where they are gone."""
    import pyarrow.parquet as pq

    path = project.data / "quarantine" / key / "blocked.parquet"
    return list(pq.read_schema(path).names) if path.is_file() else []


def volatile_of(project: Project, key: str, head: Head) -> frozenset[str]:
    """Give the columns that are no content of a row."""
    asset = project.graph.assets.get(key)
    declared = asset.columns or () if asset is not None else ()
    made = head.current.columns if head.current is not None else ()
    names = {column.name for column in declared if column.volatile}
    return frozenset(names | {column.name for column in made if column.volatile})


def _rows(
    project: Project, files: Sequence[str], version: int, at: str, volatile: frozenset[str]
) -> list[OpenRow]:
    """Give the rows of quarantine files; of equal ones the second is called -2, and so on.

    A row that breaks several expectations of a suite is one row, with all the reasons.
    """
    seen: Counter[str] = Counter()
    of_suites: dict[str, OpenRow] = {}
    found: list[OpenRow] = []
    for file, reject in _rejects(project, files):
        name = content_id(reject.row, volatile)
        if reject.rule.startswith(SUITE) and name in of_suites:
            _add_reason(found, of_suites, name, reject)
            continue
        seen[name] += 1
        found.append(OpenRow(numbered(name, seen[name]), reject, version, at, file))
        if reject.rule.startswith(SUITE):
            of_suites[name] = found[-1]
    return found


def _rejects(project: Project, files: Sequence[str]) -> Iterator[tuple[str, Reject]]:
    """Give what lies in quarantine files, with the file; what is gone is gone."""
    for file in files:
        if (project.data / file).is_file():
            for reject in read_rejects(project.data / file):
                yield file, reject


def _add_reason(
    found: list[OpenRow], of_suites: dict[str, OpenRow], name: str, reject: Reject
) -> None:
    """Add another reason to a row."""
    before = of_suites[name]
    reason = f"{before.reject.reason}; {reject.reason}"
    after = replace(before, reject=replace(before.reject, reason=reason))
    found[found.index(before)] = of_suites[name] = after


def chosen(project: Project, key: str, ids: Sequence[str]) -> list[OpenRow]:
    """Give these open rows; raises QuarantineError for one that is not open."""
    rows = {row.id: row for row in open_rows(project, key)}
    for one in ids:
        if one not in rows:
            raise QuarantineError(
                f"{key} has no open row {one!r} in quarantine{did_you_mean(one, rows)}",
                f"see which are open: dataops quarantine show {key}",
                asset=key,
                row=one,
            )
    return [rows[one] for one in dict.fromkeys(ids)]


def decided(project: Project, key: str) -> frozenset[str]:
    """Give the ids of rows that were accepted into what is current, or discarded."""
    head = heads_of(project, [key])[key]
    gone = {one for event in discards_of(project.events, key) for one in event.rows}
    current = head.current
    path = project.data / current.corrections_file if current is not None else project.data
    if path.is_file():
        volatile = volatile_of(project, key, head)
        gone |= {content_id(one.rejected, volatile) for one in read_corrections(path)}
    return frozenset(gone)


def discard(project: Project, key: str, rows: Sequence[OpenRow], *, by: str, why: str) -> Discarded:
    """Record that rows are not wanted; they stay in their file and are no longer open."""

    def decide(before: Sequence[Discarded]) -> Discarded:
        """Look at what others discarded meanwhile."""
        gone = {one for event in before for one in event.rows}
        ids = tuple(row.id for row in rows if row.id not in gone)
        if not ids:
            raise QuarantineError(
                f"{key}: these rows are discarded already",
                f"see which are open: dataops quarantine list {key}",
                asset=key,
            )
        return Discarded(
            id=uuid4().hex,
            at=show_time(datetime.now(UTC)),
            by=by,
            key=key,
            number=(before[-1].number if before else 0) + 1,
            rows=ids,
            file=rows[0].file,
            reason=why,
        )

    event = record_discard(project.events, key, decide)
    refold(project)
    return event
