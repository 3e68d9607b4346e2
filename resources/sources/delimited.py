"""CSV and TSV, streamed: every value as it was written, every row that does not fit set aside."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.errors import SourceError
from resources.rejects import Rejects
from resources.sources.decoding import marked_blocks
from resources.sources.dialect import Dialect
from resources.sources.encoding import find_encoding
from resources.sources.header import check_same, read_header
from resources.sources.layout.aside import Aside, with_last
from resources.sources.layout.ending import without_ctrl_z
from resources.sources.layout.found import Header
from resources.sources.layout.width import EVENED
from resources.sources.packed import DEFAULT_LIMITS, Limits
from resources.sources.records import after, whole_records

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
        self._dialect = Dialect(**layout, said=frozenset(layout)).check(files[0])
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
            if header.notes:
                self._rejects.warn(_sentence(file, header))
        return self._headers[file]

    @property
    def layout_options(self) -> dict[str, Any]:
        """Give the options that would say for certain what was assumed of the first file."""
        return dict(self._header(self.files[0]).options)

    def _texts(self, file: Path) -> Iterator[pa.RecordBatch]:
        """Stream one file as text, about a megabyte at a time; rows that do not fit go aside."""
        header, names = self._header(file), list(self._header(self.files[0]).names)
        aside = Aside(file, header, self._reported, self._rejects)
        blocks = after(marked_blocks(file, header.encoding, self._limits), header.begin)
        chunks = whole_records(blocks, header.dialect, file, header.line)
        for line, chunk, odd, last in with_last(chunks):
            ended = without_ctrl_z(chunk) if last else chunk
            if len(ended) < len(chunk):
                self._rejects.warn(f"{file.name}: a closing Ctrl-Z passed over")
            rows = aside.readable(line, ended, odd=odd, last=last)
            if rows.strip(b"\r\n") or (rows and len(names) == 1):
                table = _parse(rows, header, aside).select(names)
                aside.good += table.num_rows
                yield from table.to_batches()
        aside.finish()


def _sentence(file: Path, header: Header) -> str:
    """Say what was assumed of a file, and what says so for certain."""
    said = ", ".join(f"{name}={value!r}" for name, value in header.options.items())
    sure = f" (confidence {header.sure:.2f}; {said} says so for certain)" if said else ""
    return f"{file.name}: {'; '.join(header.notes)}{sure}"


def _parse(rows: bytes, header: Header, aside: Aside) -> pa.Table:
    """Parse whole records as text; those that do not have the usual fields go aside."""
    import pyarrow as pa

    names, width = list(header.names), header.width
    fields = [*names, *(f"\0{n}" for n in range(width.fields - len(names)))][: width.fields]
    if width.trailing in EVENED:  # all rows alike is fast; some alike takes a look at each
        try:
            table = _as_arrow(rows, fields, header.dialect, lambda _: "error")
            if fields[len(names) :] and _has_more(table, fields[len(names) :]):
                raise pa.ArrowInvalid("fields beyond the header's that are not empty")
        except pa.ArrowInvalid:
            rows, fields = aside.evened(rows), names
        else:
            table = table.select(fields[: len(names)])
            for name in names[len(fields) :]:
                table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
            return table
    try:
        return _as_arrow(rows, fields, header.dialect, aside.ragged)
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"{aside.file} cannot be read as delimited text ({error})",
            "say how it is laid out: delimiter=, quote=, escape= (docs/sources.md)",
            file=str(aside.file),
        ) from error


def _has_more(table: pa.Table, names: Sequence[str]) -> bool:
    """Tell whether columns that are to be dropped hold anything."""
    import pyarrow.compute as pc

    texts = (pc.fill_null(pc.utf8_trim_whitespace(table.column(name)), "") for name in names)
    return any(pc.any(pc.not_equal(text, "")).as_py() for text in texts)


def _as_arrow(
    rows: bytes, fields: Sequence[str], dialect: Dialect, ragged: Callable[[Any], str]
) -> pa.Table:
    """Parse records into columns of text; `ragged` takes those that have other fields."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    if rows.startswith(codecs.BOM_UTF8):  # Arrow drops one that a buffer begins with
        rows = codecs.BOM_UTF8 + rows
    return arrow_csv.read_csv(
        pa.BufferReader(rows),
        read_options=arrow_csv.ReadOptions(
            use_threads=False, block_size=len(rows) + 1, column_names=list(fields)
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            escape_char=dialect.escape or False,
            newlines_in_values=True,
            ignore_empty_lines=len(fields) > 1,
            invalid_row_handler=ragged,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(fields, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
            check_utf8=False,  # rows with other bytes are set aside before
        ),
    )
