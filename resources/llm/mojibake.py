"""Text decoded with the wrong encoding, put right only where the bytes prove it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

# Korean as CP949 that was read as Latin: pairs from the 2,350 common syllables, jamo or marks.
_PAIRS = re.compile("(?:[\u00a1-\u00a5\u00a7-\u00a9\u00b0-\u00c8][\u00a1-\u00fe])+")
_SYLLABLES = re.compile("[\u00b0-\u00c8][\u00a1-\u00fe]")
# English written in Korea: only quotation marks, dashes and dots are CP949.
_QUOTES = re.compile("\u00a1[\u00a6\u00aa\u00ae-\u00b1]")
_COMMON = re.compile(rb"(?:[\xa1-\xa5\xa7-\xa9\xb0-\xc8][\xa1-\xfe]|[\x00-\x7f])+")
# `\u00c7\u00c3` in `INFORMA\u00c7\u00c3O` is part of a word; CP949 is rarely letters only.
_WORD = re.compile(
    "[A-Za-z][\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00fe]+|[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00fe]+[A-Za-z]"
)
# Korean as UTF-8 that was read as CP949: Chinese characters and rare syllables.
_ODD = re.compile("[\u4e00-\u9fff\uf900-\ufaff]|[가-힣]")
# UTF-8 takes two bytes or more for every letter beyond ASCII: Hangul or one alone is none.
_ALONE = re.compile("[가-힣]|(?<![^\x00-\x7f])[^\x00-\x7f](?![^\x00-\x7f])")
_SUSPECT = re.compile("[\u0080-\u024f\u02c6\u02dc\u0370-\u045f\u2013-\u2122\u2500-\u257f]")
_KOREAN = re.compile(
    "[\x00-\x7f가-힣ㄱ-ㅣ\u00a0-\u00bf\u00d7\u00f7\u2010-\u2027\u2030-\u203e\u20ac\u2100-\u2199"
    "\u2200-\u22ff\u2460-\u27bf\u3000-\u301c\u3200-\u33ff\uff01-\uff5e\uffe0-\uffe6"
    "\u00e9\ufe0f\u200d\U0001f1e6-\U0001faff]+"
)
_FEWEST = 2
_COMMON_PER_RARE = 4
# One character's UTF-8 bytes, each read as Latin-1 or as Windows-1252.
_AS_BYTES = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in set(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
_NEXT = f"[\u0080-\u00bf{''.join(map(chr, _AS_BYTES))}]"
_IN_LATIN = re.compile(
    f"[\u00c2-\u00df]{_NEXT}|[\u00e0-\u00ef]{_NEXT}{{2}}|[\u00f0-\u00f4]{_NEXT}{{3}}"
)
# Where Latin-9 and DOS Latin differ from Latin-1, by their bytes.
_LATIN9 = {ord(bytes([byte]).decode("iso8859-15")): byte for byte in range(0xA0, 0x100)}
_DOS = {ord(bytes([byte]).decode("cp850")): byte for byte in range(0x80, 0x100)}
_DOS_SIGNS = re.compile("[\u251c\u252c]|\u00d4[\u00c7\u00e9]")
_CYRILLIC_SIGNS = re.compile("[A-Za-z][\u0412\u0413](?![\u0400-\u045f])[^\x00-\x7f]")
_C1_OF_LATIN = re.compile("[\x80\x82-\x8c\x8e\x91-\x9c\x9e\x9f]")
_C1 = re.compile("[\x80-\x9f]")
# Windows-1252 with its signs left as C1 characters: quotation marks and dashes where they belong.
_SIGNS = re.compile(
    r"(?<=[A-Za-z])\x92(?=(?:s|t|d|m|re|ve|ll)\b)|(?<!\w)\x93(?=\w)[^\x93\x94\n]*\x94(?!\w)"
    r"|(?<!\w)\x91(?=\w)[^\x91\x92\n]*\x92(?!\w)|(?<=\w )[\x96\x97](?= \w)"
)
_FROM_C1 = {byte: letter for letter, byte in _AS_BYTES.items()}
# A letter of Western Europe, UTF-8 read as CP949: `Se챰or`.
IN_WORD = re.compile("[a-z][가-힣][a-z]")
_WESTERN = re.compile(r"(?<=[A-Za-z])[가-힣](?![가-힣])")
_LETTER = re.compile(f"\u00c3(?= )|\u00c2(?=[{''.join(map(chr, _AS_BYTES))}])")
_HANGUL = re.compile("[가-힣\u1100-\u11ff]")
# What Hangul never stands beside, but what is left of it does.
_HALF = re.compile(
    "[\x80-\x9f\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0410-\u044f][가-힣]|[가-힣][\x80-\x9f\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0410-\u044f]"
)
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
    if _QUOTES.search(text) and _QUOTES.sub("", text).isascii():
        return text.encode("latin-1").decode("cp949")
    if _SYLLABLES.search(text) and (repaired := _from_latin(text)) is not None:
        return repaired
    if _SUSPECT.search(text):
        if _ALONE.search(text) is None and (repaired := _from_bytes(text)) is not None:
            return repaired
        text = _with_signs(_by_ftfy(_hangul_in_latin(text)))
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
    """Read Latin characters as CP949 where the row as a whole gives everyday Korean.

    Proof are pairs that are common syllables, but no letters in a word: three, or two in a run.
    """
    runs = _PAIRS.findall(_WORD.sub(" ", text))
    proof = [pair for run in runs for pair in _SYLLABLES.findall(run)]
    enough = _FEWEST if any(len(run) > 2 for run in runs) else _FEWEST + 1
    if len(proof) < enough or len(set(proof)) < _FEWEST:
        return None
    try:
        written = text.translate(_AS_BYTES).encode("latin-1")
        repaired = written.decode("cp949")
    except UnicodeError:
        return None
    if repaired.encode("cp949") != written or _KOREAN.fullmatch(repaired) is None:
        return None
    rare = 0 if _COMMON.fullmatch(written) else _rare(repaired)
    return repaired if rare * _COMMON_PER_RARE <= _syllables(repaired) else None


def _syllables(text: str) -> int:
    """Count Hangul syllables."""
    return sum("가" <= letter <= "힣" for letter in text)


def _rare(text: str) -> int:
    """Count syllables that are none of the 2,350 common ones."""
    return sum(
        _COMMON.fullmatch(letter.encode("cp949")) is None
        for letter in text
        if "가" <= letter <= "힣"
    )


def _from_bytes(text: str) -> str | None:
    """Read a whole row back as UTF-8 that was read as Latin-1, Latin-9, Cyrillic or DOS Latin.

    Several may give Korean; the one with the fewest rare syllables is it.
    """
    found = []
    # Windows-1252 has signs where Latin-1 and Latin-9 have control characters.
    tables = (_AS_BYTES, _LATIN9) if _C1_OF_LATIN.search(text) is None else (_LATIN9, _AS_BYTES)
    for table in (*tables, _cyrillic(), _DOS):
        try:
            repaired = _read_back(text, table)
        except UnicodeError:
            continue
        korean = _syllables(repaired) >= _FEWEST and _KOREAN.fullmatch(repaired)
        if korean or (_proves(text, table) and not _C1.search(repaired)):
            found.append(repaired)
    return min(found, key=_rare) if found else None


def _proves(text: str, table: dict[int, int]) -> bool:
    """Tell whether text that is valid UTF-8 by a table has signs of that very encoding."""
    if table is _DOS:
        return _DOS_SIGNS.search(text) is not None
    if table is _cyrillic():
        return _CYRILLIC_SIGNS.search(text) is not None
    return table is _LATIN9 and _C1_OF_LATIN.search(text) is not None


def _read_back(text: str, table: dict[int, int]) -> str:
    """Decode the UTF-8 whose bytes a table tells, letter by letter."""
    return text.translate(table).encode("latin-1").decode("utf-8")


@cache
def _cyrillic() -> dict[int, int]:
    """Give the bytes of Windows-1251."""
    bytes_ = set(range(0x80, 0x100)) - {0x98}
    return {ord(bytes([byte]).decode("cp1251")): byte for byte in bytes_}


def _with_signs(text: str) -> str:
    """Decode C1 characters as Windows-1252 where one stands as only a sign can.

    Any other is a control character.
    """
    if _C1.search(text) is None or _SIGNS.search(text) is None:
        return text
    return text.translate(_FROM_C1)


def _from_cp949(text: str) -> str | None:
    """Read text back as UTF-8 where its CP949 bytes are exactly that and give Korean."""
    try:
        repaired = text.encode("cp949").decode("utf-8")
    except UnicodeError:
        return None
    if _syllables(repaired) >= _FEWEST:
        return repaired if _KOREAN.fullmatch(repaired) else None
    # Only letters of Western Europe, each within a word: at least one between two letters.
    inside = IN_WORD.search(text) is not None
    western = inside and _WESTERN.sub("", text).isascii()
    return repaired if western and re.fullmatch("[\x00-\x7f\u00c0-\u017f]+", repaired) else None


def _by_ftfy(text: str) -> str:
    """Let ftfy undo UTF-8 read as something else; all its tidying of real text is off.

    `Ã` and a space may have been an `à`, or is a letter at the end of a word; `Â` may stand in
    quotation marks: both are repaired only where something else in the text proves the damage.
    """
    import ftfy

    repaired = ftfy.fix_encoding(text, _config())
    if repaired == text or repaired == text.translate(_FROM_C1):
        return text  # the latter is _with_signs' to judge
    rest = _LETTER.sub("A", text)
    if rest != text and ftfy.fix_encoding(rest, _config()) == rest:
        return text
    half = _HANGUL.search(repaired) and not _HANGUL.search(text) and _HALF.search(repaired)
    return text if half or len(_C1.findall(repaired)) > len(_C1.findall(text)) else repaired


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
        fix_c1_controls=False,
        normalization=None,
        explain=False,
    )
