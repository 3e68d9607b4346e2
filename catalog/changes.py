"""Changes that people make: roll back, release, prune. Each is one event by put-if-absent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from catalog.events import EventStore
from catalog.heads import Head
from catalog.history import caught_up, history, now, pruned_of, versions_of
from catalog.prune import ChangeError, PrunePlan, plan_prune, prune
from catalog.records import Materialized, Released, RolledBack
from resources.files import file_facts

__all__ = [
    "ChangeError",
    "PrunePlan",
    "history",
    "plan_prune",
    "prune",
    "pruned_of",
    "release",
    "rollback",
    "versions_of",
]

Change = TypeVar("Change", RolledBack, Released)


def rollback(
    data: Path, events: EventStore, head: Head, to: int | None, *, by: str, reason: str = ""
) -> RolledBack:
    """Make version `to` current and hold it; without a number, the newest other data before it.

    Raises ChangeError where there is no such version, or its files are gone or damaged.
    """

    def decide(head: Head) -> RolledBack:
        """Look at the target as things stand now."""
        target = _target(events, head, to)
        for file in target.every_file:
            _need_intact(data / file.path, file.checksum, head.key, target.number)
        number = head.number + 1
        return RolledBack(
            id=uuid4().hex, at=now(), by=by, key=head.key, number=number, reason=reason, to=target
        )

    return _append(events, head, decide)


def _target(events: EventStore, head: Head, to: int | None) -> Materialized:
    """Give the version to go back to; raises ChangeError where there is none, or it was pruned."""
    versions = {version.number: version for version in versions_of(events, head.key)}
    gone = pruned_of(events, head.key)
    alive = [version for number, version in versions.items() if number not in gone]
    target = versions.get(to) if to is not None else _before(alive, head)
    if target is not None and target.number not in gone:
        return target
    known = ", ".join(str(version.number) for version in alive) or "none"
    what = "no version with other data before this one" if to is None else f"no version {to}"
    if target is not None:
        what = f"version {to} no longer: it was pruned"
    raise ChangeError(
        f"{head.key} has {what}; the versions whose files are there: {known}",
        f"choose one of them: dataops history {head.key}",
        asset=head.key,
    )


def _before(versions: list[Materialized], head: Head) -> Materialized | None:
    """Give the newest version before the current one that holds other data."""
    current = head.current
    if current is None:
        return None
    older = [v for v in versions if v.number < current.number]
    return next((v for v in reversed(older) if v.data_version != current.data_version), None)


def _need_intact(path: Path, checksum: str, key: str, version: int) -> None:
    """Check a file before it becomes current again."""
    try:
        same = file_facts(path).checksum == checksum
    except FileNotFoundError:
        same = False
    if not same:
        raise ChangeError(
            f"version {version} of {key} cannot come back: {path} is lost or damaged",
            "choose another version, or restore that file from a backup",
            asset=key,
            file=str(path),
        )


def release(events: EventStore, head: Head, *, by: str, reason: str = "") -> Released:
    """Lift the hold of a rollback; raises ChangeError where nothing is held."""

    def decide(head: Head) -> Released:
        """Look at the hold as things stand now."""
        if not head.held:
            raise ChangeError(
                f"{head.key} is not held, so there is nothing to release",
                "`dataops status` shows what is held",
                asset=head.key,
            )
        return Released(
            id=uuid4().hex, at=now(), by=by, key=head.key, number=head.number + 1, reason=reason
        )

    return _append(events, head, decide)


def _append(events: EventStore, head: Head, decide: Callable[[Head], Change]) -> Change:
    """Put what is decided at the end of the asset's stream.

    Where another event takes the number first, things are read again and decided again: a version
    may have been pruned, or become current, in between.
    """
    while True:
        head = caught_up(events, head)
        change = decide(head)
        if events.put(head.key, change.number, change):
            return change
