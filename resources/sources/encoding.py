"""Which encoding a file is in: told by its BOM, or by a look at all of it, with a confidence."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from resources.errors import SourceError
from resources.sources.decoding import (
    MARK,
    Encoding,
    codec_of,
    decoded,
    utf8_blocks,
)
from resources.sources.packed import DEFAULT_LIMITS, Limits, opened
from resources.sources.wide import wide_codec

SURE: Final = 0.9
"""The confidence from which a guessed encoding is used."""
_SAMPLE: Final = 4 << 20
"""Letters to look at for a language; whether the bytes fit is looked at to the end."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE: Final = ("utf-16", "utf-32")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f\udc80-\udcff]+")
_LEAST_TEXT: Final = 0.7
"""The least share of a text that is no NULs."""
_SHIFT: Final = re.compile(r"\x1b(\$(?:\)C|[@AB]|\([CD])|\([IJ])")
"""What ISO-2022-KR and ISO-2022-JP change their letters with."""
_BAD_LINE: Final = re.compile("[\udc80-\udcff][^\n]*")
_WESTERN: Final = re.compile(
    "[éèêëàâäçùûüôöîïñáíóúòìßœæøåÉÈÊÀÂÇÜÖÄÑÁÍÓÚÅØÆ\u2018\u2019\u201c\u201d\u2013\u2014…€£°«»¿¡·©®\xa0]"
)
_FOREIGN: Final = re.compile(r"[^\x00-\x7f\W\d_]{3,}")
_FREQUENT: Final = re.compile(
    "[이다는에의고가을지하로기를한사도리대서은자어나시있게인일정해아라그들수전보부스것제만원과동구장"
    "주상여성면안공국와비조요오신용등생무미우모년선당적경유금중관개발세소화연물재니데습까네러음점트"
    "업방학명치할래실회식되거말분건법계산려내남체본진역위행단김박최영희철민준현윤호강임]"
)
"""The syllables that make up more than half of everyday Korean, and of Korean names."""
_LEAST_FREQUENT: Final = 0.3
"""The least share of them in a Korean file; in Chinese read as CP949 it is about 0.1."""
_ENOUGH: Final = 12
"""Different syllables from which all are counted: a few that are repeated are few."""
_LOG: Final = logging.getLogger("dataops.sources")


@dataclass(slots=True)
class _Look:
    """What a look at a whole file in one encoding found: lines, and those that do not fit."""

    lines: int = 0
    bad: int = 0
    byte: int = 0
    line: int = 0
    value: int = 0
    letters: int = 0
    nuls: int = 0
    shifts: str = ""

    @property
    def share(self) -> float:
        """Give the share of lines that do not fit."""
        return self.bad / max(self.lines, self.bad, 1)


def find_encoding(
    path: Path,
    asked: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    *,
    ours: bool = False,
) -> Encoding:
    """Tell a file's encoding: what was asked for, else by BOM, else by a look at all of it.

    UTF-8 where all of it is; else CP949 or Western (cp1252) where the letters make that sure; else
    UTF-8 where few lines are not. ours: it was written here and saved again, so that few letters
    are enough for CP949. Raises SourceError naming byte and line where none fits.
    """
    asked = None if asked is None else codec_of(asked, path)
    if asked is not None and asked not in _WIDE:
        return Encoding(asked)
    with opened(path, limits) as file:
        head = file.read(4096)
    if asked is not None:
        return Encoding(_wide(path, asked, head))
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return Encoding(codec)
    _refuse(path, head)
    found = _told(path, limits, ours)
    _LOG.info("%s is read as %s (confidence %.3f)", path, found.codec, found.confidence)
    return found


def whole_text(path: Path) -> str:
    """Read a small file that was written here into one text, without BOM.

    Raises SourceError where it is not all text.
    """
    return b"".join(utf8_blocks(path, find_encoding(path, ours=True))).decode()


def _wide(path: Path, asked: str, head: bytes) -> str:
    """Hold a file in UTF-16 or UTF-32 to its byte order mark."""
    if not head or any(head.startswith(mark) for mark, codec in _BOMS if codec == asked):
        return asked
    raise SourceError(
        f"{path} has no byte order mark, so it is not certain how its {asked} lies",
        f"say so, usually encoding='{asked}-le', else '{asked}-be'",
        file=str(path),
    )


def _refuse(path: Path, head: bytes) -> None:
    """Raise SourceError for what is no text, or UTF-16 without its BOM."""
    if head.startswith(b"PK\x03\x04"):
        raise SourceError(
            f"{path} is a zip archive, not text",
            "name it .zip, or say format= if it is a spreadsheet",
            file=str(path),
        )
    codec = wide_codec(head)
    if codec:
        name = codec.replace("-le", "").replace("-be", "").upper()
        raise SourceError(
            f"{path} seems to be {name} without a byte order mark",
            f"say so if it is: encoding={codec!r}",
            file=str(path),
        )


def _told(path: Path, limits: Limits, ours: bool) -> Encoding:
    """Tell the encoding of a file without BOM."""
    plain = _look(path, "utf-8", limits)
    if not plain.bad:
        return _plain(path, plain)
    korean = _look(path, "cp949", limits)
    share = _korean_share(path, limits, ours) if korean.share <= 1 - SURE else 0.0
    guesses: tuple[tuple[str, Callable[[], float]], ...] = (
        ("cp949", lambda: share * (1 - korean.share)),
        ("cp1252", lambda: _western_share(path, limits)),
        ("utf-8", lambda: 1 - plain.share),
    )
    for codec, how_sure in guesses:
        sure = min(how_sure(), 0.999)
        if sure >= SURE:
            return Encoding(codec, sure, _note(path, codec, sure, plain, korean))
    guess = f"; CP949 fits with a confidence of {share:.2f}, too little" if share > 0 else ""
    raise SourceError(
        f"{path} is not UTF-8: byte {plain.byte} on line {plain.line} is 0x{plain.value:02x}"
        f"{guess}",
        "say which encoding it is, for example source.read(encoding='cp949') or 'latin-1'",
        file=str(path),
        byte=plain.byte,
        line=plain.line,
        confidence=share,
    )


def _plain(path: Path, look: _Look) -> Encoding:
    """Judge a file all of whose bytes are UTF-8: escapes and NULs may be something else.

    Raises SourceError for the escape sequences of ISO-2022, which are signs in no other encoding.
    """
    if look.shifts:
        codec = "iso2022_kr" if "$)C" in look.shifts else "iso2022_jp"
        raise SourceError(
            f"{path} is not UTF-8 for certain: it holds escape sequences of {codec.upper()} "
            f"(ESC {look.shifts!r})",
            f"say which encoding it is: encoding={codec!r}, or 'utf-8' if it is all ASCII",
            file=str(path),
        )
    if look.nuls:
        sure = min(0.99, 1 - look.nuls / look.letters)
        if sure < _LEAST_TEXT:
            raise SourceError(
                f"{path} is no text for certain: {look.nuls:,} of its {look.letters:,} signs are "
                "NULs",
                "fetch it again if it is damaged, or say which encoding it is with encoding=",
                file=str(path),
            )
        count = f"{look.nuls:,} NUL{'s' * (look.nuls != 1)}"
        return Encoding(
            "utf-8",
            sure,
            f"{path.name} holds {count}, which text seldom does; it is read as utf-8 with a "
            f"confidence of {sure:.2f}: encoding='utf-8' says so for certain",
        )
    return Encoding("utf-8")


def _note(path: Path, codec: str, sure: float, plain: _Look, korean: _Look) -> str:
    """Say what was guessed, and how to make it certain."""
    look = {"utf-8": plain, "cp949": korean}.get(codec, _Look())
    but = f"; {look.bad:,} lines are not, the first on line {look.line}" if look.bad else ""
    return (
        f"{path.name} is read as {codec} with a confidence of {sure:.3f}{but}: "
        f"encoding={codec!r} says so for certain"
    )


def _look(path: Path, codec: str, limits: Limits) -> _Look:
    """Read a whole file in an encoding; stops early where it plainly does not fit."""
    found = _Look()
    for block in decoded(path, Encoding(codec), limits):
        text = block.text
        if block.marked and not found.bad and (first := MARK.search(text)):
            before = text[: first.start()]
            found.byte = block.start + len(before.encode(codec))
            found.line = found.lines + before.count("\n") + 1
            found.value = ord(first[0]) - 0xDC00
        if block.marked:
            found.bad += len(_BAD_LINE.findall(text))
        found.lines += text.count("\n")
        found.letters += len(text)
        if "\0" in text:
            found.nuls += text.count("\0")
        if not found.shifts and "\x1b" in text and (shift := _SHIFT.search(text)):
            found.shifts = shift[1]
        if found.bad > 1_000 and found.share > 0.5:
            break
    return found


def _texts(path: Path, codec: str, limits: Limits) -> Iterator[str]:
    """Stream the beginning of a file as text."""
    seen = 0
    for block in decoded(path, Encoding(codec), limits):
        yield block.text
        seen += len(block.text)
        if seen > _SAMPLE:
            return


def _korean_share(path: Path, limits: Limits, ours: bool) -> float:
    """Tell how sure it is that what can be CP949 is Korean.

    Everyday Korean is written in 2,350 syllables, and mostly in a few of them. Other encodings read
    as CP949 give Chinese characters, rare syllables, or more signs and single letters than
    syllables. Few different syllables make nothing sure.
    """
    everyday, signs = _letters(0xB0, 0xC8), _letters(0xA1, 0xAF)
    counts, different = [0, 0, 0, 0], set[str]()
    for text in _texts(path, "cp949", limits):
        for at, letters in enumerate((_BEYOND_ASCII, everyday, signs, _FREQUENT)):
            counts[at] += sum(map(len, letters.findall(text)))
        different.update(*everyday.findall(text))
    beyond, usual, marks, frequent = counts
    if not usual:
        return 0.0
    share = usual / (beyond - marks) * min(1.0, usual / max(marks, 1))
    if ours:
        return share
    share *= min(1.0, frequent / usual / _LEAST_FREQUENT)
    counted = usual if len(different) >= _ENOUGH else len(different)
    return share * counted / (counted + 0.6)


def _western_share(path: Path, limits: Limits) -> float:
    """Tell how sure it is that a file is in a Western European language, in cp1252.

    Nearly every letter beyond ASCII is then one of a few dozen, and they stand alone between
    others; the encodings of other languages give letters that these never use, or many in a row.
    """
    beyond = usual = foreign = 0
    for text in _texts(path, "cp1252", limits):
        if MARK.search(text):
            return 0.0
        beyond += sum(map(len, _BEYOND_ASCII.findall(text)))
        usual += len(_WESTERN.findall(text))
        foreign += sum(map(len, _FOREIGN.findall(text)))
    if not beyond or usual < 0.98 * beyond or foreign > 0.02 * beyond:
        return 0.0
    return (usual - foreign) / beyond * usual / (usual + 1)


@lru_cache
def _letters(first: int, last: int) -> re.Pattern[str]:
    """Give a pattern of the EUC-KR letters whose first bytes lie in a range."""
    codes = (bytes((lead, trail)) for lead in range(first, last + 1) for trail in range(0xA1, 0xFF))
    return re.compile(f"[{re.escape(''.join(code.decode('cp949', 'ignore') for code in codes))}]+")
