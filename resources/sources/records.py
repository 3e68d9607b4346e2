"""Cut a stream of CSV text into blocks of whole records, and know on which line each begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from resources.errors import SourceError

BLOCK: Final = 1 << 20
LONGEST: Final = 64 << 20
"""The longest record: what is longer is a quotation mark that nobody closed."""


@lru_cache
def record_pattern(delimiter: str) -> re.Pattern[bytes]:
    """Give the pattern of one record with its line end, never looked at twice (possessive)."""
    sign = re.escape(delimiter.encode())
    rest = b"[^" + sign + b"\\r\\n]*+"
    cell = b'(?:"(?:[^"]++|"")*+"' + rest + b'|(?!")' + rest + b")"
    return re.compile(b"(?:" + cell + sign + b")*+" + cell + b"(?:\\r\\n?|\\n)")


@lru_cache
def _records_pattern(delimiter: str) -> re.Pattern[bytes]:
    """Give the pattern of as many whole records as there are."""
    return re.compile(b"(?:" + record_pattern(delimiter).pattern + b")*+")


def count_lines(text: bytes | bytearray) -> int:
    """Count line ends: LF, CRLF or CR."""
    lines = text.count(b"\n")
    if b"\r" in text:
        lines += text.count(b"\r") - text.count(b"\r\n")
    return lines


def whole_records(
    blocks: Iterable[bytes], delimiter: str, file: Path
) -> Iterator[tuple[int, bytes]]:
    """Stream (line, whole records that start there), about a megabyte at a time.

    A last record without a line end gets one. Raises SourceError naming the line of a quotation
    mark that is never closed: all after it would silently become one value.
    """
    line, wanted = 1, BLOCK
    waiting = bytearray()
    for block in blocks:
        waiting += block
        if len(waiting) < wanted or waiting.endswith(b"\r"):
            continue
        end = _end(waiting, delimiter)
        if end:
            chunk = bytes(waiting[:end])
            yield line, chunk
            line += count_lines(chunk)
            del waiting[:end]
        # Growing by doubling keeps the work in proportion when one record is very long.
        wanted = BLOCK if end else 2 * len(waiting)
        if len(waiting) > LONGEST:
            raise _unclosed(file, line, f"within {LONGEST >> 20} MB")
    if not waiting:
        return
    if not waiting.endswith((b"\n", b"\r")):
        waiting += b"\n"
    end = _end(waiting, delimiter)
    if end < len(waiting):
        raise _unclosed(file, line + count_lines(waiting[:end]), "before the file ends")
    yield line, bytes(waiting)


def _end(text: bytearray, delimiter: str) -> int:
    """Give the length of all whole records at the start of a text (0 = not even one)."""
    if b'"' in text:
        match = _records_pattern(delimiter).match(text)
        return match.end() if match is not None else 0
    return max(text.rfind(b"\n"), text.rfind(b"\r")) + 1


def _unclosed(file: Path, line: int, where: str) -> SourceError:
    """Say where a quotation mark opens that is not closed."""
    return SourceError(
        f'{file} has a quotation mark (") in the row on line {line} that is not closed {where}',
        'close it, or write a mark that belongs to the text twice ("")',
        file=str(file),
        line=line,
    )


class Place:
    """Finds the lines of rows in a block of records, in the order in which they stand there."""

    def __init__(self, chunk: bytes, delimiter: str, line: int) -> None:
        """Look through `chunk`, which starts on `line`."""
        self._records = record_pattern(delimiter).finditer(chunk)
        self._line = line

    def of(self, row: str) -> int:
        """Give the line on which the next record that reads like this begins."""
        text = row.encode()
        for match in self._records:
            line, record = self._line, match[0]
            self._line += count_lines(record)
            if record.rstrip(b"\r\n") == text.rstrip(b"\r\n"):
                return line
        return self._line
