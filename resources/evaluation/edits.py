"""Edits: what a cleaner changed in a text, piece by piece, against what had to be changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"\S+")
_LARGEST: Final = 4_000_000
_MANY_WORDS: Final = 2_000

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
    """Align two texts: words that both have first, then the letters between those.

    Gives difflib's opcodes (equal, replace, delete, insert; from, to in raw; from, to in text),
    neighbours of one kind joined. Letters inside a word that stayed only by chance, between changes
    as long as they are, belong to the change; what went out or came in stands as far left as it
    can, so that one change looks the same whatever is changed beside it. What is too long to
    compare is one replacement.
    """
    found: list[Step] = []
    at = to = 0
    for start, end, first, last in [
        *_anchors(raw, text),
        (len(raw), len(raw), len(text), len(text)),
    ]:
        for kind, i, j, k, m in _opcodes(raw[at:start], text[to:first]):
            _add(found, (kind, at + i, at + j, to + k, to + m))
        if end > start:
            _add(found, ("equal", start, end, first, last))
        at, to = end, last
    return _leftmost(_absorbed(found, raw), raw, text)


def _anchors(raw: str, text: str) -> list[tuple[int, int, int, int]]:
    """Give where words stand that both texts have, in order."""
    ours, theirs = [*_WORD.finditer(raw)], [*_WORD.finditer(text)]
    # In a long text, words that occur everywhere are no anchors: comparing them all takes long.
    long = len(theirs) > _MANY_WORDS
    same = SequenceMatcher(None, [m[0] for m in ours], [m[0] for m in theirs], autojunk=long)
    return [
        (*ours[block.a + n].span(), *theirs[block.b + n].span())
        for block in same.get_matching_blocks()
        for n in range(block.size)
    ]


def _opcodes(ours: str, theirs: str) -> Iterable[Step]:
    """Align two pieces letter by letter."""
    if ours == theirs:
        return [("equal", 0, len(ours), 0, len(theirs))] if ours else []
    if len(ours) * len(theirs) > _LARGEST:
        return [("replace", 0, len(ours), 0, len(theirs))]
    return SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()


def _add(found: list[Step], step: Step) -> None:
    """Append a step; one that touches another of its kind, or a change a change, joins it."""
    if found and (step[0] == "equal") == (found[-1][0] == "equal"):
        step = _joined(found.pop(), step)
    found.append(step)


def _joined(one: Step, other: Step) -> Step:
    """Join two steps, and what is between them."""
    start, end, first, last = one[1], other[2], one[3], other[4]
    kind = "insert" if start == end else "delete" if first == last else "replace"
    return ("equal" if one[0] == other[0] == "equal" else kind, start, end, first, last)


def _absorbed(found: list[Step], raw: str) -> list[Step]:
    """Let changes take in the short equal pieces between them, within a word."""
    kept: list[Step] = []
    for step in found:
        whole = step
        if step[0] != "equal" and len(kept) > 1 and _by_chance(kept[-2], kept[-1], step, raw):
            kept.pop()
            whole = _joined(kept.pop(), step)
        kept.append(whole)
    return kept


def _by_chance(before: Step, same: Step, after: Step, raw: str) -> bool:
    """Tell an equal piece that is no longer than the changes on both sides of it."""
    piece = raw[same[1] : same[2]]
    return len(piece) <= min(_size(before), _size(after)) and not re.search(r"\s", piece)


def _leftmost(found: list[Step], raw: str, text: str) -> list[Step]:
    """Move what only went out, or only came in, to the left: of "a  b" it is the first space."""
    moved: list[Step] = []
    for step in found:
        kind, start, end, first, last = step
        room = moved[-1][2] - moved[-1][1] - (len(moved) > 1) if moved else 0
        far = 0
        if kind in ("delete", "insert"):
            whole, low, high = (raw, start, end) if kind == "delete" else (text, first, last)
            while far < room and whole[low - far - 1] == whole[high - far - 1]:
                far += 1
        if far:
            same = moved.pop()
            if same[2] - same[1] > far:
                moved.append(("equal", same[1], same[2] - far, same[3], same[4] - far))
            moved.append((kind, start - far, end - far, first - far, last - far))
            _add(moved, ("equal", end - far, end, last - far, last))
        else:
            _add(moved, step)
    return moved


def _size(step: Step) -> int:
    """Give how many letters a change takes out or puts in."""
    return max(step[2] - step[1], step[4] - step[3])


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
