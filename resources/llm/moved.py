"""Answers that may have moved: rows too much alike for anything but their exact letters to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from resources.llm.likeness import common

_END, _SHORT = 3, 12


def moved(texts: Sequence[str], answers: Mapping[int, str], *, mutual: bool) -> set[int]:
    """Give the rows whose answers are nearer to another row's text than to their own.

    texts: of all rows of a request, in one column; answers: by row. mutual: only where the other
    row is not answered as itself either. Single cells of different rows are often rightly equal,
    once corrected; but then the other one stays what it is.
    """
    ends = [(len(text), text[:_END], text[-_END:]) for text in texts]
    towards = {
        row: other
        for row, answer in answers.items()
        if answer != texts[row] and (other := _nearer(texts, ends, row, answer)) is not None
    }
    return {row for row, other in towards.items() if not mutual or other in towards}


def exchanged(texts: Sequence[str], answers: Sequence[str]) -> bool:
    """Tell whether two columns of one row have each other's texts."""
    rows = dict(enumerate(answers))
    return bool(moved(texts, rows, mutual=True))


def _nearer(
    texts: Sequence[str], ends: Sequence[tuple[int, str, str]], row: int, answer: str
) -> int | None:
    """Give a row whose text is nearer to the answer than the row's own, by inserts and deletes."""
    own = texts[row]
    most = _at_most(own, answer)
    length, head, tail = len(answer), answer[:_END], answer[-_END:]
    exact = -1
    for other, (size, begins, stops) in enumerate(ends):
        # Who is nearer is about as long and begins or ends alike. This comes first: it is cheap.
        if not -most < size - length < most:
            continue
        if begins != head and stops != tail and size > _SHORT:
            continue
        text = texts[other]
        if text == own or _at_most(text, answer) > 3 * most:
            continue
        if exact < 0:
            exact = _distance(own, answer)
        if _distance(text, answer) < exact:
            return other
    return None


def _at_most(one: str, other: str) -> int:
    """Give what two texts can differ by at most: what is between their common ends."""
    least = min(len(one), len(other))
    start = 0
    while start < least and one[start] == other[start]:
        start += 1
    end = 0
    while end < least - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return len(one) + len(other) - 2 * (start + end)


def _distance(one: str, other: str) -> int:
    """Give how many letters have to be taken out and put in to make one text the other."""
    return len(one) + len(other) - 2 * common(one, other)
