"""Cut a stream of CSV text into blocks of whole records, and know on which line each begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from resources.errors import SourceError
from resources.limits import LARGEST_RECORD
from resources.sources.dialect import Dialect

BLOCK: Final = 1 << 20
UTF8_BOM: Final = b"\xef\xbb\xbf"
LONGEST: Final = LARGEST_RECORD
"""The longest record: what is longer is usually a quotation mark that nobody closed."""


@lru_cache
def record_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """Give the pattern of one record with its line end, never looked at twice (possessive).

    A comment line counts as a record. What follows a closing quotation mark belongs to its cell.
    """
    return re.compile(_record(dialect, lax=True))


@lru_cache
def pure_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """Give the pattern of a record that keeps the rule: marks around a whole cell, or nowhere."""
    return re.compile(_record(dialect, lax=False))


def _record(dialect: Dialect, *, lax: bool) -> bytes:
    """Write the pattern of one record; it may begin with a byte order mark, where files meet."""
    sign, quote, escape = (
        re.escape(part.encode()) for part in (dialect.delimiter, dialect.quote, dialect.escape)
    )
    rest = b"[^" + sign + escape + b"\\r\\n" + (b"" if lax else quote) + b"]*+"
    if escape:
        rest = b"(?:" + rest[:-2] + b"++|" + escape + b"(?s:.))*+"
    cell = rest
    if quote:
        inside = b"[^" + quote + escape + b"]++|" + quote + quote
        if escape:
            inside += b"|" + escape + b"(?s:.)"
        cell = b"(?:" + quote + b"(?:" + inside + b")*+" + quote + (rest if lax else b"")
        cell += b"|(?!" + quote + b")" + rest + b")"
    record = b"(?:" + UTF8_BOM + b")*+(?:" + cell + sign + b")*+" + cell + b"(?:\\r\\n?|\\n)"
    if dialect.comment:
        comment = re.escape(dialect.comment.encode())
        record = comment + b"[^\\r\\n]*+(?:\\r\\n?|\\n)|" + record
    return record


@lru_cache
def _records_pattern(dialect: Dialect, *, lax: bool) -> re.Pattern[bytes]:
    """Give the pattern of as many whole records as there are."""
    return re.compile(b"(?:" + _record(dialect, lax=lax) + b")*+")


def count_lines(text: bytes | bytearray) -> int:
    """Count line ends: LF, CRLF or CR."""
    lines = text.count(b"\n")
    if b"\r" in text:
        lines += text.count(b"\r") - text.count(b"\r\n")
    return lines


def whole_records(
    blocks: Iterable[bytes], dialect: Dialect, file: Path, line: int = 1
) -> Iterator[tuple[int, bytes, bool]]:
    """Stream (line, whole records that start there, odd), about a megabyte at a time.

    odd: a quotation mark stands where the rule has none. line: where the blocks begin. A last
    record without a line end gets one. Raises SourceError naming the line of a quotation mark that
    is never closed: all after it would silently become one value.
    """
    wanted = BLOCK
    waiting = bytearray()
    for block in blocks:
        waiting += block
        if len(waiting) < wanted or waiting.endswith(b"\r"):
            continue
        end, odd = _end(waiting, dialect)
        if end:
            chunk = bytes(waiting[:end])
            yield line, chunk, odd
            line += count_lines(chunk)
            del waiting[:end]
        # Growing by doubling keeps the work in proportion when one record is very long.
        wanted = BLOCK if end else 2 * len(waiting)
        if len(waiting) > LONGEST:
            if not _has_quotes(waiting, dialect):
                raise SourceError(
                    f"{file} has a row of more than {LONGEST >> 20} MB on line {line}",
                    "check that it is delimited text, with rows that end with a line end",
                    file=str(file),
                    line=line,
                )
            raise _unclosed(file, dialect, line, f"within {LONGEST >> 20} MB")
    if not waiting:
        return
    if not waiting.endswith((b"\n", b"\r")):
        waiting += b"\n"
    end, odd = _end(waiting, dialect)
    if end < len(waiting):
        line += count_lines(waiting[:end])
        raise _unclosed(file, dialect, line, "before the file ends")
    yield line, bytes(waiting), odd


def after(blocks: Iterable[bytes], skip: int) -> Iterator[bytes]:
    """Stream what stands after the first `skip` bytes."""
    for block in blocks:
        rest = block[skip:] if skip else block
        skip -= len(block) - len(rest)
        if rest:
            yield rest


def _end(text: bytearray, dialect: Dialect) -> tuple[int, bool]:
    """Give the length of all whole records at the start of a text (0 = not even one), and `odd`."""
    if not _has_quotes(text, dialect):
        return max(text.rfind(b"\n"), text.rfind(b"\r")) + 1, False
    match = _records_pattern(dialect, lax=False).match(text)
    pure = match.end() if match is not None else 0
    if pure == len(text):
        return pure, False
    match = _records_pattern(dialect, lax=True).match(text, pure)
    end = match.end() if match is not None else pure
    return end, end > pure


def _has_quotes(text: bytearray, dialect: Dialect) -> bool:
    """Tell whether a text holds signs that can take the meaning from a line end."""
    return any(sign.encode() in text for sign in dialect.quote + dialect.escape)


def _unclosed(file: Path, dialect: Dialect, line: int, where: str) -> SourceError:
    """Say where a quotation mark opens that is not closed."""
    quote = dialect.quote or dialect.escape
    return SourceError(
        f"{file} has a quotation mark ({quote}) in the row on line {line} that is not closed "
        f"{where}",
        f"close it, write a mark that belongs to the text twice ({quote}{quote}), or say quote='' "
        "where marks are text like any other",
        file=str(file),
        line=line,
    )


def without_bom(record: bytes) -> bytes:
    """Give a record without the byte order marks that it begins with."""
    while record.startswith(UTF8_BOM):
        record = record[len(UTF8_BOM) :]
    return record


class Place:
    """Finds the lines of rows in a block of records, in the order in which they stand there."""

    def __init__(self, chunk: bytes, dialect: Dialect, line: int) -> None:
        """Look through `chunk`, which starts on `line`."""
        self._records = record_pattern(dialect).finditer(chunk)
        self._line = line

    def of(self, row: str) -> int:
        """Give the line on which the next record that reads like this begins."""
        text = row.encode()
        for match in self._records:
            line, record = self._line, match[0]
            self._line += count_lines(record)
            if without_bom(record).rstrip(b"\r\n") == text.rstrip(b"\r\n"):
                return line
        return self._line
