"""CSV and TSV, streamed: every value as it was written, every row that does not fit set aside."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.rejects import Reject, Rejects
from resources.sources.encoding import Encoding, find_encoding, utf8_blocks
from resources.sources.records import Place, count_lines, record_pattern, whole_records

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.sources.infer import Form

_DELIMITERS: Final = "\t;|"
_INVISIBLE: Final = " \t\r\n\u00a0\u200b\u3000\ufeff"
_HEAD: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Header:
    """How one file is laid out; its header takes the first `bytes` bytes, as UTF-8."""

    encoding: Encoding
    delimiter: str
    names: tuple[str, ...]
    bytes: int


class DelimitedFiles:
    """CSV files read as one table; they share their columns."""

    def __init__(
        self,
        files: tuple[Path, ...],
        rejects: Rejects,
        *,
        typed: bool,
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        """Read `files`, as text or with types inferred; None = find out."""
        self.files = files
        self._rejects = rejects
        self._typed = typed
        self._encoding = encoding
        self._delimiter = delimiter
        self._headers: dict[Path, _Header] = {}
        self._reported: dict[Path, int] = {}

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the columns: all text, or typed where that loses nothing (one pass over it all)."""
        import pyarrow as pa

        names = self._header(self.files[0]).names
        return pa.schema(
            [(n, self._forms[n].type if n in self._forms else pa.string()) for n in names]
        )

    @cached_property
    def _forms(self) -> dict[str, Form]:
        """Infer the types of all columns over all files."""
        from resources.sources.infer import Inference

        if not self._typed:
            return {}
        inference = Inference(self._header(self.files[0]).names)
        for file in self.files:
            for batch in self._texts(file):
                inference.look(batch)
        return inference.forms()

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        import pyarrow as pa

        schema = self.schema
        for file in self.files:
            for texts in self._texts(file):
                columns = [
                    form.read(texts.column(n)) if (form := self._forms.get(n)) else texts.column(n)
                    for n in schema.names
                ]
                batch = pa.RecordBatch.from_arrays(columns, schema=schema)
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)

    def rows(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Stream rows as they were written, each with its file."""
        for file in self.files:
            for batch in self._texts(file):
                for row in batch.to_pylist():
                    yield file, row

    def _header(self, file: Path) -> _Header:
        """Read a file's header, once; it must have the columns of the first file's."""
        if file not in self._headers:
            encoding = find_encoding(file, self._encoding)
            header = _read_header(file, encoding, self._delimiter)
            if file != self.files[0]:
                check_same(self.files[0], self._header(self.files[0]).names, file, header.names)
            self._headers[file] = header
        return self._headers[file]

    def _texts(self, file: Path) -> Iterator[pa.RecordBatch]:
        """Stream one file as text, about a megabyte at a time; rows that do not fit go aside."""
        header, names = self._header(file), list(self._header(self.files[0]).names)
        skip, rejected = header.bytes, _Rejected(file, self._reported, self._rejects)
        blocks = utf8_blocks(file, header.encoding)
        for start, chunk in whole_records(blocks, header.delimiter, file):
            line = start + count_lines(chunk[:skip])
            rows, skip = chunk[skip:], 0
            if rows.strip(b"\r\n") or (rows and len(names) == 1):
                rejected.place = Place(rows, header.delimiter, line)
                table = _parse(rows, header, rejected.add)
                yield from table.select(names).to_batches()


class _Rejected:
    """Rows of one file that have too few or too many fields, in one pass over it.

    place: knows the lines of the rows that are being parsed.
    """

    place: Place

    def __init__(self, file: Path, reported: dict[Path, int], rejects: Rejects) -> None:
        """Count from the file's beginning; `reported` says how many an earlier pass set aside."""
        self._file = file
        self._reported = reported
        self._rejects = rejects
        self._seen = 0

    def add(self, row: Any) -> str:
        """Set a row aside unless an earlier pass did, and have the parser go on."""
        self._seen += 1
        line = self.place.of(row.text)
        if self._seen > self._reported.get(self._file, 0):
            self._reported[self._file] = self._seen
            self._rejects.add(_ragged(self._file, line, row))
        return "skip"


def _parse(rows: bytes, header: _Header, set_aside: Callable[[Any], str]) -> pa.Table:
    """Parse whole records as text; `set_aside` takes those that do not have the header's fields."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    names = list(header.names)
    return arrow_csv.read_csv(
        pa.BufferReader(rows),
        read_options=arrow_csv.ReadOptions(
            use_threads=False, block_size=len(rows) + 1, column_names=names
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=header.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,
            invalid_row_handler=set_aside,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
            check_utf8=False,  # utf8_blocks has checked
        ),
    )


def column_names(cells: Iterable[str]) -> tuple[str, ...]:
    """Make usable names of a header's cells: trimmed, none empty, none twice.

    An empty one becomes column_<position>; a repeated one (capitals do not tell columns apart in
    SQL) gets _2, _3, ...
    """
    names: list[str] = []
    taken: set[str] = set()
    for position, cell in enumerate(cells, 1):
        wanted = cell.strip(_INVISIBLE) or f"column_{position}"
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def check_same(first: Path, names: Iterable[str], file: Path, found: Iterable[str]) -> None:
    """Raise SourceError where two files that are read together have different columns."""
    missing = [name for name in names if name not in set(found)]
    more = [name for name in found if name not in set(names)]
    if not missing and not more:
        return
    parts = [f"lacks {', '.join(map(repr, missing))}"] * bool(missing)
    parts += [f"has {', '.join(map(repr, more))} beside them"] * bool(more)
    raise SourceError(
        f"{file} does not have the columns of {first}: it {' and '.join(parts)}",
        "read files with different columns as assets of their own, or make the headers equal",
        file=str(file),
        missing=missing,
        more=more,
    )


def _read_header(file: Path, encoding: Encoding, delimiter: str | None) -> _Header:
    """Read the first record that is not an empty line."""
    head, ended = b"", True
    for block in utf8_blocks(file, encoding):
        head += block
        if ended := len(head) < _HEAD:
            continue
        break
    text = head.lstrip(b"\r\n")
    if not text.strip():
        raise SourceError(
            f"{file} is empty", "put data in it, or take it off source=", file=str(file)
        )
    first = text.splitlines()[0].decode(errors="replace")
    sign = _check_delimiter(delimiter, file) if delimiter else _find_delimiter(file, first)
    match = record_pattern(sign).match(text + b"\n" * ended)
    try:
        if match is None:
            raise csv.Error("a quotation mark is not closed")
        record = match[0].decode()
        cells = next(csv.reader(io.StringIO(record.rstrip("\r\n"), newline=""), delimiter=sign))
    except csv.Error as error:
        raise SourceError(
            f"the header of {file} cannot be read: {error}",
            "the first line must hold the column names",
            file=str(file),
            line=1,
        ) from error
    skipped = len(head) - len(text) + len(match[0])
    return _Header(encoding, sign, column_names(cells), skipped)


def _check_delimiter(delimiter: str, file: Path) -> str:
    """Hold a delimiter to one character of one byte that is no quotation mark."""
    if len(delimiter) == 1 and delimiter.isascii() and delimiter not in '"\r\n':
        return delimiter
    raise SourceError(
        f"{file} cannot be read with the delimiter {delimiter!r}",
        "give one ASCII character, such as ',' or '\\t'",
        file=str(file),
    )


def _find_delimiter(file: Path, header: str) -> str:
    """Tell the delimiter by the file's name, or by the header where that has no comma."""
    if {".tsv", ".tab"} & {suffix.lower() for suffix in file.suffixes}:
        return "\t"
    if "," in header:
        return ","
    likely = max(_DELIMITERS, key=header.count)
    return likely if likely in header else ","


def _ragged(file: Path, line: int, row: Any) -> Reject:
    """Describe a row with too few or too many fields."""
    return Reject(
        row=json.dumps({"line": row.text}, ensure_ascii=False),
        rule="fields",
        column="",
        reason=f"{row.actual_columns} fields where the header has {row.expected_columns}",
        source=str(file),
        line=line,
    )
