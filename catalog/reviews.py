"""Reviews: what people found in the rows of a version, one event a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catalog.events import EventStore, tail
from catalog.records import Reviewed


def stream_of(key: str) -> str:
    """Give the stream of an asset's reviews."""
    return f"{key}/reviews"


def reviews_of(events: EventStore, key: str) -> list[Reviewed]:
    """Give an asset's reviews, oldest first."""
    return [event for event in tail(events, stream_of(key), 0) if isinstance(event, Reviewed)]


def latest_review(events: EventStore, key: str, version: int) -> Reviewed | None:
    """Give the last review of a version, which says how accurate it is so far."""
    found = [review for review in reviews_of(events, key) if review.version == version]
    return found[-1] if found else None


def record_review(
    events: EventStore,
    key: str,
    count: Callable[[Sequence[Reviewed]], Reviewed],
) -> Reviewed:
    """Append a session. `count` makes its event, given the sessions before it.

    Where another session ends at the same moment, it is counted again with that one before it.
    """
    while True:
        before = reviews_of(events, key)
        event = count(before)
        if events.put(stream_of(key), event.number, event):
            return event
