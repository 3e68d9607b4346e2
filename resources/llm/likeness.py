"""How much an answer is like its text: letter by letter in order, and passage by passage."""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"<[^<>\n]{1,80}>")
_NO_LETTER = re.compile(r"[^\w]+|_+")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_REPEATED = re.compile(r"(.{1,40}?)\1{2,}")
_ALIKE = ((16, 0.65), (6, 0.4), (1, 0.3))
"""From how many letters on which share of them has to be common: short texts vary more."""
_PASSAGE, _SHORTEST = 30, 18
_GRAM = 5
_KNOWN = 0.25
_LONG, _BLOCK, _DRIFT = 20_000, 10_000, 2_000
"""From how many letters on texts are compared block by block, each within so many letters of it."""


def unlike(text: str, answer: str) -> str:
    """Say in what an answer is unlike its text ("" = it is like it).

    Correcting spelling keeps most letters in their order, and Hangul most parts of its syllables;
    two texts of one language that have nothing to do with each other share about half.
    """
    own, given = _letters(text), _letters(answer)
    most = max(len(own), len(given))
    share = next((share for fewest, share in _ALIKE if most >= fewest), 0.0)
    if _in_common(own, given) < share * most:
        return "the answer has too little to do with the text"
    if len(own) - len(given) >= _SHORTEST and _lacks(given, own):
        return "the answer leaves out a passage of the text"
    if len(given) - len(own) >= _SHORTEST and _lacks(own, given):
        return "the answer adds a passage to the text"
    return ""


def _letters(text: str) -> str:
    """Give the letters and digits, Hangul in its parts; tags and drawn-out sounds do not count."""
    plain = html.unescape(text) if "&" in text else text
    plain = _TAG.sub(" ", plain) if "<" in plain else plain
    letters = _NO_LETTER.sub("", unicodedata.normalize("NFKD", plain).casefold())
    return _DRAWN_OUT.sub(r"\1\1", letters)


def _in_common(first: str, second: str) -> int:
    """Count the letters in common, in their order; in long texts block by block.

    Comparing two texts as wholes takes time with the square of their length.
    """
    if max(len(first), len(second)) <= _LONG or not first:
        return common(first, second)
    ratio = len(second) / len(first)
    found = 0
    for start in range(0, len(first), _BLOCK):
        block = first[start : start + _BLOCK]
        low, high = int(start * ratio) - _DRIFT, int((start + len(block)) * ratio) + _DRIFT
        found += common(block, second[max(low, 0) : high])
    return min(found, len(second))


def common(first: str, second: str) -> int:
    """Count the letters of the longest common subsequence, a whole row of the table at a time."""
    places: dict[str, int] = {}
    for at, letter in enumerate(first):
        places[letter] = places.get(letter, 0) | 1 << at
    full = (1 << len(first)) - 1
    row = full
    for letter in second:
        met = row & places.get(letter, 0)
        row = ((row + met) | (row - met)) & full
    return len(first) - row.bit_count()


def _lacks(shorter: str, longer: str) -> bool:
    """Tell that a text lacks a passage of a longer one.

    What is said over and over counts twice: one letter corrected in it is a letter in every copy.
    """
    if not _has_more(longer, shorter):
        return False
    short, long = (_REPEATED.sub(r"\1\1", text) for text in (shorter, longer))
    return len(long) - len(short) >= _SHORTEST and _has_more(long, short)


def _has_more(longer: str, shorter: str) -> bool:
    """Tell that some passage of the longer text hardly occurs in the shorter one."""
    if len(longer) < _PASSAGE:
        return False
    known = {shorter[at : at + _GRAM] for at in range(len(shorter) - _GRAM + 1)}
    hits = [longer[at : at + _GRAM] in known for at in range(len(longer) - _GRAM + 1)]
    window = _PASSAGE - _GRAM + 1
    starts = {*range(0, len(hits) - window, window // 4), len(hits) - window}
    return any(sum(hits[start : start + window]) < _KNOWN * window for start in starts)
