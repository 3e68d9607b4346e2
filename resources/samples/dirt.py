"""What happens to texts on their way: each function does one kind of harm, from one seed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from random import Random
from typing import Final

from resources.samples.phrases import Phrases

Harm = Callable[[Random, str, Phrases], str]

_EMOJI: Final = ("😍", "👍", "🎬", "😂", "💔", "👨‍👩‍👧", "❤️", "🍿", "^^", ":)")
_INVISIBLE: Final = ("\u200b", "\ufeff", "\u00ad", "\u2060")
_FORMULAS: Final = ("=", "+", "-", "@", "＝", "\t=")
_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)} | {
    ord("<"): "<",  # names keep their plain signs, or nothing could find them again
    ord(">"): ">",
}


def spacing(rng: Random, text: str, _: Phrases) -> str:
    """Lose some spaces, double others, and add some at the ends."""
    words = text.split(" ")
    joined = words[0]
    for word in words[1:]:
        joined += rng.choice((" ", " ", " ", "", "  ", "\u00a0")) + word
    return rng.choice(("", " ", "\u3000")) + joined + rng.choice(("", "  ", "\n"))


def typing(_: Random, text: str, phrases: Phrases) -> str:
    """Spell as people do who are in a hurry."""
    for right, wrong in phrases.typos:
        text = text.replace(right, wrong)
    return text


def entities(rng: Random, text: str, _: Phrases) -> str:
    """Leave HTML in the text: entities, line breaks, bold."""
    changed = text.replace("&", "&amp;").replace("’", "&#39;").replace(" ", "&nbsp;", 1)
    if rng.random() < 0.5:
        changed = changed.replace("<", "&lt;").replace(">", "&gt;")
    return rng.choice(("{}<br/>", "<b>{}</b>", "&quot;{}&quot;", "{}")).format(changed)


def mojibake(rng: Random, text: str, _: Phrases) -> str:
    """Read UTF-8 as if it were Latin-1 or Windows-1252."""
    data = text.encode()
    if rng.random() < 0.5:
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            pass  # five bytes mean nothing in Windows-1252
    return data.decode("latin-1")


def emoji(rng: Random, text: str, _: Phrases) -> str:
    """Add feelings."""
    return f"{text} {rng.choice(_EMOJI) * rng.randint(1, 3)}"


def full_width(_: Random, text: str, __: Phrases) -> str:
    """Write Latin signs in the width of Korean ones."""
    return text if "://" in text else text.translate(_FULL_WIDTH)


def invisible(rng: Random, text: str, _: Phrases) -> str:
    """Put characters in that nobody sees."""
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(_INVISIBLE) + text[at:]


def decomposed(_: Random, text: str, __: Phrases) -> str:
    """Take letters apart, as some file systems do."""
    return unicodedata.normalize("NFD", text)


def formula(rng: Random, text: str, _: Phrases) -> str:
    """Begin like a formula, which spreadsheets would run."""
    return rng.choice(_FORMULAS) + text


def lines(rng: Random, text: str, _: Phrases) -> str:
    """Break the text into lines, as Windows or Unix does."""
    return text.replace(". ", "." + rng.choice(("\n", "\r\n", "\n\n\n\n")))


def loud(rng: Random, text: str, phrases: Phrases) -> str:
    """Shout, laugh or cry."""
    return text.rstrip(".") + rng.choice(phrases.cries) * rng.randint(4, 9)


HARM: Final[tuple[tuple[float, Harm], ...]] = (
    (0.15, typing),
    (0.12, loud),
    (0.12, spacing),
    (0.06, lines),
    (0.12, emoji),
    (0.05, full_width),
    (0.03, formula),
    (0.03, decomposed),
    (0.06, entities),
    (0.04, invisible),
    (0.03, mojibake),
)
"""Each harm with how often it strikes, in the order in which the world does it."""


def soil(rng: Random, text: str, phrases: Phrases) -> str:
    """Do to a text what happens to texts; most stay as they are."""
    for share, harm in HARM:
        if rng.random() < share:
            text = harm(rng, text, phrases)
    return text
