"""Plain text: a row per line, per paragraph or per file."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError, did_you_mean
from resources.limits import LARGEST_RECORD
from resources.rejects import Reject, Rejects
from resources.sources.decoding import (
    MARK,
    Encoding,
    codec_of,
    decoded,
    shown,
    undecodable_reason,
)
from resources.sources.dialect import TXT_DELIMITERS
from resources.sources.encoding import find_encoding
from resources.sources.packed import DEFAULT_LIMITS, Limits, opened

if TYPE_CHECKING:
    import pyarrow as pa

SPLITS: Final = ("line", "paragraph", "file")
LONGEST: Final = LARGEST_RECORD
"""Letters that one row may take."""
_LINES: Final = 10


class PlainFiles:
    """Text files read as one table: id, file, line, text.

    id counts all pieces of all files from 1, file is the file's name, line where the piece begins.
    """

    def __init__(
        self,
        files: tuple[Path, ...],
        rejects: Rejects,
        *,
        typed: bool = True,  # noqa: ARG002 - as every reader
        encoding: str | None = None,
        split: str = "line",
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Read `files`; split: a row per "line", "paragraph" (between empty lines) or "file"."""
        if split not in SPLITS:
            raise SourceError(
                f"{files[0]} cannot be read with split={split!r}"
                f"{did_you_mean(str(split), SPLITS)}",
                f"use one of {', '.join(SPLITS)}",
                file=str(files[0]),
            )
        self.files = files
        self._rejects = rejects
        self._encoding = encoding
        self._split = split
        self._limits = limits
        self._encodings: dict[Path, Encoding] = {}
        self._reported = 0

    @property
    def schema(self) -> pa.Schema:
        """Give the columns."""
        import pyarrow as pa

        text = pa.string()
        return pa.schema([("id", pa.int64()), ("file", text), ("line", pa.int64()), ("text", text)])

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        import pyarrow as pa

        records = (record for _, record in self.rows())
        while chunk := list(islice(records, rows)):
            yield pa.RecordBatch.from_pylist(chunk, schema=self.schema)

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream the pieces that are text, each with its file; the others go aside, once."""
        number = 0
        for file in self.files:
            encoding = self._encoding_of(file)
            for line, text in self._pieces(file, encoding):
                number += 1
                if MARK.search(text):
                    self._set_aside(number, file, line, text)
                else:
                    yield file, {"id": number, "file": file.name, "line": line, "text": text}

    def _encoding_of(self, file: Path) -> Encoding:
        """Tell a file's encoding, once."""
        if file not in self._encodings:
            self._encodings[file] = find_encoding(file, self._encoding, self._limits)
            self._rejects.warn(self._encodings[file].note)
        return self._encodings[file]

    def _set_aside(self, number: int, file: Path, line: int, text: str) -> None:
        """Set a piece that is not all text aside unless an earlier pass did."""
        if number > self._reported:
            self._reported = number
            row = json.dumps({"line": shown(text)}, ensure_ascii=False)
            reason = undecodable_reason(text, self._encodings[file])
            self._rejects.add(Reject(row, "encoding", "", reason, str(file), line))

    def _pieces(self, file: Path, encoding: Encoding) -> Iterator[tuple[int, str]]:
        """Stream the pieces of one file, each with the line that it begins on."""
        if self._split == "file":
            yield 1, self._whole(file, encoding)
            return
        lines = self._lines(file, encoding)
        if self._split == "paragraph":
            yield from self._paragraphs(file, lines)
        else:
            for number, line in lines:
                yield number, line.removesuffix("\r")

    def _lines(self, file: Path, encoding: Encoding) -> Iterator[tuple[int, str]]:
        """Stream the lines of one file with their numbers; they end with LF or CRLF."""
        number, waiting = 1, ""
        for text in self._texts(file, encoding):
            *lines, waiting = (waiting + text).split("\n")
            yield from enumerate(lines, number)
            number += len(lines)
            self._check(file, number, len(waiting))
        if waiting:
            yield number, waiting

    def _paragraphs(
        self, file: Path, lines: Iterable[tuple[int, str]]
    ) -> Iterator[tuple[int, str]]:
        """Stream what stands between empty lines, with its line ends as they are."""
        held: list[str] = []
        first = size = 0
        for number, line in chain(lines, [(0, "")]):
            if line.strip():
                first = first if held else number
                held.append(line)
                size += len(line)
                self._check(file, first, size)
            elif held:
                yield first, "\n".join(held).removesuffix("\r")
                held, size = [], 0

    def _whole(self, file: Path, encoding: Encoding) -> str:
        """Read a whole file."""
        texts, size = [], 0
        for text in self._texts(file, encoding):
            texts.append(text)
            size += len(text)
            self._check(file, 1, size)
        return "".join(texts)

    def _texts(self, file: Path, encoding: Encoding) -> Iterator[str]:
        """Stream one file's text."""
        return (block.text for block in decoded(file, encoding, self._limits))

    def _check(self, file: Path, line: int, size: int) -> None:
        """Hold a piece to a length that memory can take."""
        if size > LONGEST:
            raise SourceError(
                f"{file} has a {self._split} of more than {LONGEST >> 20} MB on line {line}",
                "split it more finely: split='line' or 'paragraph'",
                file=str(file),
                line=line,
            )


def is_table(file: Path, encoding: str | None = None, limits: Limits = DEFAULT_LIMITS) -> bool:
    """Tell whether a .txt file is a table: its first lines all have as many fields, two at least.

    Fields lie between tabs, else `|`, else `;`, else commas. Two lines at least must say so, or one
    with a tab.
    """
    with opened(file, limits) as opened_file:
        head = opened_file.read(1 << 16)
    lines = [line for line in _head_text(head, encoding, file).splitlines() if line.strip()]
    if len(head) == 1 << 16 and len(lines) > 1:
        lines.pop()  # cut off in the middle
    for sign in TXT_DELIMITERS:
        try:
            counts = [len(row) for row in csv.reader(lines[:_LINES], delimiter=sign)]
        except csv.Error:
            continue
        enough = len(counts) > 1 or sign == "\t"
        if counts and enough and counts[0] > 1 and len(set(counts)) == 1:
            return True
    return False


def _head_text(head: bytes, encoding: str | None, file: Path) -> str:
    """Read the beginning of a file, whatever is in it: the signs of tables are ASCII."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace")
    codec = codec_of(encoding, file) if encoding else "latin-1"
    return head.decode(codec, "replace")
