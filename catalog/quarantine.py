"""Quarantine: what people decided about rows that were set aside and are not wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catalog.events import EventStore, tail
from catalog.records import ACCEPTED, Discarded, Materialized, RolledBack


def stream_of(key: str) -> str:
    """Give the stream of an asset's discarded rows."""
    return f"{key}/quarantine"


def files_of(events: EventStore, version: Materialized) -> list[str]:
    """Give the files of the rows that were set aside on the way to a version, newest first.

    A version that rows were added to has its own; one that people made by accepting rows took over
    all that were open before, and a load of all that the source has says all of them anew.
    """
    files: list[str] = []
    step: Materialized | None = version
    while step is not None:
        files += [step.quarantine_file] if step.quarantine_file else []
        first = took_over(step) or step.mode == "replace" or step.full
        step = None if first else version_before(events, step)
    return files


def took_over(version: Materialized) -> bool:
    """Tell whether people made a version by accepting rows: it took over all that were open."""
    return any(why.startswith(ACCEPTED) for why in version.why)


def version_before(events: EventStore, version: Materialized) -> Materialized | None:
    """Give the version that was current before a version."""
    for number in range(version.number - 1, 0, -1):
        event = events.get(version.key, number)
        if isinstance(event, Materialized | RolledBack):
            return event if isinstance(event, Materialized) else event.to
    return None


def discards_of(events: EventStore, key: str) -> list[Discarded]:
    """Give what was discarded of an asset's rows, oldest first."""
    return [event for event in tail(events, stream_of(key), 0) if isinstance(event, Discarded)]


def record_discard(
    events: EventStore, key: str, decide: Callable[[Sequence[Discarded]], Discarded]
) -> Discarded:
    """Append a decision. `decide` makes its event, given those before it; raises what it raises."""
    while True:
        event = decide(discards_of(events, key))
        if events.put(stream_of(key), event.number, event):
            return event
