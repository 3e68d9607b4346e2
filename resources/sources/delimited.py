"""CSV and TSV, streamed: every value as it was written, every row that does not fit set aside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.rejects import Reject, Rejects
from resources.sources.encoding import find_encoding, utf8_blocks
from resources.sources.header import Header, check_same, read_header
from resources.sources.records import Place, count_lines, whole_records

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
        delimiter: str | None = None,
    ) -> None:
        """Read `files`, as text or with types inferred; None = find out."""
        self.files = files
        self._rejects = rejects
        self._typed = typed
        self._encoding = encoding
        self._delimiter = delimiter
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
                columns = [
                    form.read(texts.column(n)) if (form := self._forms.get(n)) else texts.column(n)
                    for n in schema.names
                ]
                batch = pa.RecordBatch.from_arrays(columns, schema=schema)
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream rows as they were written, each with its file."""
        for file in self.files:
            for batch in self._texts(file):
                for row in batch.to_pylist():
                    yield file, row

    def _header(self, file: Path) -> Header:
        """Read a file's header, once; it must have the columns of the first file's."""
        if file not in self._headers:
            encoding = find_encoding(file, self._encoding)
            header = read_header(file, encoding, self._delimiter)
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


def _parse(rows: bytes, header: Header, set_aside: Callable[[Any], str]) -> pa.Table:
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
