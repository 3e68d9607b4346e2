"""CSV and TSV, streamed: every value as it was written, every row that does not fit set aside."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.errors import SourceError
from resources.rejects import Reject, Rejects
from resources.sources.decoding import MARKED, marked_blocks, shown, undecodable_reason
from resources.sources.dialect import Dialect
from resources.sources.encoding import find_encoding
from resources.sources.header import Header, check_same, read_header
from resources.sources.packed import DEFAULT_LIMITS, Limits
from resources.sources.records import Place, after, count_lines, record_pattern, whole_records

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.sources.infer import Form


class DelimitedFiles:
    """CSV files read as one table; they share their columns."""

    def __init__(
        self,
        files: tuple[Path, ...],
        rejects: Rejects,
        *,
        typed: bool,
        encoding: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
        **layout: Any,
    ) -> None:
        """Read `files`, as text or with types inferred; `layout`: fields of Dialect."""
        self.files = files
        self._rejects = rejects
        self._typed = typed
        self._encoding = encoding
        self._limits = limits
        self._dialect = Dialect(**layout).check(files[0])
        self._headers: dict[Path, Header] = {}
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
                columns = [self._typed_column(file, n, texts.column(n)) for n in schema.names]
                batch = pa.RecordBatch.from_arrays(columns, schema=schema)
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)

    def _typed_column(self, file: Path, name: str, texts: pa.Array) -> pa.Array:
        """Read a column in the form that all its values had when they were looked at."""
        import pyarrow as pa

        form = self._forms.get(name)
        try:
            return form.read(texts) if form else texts
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"{file} changed while it was read: {name!r} is not {form and form.type} any more",
                "read it again when it is complete",
                file=str(file),
                column=name,
            ) from error

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream rows as they were written, each with its file."""
        for file in self.files:
            for batch in self._texts(file):
                for row in batch.to_pylist():
                    yield file, row

    def _header(self, file: Path) -> Header:
        """Read a file's header, once; it must have the columns of the first file's."""
        if file not in self._headers:
            encoding = find_encoding(file, self._encoding, self._limits)
            header = read_header(file, encoding, self._dialect, self._limits)
            if file != self.files[0]:
                check_same(self.files[0], self._header(self.files[0]).names, file, header.names)
            self._headers[file] = header
            self._rejects.warn(encoding.note)
        return self._headers[file]

    def _texts(self, file: Path) -> Iterator[pa.RecordBatch]:
        """Stream one file as text, about a megabyte at a time; rows that do not fit go aside."""
        header, names = self._header(file), list(self._header(self.files[0]).names)
        aside = _Aside(file, header, self._reported, self._rejects)
        blocks = after(marked_blocks(file, header.encoding, self._limits), header.bytes)
        for line, chunk in whole_records(blocks, header.dialect, file, header.line):
            rows = aside.readable(line, chunk)
            if rows.strip(b"\r\n") or (rows and len(names) == 1):
                yield from _parse(rows, header, aside).select(names).to_batches()


class _Aside:
    """Rows of one file that are set aside, in one pass over it."""

    def __init__(
        self, file: Path, header: Header, reported: dict[Path, int], rejects: Rejects
    ) -> None:
        """Count from the file's beginning; `reported` says how many an earlier pass set aside."""
        self.file = file
        self._header = header
        self._reported = reported
        self._rejects = rejects
        self._seen = 0
        self._place = Place(b"", header.dialect, 0)

    def readable(self, line: int, chunk: bytes) -> bytes:
        """Give the records of a chunk that are text, and no comments; the others are set aside."""
        dialect, comment = self._header.dialect, self._header.dialect.comment.encode()
        self._place = Place(chunk, dialect, line)
        if not comment and not MARKED.search(chunk):
            return chunk
        kept = []
        for match in record_pattern(dialect).finditer(chunk):
            record = match[0]
            if comment and record.startswith(comment):
                pass
            elif MARKED.search(record):
                text = record.decode("utf-8", "surrogatepass").rstrip("\r\n")
                reason = undecodable_reason(text, self._header.encoding)
                self._add(shown(text), "encoding", reason, line)
            else:
                kept.append(record)
            line += count_lines(record)
        return b"".join(kept)

    def ragged(self, row: Any) -> str:
        """Set a row with too few or too many fields aside, and have the parser go on."""
        reason = f"{row.actual_columns} fields where the header has {row.expected_columns}"
        self._add(row.text, "fields", reason, self._place.of(row.text))
        return "skip"

    def _add(self, text: str, rule: str, reason: str, line: int) -> None:
        """Set a row aside unless an earlier pass did."""
        self._seen += 1
        if self._seen > self._reported.get(self.file, 0):
            self._reported[self.file] = self._seen
            row = json.dumps({"line": text}, ensure_ascii=False)
            self._rejects.add(Reject(row, rule, "", reason, str(self.file), line))


def _parse(rows: bytes, header: Header, aside: _Aside) -> pa.Table:
    """Parse whole records as text; those that do not have the header's fields go aside."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    names, dialect = list(header.names), header.dialect
    if rows.startswith(
        codecs.BOM_UTF8
    ):  # here it is text; Arrow drops one that a buffer begins with
        rows = codecs.BOM_UTF8 + rows
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(rows),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=len(rows) + 1, column_names=names
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                escape_char=dialect.escape or False,
                newlines_in_values=True,
                ignore_empty_lines=len(names) > 1,
                invalid_row_handler=aside.ragged,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
                check_utf8=False,  # rows with other bytes are set aside before
            ),
        )
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"{aside.file} cannot be read as delimited text ({error})",
            "say how it is laid out: delimiter=, quote=, escape= (docs/sources.md)",
            file=str(aside.file),
        ) from error
