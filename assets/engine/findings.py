"""Findings: what is known to be damaged, as the last verification left it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from msgspec.structs import replace

from assets.engine.due import show_time
from catalog.events import EventStore, last_event
from catalog.records import Finding, Verified

STREAM: Final = "_verified"
MISSING: Final = "missing"
CORRUPTED: Final = "corrupted"
CURRENT: Final = "current"
VERSION: Final = "version"


class Findings:
    """The findings that are open, read when they are first needed."""

    def __init__(self, events: EventStore) -> None:
        """Read them from the stream of verifications."""
        self._events = events
        self._last: Verified | None = None
        self._open: dict[str, Finding] | None = None

    def refresh(self) -> None:
        """Read them again when they are needed next."""
        self._open = None

    def open(self) -> dict[str, Finding]:
        """Give what is damaged, by path."""
        if self._open is None:
            last = last_event(self._events, STREAM)
            self._last = last if isinstance(last, Verified) else None
            found = self._last.open if self._last is not None else ()
            self._open = {one.path: one for one in found}
        return self._open

    def accepted(self) -> tuple[str, ...]:
        """Give the paths whose loss people accepted."""
        self.open()
        return self._last.accepted if self._last is not None else ()

    def of(self, path: str) -> Finding | None:
        """Give what is known of a file."""
        return self.open().get(path)

    def append(self, event: Callable[[Verified | None], Verified | None]) -> None:
        """Record a verification. `event` makes it, given the last one; None: nothing is new."""
        while True:
            number = self._events.last(STREAM)
            last = last_event(self._events, STREAM)
            made = event(last if isinstance(last, Verified) else None)
            if made is None:
                return
            if self._events.put(STREAM, number + 1, replace(made, number=number + 1)):
                self.refresh()
                return

    def add(self, found: Finding) -> None:
        """Record what somebody came across, so that the next plan knows it."""

        def event(last: Verified | None) -> Verified | None:
            """Add it to what is open."""
            before = last.open if last is not None else ()
            if any(one.path == found.path for one in before):
                return None
            return Verified(
                id=uuid4().hex,
                at=show_time(datetime.now(UTC)),
                number=0,
                opened=(found.path,),
                open=(*before, found),
                accepted=last.accepted if last is not None else (),
            )

        self.append(event)


def is_as_found(finding: Finding, status: os.stat_result) -> bool:
    """Tell whether a file was not touched since it was found damaged."""
    seen = (finding.bytes, finding.mtime_ns, finding.ctime_ns)
    return seen == (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
