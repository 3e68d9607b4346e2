"""CSV and TSV: streamed, every value kept as written; ragged records are set aside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.rejects import Reject, Rejects
from resources.sources.encoding import encoding_of, open_bytes
from resources.sources.infer import Inference
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv as pc

_DELIMITERS: Final = (",", "\t", ";", "|")
_BLOCK: Final = 4 << 20


def read_delimited(
    file: Path, *, encoding: str | None, delimiter: str | None, infer: bool, rejects: Rejects
) -> Table:
    """Read a delimited file with a header; missing (`,,`) and empty (`""`) stay apart.

    infer: give columns the types that every value of theirs carries without loss.
    """
    whole = _Delimited(file, encoding, delimiter, infer, rejects)
    return Table(lambda: whole.schema, whole.batches)


class _Delimited:
    """One delimited file; what is found out about it is found out once."""

    def __init__(
        self, file: Path, encoding: str | None, delimiter: str | None, infer: bool, rejects: Rejects
    ) -> None:
        """Keep what was said about the file; it is opened when it is read."""
        self.file, self.wanted, self._delimiter = file, encoding, delimiter
        self.infer, self.rejects = infer, rejects

    @cached_property
    def encoding(self) -> str:
        """Give the encoding."""
        return encoding_of(self.file, self.wanted)

    @cached_property
    def delimiter(self) -> str:
        """Give the delimiter: as said, tab for .tsv, else the most frequent in the header."""
        if self._delimiter is not None:
            return self._delimiter
        if ".tsv" in self.file.suffixes:
            return "\t"
        with open_bytes(self.file) as opened:
            header = opened.read(65_536).decode(self.encoding, errors="ignore").split("\n")[0]
        return max(_DELIMITERS, key=header.count)

    @cached_property
    def header(self) -> list[str]:
        """Give the names as written."""
        return list(self._open({}, None).schema.names)

    @cached_property
    def names(self) -> list[str]:
        """Give usable names: an empty one is `column_<n>`, a repeated one gets `_2`, `_3`, ..."""
        names: list[str] = []
        for position, written in enumerate(self.header, start=1):
            name = base = written.strip() or f"column_{position}"
            taken = {n.lower() for n in (*names, *self.header[position:])}
            count = 1
            while name.lower() in {n.lower() for n in names} or (count > 1 and name.lower() in taken):
                count += 1
                name = f"{base}_{count}"
            names.append(name)
        return names

    @cached_property
    def schema(self) -> pa.Schema:
        """Give names and types; finding out the types reads the file once."""
        import pyarrow as pa

        if not self.infer:
            return pa.schema([(name, pa.string()) for name in self.names])
        inference = Inference(self.names)
        for batch in self._texts(None):
            inference.see(batch)
        return inference.schema()

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream the records; ragged ones go to the rejects."""
        import pyarrow as pa

        for batch in self._texts(self._reject):
            arrays = [a.cast(f.type) for a, f in zip(batch.columns, self.schema, strict=True)]
            typed = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
            for start in range(0, typed.num_rows, rows):
                yield typed.slice(start, rows)

    def _texts(self, reject: Callable[[Any], str] | None) -> Iterator[pa.RecordBatch]:
        """Stream the records as text."""
        import pyarrow as pa

        kinds = dict.fromkeys(self.header, pa.string())
        reader = self._open(kinds, reject)
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except (pa.ArrowException, UnicodeError) as error:
                raise self._unreadable(error) from error
            yield pa.RecordBatch.from_arrays(batch.columns, names=self.names)

    def _open(
        self, kinds: dict[str, pa.DataType], reject: Callable[[Any], str] | None
    ) -> pc.CSVStreamingReader:
        """Open the file from its beginning."""
        import pyarrow as pa
        import pyarrow.csv as pc

        try:
            return pc.open_csv(
                pa.PythonFile(open_bytes(self.file), mode="r"),
                read_options=pc.ReadOptions(
                    use_threads=False, block_size=_BLOCK, encoding=self.encoding
                ),
                parse_options=pc.ParseOptions(
                    delimiter=self.delimiter,
                    newlines_in_values=True,
                    invalid_row_handler=reject or (lambda row: "skip"),
                ),
                convert_options=pc.ConvertOptions(
                    column_types=kinds,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except (pa.ArrowException, UnicodeError) as error:
            raise self._unreadable(error) from error

    def _reject(self, row: Any) -> str:
        """Set a ragged record aside."""
        self.rejects.add(
            Reject(
                json.dumps({"line": row.text}, ensure_ascii=False),
                "readable",
                "",
                f"record {row.number} has {row.actual_columns} fields instead of "
                f"{row.expected_columns}",
                source=str(self.file),
                line=row.number,
            )
        )
        return "skip"

    def _unreadable(self, error: Exception) -> SourceError:
        """Say that the file is not what its ending says."""
        return SourceError(
            f"{self.file} cannot be read as CSV ({error})",
            "check the file, and say delimiter= or encoding= where they are unusual",
            file=str(self.file),
        )
