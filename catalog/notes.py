"""Notes: how far each stream is known to go, kept beside the streams.

A note is a lower bound: a process that dies between an event and its note leaves it one behind.
It may be lost, and is made again; while it is there, a last event that is gone is missed.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from catalog.seal import digest

_LINE: Final = re.compile(rb"(\d+) ([0-9a-f]{64}) ([0-9a-f]{64})\n")


class Note(NamedTuple):
    """A stream's last known number and that event's checksum; number -1: the note is damaged."""

    number: int
    checksum: str

    @classmethod
    def read(cls, stream: str, text: bytes) -> Note:
        """Read what was written; a damaged note says that it is."""
        found = _LINE.fullmatch(text)
        if found is None or digest(stream, found[1] + found[2]) != found[3].decode():
            return DAMAGED
        return cls(int(found[1]), found[2].decode())

    def written(self, stream: str) -> bytes:
        """Write it as one line, with a checksum of its own."""
        number, checksum = str(self.number).encode(), self.checksum.encode()
        proof = digest(stream, number + checksum).encode()
        return number + b" " + checksum + b" " + proof + b"\n"


DAMAGED: Final = Note(-1, "")


class Notes:
    """One small file for each stream."""

    def __init__(self, folder: Path) -> None:
        """Keep notes in `folder`, which is created with the first one."""
        self._folder = folder
        self._base = str(folder)

    @staticmethod
    def name_of(stream: str) -> str:
        """Give a stream's name in one piece."""
        return stream.replace("/", "+")

    def read(self, stream: str) -> Note | None:
        """Read a stream's note; None where there is none, or none that can be used."""
        note = self._read(f"{self._base}/{self.name_of(stream)}", stream)
        return None if note == DAMAGED else note

    def all(self) -> dict[str, Note]:
        """Read all notes, damaged ones too."""
        notes: dict[str, Note] = {}
        with suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                if not entry.name.startswith("."):
                    stream = entry.name.replace("+", "/")
                    note = self._read(entry.path, stream)
                    if note is not None:
                        notes[stream] = note
        return notes

    def _read(self, path: str, stream: str) -> Note | None:
        """Read one file."""
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - half the time of a Path
                return Note.read(stream, file.read())
        except OSError:
            return None

    def advance(self, stream: str, note: Note) -> None:
        """Write a note unless there is one of a later event; without it nothing is lost."""
        with suppress(OSError):
            before = self.read(stream)
            if before is None or before.number < note.number:
                self.write(stream, note)

    def write(self, stream: str, note: Note | None) -> None:
        """Replace a note in one step; None removes it."""
        path = self._folder / self.name_of(stream)
        if note is None:
            path.unlink(missing_ok=True)
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            aside.write_bytes(note.written(stream))
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
