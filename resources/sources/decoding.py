"""Bytes to text: in the encoding of a file, with a mark on every byte that it cannot explain."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from resources.errors import SourceError, did_you_mean
from resources.sources.packed import DEFAULT_LIMITS, Limits, opened

BLOCK: Final = 1 << 20
# CP949 holds all of EUC-KR, and files called EUC-KR often need it.
_SAME: Final = {"euc_kr": "cp949", "ks_c_5601_1987": "cp949", "utf-8-sig": "utf-8"}
KNOWN: Final = ("utf-8", "utf-16", "cp949", "euc-kr", "latin-1", "cp1252", "shift_jis", "gb18030")
_NO_FILES: Final = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape")
_STATEFUL: Final = ("utf-7", "iso2022", "hz")
MARKED: Final = re.compile(rb"\xed[\xb2\xb3][\x80-\xbf]")
"""A byte that the encoding cannot explain, in UTF-8 blocks; valid UTF-8 never holds this."""
MARK: Final = re.compile("[\udc80-\udcff]")
"""The same in text."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's bytes are read.

    confidence: 1.0 where the bytes or the user say so. note: what to tell where it is less.
    """

    codec: str
    confidence: float = 1.0
    note: str = ""

    @property
    def keeps_borders(self) -> bool:
        """Tell whether line ends, delimiters and quotation marks are always bytes of their own.

        Then a byte that the encoding cannot explain spoils its own record, and no other.
        """
        if self.codec.startswith(_STATEFUL):
            return False
        signs = '\t\n\r",;'
        return signs.encode(self.codec, "replace") == signs.encode()


class Block(NamedTuple):
    """A piece of a file: as UTF-8, as text, whether there are marks in it, and its first byte."""

    utf8: bytes
    text: str
    marked: bool
    start: int


def utf8_blocks(path: Path, encoding: Encoding, limits: Limits = DEFAULT_LIMITS) -> Iterator[bytes]:
    """Stream a file's text as blocks of UTF-8, whole letters each, without BOM.

    Raises SourceError naming byte and line where the bytes are not in the encoding.
    """
    line = 1
    for block in decoded(path, encoding, limits):
        if block.marked and (odd := MARK.search(block.text)):
            before = block.text[: odd.start()]
            byte = block.start + len(before.encode(encoding.codec))
            raise _not_in(path, encoding, byte, line + before.count("\n"), ord(odd[0]) - 0xDC00)
        line += block.text.count("\n")
        yield block.utf8


def marked_blocks(
    path: Path, encoding: Encoding, limits: Limits = DEFAULT_LIMITS
) -> Iterator[bytes]:
    """Stream a file as `utf8_blocks` does, but with a mark (`MARKED`) on each byte that is odd."""
    return (block.utf8 for block in decoded(path, encoding, limits))


def decoded(path: Path, encoding: Encoding, limits: Limits = DEFAULT_LIMITS) -> Iterator[Block]:
    """Stream a file, without BOM.

    A byte that the encoding cannot explain is marked where the borders of records are certain;
    else it raises a SourceError naming byte and line.
    """
    with opened(path, limits) as file:
        blocks = _from_utf8(file) if encoding.codec == "utf-8" else _from_any(path, file, encoding)
        for first in blocks:
            utf8 = first.utf8.removeprefix(codecs.BOM_UTF8)
            start = first.start + len(first.utf8) - len(utf8)
            yield Block(utf8, first.text.removeprefix("\ufeff"), first.marked, start)
            break
        yield from blocks


def _from_utf8(file: BinaryIO) -> Iterator[Block]:
    """Stream what is UTF-8 as it is."""
    waiting, start = b"", 0
    while True:
        read = file.read(BLOCK)
        data = waiting + read if waiting else read
        try:
            text, used = codecs.utf_8_decode(data, "strict", not read)
            marked = False
        except UnicodeDecodeError:
            text, used = codecs.utf_8_decode(data, "surrogateescape", not read)
            marked = True
        waiting = data[used:]
        if text:
            whole = text.encode("utf-8", "surrogatepass") if marked else data[:used]
            yield Block(whole, text, marked, start)
        if not read:
            return
        start += used


def _from_any(path: Path, file: BinaryIO, encoding: Encoding) -> Iterator[Block]:
    """Stream what is in any other encoding as UTF-8."""
    errors = "surrogateescape" if encoding.keeps_borders else "strict"
    decoder = codecs.getincrementaldecoder(encoding.codec)(errors)
    done, line = 0, 1
    while True:
        read = file.read(BLOCK)
        start = done - len(decoder.getstate()[0])
        try:
            text = decoder.decode(read, final=not read)
        except UnicodeDecodeError as error:
            data = bytes(error.object)
            line += data[: error.start].count(b"\n")
            byte, value = start + error.start, data[error.start]
            raise _not_in(path, encoding, byte, line, value) from error
        if text:
            try:
                yield Block(text.encode(), text, False, start)
            except UnicodeEncodeError:
                yield Block(text.encode("utf-8", "surrogatepass"), text, True, start)
        if not read:
            return
        done += len(read)
        line += text.count("\n")


def bad_bytes(marked: str) -> str:
    """Name the bytes of a marked text that its encoding cannot explain: 0xff, 0xfe."""
    found = dict.fromkeys(f"0x{ord(sign) - 0xDC00:02x}" for sign in MARK.findall(marked))
    return ", ".join(list(found)[:4])


def undecodable_reason(marked: str, encoding: Encoding) -> str:
    """Say why a record of a marked text is set aside."""
    return (
        f"not {encoding.codec}: {bad_bytes(marked)} (where many rows say so, the file has "
        "another encoding: say which with encoding=)"
    )


def shown(marked: str) -> str:
    r"""Give a marked text with its odd bytes as \xff, fit for any file."""
    return MARK.sub(lambda sign: f"\\x{ord(sign[0]) - 0xDC00:02x}", marked)


def _not_in(path: Path, encoding: Encoding, byte: int, line: int, value: int) -> SourceError:
    """Name the byte and the line that the encoding cannot explain."""
    return SourceError(
        f"{path} is not {encoding.codec}: byte {byte} on line {line} is 0x{value:02x}",
        "say which encoding it is with encoding=, or repair the file",
        file=str(path),
        byte=byte,
        line=line,
    )


def codec_of(name: str, path: Path) -> str:
    """Give Python's name of an encoding; raises SourceError for one it does not know."""
    try:
        found = codecs.lookup(name).name
        "".encode(found)  # binary transforms such as base64 are codecs too, but no encodings
        codecs.getincrementaldecoder(found)
        if found.replace("-", "_") in _NO_FILES:
            raise LookupError(found)
    except (LookupError, ValueError, TypeError, AttributeError):
        raise SourceError(
            f"{path} cannot be read with the encoding {name!r}, which does not exist"
            f"{did_you_mean(str(name).lower(), KNOWN)}",
            f"use a name Python knows, such as {', '.join(KNOWN)}",
            file=str(path),
            option="encoding",
        ) from None
    return _SAME.get(found, found)


def check_readable(text: Any, path: Path, encoding: Encoding, what: str) -> None:
    """Raise SourceError where a text that the whole file depends on holds marks."""
    if MARK.search(text):
        raise SourceError(
            f"{what} of {path} is not {encoding.codec}: {bad_bytes(text)} in {shown(text)[:80]!r}",
            "say which encoding it is, for example encoding='cp949' or 'latin-1'",
            file=str(path),
        )
