"""What an answer has and its text has not: links, addresses, tags, hidden characters."""

from __future__ import annotations

import html
import re
from collections import Counter

from resources.llm.masking import mask

URL = re.compile(
    r"(?:[a-z][a-z0-9+.\-]{1,20}://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%⟦⟧]+", re.IGNORECASE
)
"""With the marks of what is hidden in it, which are part of it."""
NAME = re.compile(r"<[^<>\n]{1,80}>")
DIGITS = re.compile(r"\d")
_AFTER_URL = ".,;:!?'\")]*"
_DOT = "[.。．｡]"
# Any two letters may be a country. Of longer endings those that are known: the last word before a
# full stop without its space is seldom one of them.
_ENDINGS = (
    "[a-z]{2}|com|net|org|info|biz|xyz|dev|app|site|shop|online|top|link|vip|store|live|click|zip"
    "|mov|edu|gov|mil|int|pro|name|mobi|tel|asia|club|icu|buzz|fun|space|website|web|tech|cloud"
    "|host|hosting|page|blog|wiki|news|media|email|mail|chat|social|group|team|work|works|world"
    "|today|life|love|win|bid|loan|loans|men|date|party|review|reviews|stream|download|racing"
    "|trade|webcam|science|cricket|faith|accountant|monster|cyou|cfd|sbs|bond|rest|bar|beauty"
    "|hair|skin|makeup|quest|lol|wtf|ninja|guru|rocks|red|pink|blue|black|green|gold|cash|money"
    "|finance|financial|fund|bank|credit|pay|market|markets|trading|exchange|forex|sale|deals"
    "|discount|gift|gifts|promo|offers|cheap|free|best|cool|plus|one|zone|center|company|agency"
    "|global|international|network|systems|solutions|services|support|help|security|codes|run"
    "|studio|design|art|photo|photos|pics|pictures|gallery|video|movie|music|audio|game|games|bet"
    "|casino|poker|porn|sex|sexy|adult|xxx|dating|cam|tube|travel|tours|hotel|hotels|taxi|cars"
    "|auto|bike|house|homes|land|estate|properties|rent|city|town|seoul|tokyo|london|paris|berlin"
    "|nyc|moscow|kim|health|care|clinic|dental|pharmacy|diet|fit|fitness|yoga|school|academy"
    "|university|education|training|courses|law|legal|tax|jobs|careers|cafe|coffee|restaurant"
    "|pizza|food|kitchen|wine|beer|fashion|clothing|shoes|boutique|jewelry|toys|baby|family|kids"
    "|pet|dog|cat|garden|farm|eco|earth|energy|solar|church|charity|foundation|ngo|wedding|events"
    "|show|tickets|surf|ski|golf|football|soccer|hockey|tennis|horse|ink|press|pub|digital|direct"
    "|express|delivery|shopping|moda|nu|new|now|eus|google|youtube|goog|onion|local|internal|test"
    "|xn--[a-z0-9\\-]+"
)
_SITE = re.compile(
    rf"(?<![A-Za-z0-9.\-])(?<!\w[@＠])(?:(?:[A-Za-z0-9\-]+{_DOT})+(?:{_ENDINGS})(?![A-Za-z0-9\-])"
    # A site of Hangul: with these endings alone, for a full stop often has no space after it.
    rf"|[A-Za-z0-9가-힣\-]+{_DOT}(?:(?:com|net|org|kr|shop|xyz|site)(?![A-Za-z0-9\-])"
    r"|한국|닷컴|닷넷)|(?:javascript|vbscript|data):(?=\S))",
    re.IGNORECASE,
)
_DOTTED = re.compile(
    rf"(?<![A-Za-z0-9.\-])(?<!\w[@＠])(?:[A-Za-z0-9\-]+{_DOT})+[A-Za-z]{{3,}}", re.IGNORECASE
)
"""What may be a site with an ending that is not known, or a full stop without its space."""
_LINKING = re.compile(rf"{_DOT}[A-Za-z한닷]|:\S")
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
    if _LINKING.search(answer) and _adds_link(text, answer):
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


def _adds_link(text: str, answer: str) -> bool:
    """Tell an answer that has a URL, a site or what may be one that its text has not."""
    if urls(answer) - urls(text):
        return True
    own, given = Counter(text.split()), Counter(answer.split())
    new = " ".join((given - own).elements())  # no site has a space in it
    if not _LINKING.search(new):
        return False
    old = " ".join((own - given).elements())
    return bool(_count(_SITE, new) - _count(_SITE, old)) or (
        len(_DOTTED.findall(new)) > len(_DOTTED.findall(old))
    )


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
