"""What an answer has and its text has not: links, addresses, tags, hidden characters."""

from __future__ import annotations

import html
import re
from collections import Counter

from resources.llm.masking import mask

URL = re.compile(
    r"(?:[a-z][a-z0-9+.\-]{1,20}://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.IGNORECASE
)
NAME = re.compile(r"<[^<>\n]{1,80}>")
DIGITS = re.compile(r"\d")
_AFTER_URL = ".,;:!?'\")]*"
_SITE = re.compile(
    r"(?<![A-Za-z0-9.\-@])(?:[A-Za-z0-9\-]+\.)+"
    r"(?:com|net|org|info|biz|xyz|dev|app|site|shop|online|co|io|me|ly|gg|to|kr|jp|cn|ru|uk|de)"
    r"(?![A-Za-z0-9\-])|(?:javascript|vbscript|data):(?=\S)",
    re.IGNORECASE,
)
_LINKING = re.compile(r"\.[A-Za-z]|:\S")
"""Without one of these there is no URL, site or script."""
_TAG = re.compile(
    r"<\s*/?\s*(?:script|style|iframe|img|svg|object|embed|link|meta|base|form|input|a|video|audio"
    r"|body|html|div|span|p|br|b|i|u|table)\b(?=[^<]*[=>/]|\s*$)",
    re.IGNORECASE,
)
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\ufffd"
    "\U000e0000-\U000e007f]"
)


def urls(text: str) -> Counter[str]:
    """Count the URLs of a text, without the punctuation that follows them."""
    if "://" not in text and "www." not in text.casefold():
        return Counter()
    return Counter(url.rstrip(_AFTER_URL) for url in URL.findall(text))


def added(text: str, answer: str) -> str:
    """Say what an answer has that its text has not, or more of it ("" = nothing it must not)."""
    if _LINKING.search(answer) and (
        urls(answer) - urls(text) or _count(_SITE, answer) - _count(_SITE, text)
    ):
        return "the answer adds a URL"
    if "<" in answer:
        if _count(_TAG, answer) - _count(_TAG, text):
            return "the answer adds an HTML tag"
        # Decoding `&lt;name&gt;` is a correction.
        if _count(NAME, answer) - (_count(NAME, text) | _count(NAME, html.unescape(text))):
            return "the answer adds a name in < >"
    if _HIDDEN.search(answer) and set(_HIDDEN.findall(answer)) - set(_HIDDEN.findall(text)):
        return "the answer holds damaged or hidden characters"
    return _added_personal(text, answer)


def _count(pattern: re.Pattern[str], text: str) -> Counter[str]:
    """Count what a pattern matches in a text, in one case."""
    return Counter(match[0].casefold() for match in pattern.finditer(text))


def _added_personal(text: str, answer: str) -> str:
    """Say which personal data an answer has that its text has not; digits may be regrouped."""
    plain = text.casefold()
    for value in mask(answer, ("email",)).found:
        if plain.count(value.casefold()) < answer.count(value):
            return "the answer adds an e-mail address"
    own = "".join(DIGITS.findall(text))
    if own == "".join(DIGITS.findall(answer)):
        return ""
    for value in mask(answer, ("phone", "resident", "card")).found:
        if "".join(DIGITS.findall(value)) not in own:
            return "the answer adds a phone, resident or card number"
    return ""
