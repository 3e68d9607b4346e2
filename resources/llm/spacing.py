"""The extra rule `spacing`: lost Korean spaces, put in where a model of the language sees them.

It guesses, so it is off unless a task asks for it. It only ever adds spaces between letters:
`<names>`, numbers, URLs, addresses and the spaces that are there stay as they are.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from resources.errors import DataOpsError

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

RUN = re.compile("[가-힣]{5}|[.,!?…][가-힣ㄱ-ㅣ]|[가-힣][A-Za-z<“‘(0-9]|[A-Za-z][가-힣]")
"""Where none of these stands, no space can be missing that would be put in."""
_KEPT = re.compile(
    r"(?:https?://|www\.)\S+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+|<[^<>\n]{1,80}>|⟦[^⟦⟧]*⟧|\d[\d.,:/~-]*"
)
_SYLLABLES = re.compile("[가-힣]+")
_ONE_WORD = 4
_BEFORE = re.compile("[가-힣ㄱ-ㅣA-Za-z.,!?…]")
_AFTER = re.compile("[가-힣ㄱ-ㅣA-Za-z<“‘(]|(?<=[가-힣.,!?…])\\d")


def versions() -> str:
    """Say which versions decide where spaces go; without them, that they are missing."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"kiwipiepy {version('kiwipiepy')}, model {version('kiwipiepy_model')}"
    except PackageNotFoundError:
        return "kiwipiepy is not installed"


def require() -> None:
    """Raise where the extra is not installed."""
    if find_spec("kiwipiepy") is None:
        raise DataOpsError(
            "the rule `spacing` needs the extra `korean`, which is not installed",
            "install it (`.venv/bin/python -m pip install -e '.[korean]'`, or "
            "`uv pip install -e '.[korean]'`), or take `spacing` out of the task's `rules:`",
            rule="spacing",
        )


def add_spaces(text: str) -> str:
    """Add the spaces that are missing between the words of a Korean text."""
    if RUN.search(text) is None:
        return text
    spaced = _model().space(text)
    return text if spaced == text else _with_added(text, spaced)


def _with_added(text: str, spaced: str) -> str:
    """Take over the spaces that were added, where one may be; nothing else that has changed."""
    torn = _inner_places(text)
    made: list[str] = []
    at = 0
    for letter in spaced:
        while at < len(text) and text[at] != letter and text[at].isspace():
            made.append(text[at])
            at += 1
        if at < len(text) and text[at] == letter:
            made.append(letter)
            at += 1
        elif not letter.isspace():
            return text
        elif at not in torn and _BEFORE.match(text, max(at - 1, 0)) and _AFTER.match(text, at):
            made.append(" ")
    return "".join(made) + text[at:]


def _inner_places(text: str) -> set[int]:
    """Give the places where a space would tear something: a name, a number, a word.

    A space right after a number would part it from its unit. A run of up to four syllables is
    mostly one word, and better left alone: models part `어제저녁` and `이장님`.
    """
    kept = {at + 1 for match in _KEPT.finditer(text) for at in range(*match.span())}
    words = {
        at + 1
        for match in _SYLLABLES.finditer(text)
        if len(match[0]) <= _ONE_WORD
        for at in range(match.start(), match.end() - 1)
    }
    return kept | words


@cache
def _model() -> Kiwi:
    """Load the model: two seconds and 300 MB, once per process."""
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=1)
