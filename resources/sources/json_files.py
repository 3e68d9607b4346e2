"""JSON Lines and JSON arrays, streamed; what is nested becomes JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.rejects import Reject, Rejects
from resources.sources.encoding import Encoding, find_encoding
from resources.sources.json_records import read_records
from resources.sources.json_text import Written, plain_text

if TYPE_CHECKING:
    import pyarrow as pa

_INT64: Final = range(-(1 << 63), 1 << 63)


class JsonFiles:
    """JSON files read as one table, with all columns that appear in any record."""

    def __init__(
        self,
        files: tuple[Path, ...],
        rejects: Rejects,
        *,
        typed: bool,
        encoding: str | None = None,
    ) -> None:
        """Read `files`, as text or with the types that JSON states."""
        self.files = files
        self._rejects = rejects
        self._typed = typed
        self._encoding = encoding
        self._encodings: dict[Path, Encoding] = {}
        self._reported: dict[Path, int] = {}

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the columns, in the order in which they first appear (one pass over it all)."""
        import pyarrow as pa

        kinds: dict[str, set[str]] = {}
        for _, record in self._records():
            for name, value in record.items():
                kinds.setdefault(name, set()).add(_kind(value))
        if not kinds:
            raise SourceError(
                f"{self.files[0]} has no record with a field in it",
                "put data in it, or take it off source=",
                file=str(self.files[0]),
            )
        types = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}
        return pa.schema(
            [
                (name, types.get(_column_type(seen), pa.string()) if self._typed else pa.string())
                for name, seen in kinds.items()
            ]
        )

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        import pyarrow as pa

        schema = self.schema
        records = (record for _, record in self._records())
        while chunk := list(islice(records, rows)):
            yield pa.RecordBatch.from_arrays(
                [_array(chunk, field) for field in schema], schema=schema
            )

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream the records as they were written, each with its file."""
        return self._records()

    def _records(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Stream the records of all files; lines that are none go aside, once."""
        for file in self.files:
            if file not in self._encodings:
                self._encodings[file] = find_encoding(file, self._encoding)
            seen = 0
            for line, record in read_records(file, self._encodings[file]):
                if isinstance(record, dict):
                    yield file, record
                    continue
                seen += 1
                if seen > self._reported.get(file, 0):
                    self._reported[file] = seen
                    self._rejects.add(_bad_line(file, line, record.text, record.reason))


def _array(records: Iterable[dict[str, Any]], field: pa.Field) -> pa.Array:
    """Collect one column."""
    import pyarrow as pa

    values = (record.get(field.name) for record in records)
    if field.type == pa.string():
        return pa.array([plain_text(value) for value in values], pa.string())
    if field.type == pa.float64():
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array(list(values), field.type)


def _kind(value: Any) -> str:
    """Tell which type would keep a value exactly ("" for null: any)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return ("exact" if abs(value) <= 1 << 53 else "int64") if value in _INT64 else "string"
    if isinstance(value, Written):
        return "float64" if value.is_exact() else "string"
    return "string"


def _column_type(kinds: set[str]) -> str:
    """Give the one type that keeps all values of a column."""
    seen = kinds - {""}
    if seen == {"bool"}:
        return "bool"
    if seen and seen <= {"exact", "int64"}:
        return "int64"
    if seen and seen <= {"exact", "float64"}:
        return "float64"
    return "string"


def _bad_line(file: Path, line: int, text: str, reason: str) -> Reject:
    """Describe a line that holds no record."""
    return Reject(
        row=json.dumps({"line": text}),
        rule="json",
        column="",
        reason=reason,
        source=str(file),
        line=line,
    )
