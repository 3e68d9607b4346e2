"""Places: rows that a reader sets aside name the address and page they came from, not our file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from resources.rejects import Reject, Rejects


class PlacedRejects(Rejects):
    """Hands rejects on, each with its address where the reader names a file that lies aside."""

    def __init__(self, inner: Rejects) -> None:
        """Hand on to `inner`."""
        self._inner = inner
        self._places: dict[str, str] = {}

    def name(self, file: Path, place: str) -> None:
        """Note where a file came from."""
        self._places[str(file)] = place

    def place(self, file: Path | str) -> str:
        """Give the address that a file came from."""
        return self._places.get(str(file), str(file))

    def say(self, text: str) -> str:
        """Put addresses in place of files."""
        for file, place in self._places.items():
            if file in text:
                text = text.replace(file, place)
        return text

    def add(self, reject: Reject) -> None:
        """Hand one on."""
        self._inner.add(replace(reject, source=self.place(reject.source)))


class QuietRejects(Rejects):
    """Takes rejects of a look ahead, which the real pass will set aside."""

    def __init__(self) -> None:
        """Keep nothing."""

    def add(self, reject: Reject) -> None:
        """Let it go."""
