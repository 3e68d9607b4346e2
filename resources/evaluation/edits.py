"""Edits: what a cleaner changed in a text, piece by piece, against what had to be changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

_PIECES: Final = re.compile(r"\s+|[^\s]+")
_LARGEST: Final = 4_000_000

Edit = tuple[int, int, str]
"""Characters `from` to `to` of the raw text become these ones."""
Step = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class EditCounts:
    """Edits that were right, needless or wrong, and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: EditCounts) -> EditCounts:
        """Add up."""
        return EditCounts(
            self.right + other.right, self.wrong + other.wrong, self.missed + other.missed
        )

    @property
    def precision(self) -> float | None:
        """Give the share of the edits made that were right; None where none was made."""
        made = self.right + self.wrong
        return self.right / made if made else None

    @property
    def recall(self) -> float | None:
        """Give the share of the edits needed that were made; None where none was needed."""
        needed = self.right + self.missed
        return self.right / needed if needed else None

    @property
    def f_half(self) -> float | None:
        """Give F0.5, which counts a wrong edit twice as heavily as a missed one."""
        weighed = 1.25 * self.right + self.wrong + 0.25 * self.missed
        return 1.25 * self.right / weighed if weighed else None


def steps(raw: str, text: str) -> list[Step]:
    """Align two texts: words first, then the characters of what differs.

    Gives difflib's opcodes (equal, replace, delete, insert; from, to in raw; from, to in text),
    neighbours of one kind joined. What is too long to compare letter by letter is one replacement.
    """
    found: list[Step] = []
    ours, theirs = _PIECES.findall(raw), _PIECES.findall(text)
    own, given = _starts(ours), _starts(theirs)
    for kind, a, b, c, d in _opcodes(ours, theirs):
        start, end, first, last = own[a], own[b], given[c], given[d]
        if kind != "replace":
            _add(found, (kind, start, end, first, last))
            continue
        for what, i, j, k, m in _opcodes(raw[start:end], text[first:last]):
            _add(found, (what, start + i, start + j, first + k, first + m))
    return found


def _starts(pieces: list[str]) -> list[int]:
    """Give where each piece begins, and where the last one ends."""
    places = [0]
    for piece in pieces:
        places.append(places[-1] + len(piece))
    return places


def _opcodes(ours: str | list[str], theirs: str | list[str]) -> Iterable[Step]:
    """Align two sequences."""
    if len(ours) * len(theirs) > _LARGEST:
        return [("replace", 0, len(ours), 0, len(theirs))]
    return SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()


def _add(found: list[Step], step: Step) -> None:
    """Append a step; one that touches a change before it becomes part of it."""
    kind, _, end, _, last = step
    if found and kind != "equal" and found[-1][0] != "equal":
        _, start, _, first, _ = found.pop()
        kind = "insert" if start == end else "delete" if first == last else "replace"
        step = (kind, start, end, first, last)
    elif found and kind == found[-1][0] == "equal":
        _, start, _, first, _ = found.pop()
        step = (kind, start, end, first, last)
    found.append(step)


@lru_cache(maxsize=4096)
def edits(raw: str, text: str) -> frozenset[Edit]:
    """Give the edits that make `text` of `raw`: every maximal run of changed characters is one."""
    if raw == text:
        return frozenset()
    return frozenset(
        (start, end, text[first:last])
        for kind, start, end, first, last in steps(raw, text)
        if kind != "equal"
    )


def count_edits(raw: str, output: str, accepted: Iterable[str]) -> EditCounts:
    """Compare a cleaner's edits with those needed: of several right answers, the nearest counts."""
    made = edits(raw, output)
    best: EditCounts | None = None
    for text in accepted:
        needed = edits(raw, text)
        right = len(made & needed)
        found = EditCounts(right, len(made) - right, len(needed) - right)
        if best is None or _better(found, best):
            best = found
    return best or EditCounts(wrong=len(made))


def _better(one: EditCounts, other: EditCounts) -> bool:
    """Tell which comparison is kinder: fewer mistakes, then more right."""
    return (one.wrong + one.missed, -one.right) < (other.wrong + other.missed, -other.right)
