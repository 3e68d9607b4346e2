"""Whether an answer may stand for a row: what must be kept, and whether it is that row's own."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import add

from resources.llm.additions import DIGITS, NAME, added, urls
from resources.llm.language import changes_script
from resources.llm.likeness import unlike
from resources.llm.task import Invariants

_SIGNS = str.maketrans(
    {ord(dash): "-" for dash in "‐‑‒–—−－"}
    | {ord(wave): "~" for wave in "～〜∼"}
    | {
        ord(full): plain
        for full, plain in zip("＄￡￥￦．，／：＜＞＝×", "$£¥₩.,/:<>=*", strict=True)
    }
)
_WRITTEN = re.compile(r"(?:[^\w\s]+\s?)?\d+(?:\s*[^\w\s]+\s*\d+)*(?:\s?[$€£¥₩￡￥￦＄])?")
# Numbers that may be grouped in another way: dates, telephone and card numbers, thousands.
_DATE = re.compile(r"(?<!\d)(\d{4}|\d\d)([-./]) ?(\d{1,2})\2 ?(\d{1,2})(?!\d)")
_GROUPS = re.compile(
    r"(?<![\d.,])(?:(?:\+ ?)?(?:0|82)\d*(?:\)? ?[-.] ?\d+|\) ?\d+| \d+)+"
    r"|\d{2,}(?: ?[-.] ?\d+){2,})(?![\d,])"
)
_FEWEST_GROUPED = 8
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_AROUND = re.compile(
    r"(?<=\d)(?:\.(?=\d)|\s*([,/:*]|[-~]+|[<>=]+)\s*(?=\d))"
    r"|(?<![\w)\]~.,/:-])[-+](?=[$€£¥₩]?\d)|\d"
)
_CURRENCY = re.compile(r"[$€£¥₩](?=\s?\d)|(?<=\d)\s?[$€£¥₩]")
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
    if kept.digits and DIGITS.search(text) and _changes_numbers(text, answer):
        return "the answer changes digits: a sign, a separator or a currency"
    if kept.overlap and not any(map(str.isalnum, text)) and text.split() != answer.split():
        return "the answer changes a text of signs alone"
    if kept.urls and urls(text).keys() - urls(answer).keys():
        return "the answer loses a URL"
    if kept.names and any(name not in answer for name in NAME.findall(text)):
        return "the answer loses a name in < >"
    return ""


def _changes_numbers(text: str, answer: str) -> bool:
    """Tell an answer of the same digits whose numbers have other signs, points or currencies."""
    if _WRITTEN.findall(text) == _WRITTEN.findall(answer):
        return False
    return _numbers(text) != _numbers(answer)


def _numbers(text: str) -> tuple[str, Counter[str]]:
    """Give the numbers of a text with what stands in and between them, and their currencies.

    Dates, telephone and card numbers and thousands count as their digits, however grouped.
    """
    plain = (html.unescape(text) if "&" in text else text).translate(_SIGNS)
    plain = _GROUPS.sub(_grouped, _DATE.sub(_date, plain))
    plain = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), plain)
    parts = _AROUND.finditer(plain)
    between = "".join(
        "~" if part[1] and part[1][0] in "-~" else part[1] or part[0] for part in parts
    )
    return between, Counter(sign.strip() for sign in _CURRENCY.findall(plain))


def _date(match: re.Match[str]) -> str:
    """Give a date with one sign between its parts, and none where they need none."""
    whole = len(match[1]) == 4 and len(match[3]) == len(match[4]) == 2
    return ("" if whole else "/").join(match.group(1, 3, 4))


def _grouped(match: re.Match[str]) -> str:
    """Give a long number as its digits."""
    digits = "".join(DIGITS.findall(match[0]))
    return digits if len(digits) >= _FEWEST_GROUPED else match[0]


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
