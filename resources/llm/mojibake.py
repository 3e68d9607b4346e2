"""Text decoded with the wrong encoding, put right only where the bytes prove it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

# Korean as CP949 that was read as Latin-1: pairs from the 2,350 common syllables, jamo or marks.
_LATIN = re.compile("[\u00a1-\u00fe]")
_PAIRS = re.compile("(?:[\u00a1-\u00a4\u00b0-\u00c8][\u00a1-\u00fe])+")
_SYLLABLES = re.compile("[\u00b0-\u00c8][\u00a1-\u00fe]")
# Korean as UTF-8 that was read as CP949: Chinese characters and rare syllables.
_ODD = re.compile("[\u4e00-\u9fff\uf900-\ufaff]|[가-힣]")
_SUSPECT = re.compile("[\u0080-\u024f\u02c6\u02dc\u0370-\u045f\u2013-\u2122\u2500-\u257f]")
_KOREAN = re.compile(r"[\x00-\x7f가-힣ㄱ-ㅣ\u2018-\u2026\u00b7\u3000-\u301c\u2605-\u2665]+")
_FEWEST = 2
# One character's UTF-8 bytes, each read as Latin-1 or as Windows-1252.
_AS_BYTES = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in set(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
_NEXT = f"[\u0080-\u00bf{''.join(map(chr, _AS_BYTES))}]"
_IN_LATIN = re.compile(
    f"[\u00c2-\u00df]{_NEXT}|[\u00e0-\u00ef]{_NEXT}{{2}}|[\u00f0-\u00f4]{_NEXT}{{3}}"
)
_HANGUL = re.compile("[가-힣\u1100-\u11ff]")
# KS X 1001 writes a syllable it has no code for as filler, first, middle, last letter.
_SPELLED = re.compile("\u3164([ㄱ-ㅎ])([ㅏ-ㅣ])([ㄱ-ㅎ\u3164])")
_FIRST = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MIDDLE = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_LAST = "\u3164ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"


def repair(text: str) -> str:
    """Repair UTF-8 read as Latin, Cyrillic or CP949, and CP949 read as Latin.

    What was lost before (U+FFFD, or its own mojibake) is not brought back as a question mark.
    """
    if text.isascii():
        return text
    repaired = _repaired(text)
    return text if repaired.count("\ufffd") > text.count("\ufffd") else repaired


def _repaired(text: str) -> str:
    """Undo what the characters give away."""
    if "\u3164" in text:
        text = _SPELLED.sub(_compose, text)
    if _LATIN.search(text) and (repaired := _from_latin(text)) is not None:
        return repaired
    if _SUSPECT.search(text):
        text = _by_ftfy(_hangul_in_latin(text))
    if _ODD.search(text) and (repaired := _from_cp949(text)) is not None:
        return repaired
    return text


def _compose(letters: re.Match[str]) -> str:
    """Compose a syllable spelled as filler and letters; letters that form none stay."""
    first, middle = _FIRST.find(letters[1]), _MIDDLE.find(letters[2])
    last = _LAST.find(letters[3])
    if first < 0 or last < 0:
        return letters[0]
    return chr(0xAC00 + (first * len(_MIDDLE) + middle) * len(_LAST) + last)


def _from_latin(text: str) -> str | None:
    """Read Latin-1 characters as CP949 where all of them pair up to common Korean."""
    if _LATIN.search(_PAIRS.sub("", text)) is not None:
        return None
    found = _PAIRS.findall(text)
    if sum(len(_SYLLABLES.findall(run)) for run in found) < _FEWEST:
        return None
    if not any(len(run) > 2 for run in found) or re.search(r"[A-Za-z][\u00a1-\u00fe]", text):
        return None
    try:
        repaired = text.encode("latin-1").decode("cp949")
    except UnicodeError:
        return None
    return repaired if _KOREAN.fullmatch(repaired) else None


def _from_cp949(text: str) -> str | None:
    """Read text back as UTF-8 where its CP949 bytes are exactly that and give Korean."""
    try:
        repaired = text.encode("cp949").decode("utf-8")
    except UnicodeError:
        return None
    syllables = sum("가" <= letter <= "힣" for letter in repaired)
    return repaired if syllables >= _FEWEST and _KOREAN.fullmatch(repaired) else None


def _by_ftfy(text: str) -> str:
    """Let ftfy undo UTF-8 read as something else; all its tidying of real text is off.

    `Ã` and a space may have been an `à`, or is a letter at the end of a word: it is repaired only
    where something else in the text proves the damage.
    """
    import ftfy

    if "Ã " in text:
        rest = text.replace("Ã ", "A ")
        if ftfy.fix_encoding(rest, _config()) == rest:
            return text
    return ftfy.fix_encoding(text, _config())


def _hangul_in_latin(text: str) -> str:
    r"""Read UTF-8 back that stands between other things, where it gives Hangul more than once.

    Nobody writes `ê°\x92`; text that was escaped or edited after the damage is no UTF-8 as a whole.
    """
    found = [match for match in _IN_LATIN.finditer(text) if _HANGUL.fullmatch(_decoded(match))]
    return _IN_LATIN.sub(_decoded, text) if len(found) >= _FEWEST else text


def _decoded(letters: re.Match[str]) -> str:
    """Decode one character's UTF-8 bytes; what is none stays."""
    try:
        return letters[0].translate(_AS_BYTES).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return letters[0]


@cache
def _config() -> TextFixerConfig:
    """Switch off everything of ftfy that tidies text which is not damaged."""
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=False,
        remove_terminal_escapes=False,
        replace_lossy_sequences=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        remove_control_chars=False,
        normalization=None,
        explain=False,
    )
