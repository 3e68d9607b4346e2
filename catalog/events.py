"""The event store: append-only streams of numbered events, each number taken once.

Streams: an asset's key (`raw.reviews`: versions, rollbacks, releases, prunes), `<key>/attempts`
(attempts that published nothing), `<key>/reviews` (what people found in its rows),
`<key>/quarantine` (rows that people discarded), `_declared`, `_planned` and `_runs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final, Protocol

import msgspec

from catalog.records import FORMAT, KINDS, AnyEvent, decode, encode
from resources.errors import DataOpsError
from resources.files import sync_folder

_BELOW: Final = ("attempts", "reviews", "quarantine")


class CorruptEventError(DataOpsError):
    """An event cannot be read back, or is gone."""


class EventStore(Protocol):
    """Numbered, append-only streams. A number, once taken, is never changed."""

    def put(self, stream: str, number: int, event: AnyEvent) -> bool:
        """Take the number for the event, durably; False where the number is taken already."""

    def get(self, stream: str, number: int) -> AnyEvent | None:
        """Give one event, or None where the number is free."""

    def since(self, stream: str, number: int) -> Iterator[AnyEvent]:
        """Give the events after a number, in order, up to the first free number."""

    def last(self, stream: str, known: int = 0) -> int:
        """Give the stream's highest number; `known` is one that is certainly taken (0 = none)."""

    def streams(self) -> list[str]:
        """Give the names of all streams, sorted."""

    def advanced(self, heads: Mapping[str, int]) -> list[str]:
        """Give those of the streams in `heads` (name -> last known number) that have more."""

    def lost(self, heads: Mapping[str, int]) -> list[str]:
        """Give those of the streams in `heads` whose last known number is not there (0 = none)."""


class FileEventStore:
    """Events as small JSON files: `<folder>/<stream>/<number>.json`, created by `os.link`."""

    def __init__(self, folder: Path) -> None:
        """Keep events under `folder`, which is created with the first event."""
        self.folder = folder
        self._base = str(folder)

    def put(self, stream: str, number: int, event: AnyEvent) -> bool:
        """Write aside, fsync, then link to the number: one step, never over another event."""
        home = self.folder / stream
        home.mkdir(parents=True, exist_ok=True)
        aside = home / f".{number}.{os.getpid()}.{os.urandom(6).hex()}"
        try:
            with aside.open("xb") as file:
                file.write(encode(event))
                file.flush()
                os.fsync(file.fileno())
            os.link(aside, home / f"{number}.json")
        except FileExistsError:
            return False
        finally:
            aside.unlink(missing_ok=True)
        sync_folder(home)
        if number == 1:  # the folders may be new, too
            for folder in (home.parent, self.folder, self.folder.parent):
                sync_folder(folder)
        return True

    def get(self, stream: str, number: int) -> AnyEvent | None:
        """Read one event; raises CorruptEventError naming the file where it cannot be read."""
        path = f"{self._base}/{stream}/{number}.json"
        try:
            with FileIO(path) as file:  # half the time of Path.read_bytes, for 100,000 events
                text = file.readall()
        except FileNotFoundError:
            return None
        return checked(text, number, path)

    def since(self, stream: str, number: int) -> Iterator[AnyEvent]:
        """Read file after file."""
        while (event := self.get(stream, number + 1)) is not None:
            yield event
            number += 1

    def last(self, stream: str, known: int = 0) -> int:
        """Walk up from `known`; without it, list the folder once."""
        if known == 0:
            known = max(self._numbers(stream), default=0)
        base = f"{self._base}/{stream}/"
        while os.access(f"{base}{known + 1}.json", os.F_OK):
            known += 1
        return known

    def streams(self) -> list[str]:
        """List the folders that hold events."""
        return sorted(self._walk())

    def advanced(self, heads: Mapping[str, int]) -> list[str]:
        """Look for one file per stream: the next number."""
        base, exists = self._base, os.access
        return [s for s, n in heads.items() if exists(f"{base}/{s}/{n + 1}.json", os.F_OK)]

    def lost(self, heads: Mapping[str, int]) -> list[str]:
        """Look for one file per stream: the known number."""
        base, exists = self._base, os.access
        return [s for s, n in heads.items() if n and not exists(f"{base}/{s}/{n}.json", os.F_OK)]

    def _numbers(self, stream: str) -> Iterator[int]:
        """Give the numbers taken in a stream."""
        with suppress(FileNotFoundError):
            for entry in os.scandir(f"{self._base}/{stream}"):
                stem, _, suffix = entry.name.partition(".")
                if suffix == "json" and stem.isdigit():
                    yield int(stem)

    def _walk(self) -> Iterator[str]:
        """Give stream names: folders one level deep, and those of an asset below them."""
        with suppress(FileNotFoundError):
            for entry in os.scandir(self.folder):
                if entry.is_dir() and not entry.name.startswith("."):
                    yield entry.name
                    for below in _BELOW:
                        if os.access(f"{entry.path}/{below}", os.F_OK):
                            yield f"{entry.name}/{below}"


def checked(text: bytes, number: int, where: str) -> AnyEvent:
    """Decode the event that was kept as `number`; raises CorruptEventError naming where."""
    try:
        event = decode(text)
    except msgspec.MsgspecError as error:
        problem = str(error)
    else:
        if event.number == number and event.format <= FORMAT:
            return event
        problem = f"it says that it is number {event.number}"
    with suppress(msgspec.MsgspecError):
        written = msgspec.json.decode(text, type=_Written)
        newer = f"has format {written.format}; this release reads up to {FORMAT}"
        if written.format <= FORMAT and written.kind not in KINDS:
            newer = f"is of the kind {written.kind!r}, which this release does not know"
        if written.format > FORMAT or written.kind not in KINDS:
            raise CorruptEventError(
                f"the event {where} {newer}",
                "upgrade DataOps to the release that wrote it",
                file=where,
            )
    raise CorruptEventError(
        f"the event {where} cannot be read: {problem}",
        "restore it from a backup; the data files themselves are untouched",
        file=where,
    )


class _Written(msgspec.Struct):
    """The fields that say who can read an event."""

    kind: str
    format: int = FORMAT


def tail(store: EventStore, stream: str, after: int) -> Iterator[AnyEvent]:
    """Give the events of a stream after a number, in order.

    Read from the beginning, a number that is missing below the highest is found, and an error:
    everything behind it would silently count for nothing.
    """
    number = after
    for event in store.since(stream, after):
        number = event.number
        yield event
    if after == 0 and store.last(stream) > number and store.get(stream, number + 1) is None:
        raise CorruptEventError(
            f"the event {number + 1} of {stream} is gone, and later ones are there",
            "restore it from a backup; the data files themselves are untouched",
            stream=stream,
            number=number + 1,
        )
