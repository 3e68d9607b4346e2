"""The rules engine `rules/2`: deterministic text repair that never invents, moves or drops words.

Numbers, URLs and `<names>` come out as they went in. Cleaning twice is cleaning once: the rules
are applied until nothing changes. A changed rule needs a new engine version (task.RULES_ENGINE).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from resources.llm import markup, mojibake, spacing
from resources.llm.task import DEFAULT_RULES

# Plain text: what hardly any rule can touch. All other characters mean a closer look.
_CLOSER = re.compile(
    "[^ -%'-;=-~가-힣ㄱ-ㅣ\u2018\u2019\u201c\u201d\u2026\u2665\u2661\u2605\u2606]|^ | $|  "
)
_URL = re.compile(r"((?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+)", re.IGNORECASE)
_SPACES = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NEAR_LINE_END = re.compile(r" *\n *")
_EMPTY_LINES = re.compile(r"\n{3,}")
_BLANKS = str.maketrans({"\u3164": " ", "\uffa0": " ", "\u2800": " "})
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060-\u2064\ufeff]")
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff\ufe0f\U000e0020-\U000e007f"
_JOINING = "\u0600-\u08ff\u0900-\u109f\u1780-\u17ff\u1800-\u18af"
_LOOSE_JOINER = re.compile(
    f"(?<![{_EMOJI}{_JOINING}])[\u200c\u200d]+|[\u200c\u200d]+(?![{_EMOJI}{_JOINING}\u200c\u200d])"
)
_REPEATED = re.compile(r"([!?~^;ㅋㅎㅠㅜ])\1{3,}")
_ROUNDS = 50

Rule = Callable[[str], str]


def cleaner_of(rules: tuple[str, ...] = DEFAULT_RULES) -> Rule:
    """Give the function that applies these rules to a text; it remembers the last few thousand."""
    steps = tuple(_STEPS[rule] for rule in _STEPS if rule in rules)
    repeats = "repeats" in rules
    spaces = "spacing" in rules
    if spaces:
        spacing.require()

    @lru_cache(maxsize=8192)
    def look_closer(text: str) -> str:
        """Apply the rules until nothing changes."""
        for _ in range(_ROUNDS):
            before = text
            text = _apply(text, steps)
            if text == before:
                break
        return text

    def clean(text: str) -> str:
        """Clean one text; most texts need nothing and are told apart by one scan."""
        closer = (
            _CLOSER.search(text)
            or (repeats and _REPEATED.search(text))
            or (spaces and spacing.RUN.search(text))
        )
        return look_closer(text) if closer else text

    return clean


def _apply(text: str, steps: tuple[Rule, ...]) -> str:
    """Apply every rule once, to all that is not a URL."""
    parts = _URL.split(text)
    if len(parts) > 1:
        parts = [part if at % 2 else _outside(part, steps) for at, part in enumerate(parts)]
        text = "".join(parts)
        return text.strip() if _whitespace in steps else text
    for step in steps:
        text = step(text)
    return text.strip() if _whitespace in steps else text


def _outside(text: str, steps: tuple[Rule, ...]) -> str:
    """Apply every rule once to the text beside a URL."""
    for step in steps:
        text = step(text)
    return text


def _control(text: str) -> str:
    """Drop control and zero-width characters, but no joiner that emoji or scripts need."""
    text = _CONTROL.sub("", _TERMINAL.sub("", text))
    if "\u200d" in text or "\u200c" in text:
        text = _LOOSE_JOINER.sub("", text)
    if _RIGHT_TO_LEFT.search(text) is None:
        text = _DIRECTION.sub("", text)
    return text


def _whitespace(text: str) -> str:
    """Write every run of spaces as one, line ends as LF, at most one empty line."""
    text = _SPACES.sub(" ", _LINE_ENDS.sub("\n", text).translate(_BLANKS))
    return _EMPTY_LINES.sub("\n\n", _NEAR_LINE_END.sub("\n", text))


def _unicode(text: str) -> str:
    """Compose what is decomposed (NFC): Hangul from jamo, letters with their accents."""
    return unicodedata.normalize("NFC", text)


def _repeats(text: str) -> str:
    """Shorten a mark or a laugh repeated four times or more to three."""
    return _REPEATED.sub(r"\1\1\1", text)


_STEPS: dict[str, Rule] = {
    # First: what is half entity, half character can only be repaired as a whole.
    "entities": markup.decode_entities,
    "encoding": mojibake.repair,
    "tags": markup.drop_tags,
    "control": _control,
    "whitespace": _whitespace,
    "unicode": _unicode,
    "repeats": _repeats,
    "spacing": spacing.add_spaces,
}
