"""Places: rows that a reader sets aside name the address and page they came from, not our file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from resources.rejects import Reject, Rejects


class PlacedRejects(Rejects):
    """Hands rejects on, each with its address where the reader names a file that lies aside."""

    def __init__(self, inner: Rejects) -> None:
        """Hand on to `inner`."""
        super().__init__(inner.path)
        self._inner: Any = inner
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

    def warn(self, sentence: str) -> None:
        """Hand on what somebody should know, with the address for the name of our file."""
        for file, place in self._places.items():
            sentence = sentence.replace(Path(file).name, place)
        self._inner.warn(sentence)


class QuietRejects(Rejects):
    """Takes rejects of a look ahead, which the real pass will set aside."""

    def __init__(self) -> None:
        """Keep nothing."""
        super().__init__(Path(os.devnull))

    def add(self, reject: Reject) -> None:
        """Let it go."""
