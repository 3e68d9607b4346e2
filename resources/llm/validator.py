"""Whether an answer may stand for a row: what must be kept, and whether it is that row's own."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from resources.llm.task import Invariants

_DIGITS = re.compile(r"\d")
_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.IGNORECASE)
_NAME = re.compile(r"<[^<>\n]{1,80}>")
_SLACK = 8
_FEWEST_PAIRS, _SHORT_PAIRS = 6, 12
_MOSTLY = 0.6


def problem(text: str, answer: str, kept: Invariants) -> str:
    """Say which invariant keeps `answer` from standing for `text` ("" = none)."""
    if answer == text or not text:
        return ""
    if not answer.strip():
        return "the answer is empty"
    low, high = kept.length_ratio
    if not len(text) * low - _SLACK <= len(answer) <= len(text) * high + _SLACK:
        return f"the answer has {len(answer)} characters for {len(text)}"
    if "\x00" in answer or ("\ufffd" in answer and "\ufffd" not in text):
        return "the answer holds damaged characters"
    if _share(text, answer) < kept.overlap:
        return "the answer has little to do with the text"
    return _lost(text, answer, kept)


def _lost(text: str, answer: str, kept: Invariants) -> str:
    """Say what of a text an answer has lost ("" = nothing that must be kept)."""
    if kept.digits and _DIGITS.findall(text) != _DIGITS.findall(answer):
        return "the answer changes digits"
    if kept.urls and any(url not in answer for url in _URL.findall(text)):
        return "the answer loses a URL"
    if kept.names and any(name not in answer for name in _NAME.findall(text)):
        return "the answer loses a name in < >"
    return ""


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
    return (given & own).total() / given.total()


def foreign(text: str, answer: str, others: Iterable[str]) -> bool:
    """Tell an answer that is another row's of the pack, or holds one.

    It is when it is closer to the other row than to its own, or has grown by most of the other.
    A right answer may look so too where two rows are near alike: asked again, without the other
    row, it passes.
    """
    if answer == text:
        return False
    given, own = _pairs(answer), _pairs(text)
    new = given - own
    if not new:
        return False
    kept = given.total() - new.total()
    for other in others:
        theirs = _pairs(other)
        alike = len(given.keys() & theirs.keys())
        if alike < 0.5 * min(len(given), len(theirs)) or other == text:
            continue
        if (given & theirs).total() > kept:
            return True
        grown = given.total() - own.total() >= _MOSTLY * theirs.total()
        if grown and (new & theirs).total() >= _MOSTLY * theirs.total():
            return True
    return False


@lru_cache(maxsize=2048)
def _pairs(text: str) -> Counter[str]:
    """Count the pairs of neighbouring letters, without case and spaces; a single letter alone."""
    plain = "".join(unicodedata.normalize("NFC", text).casefold().split())
    return Counter(plain[at : at + 2] for at in range(max(len(plain) - 1, 1)))
