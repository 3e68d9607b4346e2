"""Changes that people make: roll back, release, prune. Each is one event by put-if-absent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from uuid import uuid4

from catalog.events import EventStore, tail
from catalog.heads import Head, advance
from catalog.records import AnyEvent, Materialized, Pruned, Released, RolledBack
from resources.errors import DataOpsError
from resources.files import file_facts

_Change = TypeVar("_Change", RolledBack, Released, Pruned)
ORPHAN_AGE: Final = 86_400.0
"""Seconds after which a file that no event names is taken for a dead attempt's."""


class ChangeError(DataOpsError):
    """A rollback, release or prune that cannot be done."""


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What a prune ends. versions: by key; files: paths of theirs; orphans: files nobody names."""

    versions: Mapping[str, tuple[int, ...]]
    files: Mapping[str, tuple[str, ...]]
    orphans: tuple[str, ...]
    bytes: int


def now() -> str:
    """Give the time as events write it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def versions_of(events: EventStore, key: str) -> list[Materialized]:
    """Give all versions of an asset, oldest first."""
    return [event for event in tail(events, key, 0) if isinstance(event, Materialized)]


def pruned_of(events: EventStore, key: str) -> set[int]:
    """Give the versions whose bytes were ended."""
    return {n for e in tail(events, key, 0) if isinstance(e, Pruned) for n in e.versions}


def rollback(
    data: Path, events: EventStore, head: Head, to: int | None, *, by: str, reason: str = ""
) -> RolledBack:
    """Make version `to` current and hold it; without a number, the newest other data before it.

    Raises ChangeError where there is no such version, or its files are gone or damaged.
    """
    versions = {version.number: version for version in versions_of(events, head.key)}
    target = versions.get(to) if to is not None else _before(list(versions.values()), head)
    if target is None:
        known = ", ".join(str(number) for number in versions) or "none"
        what = (
            f"no version {to}" if to is not None else "no version with other data before this one"
        )
        raise ChangeError(
            f"{head.key} has {what}; its versions: {known}",
            f"choose one of them: dataops history {head.key}",
            asset=head.key,
        )
    for file in target.files:
        _intact(data / file.path, file.checksum, head.key, target.number)

    def event(number: int) -> RolledBack:
        """Make the event for a number."""
        return RolledBack(
            id=uuid4().hex, at=now(), by=by, key=head.key, number=number, reason=reason, to=target
        )

    return _append(events, head, event)


def _before(versions: list[Materialized], head: Head) -> Materialized | None:
    """Give the newest version before the current one that holds other data."""
    current = head.current
    if current is None:
        return None
    older = [v for v in versions if v.number < current.number]
    return next((v for v in reversed(older) if v.data_version != current.data_version), None)


def _intact(path: Path, checksum: str, key: str, version: int) -> None:
    """Check a file before it becomes current again."""
    try:
        same = file_facts(path).checksum == checksum
    except FileNotFoundError:
        same = False
    if not same:
        raise ChangeError(
            f"version {version} of {key} cannot come back: {path} was pruned, lost or damaged",
            "choose another version, or restore that file from a backup",
            asset=key,
            file=str(path),
        )


def release(events: EventStore, head: Head, *, by: str, reason: str = "") -> Released:
    """Lift the hold of a rollback; raises ChangeError where nothing is held."""
    if not head.held:
        raise ChangeError(
            f"{head.key} is not held, so there is nothing to release",
            "`dataops status` shows what is held",
            asset=head.key,
        )

    def event(number: int) -> Released:
        """Make the event for a number."""
        return Released(id=uuid4().hex, at=now(), by=by, key=head.key, number=number, reason=reason)

    return _append(events, head, event)


def _append(events: EventStore, head: Head, make: Callable[[int], _Change]) -> _Change:
    """Put an event at the end of the asset's stream; another event in between moves it on."""
    number = head.number
    while True:
        number = events.last(head.key, number) + 1
        change = make(number)
        if events.put(head.key, number, change):
            return change


def plan_prune(
    data: Path,
    events: EventStore,
    heads: Mapping[str, Head],
    keep: int,
    *,
    by_age: float = ORPHAN_AGE,
) -> PrunePlan:
    """Say what pruning to the newest `keep` versions (at least 1) of each asset would end.

    Current and held versions stay, and so does every file that a version that stays shares.
    """
    if keep < 1:
        raise ChangeError("prune would keep nothing", "keep at least one version: --keep 1")
    ended: dict[str, tuple[int, ...]] = {}
    files: dict[str, tuple[str, ...]] = {}
    named: set[str] = set()
    count = 0
    for key, head in heads.items():
        versions, gone = versions_of(events, key), pruned_of(events, key)
        alive = [v for v in versions if v.number not in gone]
        staying = {v.number for v in alive[-keep:]}
        if head.current is not None:
            staying.add(head.current.number)
        kept = {f.path for v in alive if v.number in staying for f in v.files}
        if head.current is not None:
            kept |= {f.path for f in head.current.files}
        leaving = [v for v in alive if v.number not in staying]
        sizes = {f.path: f.bytes for v in leaving for f in v.files if f.path not in kept}
        named |= {f.path for v in versions for f in v.files}
        if leaving:
            ended[key] = tuple(v.number for v in leaving)
            files[key] = tuple(sizes)
            count += sum(sizes.values())
    orphans = tuple(_orphans(data, named, by_age))
    count += sum((data / path).stat().st_size for path in orphans)
    return PrunePlan(ended, files, orphans, count)


def _orphans(data: Path, named: set[str], age: float) -> Iterable[str]:
    """Give version files that no event names and that are too old to be an attempt's."""
    for layer in ("raw", "processed", "output"):
        for path in sorted((data / layer).glob("*_[0-9]*_[0-9]*.*")):
            relative = f"{layer}/{path.name}"
            if relative not in named and time.time() - path.stat().st_mtime > age:
                yield relative


def prune(
    data: Path, events: EventStore, heads: Mapping[str, Head], plan: PrunePlan, *, by: str
) -> None:
    """End the bytes that a plan names: first the event, then the files.

    In this order a crash leaves files that the next prune finds, never a version that claims bytes
    it no longer has. A version that became current since the plan is left alone.
    """
    for key, versions in plan.versions.items():
        head = heads[key]
        for event in tail(events, key, head.number):
            head = advance(head, event)
        if head.current is not None and head.current.number in versions:
            continue
        current = {f.path for f in head.current.files} if head.current is not None else set()
        leaving = tuple(path for path in plan.files[key] if path not in current)
        sizes = [(data / path).stat().st_size for path in leaving if (data / path).exists()]
        event_of = _pruned_event(key, by, versions, leaving, sum(sizes))
        _append(events, head, event_of)
        for path in leaving:
            (data / path).unlink(missing_ok=True)
    for path in plan.orphans:
        (data / path).unlink(missing_ok=True)


def _pruned_event(
    key: str, by: str, versions: tuple[int, ...], files: tuple[str, ...], count: int
) -> Callable[[int], Pruned]:
    """Give the function that makes the prune's event for a number."""
    return lambda number: Pruned(
        id=uuid4().hex,
        at=now(),
        by=by,
        key=key,
        number=number,
        versions=versions,
        files=files,
        bytes=count,
    )


def history(events: EventStore, key: str) -> list[AnyEvent]:
    """Give everything that happened to an asset: its versions and changes, then failed attempts."""
    return [*tail(events, key, 0), *tail(events, f"{key}/attempts", 0)]
