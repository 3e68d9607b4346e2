"""Whether an answer may stand for a row: what must be kept, and whether it is that row's own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from resources.llm.task import Invariants

_DIGITS = re.compile(r"\d")
_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.IGNORECASE)
_NAME = re.compile(r"<[^<>\n]{1,80}>")
_SLACK = 8
_SHORT = 10


def problem(text: str, answer: str, others: Sequence[str], kept: Invariants) -> str:
    """Say why `answer` cannot stand for `text` ("" = it can). `others`: texts of the same pack."""
    if not text:
        return ""
    if not answer.strip():
        return "the answer is empty"
    low, high = kept.length_ratio
    if not len(text) * low - _SLACK <= len(answer) <= len(text) * high + _SLACK:
        return f"the answer has {len(answer)} characters for {len(text)}"
    if "\x00" in answer or ("\ufffd" in answer and "\ufffd" not in text):
        return "the answer holds damaged characters"
    if kept.digits and _DIGITS.findall(text) != _DIGITS.findall(answer):
        return "the answer changes digits"
    if kept.urls and any(url not in answer for url in _URL.findall(text)):
        return "the answer loses a URL"
    if kept.names and any(name not in answer for name in _NAME.findall(text)):
        return "the answer loses a name in < >"
    return _foreign(text, answer, others, kept.overlap)


def _foreign(text: str, answer: str, others: Sequence[str], overlap: float) -> str:
    """Say whether an answer is made of something else than its row: of nothing, or of another."""
    own, given = _pairs(text), _pairs(answer)
    new = given - own
    if not new:
        return ""
    if len(given) >= _SHORT and len(new) > (1 - overlap) * len(given):
        return "the answer has little to do with the text"
    share = 0.5 if len(given) < _SHORT else 0.3
    if len(new) > share * len(given):
        for other in others:
            if len(new & _pairs(other)) > share * len(given):
                return "the answer is another row's, or mixed with it"
    if len(answer) > len(text) + 1:
        for other in others:
            grown = len(answer) - len(text) >= 0.8 * len(other)
            if other and grown and other in answer and other not in text:
                return "the answer holds another row's text"
    return ""


def _pairs(text: str) -> set[str]:
    """Give the pairs of neighbouring letters, without case and spaces; a single letter alone."""
    plain = "".join(unicodedata.normalize("NFC", text).casefold().split())
    return {plain[at : at + 2] for at in range(len(plain) - 1)} or {plain}
