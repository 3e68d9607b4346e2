"""Whether an answer may stand for a row: what must be kept, and whether it is that row's own."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import add

from resources.llm.additions import DIGITS, NAME, added, urls
from resources.llm.language import changes_script
from resources.llm.likeness import unlike
from resources.llm.task import Invariants

_SLACK = 8
_FEWEST_PAIRS, _SHORT_PAIRS = 6, 12
_MOSTLY = 0.6
_FEW_CHANGES, _SOME_CHANGES, _SHORT_TEXT = 6, 14, 24


def problem(text: str, answer: str, kept: Invariants) -> str:
    """Say which invariant keeps `answer` from standing for `text` ("" = none).

    `text` is what was sent. What an answer must not add is no invariant to switch off.
    """
    if answer == text or not text:
        return ""
    if not answer.strip():
        return "the answer is empty"
    low, high = kept.length_ratio
    if not len(text) * low - _SLACK <= len(answer) <= len(text) * high + _SLACK:
        return f"the answer has {len(answer)} characters for {len(text)}"
    if why := _lost(text, answer, kept) or added(text, answer):
        return why
    own, given = _pairs(text), _pairs(answer)
    changes = max(own.total(), given.total()) - _common(own, given)
    if len(text) > _SHORT_TEXT and changes < _FEW_CHANGES:
        return ""  # the rest looks for more than that, and takes its time
    if kept.language and changes_script(text, answer):
        return "the answer is in another language"
    return _unlike(text, answer, kept.overlap, changes)


def _lost(text: str, answer: str, kept: Invariants) -> str:
    """Say what of a text an answer has lost ("" = nothing that must be kept)."""
    if kept.digits and DIGITS.findall(text) != DIGITS.findall(answer):
        return "the answer changes digits"
    if kept.urls and urls(text).keys() - urls(answer).keys():
        return "the answer loses a URL"
    if kept.names and any(name not in answer for name in NAME.findall(text)):
        return "the answer loses a name in < >"
    return ""


def _unlike(text: str, answer: str, overlap: float, changes: int) -> str:
    """Say in what an answer is unlike its text, where it has to be like it ("" = in nothing)."""
    if _share(text, answer) < overlap:
        return "the answer has little to do with the text"
    most = _pairs(text).total()
    if not overlap or (most > _SHORT_TEXT and changes < min(_SOME_CHANGES, most // 4)):
        return ""
    return unlike(text, answer)


def _share(text: str, answer: str) -> float:
    """Give the share of the answer that occurs in the text: pairs of letters.

    In a short text one corrected typo changes most pairs, so there it is letters; in a shorter one
    nothing can be said.
    """
    given, own = _pairs(answer), _pairs(text)
    if given.total() < _FEWEST_PAIRS:
        return 1.0
    if given.total() < _SHORT_PAIRS:
        given, own = Counter("".join(answer.casefold().split())), Counter(text.casefold())
    return _common(given, own) / given.total()


def foreign(text: str, answer: str, others: Iterable[str]) -> bool:
    """Tell an answer that is another row's of the pack, or holds one.

    It is when it is closer to the other row than to its own, or has grown by most of the other.
    A right answer may look so too where two rows are near alike: asked again, without the other
    row, it passes.
    """
    if answer == text:
        return False
    given, own = _pairs(answer), _pairs(text)
    new = {pair: count - own[pair] for pair, count in given.items() if count > own[pair]}
    kept = given.total() - sum(new.values())
    for other in others:
        theirs = _pairs(other)
        # Whatever makes an answer another row's is new to its own.
        if new.keys().isdisjoint(theirs.keys()) or other == text:
            continue
        alike = len(given.keys() & theirs.keys())
        if alike < 0.5 * min(len(given), len(theirs)):
            continue
        if _common(given, theirs) > kept:
            return True
        grown = given.total() - own.total() >= _MOSTLY * theirs.total()
        if grown and _common(new, theirs) >= _MOSTLY * theirs.total():
            return True
    return False


def _common(first: Mapping[str, int], second: Mapping[str, int]) -> int:
    """Count the pairs that two texts have in common."""
    return sum(min(first[pair], second[pair]) for pair in first.keys() & second.keys())


@lru_cache(maxsize=4_096)
def _pairs(text: str) -> Counter[str]:
    """Count the pairs of neighbouring letters, without case and spaces; a single letter alone."""
    plain = "".join(unicodedata.normalize("NFC", text).casefold().split())
    return Counter(map(add, plain, plain[1:])) if len(plain) > 1 else Counter([plain])
