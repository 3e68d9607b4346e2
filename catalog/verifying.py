"""Verifying the record: every event's bytes, the chain of each stream, and how far each goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from catalog.notes import DAMAGED, Note, Notes
from catalog.records import AnyEvent
from catalog.seal import link_of, previous_of
from catalog.streams import (
    CorruptEventError,
    EventStore,
    NewerEventError,
    checked,
    follow,
    is_bookkeeping,
    mend,
)

EVENT = "event"
NOTE = "note"


@dataclass(frozen=True, slots=True)
class Fault:
    """An event, or the note of how far a stream goes (number 0), that is not as it was written."""

    stream: str
    number: int
    found: str
    why: str

    @property
    def path(self) -> str:
        """Name the event as the data folder does."""
        return f"events/{self.stream}/{self.number}.json" if self.number else self.note

    @property
    def note(self) -> str:
        """Name the stream's note."""
        return f"events/.last/{Notes.name_of(self.stream)}"

    @property
    def kind(self) -> str:
        """Say what it is."""
        return EVENT if self.number else NOTE

    @property
    def key(self) -> str:
        """Give the asset it is about ("" = none in particular)."""
        return "" if is_bookkeeping(self.stream) else self.stream.partition("/")[0]


def verify_record(
    store: EventStore, seen: Callable[[str, AnyEvent], None] = lambda _stream, _event: None
) -> tuple[int, list[Fault]]:
    """Read every event of every stream; give how many there are, and what is wrong.

    seen: told each event that is as it was written, with its stream.
    """
    notes = store.notes()
    count = 0
    faults: list[Fault] = []
    for stream in sorted({*store.streams(), *notes}):
        walk = _Walk(store, stream, notes.get(stream))
        for event in walk.events():
            count += 1
            seen(stream, event)
        faults += walk.faults
    return count, faults


def verify_stream(store: EventStore, stream: str) -> list[Fault]:
    """Read every event of one stream; give what is wrong."""
    note = store.notes().get(stream)
    walk = _Walk(store, stream, note)
    for _ in walk.events():
        pass
    return walk.faults


class _Walk:
    """One walk through a stream."""

    def __init__(self, store: EventStore, stream: str, note: Note | None) -> None:
        """Begin at the first event."""
        self._store, self._stream, self._note = store, stream, note
        self.faults: list[Fault] = []
        self._sealed = False

    def events(self) -> Iterator[AnyEvent]:
        """Give the sound events; what is not is noted."""
        number, before = 0, ""
        for at, text in self._store.texts(self._stream):
            for gone in range(number + 1, at):
                self._fault(gone, "missing", "it is gone, and later ones are there")
                before = ""
            number = at
            before, event = self._look(at, text, before)
            if event is not None:
                yield event
        self._end(number, before)

    def _look(self, number: int, text: bytes, before: str) -> tuple[str, AnyEvent | None]:
        """Look at one event; give what the next one has to name, and the event if it is sound."""
        where = self._store.place_of(self._stream, number)
        try:
            event = checked(text, number, where, self._stream)
        except NewerEventError:
            return link_of(self._stream, text), None
        except CorruptEventError as error:
            self._fault(number, "corrupted", error.problem)
            return "", None
        if previous_of(text) is not None:
            self._sealed = True
        elif self._sealed:
            self._fault(number, "corrupted", "it has no checksum, and those before it have one")
            return "", None
        try:
            return follow(text, before, where, self._stream), event
        except CorruptEventError as error:
            self._fault(number, "corrupted", error.problem)
            return link_of(self._stream, text), None

    def _end(self, last: int, before: str) -> None:
        """Hold the stream's end against the note of how far it goes."""
        note = self._note
        if note == DAMAGED:
            self._fault(0, "corrupted", "the note of how far the stream goes is damaged")
        elif note is None:
            if self._sealed:
                self._fault(0, "missing", "the note of how far the stream goes is gone")
        elif note.number > last:
            for gone in range(last + 1, note.number + 1):
                self._fault(gone, "missing", "it is gone from the end of its stream")
        elif note.number == last and before and before != note.checksum:
            why = "it is another event than the one that was put there"
            self._fault(last, "corrupted", why)

    def _fault(self, number: int, found: str, why: str) -> None:
        """Note what is wrong."""
        self.faults.append(Fault(self._stream, number, found, why))


def mend_faults(store: EventStore, faults: list[Fault], *, accept: bool = False) -> list[Fault]:
    """Make again what can be: notes, and bookkeeping; give the faults that were mended.

    accept: also let events stand where those of assets were lost, as no backup has them.
    """
    mended = [f for f in faults if f.number == 0 or accept or is_bookkeeping(f.stream)]
    for fault in mended:
        if fault.number:
            mend(store, fault.stream, fault.number, fault.why)
    for stream in {fault.stream for fault in mended}:
        _note_anew(store, stream)
    return mended


def _note_anew(store: EventStore, stream: str) -> None:
    """Note how far a stream goes, as it is now."""
    last = store.last(stream)
    text = store.text(stream, last) if last else None
    store.note(stream, None if text is None else Note(last, link_of(stream, text)))
