"""The language of a text, guessed by its script."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_HANGUL: Final = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f]")


def language_of(text: str) -> str:
    """Guess a text's language by its script: ko, en or other."""
    korean, latin = 2 * len(_HANGUL.findall(text)), len(_LATIN.findall(text))
    letters = sum(unicodedata.category(letter)[0] == "L" for letter in text)
    others = 2 * (letters - korean // 2 - latin)
    if max(korean, latin) == 0 or others > max(korean, latin):
        return "other"
    return "ko" if korean >= latin / 2 else "en"
