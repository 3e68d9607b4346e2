"""A gold set: clean texts, each damaged in a way that can be undone exactly, or not at all.

What a cleaner must give back is known to the letter, so its accuracy is counted, not judged.
Lost spaces (kind `spacing`) are the exception: where they were is a matter of language.
"""

from __future__ import annotations

import csv
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from random import Random
from typing import Final

from resources.samples.gold_words import book, english, korean

UNTOUCHED: Final = ("plain", "tricky")
"""Kinds whose rows need nothing: what changes there is over-correction."""
SHARES: Final = {
    "plain": 0.15,
    "tricky": 0.2,
    "entities": 0.1,
    "mojibake": 0.1,
    "whitespace": 0.1,
    "control": 0.1,
    "unicode": 0.1,
    "several": 0.1,
    "spacing": 0.05,
}
_INVISIBLE: Final = ("\u200b", "\ufeff", "\u2060", "\u00ad", "\x01", "\x08", "\x1f", "\x7f")
_NAMED: Final = {
    "…": "&hellip;",
    "·": "&middot;",
    "“": "&ldquo;",
    "”": "&rdquo;",
    "’": "&rsquo;",
} | {
    "—": "&mdash;",
    "é": "&eacute;",
    "€": "&euro;",
    "£": "&pound;",
}
Harm = Callable[[Random, str], str]


@dataclass(frozen=True, slots=True)
class Gold:
    """One row: what comes in, and what has to come out."""

    id: int
    language: str
    kind: str
    raw: str
    expected: str


def make_gold(*, rows: int, seed: int) -> Iterator[Gold]:
    """Make rows of all kinds, half of them Korean; a seed always makes the same rows."""
    rng = Random(seed)  # noqa: S311 - not for secrets
    kinds, weights = list(SHARES), list(SHARES.values())
    for number in range(1, rows + 1):
        kind = rng.choices(kinds, weights)[0]
        language = "ko" if kind == "spacing" or rng.random() < 0.5 else "en"
        raw, expected = _pair(rng, kind, language)
        yield Gold(number, language, kind, raw, expected)


def write_gold(path: Path, *, rows: int, seed: int) -> Path:
    """Write a gold set as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        # All quoted: Python 3.11 leaves a lone carriage return bare.
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(field.name for field in fields(Gold))
        writer.writerows(map(astuple, make_gold(rows=rows, seed=seed)))
    return path


def _pair(rng: Random, kind: str, language: str) -> tuple[str, str]:
    """Make a text and its damaged form; a text that this harm cannot hit is drawn again."""
    if kind == "tricky":
        text = _tricky(rng, language)
        return text, text
    while True:
        text = korean(rng) if language == "ko" else english(rng)
        if kind == "plain":
            return text, text
        if kind == "whitespace" and rng.random() < 0.3:
            text = text.replace(". ", ".\n")
        raw = _HARM[kind](rng, text)
        if raw != text:
            return raw, text


def _entities(rng: Random, text: str) -> str:
    """Escape as HTML: by name or number, up to three times over."""
    way = rng.randrange(3)
    if way == 0:
        text = "".join(_NAMED.get(letter, letter) for letter in html.escape(text))
    elif way == 1:
        form = rng.choice(("&#{};", "&#x{:x};", "&#x{:X};"))
        text = "".join(
            form.format(ord(letter)) if _may_be_numeric(rng, letter) else letter for letter in text
        )
    else:
        for _ in range(rng.randint(1, 3)):
            text = html.escape(text)
        text = text.replace(" ", "&nbsp;", rng.randint(0, 2))
    return text


def _may_be_numeric(rng: Random, letter: str) -> bool:
    """Choose signs of HTML and some others; HTML has no numbers for control characters."""
    if unicodedata.category(letter) == "Cc":
        return False
    return letter in "&<>\"'" or rng.random() < 0.1


def _mojibake(rng: Random, text: str) -> str:
    """Read bytes in the wrong encoding; where that cannot be undone, leave the text."""
    ways = [("utf-8", "latin-1"), ("utf-8", "cp1252"), ("utf-8", "cp949"), ("cp949", "latin-1")]
    written, read = rng.choice(ways if max(text) >= "가" else ways[:2])
    try:
        damaged = text.encode(written).decode(read)
        undone = damaged.encode(read).decode(written)
    except UnicodeError:
        return text
    return damaged if undone == text else text


def _whitespace(rng: Random, text: str) -> str:
    """Widen spaces, put others in their place and at the ends, end lines as Windows does."""
    wide = ("  ", "\u00a0", "\u3000", "\t", " \u00a0 ", "\u2003", "   ", "\u202f")
    text = "".join(
        rng.choice(wide) if letter == " " and rng.random() < 0.3 else letter for letter in text
    )
    text = text.replace("\n", rng.choice(("\r\n", " \r\n", "\r", "\n  ", "\u2028")))
    ends = ("", "", " ", "\u00a0", "\u3000", "\r\n", "\t")
    return rng.choice(ends) + text + rng.choice(ends)


def _control(rng: Random, text: str) -> str:
    """Put characters in that nobody sees."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice(_INVISIBLE) + text[at:]
    return text


def _unicode(_: Random, text: str) -> str:
    """Take letters apart."""
    return unicodedata.normalize("NFD", text)


def _several(rng: Random, text: str) -> str:
    """Do two to four harms, one after the other, as a text's way through systems would."""
    chosen = rng.sample((_unicode, _control, _whitespace, _entities, _utf8_as_latin), 4)
    count = rng.randint(2, 4)
    order = (_unicode, _control, _whitespace, _utf8_as_latin, _entities)
    for harm in sorted(chosen[:count], key=order.index):
        text = harm(rng, text)
    return text


def _utf8_as_latin(_: Random, text: str) -> str:
    """Read UTF-8 as Latin-1, which always works."""
    return text.encode().decode("latin-1")


def _spacing(rng: Random, text: str) -> str:
    """Lose the spaces between words, all or most of them; names in < > keep theirs."""
    share = rng.choice((1.0, 1.0, 0.7))
    return re.sub(
        r"(<[^<>]*>)| ",
        lambda found: found[1] or (" " if rng.random() >= share else ""),
        text,
    )


_HARM: Final[dict[str, Harm]] = {
    "entities": _entities,
    "mojibake": _mojibake,
    "whitespace": _whitespace,
    "control": _control,
    "unicode": _unicode,
    "several": _several,
    "spacing": _spacing,
}
_ANY_LANGUAGE: Final = (
    "{n} < {m} and {m} > {n}, x<y",
    "if (a<b && c>d) return a&b;",
    "https://lib.example/find?q={n}&copy={m}&lt=1&amp;page={n}&reg=kr",
    "www.lib.example/a_b/~c?x={n}&y=%20{m}#top",
    "reader{n}@lib.example",
    "👩\u200d🌾👨\u200d🍳 {n} ❤\ufe0f 👋🏼 🇰🇷",
    "ＬＥＤ ＵＳＢ－Ｃ {n}",
    "½ ¼ ℃ № ① Ⅳ ㎏ {n}²",
    ">_< <3 ^^; (>_<) <-- -->",
    "R&D, Q&A, B&B, AT&T, H&M {n}&{m}",
    "C:\\maps\\new\\{n}.txt",
    "{n}+{m}={m}+{n}, ±{n}, 3×{m}÷2, ~{n}%, #{m}",
    "大門 南山 江 {n}號, 図書館は{n}時まで",
    "Ã is a letter: IRMÃ, MANHÃ, São Tomé",
    "Å and Ø: Åse Øberg, Łódź, Çeşme, Dvořák, Ñuble",
    "«Où?» ¿Qué? ¡Sí! „Grüße“ {n} °C § 5 ¶ ©",
    "می\u200cروم {n}",
    "שלום, {n}",
    "Привет {n}, Καλημέρα",
    "line one\nline two\n\n- {n}\n- {m}",
    "&c. &co & so on; a & b;",
    "{n}:{m} [ok] {x} `y` $z |w| \\n",
)
_TRICKY: Final = {
    "ko": (
        "<{book}>",
        "<{book}> {n}쪽 & <{book}> {m}쪽",
        "ㅎㅎ ㅋㅋㅋㅋㅋㅋ ㅠㅠㅠㅠ {n}ㅇㅇ",
        "『{book}』 《{book}》 「{n}」 〈{m}〉",
        "똠얌꿍 뷔페 쌀국수 꿻 뙓 {n}그릇",
        "{n}월 {m}일~{n}일, {n},{m}원(-{n}%)",
        "아버지가방에들어가신다",
        "한글로 쓴 & 기호와 ' 따옴표",
    ),
    "en": (
        "<{book}>",
        "<{book}>, p. {n} & <{book}>, p. {m}",
        "<b> is a letter, <Table> a painting, <i> a mood",
        "rock ’n’ roll, ’tis, the ’90s — “{book}”",
        "naïve café fiancée coöperate Motörhead {n}",
        "soooo gooood!!!!!! ??? ....... {n}",
        "It's O'Neil's \"{book}\"",
        "don’t — can’t – won’t… {n}′ {m}″",
    ),
}


def _tricky(rng: Random, language: str) -> str:
    """Make a text that looks damaged and is not."""
    text = rng.choice(_TRICKY[language] + _ANY_LANGUAGE)
    for name in ("n", "m"):
        text = text.replace(f"{{{name}}}", str(rng.randint(2, 999)))
    while "{book}" in text:
        text = text.replace("{book}", book(rng, language), 1)
    if rng.random() < 0.3:
        text = f"{text} {korean(rng) if language == 'ko' else english(rng)}"
    return text
