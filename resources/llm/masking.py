"""Personal data hidden before a text leaves the machine, and put back into the answer.

A value becomes a token such as `⟦phone-1⟧`: numbered by first appearance in its text, the same
value by the same token. What looks like a token in a text is hidden by one itself, so every text
comes back exactly. Rather one number hidden too many than one leaked: hiding loses nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple

KINDS = ("email", "phone", "resident", "card")

_TOKEN = re.compile(r"⟦(email|phone|resident|card)-([1-9][0-9]*)⟧")
_URL = re.compile(r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.IGNORECASE)
_DIGITS = re.compile(r"\d(?:[\W_ーㅡㆍ]{0,8}\d){7}")
"""No phone, resident or card number has fewer digits, or more between two of them.

It looks at the text as it is: the letters that _PLAIN makes signs of are named.
"""
_AT = re.compile(r"[aA][tT] ?[)\]}）］｝]")

# Full-width digits and signs, dashes, dots and spaces, each as the plain character: lengths stay.
_PLAIN = str.maketrans(
    {0xFF10 + digit: ord("0") + digit for digit in range(10)}
    | {
        ord(full): plain
        for full, plain in zip(
            "＠﹫．。｡＋（）［］｛｝／，＿：＊", "@@...+()[]{}/,_:*", strict=True
        )
    }
    | {ord(dash): "-" for dash in "‐‑‒–—―−－ーㅡ─━﹣⁃"}
    | {ord(dot): "·" for dot in "・･•∙ㆍ"}
    | {ord(wave): "~" for wave in "～〜∼"}
    | {ord(space): " " for space in "\t\u00a0\u2002\u2003\u2009\u202f\u3000"}
)

_LETTERS = r"A-Za-z\u00c0-\u024f\u0370-\u052f"
_LOCAL = rf"{_LETTERS}0-9._%+'~!#$^*`{{|}}\-"
_EAST = r"가-힣\u3041-\u30fa\u3400-\u4dbf\u4e00-\u9fff"
# After a space and before none, @ may begin a name instead: `thanks @hong.gildong`.
_SIGN = (
    r"(?:@ ?|%40| @ "
    r"| @(?=[^\s@]+\.(?:com|net|org|edu|gov|info|biz|io|kr|jp|cn|us|uk|de|fr|ru)(?![A-Za-z0-9]))"
    r"| ?[(\[{] ?(?:[aA][tT]|골뱅이) ?[)\]}] ?| ?골뱅이 ?)"
)
_EMAIL = re.compile(
    rf"(?:\"[^\"\n]{{1,64}}\"(?=@)|(?<![{_LOCAL}])[{_LOCAL}]+|(?<![{_EAST}])[{_EAST}]+){_SIGN}"
    rf"(?:(?:[{_LETTERS}{_EAST}0-9][{_LETTERS}{_EAST}0-9-]*\.)+"
    rf"(?:[xX][nN]--[A-Za-z0-9-]+|[{_LETTERS}]{{2,}}|한국|中国|中國|日本|香港|台灣)"
    r"|\[(?:[0-9.]{7,15}|IPv6:[0-9A-Fa-f:.]+)\]|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9]))"
)
_START = r"(?<!\d)(?<!\d[-.,])"
_GAP = r"(?: ?(?:-{1,3}|[./_·,~*]) ?| {1,2}|\r?\n)?"
_MORE = r"(?! ?(?:원|%|점|개|명|건|달러|won\b))"
_PHONES = (
    # Korean, from abroad: +82 10-1234-5678, 0082 (0)2 123 4567, 82.10.1234.5678
    (
        rf"{_START}(?:\((?=\+?82\)))?(?:\+|00)?82\)?{_GAP}(?:\(0\) ?|0)?"
        rf"(?:1[016789]|2|[3-6][1-5]|[78]0|[35]0\d){_GAP}\d{{3,4}}{_GAP}\d{{4}}(?!\d)"
    ),
    # Korean: 01012345678, 02) 123-4567, (031)123.4567, [010]1234-5678, 0507-1234-5678, 070 ...
    (
        rf"{_START}(?:[(\[](?=\d+[)\]]))?0(?:1[016789]|2|[3-6][1-5]|[678]0|[35]0\d?)[)\]]?"
        rf"{_GAP}\d{{3,4}}{_GAP}\d{{4}}(?!\d)"
    ),
    # Korean, mobile, after the number of a list: 3.010-1234-5678; but 3.01012345678 is a number
    r"(?<!\d)(?:01[016789]-\d{3,4}-|(?<!\d\.)01[016789]\d{3,4})\d{4}(?!\d)",
    # Korean, digit by digit: 0 1 0 1 2 3 4 5 6 7 8
    rf"{_START}0[ -]1[ -][016789](?:[ -]\d){{7,8}}(?!\d)",
    # North American: +1 (555) 123-4567, 1-555-123-4567, 555.123.4567
    (
        rf"(?<![A-Za-z]){_START}(?:\+?1(?: ?[-./_] ?| {{1,2}})?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ])"
        r"[2-9]\d\d[-. ]\d{4}(?!\d|[-.]\d)"
    ),
    # Anywhere else, from abroad: + and 8 to 15 digits
    rf"(?<![\dA-Za-z+])\+[1-9](?:(?: ?[-.()] ?| ?\(0\) ?| )?\d){{7,14}}(?!\d){_MORE}",
    # The same, dialled: 00442079460958
    rf"(?<![A-Za-z]){_START}00[1-9](?:(?: ?[-.()] ?| )?\d){{8,13}}(?!\d){_MORE}",
    # Anywhere else, within the country: 020 7946 0958
    rf"{_START}0\d{{2,4}}[ -]\d{{3,4}}[ -]\d{{3,4}}(?!\d|-\d)",
)
_RESIDENTS = (
    r"(?<!\d)(?<!\d-)\d{6} ?-{1,3} ?[1-8] ?\d{6}(?!\d)",
    rf"{_START}\d{{6}}(?: ?[./_~:,·*] ?| {{1,2}}|\r?\n)[1-8] ?\d{{6}}(?!\d)",
    rf"{_START}\d\d([-./])\d\d\1\d\d(?: ?[-./_~:,] ?| )[1-8] ?\d{{6}}(?!\d)",
    r"(?<![0-9A-Za-z_])(?<![0-9][-.,])\d{6}[1-8]\d{6}(?![0-9A-Za-z_]|[-.,]\d)",
)
_BREAK = r"(?: ?(?:-{1,3}|[./_·,~*:]) ?| {1,2}|\r?\n)"
_CARDS = (
    rf"{_START}\d{{4}}(?:{_BREAK}\d{{4}}){{3}}{_BREAK}\d{{3}}(?!\d)",
    rf"(?<!\d)(?!\d{{13}})\d{{4}}(?:{_BREAK}?\d{{4}}){{3}}(?!\d)",
    rf"{_START}(?!\d{{13}})\d{{4}}{_BREAK}?\d{{6}}{_BREAK}?\d{{4,5}}(?!\d)",
    rf"{_START}\d{{13,19}}(?!\d)",
)
# In a URL: only what is hardly anything else.
_URL_BREAK = r"(?:[-._+/~]|%2[0DdBb])?"
_URL_PHONES = (
    rf"(?<!\d)(?:(?:00)?82{_URL_BREAK}0?|0)1[016789]{_URL_BREAK}\d{{3,4}}{_URL_BREAK}\d{{4}}(?!\d)",
)
_URL_RESIDENTS = (rf"(?<!\d)\d{{6}}{_URL_BREAK}[1-8]\d{{6}}(?!\d)",)
_URL_CARDS = (
    rf"(?<!\d)\d{{4}}(?:{_URL_BREAK}\d{{4}}){{3}}(?!\d)",
    rf"(?<!\d)\d{{4}}{_URL_BREAK}\d{{6}}{_URL_BREAK}\d{{4,5}}(?!\d)",
    r"(?<!\d)\d{13,19}(?!\d)",
)
_NO_DIGIT = re.compile(r"%2[0DdBb]|\D")
# By length, how card numbers begin; 9 is for cards that only Korean shops take.
_ISSUERS = {
    13: re.compile("4"),
    14: re.compile("3"),
    15: re.compile("3"),
    16: re.compile("[34569]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"),
}
_LONG_ISSUERS = re.compile("[456]")


class Masked(NamedTuple):
    """A text with tokens; `found[i]` is what the token numbered i + 1 stands for."""

    text: str
    found: tuple[str, ...]


class _Part(NamedTuple):
    """A stretch of a text: plain, or a value of a kind."""

    kind: str
    text: str


def mask(text: str, kinds: tuple[str, ...] = KINDS) -> Masked:
    """Hide the personal data of these kinds; most texts have none and are told apart at once."""
    if not _may_hold(text):
        return Masked(text, ())
    parts = list(_split(_Part("", text), _TOKEN, lambda token: token.group(1)))
    searched = 0
    while searched < len(parts):
        searched = len(parts)
        for kind in _FINDERS:
            if kind in kinds:
                parts = [each for part in parts for each in _find(part, kind)]
        parts = _everywhere(parts)
    numbers: dict[_Part, int] = {}
    masked = [
        f"⟦{part.kind}-{numbers.setdefault(part, len(numbers) + 1)}⟧" if part.kind else part.text
        for part in parts
    ]
    return Masked("".join(masked), tuple(part.text for part in numbers))


def unmask(answer: str, masked: Masked) -> str | None:
    """Put the values back; None where a token is missing, changed, repeated or made up."""
    if not masked.found and "⟦" not in answer and "⟦" not in masked.text:
        return answer
    if Counter(_TOKEN.findall(answer)) != Counter(_TOKEN.findall(masked.text)):
        return None
    if any(answer.count(sign) != masked.text.count(sign) for sign in "⟦⟧"):
        return None
    return _TOKEN.sub(lambda token: masked.found[int(token[2]) - 1], answer)


def keeps_marks(text: str, answer: str) -> bool:
    """Tell whether an answer holds exactly the tokens of its masked text."""
    if "⟦" not in text and "⟦" not in answer:
        return True
    blank = ("",) * len(_TOKEN.findall(text))
    return unmask(answer, Masked(text, blank)) is not None


def reveal(text: str, masked: Masked) -> str:
    """Put the values back into a text of another kind, as far as it names any."""
    return _TOKEN.sub(
        lambda token: (
            masked.found[int(token[2]) - 1] if int(token[2]) <= len(masked.found) else token[0]
        ),
        text,
    )


def _may_hold(text: str) -> bool:
    """Tell quickly that a text can hold neither personal data nor a token."""
    if "@" in text or "＠" in text or "﹫" in text or "⟦" in text or "%40" in text:
        return True
    if "골뱅이" in text or _DIGITS.search(text) is not None:
        return True
    ends = ")" in text or "]" in text or "}" in text or "）" in text or "］" in text or "｝" in text
    return ends and _AT.search(text) is not None


def _split(
    part: _Part, pattern: re.Pattern[str], kind_of: Callable[[re.Match[str]], str]
) -> Iterator[_Part]:
    """Split a plain part at every match."""
    at = 0
    for match in pattern.finditer(part.text):
        if match.start() > at:
            yield _Part("", part.text[at : match.start()])
        yield _Part(kind_of(match), match[0])
        at = match.end()
    if at < len(part.text):
        yield _Part("", part.text[at:])


def _find(part: _Part, kind: str) -> Iterator[_Part]:
    """Split a plain part at every value of a kind."""
    at = 0
    if not part.kind:
        for start, end in _FINDERS[kind](part.text.translate(_PLAIN)):
            if start > at:
                yield _Part("", part.text[at:start])
            yield _Part(kind, part.text[start:end])
            at = end
    if at < len(part.text):
        yield _Part(part.kind, part.text[at:])


def _everywhere(parts: list[_Part]) -> list[_Part]:
    """Hide a value that was found wherever else it stands in the text: in a URL, in a number."""
    kinds = {part.text: part.kind for part in reversed(parts) if part.kind}
    if not kinds:
        return parts
    values = re.compile("|".join(map(re.escape, sorted(kinds, key=len, reverse=True))))
    return [
        each
        for part in parts
        for each in ([part] if part.kind else _split(part, values, lambda value: kinds[value[0]]))
    ]


def _emails(text: str) -> Iterator[tuple[int, int]]:
    """Find e-mail addresses; quotes and marks before one do not belong to it."""
    for match in _EMAIL.finditer(text):
        start = match.end() - len(match[0].lstrip("'.-*~`!#$^|{}+%"))
        if text[start] not in "@ ":
            yield start, match.end()


def _numbers(
    patterns: tuple[str, ...], in_urls: tuple[str, ...], plausible: Callable[[str], bool]
) -> Callable[[str], Iterator[tuple[int, int]]]:
    """Give the function that finds numbers of these shapes, and in URLs of those."""
    shapes = [re.compile(pattern) for pattern in patterns]
    url_shapes = [re.compile(pattern) for pattern in in_urls]

    def find(text: str) -> Iterator[tuple[int, int]]:
        """Find from left to right; at one place the first shape wins."""
        taken = bytearray(len(text))
        spans: list[tuple[int, int]] = []
        urls = [match.span() for match in _URL.finditer(text)]
        for url in urls:
            spans += search(url_shapes, text, url, taken)
        for first, last in urls:
            taken[first:last] = b"\1" * (last - first)
        spans += search(shapes, text, (0, len(text)), taken)
        yield from sorted(spans)

    def search(
        among: list[re.Pattern[str]], text: str, within: tuple[int, int], taken: bytearray
    ) -> Iterator[tuple[int, int]]:
        """Give what is found of these shapes where nothing is taken, and take it."""
        for shape in among:
            at, stop = within
            while match := shape.search(text, at, stop):
                start, end = match.span()
                if taken.find(1, start, end) >= 0 or not plausible(_NO_DIGIT.sub("", match[0])):
                    at = start + 1
                    continue
                taken[start:end] = b"\1" * (end - start)
                yield start, end
                at = end

    return find


def _is_resident(digits: str) -> bool:
    """Tell a resident (1-4) or foreigner (5-8) registration number by its date of birth."""
    century = 1900 if digits[6] in "1256" else 2000
    year = century + int(digits[:2])
    try:
        date(year, int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return False
    return year < 2050


def _is_card(digits: str) -> bool:
    """Tell a card number: how it begins, and its check digit (Luhn)."""
    if not _ISSUERS.get(len(digits), _LONG_ISSUERS).match(digits):
        return False
    doubled = (divmod(2 * int(digit), 10) for digit in digits[-2::-2])
    return (sum(map(sum, doubled)) + sum(map(int, digits[::-2]))) % 10 == 0


_FINDERS: dict[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "email": _emails,
    "resident": _numbers(_RESIDENTS, _URL_RESIDENTS, _is_resident),
    "card": _numbers(_CARDS, _URL_CARDS, _is_card),
    "phone": _numbers(_PHONES, _URL_PHONES, lambda _: True),
}
"""In this order: a number may be part of an address, and a card number holds phone numbers."""
