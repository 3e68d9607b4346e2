"""Heads: what is in force for each asset, folded from its events one by one."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from catalog.records import (
    AnyEvent,
    Attempted,
    Materialized,
    Pruned,
    Released,
    RolledBack,
)


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is in force for one asset.

    number, attempts: the last events folded in. current: the version in force. held: the version
    held by a rollback, 0 = none. last_version: the newest version. last_as_of: the moment it was
    made for. last_stamp: the newest timestamp in its file names. schema_version: the highest
    counter given. last_attempt: the last attempt, while it is newer than every version.
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


def advance(head: Head, event: AnyEvent) -> Head:
    """Fold one event of the asset's own streams into its head; others leave it as it is."""
    if isinstance(event, Materialized):
        newer = head.last_attempt
        return replace(
            head,
            number=event.number,
            current=event,
            held=0,
            last_version=event.number,
            last_as_of=event.as_of,
            last_stamp=max([head.last_stamp, *(_stamp(f.path) for f in event.files)]),
            schema_version=max(head.schema_version, event.schema_version),
            last_attempt=newer if newer is not None and newer.after >= event.number else None,
        )
    if isinstance(event, RolledBack):
        return replace(head, number=event.number, current=event.to, held=event.to.number)
    if isinstance(event, Released):
        return replace(head, number=event.number, held=0)
    if isinstance(event, Pruned):
        return replace(head, number=event.number)
    if isinstance(event, Attempted):
        kept = event if event.after >= head.last_version else head.last_attempt
        return replace(head, attempts=event.number, last_attempt=kept)
    return head


def fold_head(key: str, events: Iterable[AnyEvent]) -> Head:
    """Fold an asset's events from the beginning."""
    head = Head(key)
    for event in events:
        head = advance(head, event)
    return head


def _stamp(path: str) -> str:
    """Give the timestamp in a version file's path."""
    return path.rpartition(".")[0][-15:]
