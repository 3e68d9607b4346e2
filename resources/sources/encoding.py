"""Bytes to text: which encoding a file is in, and the place where it is not."""

from __future__ import annotations

import codecs
import logging
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from resources.errors import SourceError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Generator

BLOCK: Final = 1 << 20
SURE: Final = 0.9
"""The confidence from which a guessed encoding is used."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# CP949 holds all of EUC-KR, and files called EUC-KR often need it.
_SAME: Final = {"euc_kr": "cp949", "ks_c_5601_1987": "cp949", "utf-8-sig": "utf-8"}
_KNOWN: Final = ("utf-8", "utf-16", "cp949", "euc-kr", "latin-1", "cp1252", "shift_jis", "gb18030")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's bytes are read. confidence: 1.0 where the bytes or the user say so."""

    codec: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class _Bad:
    """The first place that an encoding cannot explain."""

    byte: int
    line: int
    value: int


@contextmanager
def opened(path: Path) -> Generator[BinaryIO]:
    """Open a source file, gzip or not; what the system refuses becomes a SourceError."""
    import gzip

    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=plain) as file:
                    yield cast("BinaryIO", file)
            else:
                yield plain
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(
            f"{path} is a damaged gzip file ({error})", "fetch it again", file=str(path)
        ) from error
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read ({error.strerror or error})",
            "check that the file is there and that this user may read it",
            file=str(path),
        ) from error


def find_encoding(path: Path, asked: str | None = None) -> Encoding:
    """Tell a file's encoding: what was asked for, else BOM, UTF-8, or CP949 by a look at it all.

    Raises SourceError naming file, byte and line where none of these fits.
    """
    if asked is not None:
        return Encoding(_codec(asked, path))
    with opened(path) as file:
        head = file.read(4)
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return Encoding(codec)
    bad = _first_bad(path, "utf-8")
    if bad is None:
        return Encoding("utf-8")
    share = _korean_share(path)
    if share >= SURE:
        _LOG.info("%s is not UTF-8; read as CP949 (confidence %.2f)", path, share)
        return Encoding("cp949", share)
    guess = f"; CP949 fits with a confidence of {share:.2f}, too little" if share > 0 else ""
    raise SourceError(
        f"{path} is not UTF-8: byte {bad.byte} on line {bad.line} is 0x{bad.value:02x}{guess}",
        "say which encoding it is, for example source.read(encoding='cp949') or 'latin-1'",
        file=str(path),
        byte=bad.byte,
        line=bad.line,
        confidence=share,
    )


def utf8_blocks(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """Stream a file's text as blocks of UTF-8, without BOM; a block may end inside a letter.

    Raises SourceError naming byte and line where the bytes are not in the encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    as_is = encoding.codec == "utf-8"
    done = lines = 0
    with opened(path) as file:
        while True:
            block = file.read(BLOCK)
            waiting = decoder.getstate()[0]
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise _undecodable(path, encoding, error, done - len(waiting), lines) from error
            if not block and not text:
                return
            out = block if as_is else text.encode()
            if done == 0:
                out = out.removeprefix(codecs.BOM_UTF8)
            done += len(block)
            lines += text.count("\n")
            yield out


def _undecodable(
    path: Path, encoding: Encoding, error: UnicodeDecodeError, start: int, lines: int
) -> SourceError:
    """Name the byte and the line that the encoding cannot explain."""
    data = bytes(error.object)
    line = lines + data[: error.start].count(b"\n") + 1
    return SourceError(
        f"{path} is not {encoding.codec}: byte {start + error.start} on line {line} "
        f"is 0x{data[error.start]:02x}",
        "say which encoding it is with encoding=, or repair the file",
        file=str(path),
        byte=start + error.start,
        line=line,
    )


def _codec(name: str, path: Path) -> str:
    """Give Python's name of an encoding; raises SourceError for one it does not know."""
    try:
        found = codecs.lookup(name).name
        "".encode(found)  # binary transforms such as base64 are codecs too, but no encodings
    except (LookupError, ValueError, TypeError):
        raise SourceError(
            f"{path} cannot be read with the encoding {name!r}, which does not exist"
            f"{did_you_mean(name.lower(), _KNOWN)}",
            f"use a name Python knows, such as {', '.join(_KNOWN)}",
            file=str(path),
        ) from None
    return _SAME.get(found, found)


def _first_bad(path: Path, codec: str) -> _Bad | None:
    """Give the first byte that the encoding cannot explain, over the whole file."""
    decoder = codecs.getincrementaldecoder(codec)()
    done = lines = 0
    with opened(path) as file:
        while True:
            block = file.read(BLOCK)
            waiting = decoder.getstate()[0]
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                data = waiting + block
                line = lines + data[: error.start].count(b"\n") + 1
                return _Bad(done - len(waiting) + error.start, line, data[error.start])
            if not block:
                return None
            done += len(block)
            lines += block.count(b"\n")


def _korean_share(path: Path) -> float:
    """Tell how sure it is that a file is Korean in CP949; 0.0 where it cannot be CP949 at all.

    Everyday Korean is written in 2,350 syllables. Other encodings read as CP949 give Chinese
    characters, rare syllables, or more signs and single letters than syllables.
    """
    decoder = codecs.getincrementaldecoder("cp949")()
    everyday, signs = _letters(0xB0, 0xC8), _letters(0xA1, 0xAF)
    counts = [0, 0, 0]
    with opened(path) as file:
        while True:
            block = file.read(BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError:
                return 0.0
            for at, letters in enumerate((_BEYOND_ASCII, everyday, signs)):
                counts[at] += sum(map(len, letters.findall(text)))
            if not block:
                break
    beyond, usual, marks = counts
    if not usual:
        return 0.0
    return usual / (beyond - marks) * min(1.0, usual / max(marks, 1))


def _letters(first: int, last: int) -> re.Pattern[str]:
    """Give a pattern of the EUC-KR letters whose first bytes lie in a range."""
    codes = (bytes((lead, trail)) for lead in range(first, last + 1) for trail in range(0xA1, 0xFF))
    return re.compile(f"[{re.escape(''.join(code.decode('cp949', 'ignore') for code in codes))}]+")
