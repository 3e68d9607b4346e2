"""Adopting: a data folder is told which record it belongs to."""

from __future__ import annotations

from typing import Annotated

import typer

from assets.cli.app import app
from resources.errors import DataOpsError


@app.command()
def adopt(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Let the data folder belong to the record that the settings name, after a move or a copy.

    The record is files in data/events, or the database of DATAOPS_EVENTS_URL. Nothing is copied.
    """
    from catalog.identity import FILES, OtherRecordError, identity_of
    from catalog.identity import adopt as belong
    from catalog.open import open_events
    from resources.settings import load_settings

    settings = load_settings()
    data, url = settings.data, settings.events_url
    try:
        mine = identity_of(data)
        before = mine.record if mine is not None else "no record yet"
    except OtherRecordError:
        before = "a record that cannot be told"
    store = open_events(url, data / "events")
    record = None
    after, count = FILES, len(store.streams())
    if url:
        from catalog.events_sql import SqlEventStore

        assert isinstance(store, SqlEventStore)  # noqa: S101 - a URL names no other
        record, after = store, store.shown
    print(f"{data} belongs to {before}; from now on to {after}, which tells of {count} streams")
    if not count:
        print("that record is empty: everything will count as never made")
    if not yes:
        typer.confirm("Go on?", abort=True)
    try:
        made = belong(data, record)
    except OSError as error:
        raise DataOpsError(
            f"{data} cannot be written ({error.strerror})",
            "give yourself write permission, or room",
            folder=str(data),
        ) from error
    print(f"{data} belongs to {made.record} ({made.id})")
