"""Open the event store that the settings name."""

from __future__ import annotations

from pathlib import Path

from catalog.events import EventStore, FileEventStore


def open_events(url: str, folder: Path) -> EventStore:
    """Give the store behind a SQLAlchemy URL, or files under `folder` where there is none."""
    if not url:
        return FileEventStore(folder)
    from catalog.events_sql import SqlEventStore

    return SqlEventStore(url)
