"""The event store: append-only streams of numbered events, each number taken once.

Streams: an asset's key (`raw.reviews`: versions, rollbacks, releases, prunes), `<key>/attempts`
(attempts that published nothing), `_declared`, `_planned` and `_runs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from catalog.records import AnyEvent, decode, encode
from resources.errors import DataOpsError
from resources.files import sync_folder


class CorruptEventError(DataOpsError):
    """An event cannot be read back."""


class EventStore(Protocol):
    """Numbered, append-only streams. A number, once taken, is never changed."""

    def put(self, stream: str, number: int, event: AnyEvent) -> bool:
        """Take the number for the event, durably; False where the number is taken already."""

    def get(self, stream: str, number: int) -> AnyEvent | None:
        """Give one event, or None where the number is free."""

    def last(self, stream: str, known: int = 0) -> int:
        """Give the stream's highest number; `known` is one that is certainly taken (0 = none)."""

    def streams(self) -> list[str]:
        """Give the names of all streams, sorted."""

    def advanced(self, heads: dict[str, int]) -> list[str]:
        """Give those of the streams in `heads` (name -> last known number) that have more."""


class FileEventStore:
    """Events as small JSON files: `<folder>/<stream>/<number>.json`, created by `os.link`."""

    def __init__(self, folder: Path) -> None:
        """Keep events under `folder`, which is created with the first event."""
        self.folder = folder

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
        return True

    def get(self, stream: str, number: int) -> AnyEvent | None:
        """Read one event; raises CorruptEventError naming the file where it cannot be read."""
        path = self.folder / stream / f"{number}.json"
        try:
            return decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise CorruptEventError(
                f"the event {path} cannot be read: {error}",
                "restore that file from a backup; the data files themselves are untouched",
                file=str(path),
            ) from error

    def last(self, stream: str, known: int = 0) -> int:
        """Walk up from `known`; without it, list the folder once."""
        if known == 0:
            known = max(self._numbers(stream), default=0)
        base = f"{self.folder}/{stream}/"
        while os.access(f"{base}{known + 1}.json", os.F_OK):
            known += 1
        return known

    def streams(self) -> list[str]:
        """List the folders that hold events."""
        return sorted(self._walk())

    def advanced(self, heads: dict[str, int]) -> list[str]:
        """Look for one file per stream: the next number."""
        base, exists = str(self.folder), os.access
        return [s for s, n in heads.items() if exists(f"{base}/{s}/{n + 1}.json", os.F_OK)]

    def _numbers(self, stream: str) -> Iterator[int]:
        """Give the numbers taken in a stream."""
        with suppress(FileNotFoundError):
            for entry in os.scandir(self.folder / stream):
                stem, _, suffix = entry.name.partition(".")
                if suffix == "json" and stem.isdigit():
                    yield int(stem)

    def _walk(self) -> Iterator[str]:
        """Give stream names: folders one level deep, and `attempts` below them."""
        with suppress(FileNotFoundError):
            for entry in os.scandir(self.folder):
                if entry.is_dir():
                    yield entry.name
                    if os.access(f"{entry.path}/attempts", os.F_OK):
                        yield f"{entry.name}/attempts"


def tail(store: EventStore, stream: str, after: int) -> Iterator[AnyEvent]:
    """Give the events of a stream after a number, in order, up to the first free number."""
    number = after + 1
    while (event := store.get(stream, number)) is not None:
        yield event
        number += 1
