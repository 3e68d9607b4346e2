"""Marks: how far a cache has read the events, and the proof that they are still the same ones."""

from __future__ import annotations

import gc
import heapq
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from catalog.events import CorruptEventError, EventStore
from catalog.records import AnyEvent, Attempted, Discarded, Reviewed

_PROOF: Final = 8
_BELOW: Final = ((Attempted, "attempts"), (Reviewed, "reviews"), (Discarded, "quarantine"))


class Mark(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """One event that was read: when it happened, and its stream, number and id."""

    at: str
    stream: str
    number: int
    id: str


def mark_of(event: AnyEvent, stream: str = "") -> Mark:
    """Give an event's mark; an asset's events know their own stream."""
    if not stream:
        stream = getattr(event, "key", "")
        stream += next((f"/{below}" for kind, below in _BELOW if isinstance(event, kind)), "")
    return Mark(event.at, stream, event.number, event.id)


def newest(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Give the newest few: a restore loses those first, and another store has never seen them."""
    return tuple(heapq.nlargest(_PROOF, marks))


def still_there(events: EventStore, marks: Iterable[Mark]) -> bool:
    """Tell whether the store still holds these very events; a damaged one is not the same."""
    try:
        return all(
            (event := events.get(mark.stream, mark.number)) is not None and event.id == mark.id
            for mark in marks
        )
    except CorruptEventError:
        return False


@contextmanager
def collector_paused() -> Iterator[None]:
    """Decode without cyclic garbage collection, which would look at every new object for nothing.

    Records cannot form cycles; for 5,000 heads this is a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
