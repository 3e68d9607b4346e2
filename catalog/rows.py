"""Rows: what one event adds to the catalog's tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec.structs import astuple

from catalog.records import (
    ACCEPTED,
    Alerted,
    AnyEvent,
    Attempted,
    Declared,
    Discarded,
    Lost,
    Materialized,
    Planned,
    Pruned,
    Released,
    Reviewed,
    RolledBack,
    RunFinished,
    RunStarted,
    Verified,
)

Row = tuple[str, tuple[Any, ...]]
"""A table's name and the values of one row, in the order of schema.sql."""


def rows_of(event: AnyEvent) -> Iterator[Row]:
    """Give the rows that an event adds: one to the audit, and what its kind adds."""
    at = _time(event.at)
    key = getattr(event, "key", None)
    yield "audit", (at, event.by, _kind(event), key, event.number, event.id)
    if isinstance(event, Materialized):
        yield from _materialized(event, at)
    elif isinstance(event, Attempted):
        yield from _attempted(event, at)
    elif isinstance(event, RolledBack | Released | Pruned):
        yield _change(event, at)
    elif isinstance(event, Discarded):
        what = (event.key, None, at, event.by, "discarded", len(event.rows))
        yield "decisions", (*what, event.file, event.reason)
    elif isinstance(event, Reviewed):
        yield _review(event, at)
    else:
        yield from _kept_books(event, at)


def _kept_books(event: AnyEvent, at: datetime | None) -> Iterator[Row]:
    """Give the rows of bookkeeping: declarations, plans, alerts, verifications, runs."""
    if isinstance(event, Declared):
        yield from _declared(event, at)
    elif isinstance(event, Alerted):
        yield from _alerted(event, at)
    elif isinstance(event, Verified):
        yield from _verified(event, at)
    elif isinstance(event, Lost):
        yield "lost_events", (event.stream, event.number, at, event.stands_for, event.reason)
    elif isinstance(event, Planned):
        for s in event.states:
            due = _time(s.due)
            yield "states", (s.key, at, s.state, list(s.reasons), s.held, event.number, due)
    elif isinstance(event, RunStarted | RunFinished):
        yield _run(event, at)


def _kind(event: AnyEvent) -> str:
    """Give what an event is called."""
    return str(type(event).__struct_config__.tag)


def _time(text: str) -> datetime | None:
    """Give a time without its zone: the catalog's times are UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=None) if text else None


def _change(event: RolledBack | Released | Pruned, at: datetime | None) -> Row:
    """Give the row of something that a person changed."""
    to = event.to.number if isinstance(event, RolledBack) else None
    versions = list(event.versions) if isinstance(event, Pruned) else None
    reason = "" if isinstance(event, Pruned) else event.reason
    who = (event.key, event.number, at, event.by, _kind(event))
    return "changes", (*who, to, versions, reason)


def _review(r: Reviewed, at: datetime | None) -> Row:
    """Give the row of a review session."""
    who = (r.key, r.number, r.version, at, r.by, r.reviewer)
    so_far = (r.reviewed_rows, r.right_rows, r.accuracy, r.low, r.high)
    return "reviews", (*who, r.rows, r.good, r.bad, *so_far, r.file)


def _alerted(event: Alerted, at: datetime | None) -> Iterator[Row]:
    """Give the rows of alerts that began, reached somebody, or ended."""
    opened, delivered = set(event.opened), set(event.delivered)
    changes = [("opened", a) for a in event.open if a.id in opened]
    changes += [("delivered", a) for a in event.open if a.id in delivered]
    changes += [("closed", a) for a in event.closed]
    for change, a in changes:
        text = (a.title, a.text, list(a.to))
        yield "alerts", (at, change, a.kind, a.key, a.cause, *text, event.number)


def _verified(event: Verified, at: datetime | None) -> Iterator[Row]:
    """Give the rows of a verification, and of what it found or found right again."""
    counts = (event.events, event.files, event.bytes, event.total_files, event.total_bytes)
    oldest = _time(event.oldest)
    yield "verifications", (event.number, at, event.by, *counts, len(event.open), oldest)
    opened = set(event.opened)
    changes = [("opened", f) for f in event.open if f.path in opened]
    changes += [("accepted" if f.path in event.accepted else "closed", f) for f in event.closed]
    for change, f in changes:
        what = (f.kind, f.key, f.version or None, f.path, f.found, f.detail)
        yield "findings", (at, change, *what, event.number)


def _run(event: RunStarted | RunFinished, at: datetime | None) -> Row:
    """Give the row of a run's start or end."""
    head = (event.run, at, event.by, _kind(event))
    if isinstance(event, RunStarted):
        asked = (event.trigger, list(event.select), event.planned)
        return "run_events", (*head, *asked, None, None, None, None, None, event.number)
    counts = (event.made, event.unchanged, event.fresh, event.failed)
    return "run_events", (*head, None, None, None, event.state, *counts, event.number)


def _materialized(m: Materialized, at: datetime | None) -> Iterator[Row]:
    """Give the rows of a version."""
    yield (
        "materializations",
        (
            m.key,
            m.number,
            at,
            m.by,
            m.run,
            m.attempt,
            m.request,
            _time(m.as_of),
            _time(m.started_at),
            list(m.why),
            m.unchanged,
            m.rows,
            m.rows_in,
            m.duplicates,
            m.quarantined,
            m.retry_rows,
            m.bytes,
            m.data_version,
            m.content_algorithm,
            m.code_version,
            m.config,
            m.schema_version,
            m.schema_fingerprint,
            m.seconds,
            m.cpu_seconds,
            m.peak_memory,
            m.host,
            m.log,
            m.release,
            m.provenance_file,
            list(m.warnings),
            m.mode,
            m.base,
            m.new_rows,
            m.replaced,
            m.cursor,
            m.accepted,
            m.corrections_file,
            m.deleted,
            list(m.deleted_keys),
            m.deleted_file,
            m.marks,
            m.workbook.path if m.workbook is not None else "",
        ),
    )
    for i, f in enumerate(m.files):
        facts = (f.path, f.rows, f.bytes, f.checksum, f.content, f.partition)
        yield "files", (m.key, m.number, i, *facts)
    for pin in m.inputs:
        yield "inputs", (m.key, m.number, pin.key, pin.version, pin.data_version)
    for source in m.sources:
        yield "sources", (m.key, m.number, source.path, source.bytes, source.checksum)
    yield "schema_versions", (m.key, m.schema_version, m.schema_fingerprint, m.number, at)
    for i, c in enumerate(m.columns):
        allowed = [str(value) for value in c.allowed]
        rules = (c.name, c.type, c.nullable, c.unique, allowed)
        yield "schema_columns", (m.key, m.schema_version, i, *rules)
    for check in m.checks:
        yield "checks", (m.key, m.number, m.attempt, at, *astuple(check))
    yield from _quality(m, at)
    if m.quarantined:
        aside = (m.quarantined, m.retry_rows, m.quarantine_file)
        yield "quarantine", (m.key, m.number, m.attempt, at, *aside)
    for u in m.usage:
        yield "llm_usage", (m.key, m.number, m.attempt, at, *astuple(u))


def _quality(m: Materialized, at: datetime | None) -> Iterator[Row]:
    """Give a version's rows in figures, and what people decided with it."""
    if m.profile is not None:
        for p in m.profile.columns:
            figures = (p.missing, p.distinct, p.mean)
            yield "profiles", (m.key, m.number, at, p.name, m.profile.rows, *figures)
    for why in [w.removeprefix(ACCEPTED)[2:] for w in m.why if w.startswith(ACCEPTED)]:
        what = (m.key, m.number, at, m.by, "accepted", m.accepted)
        yield "decisions", (*what, m.corrections_file, why)


def _attempted(a: Attempted, at: datetime | None) -> Iterator[Row]:
    """Give the rows of an attempt that published nothing."""
    error = (a.state, a.error_type, a.error, a.fix)
    counts = (a.rows, a.quarantined, a.seconds, a.log, a.host)
    died = (a.signal, a.step, a.peak_memory or None, a.memory_limit or None)
    yield "attempts", (a.key, a.number, a.after, at, a.by, a.run, a.attempt, *error, *counts, *died)
    for check in a.checks:
        yield "checks", (a.key, None, a.attempt, at, *astuple(check))
    if a.quarantine_file:
        yield "quarantine", (a.key, None, a.attempt, at, a.quarantined, 0, a.quarantine_file)
    for u in a.usage:
        yield "llm_usage", (a.key, None, a.attempt, at, *astuple(u))


def _declared(event: Declared, at: datetime | None) -> Iterator[Row]:
    """Give the rows of a changed graph."""
    for a in event.assets:
        what = (a.key, a.layer, a.description, a.file, a.line, a.owner, list(a.tags), a.schedule)
        made = (a.task, list(a.sources), a.code_version, a.schema_fingerprint, a.renamed_from)
        yield "assets", (at, *what, *made, a.error, False, event.number)
        for up in a.upstream:
            yield "edges", (at, up, a.key, event.number)
    for key in event.removed:
        gone: tuple[Any, ...] = (
            key,
            key.partition(".")[0],
            "",
            "",
            0,
            "",
            [],
            "",
            "",
            [],
            "",
            "",
            "",
            "",
        )
        yield "assets", (at, *gone, True, event.number)
