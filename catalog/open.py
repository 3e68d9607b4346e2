"""Open the event store that the settings name."""

from __future__ import annotations

from pathlib import Path

from catalog.events import EventStore, FileEventStore
from catalog.identity import hold_files


def open_events(url: str, folder: Path, *, data: Path | None = None) -> EventStore:
    """Give the store behind a SQLAlchemy URL, or files under `folder` where there is none.

    data: the data folder that the events tell of; raises OtherRecordError (a database: when it is
    first asked) where they belong to another.
    """
    if not url:
        if data is not None:
            hold_files(data)
        return FileEventStore(folder)
    from catalog.events_sql import SqlEventStore

    return SqlEventStore(url, data)


def wait_for_outages(events: EventStore, seconds: float) -> None:
    """Wait so long, from now on, for a store that is away: for work that is worth it."""
    patient = getattr(events, "be_patient", None)
    if patient is not None:
        patient(seconds)
