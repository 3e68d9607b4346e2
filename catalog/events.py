"""The event store: append-only streams of numbered events, each number taken once.

Streams: an asset's key (`raw.reviews`: versions, rollbacks, releases, prunes), `<key>/attempts`
(attempts that published nothing), `<key>/reviews` (what people found in its rows),
`<key>/quarantine` (rows that people discarded), and the bookkeeping that can be made again:
`_declared`, `_planned`, `_runs`, `_alerts` and `_verified`.

Each event is sealed (catalog/seal.py), and the store notes beside the streams how far each one
goes, so that a last event that is gone is missed, too.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

import msgspec

from catalog.notes import Note, Notes
from catalog.records import FORMAT, KINDS, AnyEvent, Lost, decode, encode
from catalog.seal import fault_of, link_of, previous_of, seal
from resources.errors import DataOpsError, TransientError
from resources.files import sync_folder

_BELOW: Final = ("attempts", "reviews", "quarantine")
_RECORD: Final = logging.getLogger("dataops.record")


class CorruptEventError(DataOpsError):
    """An event cannot be read back, was changed, or is gone."""


class NewerEventError(CorruptEventError):
    """An event of a release that came later: nothing is damaged."""


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

    def texts(self, stream: str) -> Iterator[tuple[int, bytes]]:
        """Give the numbers and documents of a stream, in order, gaps and all, unchecked."""

    def text(self, stream: str, number: int) -> bytes | None:
        """Give one document as it is kept, unchecked."""

    def notes(self) -> dict[str, Note]:
        """Give how far each stream is known to go, and the checksum of its last event."""

    def note_of(self, stream: str) -> Note | None:
        """Give how far one stream is known to go."""

    def note(self, stream: str, note: Note | None) -> None:
        """Note how far a stream goes; None forgets it."""

    def stand_in(self, stream: str, number: int, event: Lost, previous: str) -> None:
        """Put an event in the place of one that is lost; what is left of that is kept aside."""

    def place_of(self, stream: str, number: int) -> str:
        """Say where an event is kept."""


class FileEventStore:
    """Events as small JSON files: `<folder>/<stream>/<number>.json`, created by `os.link`."""

    def __init__(self, folder: Path) -> None:
        """Keep events under `folder`, which is created with the first event."""
        self.folder = folder
        self._base = str(folder)
        self._notes = Notes(folder / ".last")

    def put(self, stream: str, number: int, event: AnyEvent) -> bool:
        """Write aside, fsync, read back, then link to the number: one step, never over another."""
        home = self.folder / stream
        if is_gone(self, stream, number):
            return False
        text = seal(stream, encode(event), previous_link(self, stream, number))
        aside = self._written_aside(home, number, text)
        try:
            os.link(aside, home / f"{number}.json")
        except FileExistsError:
            return False
        finally:
            aside.unlink(missing_ok=True)
        sync_folder(home)
        if number == 1:  # the folders may be new, too
            for folder in (home.parent, self.folder, self.folder.parent):
                sync_folder(folder)
        self._notes.advance(stream, Note(number, link_of(stream, text)))
        return True

    def _written_aside(self, home: Path, number: int, text: bytes) -> Path:
        """Write a document beside its place, and see that the disk gives back what was written."""
        home.mkdir(parents=True, exist_ok=True)
        aside = home / f".{number}.{os.getpid()}.{os.urandom(6).hex()}"
        try:
            with aside.open("xb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                with suppress(AttributeError, OSError):  # from the disk, not from memory
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            need_same(aside.read_bytes(), text, str(home / f"{number}.json"))
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        return aside

    def get(self, stream: str, number: int) -> AnyEvent | None:
        """Read one event; raises CorruptEventError naming the file where it cannot be read."""
        text = self.text(stream, number)
        return (
            None if text is None else checked(text, number, self.place_of(stream, number), stream)
        )

    def text(self, stream: str, number: int) -> bytes | None:
        """Read one file."""
        try:
            # Half the time of Path.read_bytes, for 100,000 events.
            with FileIO(f"{self._base}/{stream}/{number}.json") as file:
                return file.readall()
        except FileNotFoundError:
            return None

    def place_of(self, stream: str, number: int) -> str:
        """Give the event's file."""
        return f"{self._base}/{stream}/{number}.json"

    def texts(self, stream: str) -> Iterator[tuple[int, bytes]]:
        """Read file after file, as the folder lists them."""
        for number in sorted(self._numbers(stream)):
            text = self.text(stream, number)
            if text is not None:
                yield number, text

    def notes(self) -> dict[str, Note]:
        """Read the notes of all streams."""
        return self._notes.all()

    def note_of(self, stream: str) -> Note | None:
        """Read the note of one stream."""
        return self._notes.read(stream)

    def note(self, stream: str, note: Note | None) -> None:
        """Write or remove a stream's note."""
        self._notes.write(stream, note)

    def stand_in(self, stream: str, number: int, event: Lost, previous: str) -> None:
        """Replace the file in one step, and keep the bytes that were there in `.damaged`."""
        home, path = self.folder / stream, Path(self.place_of(stream, number))
        left = self.text(stream, number)
        if left is not None:
            kept = self.folder / ".damaged" / f"{Notes.name_of(stream)}-{number}-{uuid4().hex[:8]}"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(left)
        aside = self._written_aside(home, number, seal(stream, encode(event), previous))
        aside.replace(path)
        sync_folder(home)

    def since(self, stream: str, number: int) -> Iterator[AnyEvent]:
        """Read file after file; each names the one before it."""
        before = ""
        while (text := self.text(stream, number + 1)) is not None:
            number += 1
            where = self.place_of(stream, number)
            event = checked(text, number, where, stream)
            before = follow(text, before, where, stream)
            yield event

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


def checked(text: bytes, number: int, where: str, stream: str = "") -> AnyEvent:
    """Decode the event that was kept as `number`; raises CorruptEventError naming where.

    stream: the one it was kept in, so that its seal is looked at ("" = it is not).
    """
    problem = ""
    try:
        event = decode(text)
    except (msgspec.MsgspecError, ValueError) as error:  # ValueError: bytes that are no UTF-8
        problem = f"cannot be read: {error}"
    else:
        if event.number != number:
            problem = f"cannot be read: it says that it is number {event.number}"
        elif event.format <= FORMAT:
            if not stream or not (problem := fault_of(stream, text)):
                return event
            problem = f"cannot be trusted: {problem}"
    with suppress(msgspec.MsgspecError, ValueError):
        written = msgspec.json.decode(text, type=_Written)
        newer = f"has format {written.format}; this release reads up to {FORMAT}"
        if written.format <= FORMAT and written.kind not in KINDS:
            newer = f"is of the kind {written.kind!r}, which this release does not know"
        sound = not stream or not fault_of(stream, text)
        if sound and (written.format > FORMAT or written.kind not in KINDS):
            raise NewerEventError(
                f"the event {where} {newer}",
                "upgrade DataOps to the release that wrote it",
                file=where,
            )
    raise CorruptEventError(f"the event {where} {problem}", _RESTORE, file=where)


_RESTORE: Final = (
    "restore it from a backup (the data files themselves are untouched); where there is none, "
    "`dataops verify --accept` records the loss and goes on"
)


def follow(text: bytes, before: str, where: str, stream: str) -> str:
    """See that a document names the one before it; give what the next one has to name.

    before: what this one has to name ("" = not known).
    """
    named = previous_of(text)
    if before and named is not None and named != before:
        raise CorruptEventError(
            f"the event {where} does not follow the one before it: one of the two was replaced",
            _RESTORE,
            file=where,
        )
    return link_of(stream, text)


def need_same(there: bytes, written: bytes, where: str) -> None:
    """Raise TransientError where a store gives back other bytes than were written."""
    if there != written:
        raise TransientError(
            f"the event {where} reads back {len(there)} bytes that differ from the "
            f"{len(written)} written",
            "nothing was recorded; check the disk, then run the same command again",
            file=where,
        )


def previous_link(store: EventStore, stream: str, number: int) -> str:
    """Give the checksum that event `number` names ("" for the first)."""
    text = store.text(stream, number - 1) if number > 1 else None
    return link_of(stream, text) if text is not None else ""


def is_gone(store: EventStore, stream: str, number: int) -> bool:
    """Tell whether a free number was taken once: bookkeeping goes on behind it, the rest stops."""
    note = store.note_of(stream)
    if note is None or note.number < number or store.text(stream, number) is not None:
        return False
    if not is_bookkeeping(stream):
        raise _gone(store, stream, number)
    mend(store, stream, number, "it is gone")
    return True


def _gone(store: EventStore, stream: str, number: int) -> CorruptEventError:
    """Say that an event is not there any more."""
    return CorruptEventError(
        f"the event {number} of {stream} is gone ({store.place_of(stream, number)})",
        _RESTORE,
        stream=stream,
        number=number,
    )


class _Written(msgspec.Struct):
    """The fields that say who can read an event."""

    kind: str
    format: int = FORMAT


def is_bookkeeping(stream: str) -> bool:
    """Tell whether what a stream says can be made again: plans, runs, alerts, verifications."""
    return stream.startswith("_")


def tail(store: EventStore, stream: str, after: int) -> Iterator[AnyEvent]:
    """Give the events of a stream after a number, in order.

    Read from the beginning, a number that is missing is found, and an error: everything behind it
    would silently count for nothing. Bookkeeping that is damaged is replaced, with a warning.
    """
    if is_bookkeeping(stream):
        yield from _mended(store, stream, after)
        return
    number = after
    for event in store.since(stream, after):
        number = event.number
        yield event
    if after:
        return
    note = store.note_of(stream)
    known = note.number if note is not None else 0
    if max(store.last(stream), known) > number and store.get(stream, number + 1) is None:
        raise _gone(store, stream, number + 1)


def _mended(store: EventStore, stream: str, after: int) -> Iterator[AnyEvent]:
    """Give bookkeeping events; what is damaged or gone among them is replaced first."""
    number = after
    while True:
        try:
            for event in store.since(stream, number):
                number = event.number
                yield event
            if store.text(stream, number + 1) is None and _ends_at(store, stream, number, after):
                return
            mend(store, stream, number + 1, "it is gone")
        except NewerEventError:
            raise
        except CorruptEventError as error:
            mend(store, stream, number + 1, error.problem)


def _ends_at(store: EventStore, stream: str, number: int, after: int) -> bool:
    """Tell whether a stream ends at a number; one that was read before is not looked through."""
    note = store.note_of(stream)
    known = note.number if note is not None else 0
    return known <= number and (after > 0 or store.last(stream, number) <= number)


def last_event(store: EventStore, stream: str) -> AnyEvent | None:
    """Give the last event of a stream that says something; damaged bookkeeping is passed over."""
    number = store.last(stream)
    while number:
        try:
            event = store.get(stream, number)
        except NewerEventError:
            raise
        except CorruptEventError as error:
            if not is_bookkeeping(stream):
                raise
            mend(store, stream, number, error.problem)
            event = None
        if event is not None and not isinstance(event, Lost):
            return event
        number -= 1
    return None


def mend(store: EventStore, stream: str, number: int, problem: str) -> Lost:
    """Let an event stand where one was lost, and say so."""
    after, note = store.text(stream, number + 1), store.note_of(stream)
    stands_for = (previous_of(after) or "") if after is not None else ""
    if not stands_for and note is not None and note.number == number:
        stands_for = note.checksum
    event = Lost(
        id=uuid4().hex,
        at=datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        number=number,
        stream=stream,
        key="" if is_bookkeeping(stream) else stream.partition("/")[0],
        stands_for=stands_for,
        reason=problem,
    )
    store.stand_in(stream, number, event, previous_link(store, stream, number))
    _RECORD.warning(
        "the event %s of %s was lost (%s); another stands in its place", number, stream, problem
    )
    return event
