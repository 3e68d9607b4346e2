"""History: what the events say of one asset, read from its beginning."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.events import EventStore, tail
from catalog.heads import Head, advance
from catalog.records import AnyEvent, Materialized, Pruned


def now() -> str:
    """Give the time as events write it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def versions_of(events: EventStore, key: str) -> list[Materialized]:
    """Give all versions of an asset, oldest first."""
    return [event for event in tail(events, key, 0) if isinstance(event, Materialized)]


def pruned_of(events: EventStore, key: str) -> set[int]:
    """Give the versions whose bytes were ended."""
    return {n for e in tail(events, key, 0) if isinstance(e, Pruned) for n in e.versions}


def history(events: EventStore, key: str) -> list[AnyEvent]:
    """Give everything that happened to an asset: its versions and changes, then failed attempts."""
    return [*tail(events, key, 0), *tail(events, f"{key}/attempts", 0)]


def caught_up(events: EventStore, head: Head) -> Head:
    """Move a head on with what has happened to its asset since."""
    for event in tail(events, head.key, head.number):
        head = advance(head, event)
    return head
