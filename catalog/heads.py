"""Heads: what is in force for each asset, folded from its events one by one."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from catalog.records import (
    AnyEvent,
    Attempted,
    Lost,
    Materialized,
    Pruned,
    Released,
    RolledBack,
)


class Head(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is in force for one asset.

    number, attempts: the last events folded in. current: the version in force. held: the version
    held by a rollback, 0 = none. last_version: the newest version. last_as_of: the moment it was
    made for. last_stamp: the newest timestamp in its file names. schema_version: the highest
    counter given. last_attempt: the last attempt, while it is newer than every version.
    damage: what is wrong with its events from there on, as an error and what to do ("" = nothing).
    """

    key: str
    number: int = 0
    attempts: int = 0
    current: Materialized | None = None
    held: int = 0
    last_version: int = 0
    last_as_of: str = ""
    last_stamp: str = ""
    schema_version: int = 0
    last_attempt: Attempted | None = None
    damage: tuple[str, str] = ("", "")


def advance(head: Head, event: AnyEvent) -> Head:
    """Fold one event of the asset's own streams into its head; others leave it as it is.

    Each stream is folded in its own order; how the two of an asset interleave does not matter, and
    an event that was folded before changes nothing.
    """
    if isinstance(event, Attempted):
        return _attempted(head, event)
    if isinstance(event, Materialized | RolledBack | Released | Pruned):
        if event.key != head.key or event.number <= head.number:
            return head
        return _moved(head, event)
    if isinstance(event, Lost):
        if event.stream == head.key and event.number > head.number:
            return replace(head, number=event.number)
        if event.stream == f"{head.key}/attempts" and event.number > head.attempts:
            return replace(head, attempts=event.number)
    return head


def _moved(head: Head, event: Materialized | RolledBack | Released | Pruned) -> Head:
    """Fold an event of the asset's main stream."""
    if isinstance(event, Materialized):
        last = head.last_attempt
        return replace(
            head,
            number=event.number,
            current=event,
            held=0,
            last_version=event.number,
            last_as_of=event.as_of,
            last_stamp=max([head.last_stamp, *(_stamp(f.path) for f in event.files)]),
            schema_version=max(head.schema_version, event.schema_version),
            last_attempt=last if last is not None and last.after >= event.number else None,
        )
    if isinstance(event, RolledBack):
        return replace(head, number=event.number, current=event.to, held=event.to.number)
    if isinstance(event, Released):
        return replace(head, number=event.number, held=0)
    return replace(head, number=event.number)


def _attempted(head: Head, event: Attempted) -> Head:
    """Fold an attempt; the last one is the one that began last (a slow one may report late)."""
    if event.key != head.key or event.number <= head.attempts:
        return head
    last = head.last_attempt
    newer = event.after >= (last.after if last is not None else head.last_version)
    return replace(head, attempts=event.number, last_attempt=event if newer else last)


def _stamp(path: str) -> str:
    """Give the timestamp in a version file's path ("" where it has none)."""
    stamp = path.rpartition(".")[0][-15:]
    return stamp if stamp[:8].isdigit() and stamp[8:9] == "_" and stamp[9:].isdigit() else ""
