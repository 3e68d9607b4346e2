"""Whether an answer is written as its text is: by script, which needs no model and no word list."""

from __future__ import annotations

import html
import re

# Sounds like ㅋㅋ are no language. Kana and Chinese characters count as one script: putting a
# Japanese text right turns one into the other.
_SCRIPTS = (
    re.compile("[A-Za-z\u00c0-\u024fＡ-Ｚａ-ｚ]"),
    re.compile("[가-힣\u1100-\u11ff]"),
    re.compile("[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"),
    re.compile("[\u0370-\u03ff]"),
    re.compile("[\u0400-\u052f]"),
    re.compile("[\u0590-\u08ff]"),
    re.compile("[\u0900-\u109f]"),
)
_DENSE = (1, 2)
"""Places in _SCRIPTS of those whose signs say about twice as much as a letter does."""
_NOT_PROSE = re.compile(
    r"(?:https?://|www\.)\S+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+|<[^<>\n]{1,80}>|⟦[^⟦⟧]*⟧"
)
_FEWEST, _SHORT = 6, 16
_SHIFT, _SHORT_SHIFT = 0.4, 0.8


def changes_script(text: str, answer: str) -> bool:
    """Tell an answer that is largely in another script than its text.

    Names, addresses and tokens do not count. A mixed text may shift a little, a short one a lot,
    and of a few letters nothing can be said.
    """
    if text.isascii() and answer.isascii():
        return False
    own, given = _weights(text), _weights(answer)
    total, others = sum(own), sum(given)
    if total < _FEWEST or not others:
        return False
    moved = sum(abs(a / total - b / others) for a, b in zip(own, given, strict=True)) / 2
    return moved > (_SHIFT if total >= _SHORT else _SHORT_SHIFT)


def _weights(text: str) -> list[int]:
    """Give the weight of each script in the prose of a text."""
    prose = _NOT_PROSE.sub(" ", html.unescape(text) if "&" in text else text)
    return [
        len(script.findall(prose)) * (2 if place in _DENSE else 1)
        for place, script in enumerate(_SCRIPTS)
    ]
