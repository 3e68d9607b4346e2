"""The rules engine `rules/3`: deterministic text repair that never invents, moves or drops words.

Numbers, URLs and `<names>` come out as they went in. Cleaning twice is cleaning once: the rules
are applied until nothing changes. A changed rule needs a new engine version (task.RULES_ENGINE).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from resources.llm import markup, mojibake, spacing, urls
from resources.llm.task import DEFAULT_RULES

# Plain text: what hardly any rule can touch. All other characters mean a closer look.
_CLOSER = re.compile(
    "[^ -%'-;=-~가-힣ㄱ-ㅣ\u2018\u2019\u201c\u201d\u2026\u2665\u2661\u2605\u2606]|^ | $|  "
)
_SPACES = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NEAR_LINE_END = re.compile(r" *\n *")
_EMPTY_LINES = re.compile(r"\n{3,}")
_BLANK = re.compile("[\u3164\uffa0\u2800]")
_FILLER_IN_WORD = re.compile("(?<=[A-Za-z가-힣ㄱ-ㅣ])[\u3164\uffa0]+(?=[A-Za-z가-힣ㄱ-ㅣ])")
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060-\u2064\ufeff\ufff9-\ufffb]"
)
# Of use in emoji flags, old Hangul, Mongolian, Khmer and after signs; nowhere else.
_RARE = re.compile("[\u115f\u1160\u17b4\u17b5\u180e\ufe0e\ufe0f\U000e0000-\U000e007f]")
_FLAG_OR_TAG = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)|[\U000e0000-\U000e007f]+")
_OUT_OF_PLACE = re.compile(
    "\u115f(?![\u1160-\u11a7\ud7b0-\ud7c6])|(?<![\u1100-\u115f\ua960-\ua97c])\u1160"
    "|\u1160(?=[\u1160-\u11a7\ud7b0-\ud7c6])|\u115f\u1160(?![\u11a8-\u11ff\ud7cb-\ud7fb])"
    "|(?<![\u1780-\u17ff])[\u17b4\u17b5]|(?<![\u1800-\u18af])\u180e"
    r"|(?<=[^\W\d_])(?<!\u2139)[\ufe0e\ufe0f]+"
)
_DIRECTION = re.compile("[\u034f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_EMOJI = (
    "\u00a9\u00ae\u203c-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff\ufe0f\U000e0020-\U000e007f"
)
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
            or (not text.isascii() and mojibake.IN_WORD.search(text))
            or (repeats and _REPEATED.search(text))
            or (spaces and spacing.RUN.search(text))
        )
        return look_closer(text) if closer else text

    return clean


def _apply(text: str, steps: tuple[Rule, ...]) -> str:
    """Apply every rule once, to all that is not a URL."""
    parts = urls.split(text)
    if len(parts) > 1:
        if markup.decode_entities in steps:
            parts = urls.unescaped(parts)
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
    if _RARE.search(text):
        text = _OUT_OF_PLACE.sub("", _FLAG_OR_TAG.sub(r"\1", text))
    return text


def _whitespace(text: str) -> str:
    """Write every run of spaces as one, line ends as LF, at most one empty line."""
    text = _LINE_ENDS.sub("\n", text)
    if _BLANK.search(text):
        text = _BLANK.sub(" ", _FILLER_IN_WORD.sub("", text))
    text = _SPACES.sub(" ", text)
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
