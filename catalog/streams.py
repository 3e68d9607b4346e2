"""Streams: what a store of events promises, how events are checked, and how damage is met."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import uuid4

import msgspec

from catalog.notes import Note
from catalog.records import FORMAT, KINDS, AnyEvent, Lost, decode
from catalog.seal import fault_of, link_of, previous_of
from resources.errors import DataOpsError, TransientError

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
