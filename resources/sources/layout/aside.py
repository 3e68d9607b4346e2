"""Rows of one delimited file that are set aside or passed over, in one pass over it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.errors import SourceError
from resources.rejects import Reject, Rejects
from resources.sources.decoding import MARKED, shown, undecodable_reason
from resources.sources.dialect import LAYOUT_OPTIONS, LAYOUT_RULES, Dialect
from resources.sources.layout.ending import footer_start, last_total
from resources.sources.layout.parsing import is_ambiguous, split_cells
from resources.sources.layout.stray import why_unreadable
from resources.sources.records import (
    UTF8_BOM,
    Place,
    count_lines,
    pure_pattern,
    record_pattern,
    without_bom,
)

if TYPE_CHECKING:
    from resources.sources.layout.found import Header


class Aside:
    """Decides, record by record where a chunk needs it, which rows are handed on.

    reported says how many an earlier pass over each file set aside: they are not set aside twice.
    """

    def __init__(
        self, file: Path, header: Header, reported: dict[Path, int], rejects: Rejects
    ) -> None:
        """Count from the file's beginning."""
        self.file = file
        self.header = header
        self.good = 0
        self._reported = reported
        self._rejects = rejects
        self._seen = 0
        self._misfits = 0
        self._blank = 0
        self._marks = 0
        self._comments = 0
        self._ended = 0
        self._total = ""
        self._place = Place(b"", header.dialect, 0)
        self._again = _written(header.again, header.dialect)
        sign = re.escape(header.dialect.delimiter.encode())
        self._empty = re.compile(rb"(?:" + sign + rb")+")

    def readable(self, line: int, chunk: bytes, *, odd: bool, last: bool) -> bytes:
        """Give the records of a chunk that are rows; the others are set aside or counted."""
        dialect = self.header.dialect
        self._place = Place(chunk, dialect, line)
        end = footer_start(chunk, self.header) if last else len(chunk)
        if last and end == len(chunk):
            self._total = last_total(chunk, self.header)
        if end == len(chunk) and not (odd or self._needs_look(chunk)):
            return chunk
        kept = []
        for match in record_pattern(dialect).finditer(chunk):
            record = match[0]
            kept.append(self._row(record, line, odd=odd, footer=match.start() >= end))
            line += count_lines(record)
        return b"".join(kept)

    def _needs_look(self, chunk: bytes) -> bool:
        """Tell whether there may be records in a chunk that are no rows, or not for certain."""
        header, dialect = self.header, self.header.dialect
        return bool(
            dialect.comment
            or MARKED.search(chunk)
            or UTF8_BOM in chunk
            or any(again in chunk for again in self._again)
            or (len(header.names) > 1 and self._has_blanks(chunk))
            or (_escapes(dialect) and b"\\" + dialect.quote.encode() in chunk)
        )

    def _has_blanks(self, chunk: bytes) -> bool:
        """Tell whether a row of a chunk is nothing but delimiters, as many as rows have."""
        row = self.header.dialect.delimiter.encode() * (self.header.width.fields - 1)
        if b"\n" + row + b"\n" in chunk or chunk.startswith(row + b"\n"):
            return True
        # Lines of one file may end in different ways, each line in its own.
        return b"\r" in chunk and (row + b"\r" in chunk or b"\r" + row + b"\n" in chunk)

    def _row(self, record: bytes, line: int, *, odd: bool, footer: bool) -> bytes:
        """Give a record that is a row; else set it aside, or count it, and give nothing."""
        header, dialect = self.header, self.header.dialect
        comment = dialect.comment.encode()
        if comment and record.startswith(comment):
            self._comments += "comment" not in dialect.said
            return b""
        if record.startswith(UTF8_BOM):
            self._marks += 1
            record = without_bom(record)
        text = record.rstrip(b"\r\n")
        if len(header.names) > 1 and self._empty.fullmatch(text):
            self._blank += 1
            return b""
        if footer and "trailing" in dialect.said:
            self._ended += bool(text)
            return b""
        rule, reason = "", ""
        if MARKED.search(record):
            marked = text.decode("utf-8", "surrogatepass")
            rule, reason = "encoding", undecodable_reason(marked, header.encoding)
        elif text in self._again:
            rule, reason = "header", "the header once more, as where files were joined"
        elif odd or b"\\" in record:
            rule, reason = self._quoting(record)
        if not rule and footer and text:
            rule, reason = "footer", "below the table, after an empty line: a total or a note"
        if not rule:
            return record
        self.add(shown(text.decode("utf-8", "surrogatepass")), rule, reason, line)
        return b""

    def _quoting(self, record: bytes) -> tuple[str, str]:
        """Give the rule that a record's quotation marks break, and how; "" for none."""
        dialect = self.header.dialect
        if dialect.quote and pure_pattern(dialect).fullmatch(record) is None:
            cells = split_cells(record.rstrip(b"\r\n"), dialect)
            if reason := why_unreadable(record, cells, dialect):
                return "quotes", reason
        escaped = _escapes(dialect) and b"\\" + dialect.quote.encode() in record
        if escaped and is_ambiguous(record, dialect, self.header.width.fields):
            return "quotes", (
                f"\\{dialect.quote} may be a mark that is escaped or the end of its field: say "
                "escape='\\\\' where it is escaped, escape='' where it is not"
            )
        return "", ""

    def evened(self, rows: bytes) -> bytes:
        """Give rows with as many fields as there are columns, where `trailing` allows it."""
        header, dialect = self.header, self.header.dialect
        columns, sign = len(header.names), dialect.delimiter.encode()
        kept = []
        for match in record_pattern(dialect).finditer(rows):
            text = match[0].rstrip(b"\r\n")
            if columns > 1 and self._empty.fullmatch(text):
                self._blank += 1
                continue
            cells = split_cells(text, dialect)
            more = cells[columns:]
            if (
                header.width.trailing == "drop"
                and more
                and not any(b"".join(c).strip() for c in more)
            ):
                text = sign.join(q + rest + bare for q, rest, bare in cells[:columns])
            elif header.width.trailing == "fill" and text:
                text += sign * (columns - len(cells))
            kept.append(text + b"\n")
        return b"".join(kept)

    def ragged(self, row: Any) -> str:
        """Set a row with too few or too many fields aside, and have the parser go on."""
        if not row.text.strip(self.header.dialect.delimiter):
            self._blank += 1
            return "skip"
        reason = f"{row.actual_columns} fields where the header has {row.expected_columns}"
        self.add(row.text, "fields", reason, self._place.of(row.text))
        return "skip"

    def add(self, text: str, rule: str, reason: str, line: int) -> None:
        """Set a row aside unless an earlier pass did."""
        self._seen += 1
        self._misfits += rule in LAYOUT_RULES
        if self._seen > self._reported.get(self.file, 0):
            self._reported[self.file] = self._seen
            row = json.dumps({"line": text}, ensure_ascii=False)
            self._rejects.add(Reject(row, rule, "", reason, str(self.file), line))

    def finish(self) -> None:
        """Say what was passed over; raise SourceError where not one row fits the layout."""
        if self._blank:
            self._warn(f"{_many(self._blank, 'row')} of nothing but delimiters passed over")
        if self._comments:
            self._warn(f"{_many(self._comments, 'comment line')} below the header passed over")
        if self._ended:
            self._warn(f"the last {_many(self._ended, 'line')} passed over, as was said")
        if self._total:
            self._warn(
                f"its last row looks like a total ({self._total[:40]!r}): trailing=1 leaves it out"
            )
        if self._marks:
            self._warn(f"a byte order mark taken off the beginning of {_many(self._marks, 'row')}")
        if self._misfits and not self.good:
            raise SourceError(
                f"not one row of {self.file} fits its layout (delimiter "
                f"{self.header.dialect.delimiter!r}, {self.header.width.fields} fields): all "
                f"{self._misfits:,} would be set aside",
                f"say how it is laid out: {LAYOUT_OPTIONS} (docs/sources.md)",
                file=str(self.file),
                option="delimiter",
            )

    def _warn(self, what: str) -> None:
        """Say something of this file, once."""
        self._rejects.warn(f"{self.file.name}: {what}")


def _written(record: bytes, dialect: Dialect) -> frozenset[bytes]:
    """Give the ways in which a header may be written once more: as it is, quoted, bare."""
    if not record:
        return frozenset()
    sign, quote = dialect.delimiter.encode(), dialect.quote.encode()
    cells = split_cells(record, dialect)
    bare = [quoted[1:-1] + rest if quoted else plain for quoted, rest, plain in cells]
    quoted = sign.join(quote + cell + quote for cell in bare)
    return frozenset((record, quoted, sign.join(bare)))


def _many(count: int, what: str) -> str:
    """Give a count with its noun."""
    return f"{count:,} {what}{'s' * (count != 1)}"


def _escapes(dialect: Dialect) -> bool:
    """Tell whether a backslash may escape a mark though nobody said so."""
    return bool(dialect.quote) and not dialect.escape and "escape" not in dialect.said


def with_last(chunks: Iterator[tuple[int, bytes, bool]]) -> Iterator[tuple[int, bytes, bool, bool]]:
    """Stream chunks, and say of each whether it is the last."""
    held = next(chunks, None)
    while held is not None:
        following = next(chunks, None)
        yield (*held, following is None)
        held = following
