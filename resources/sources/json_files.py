"""JSON Lines and JSON arrays, streamed; what is nested becomes JSON text, or columns if asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources import limits
from resources.errors import SourceError
from resources.rejects import Reject, Rejects
from resources.sources.decoding import Encoding
from resources.sources.encoding import find_encoding
from resources.sources.header import column_names
from resources.sources.json_records import NoRecord, read_records
from resources.sources.json_text import Written, flat, plain_text, to_json
from resources.sources.packed import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    import pyarrow as pa

_DEEPEST: Final = 100
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
        records: str = "",
        flatten: bool | int = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Read `files`, as text or with the types that JSON states; options as in ReadOptions."""
        self.files = files
        self._rejects = rejects
        self._typed = typed
        self._encoding = encoding
        self._path = _path(files[0], records)
        self._depth = _depth(files[0], flatten)
        self._limits = limits
        self._encodings: dict[Path, Encoding] = {}
        self._reported: dict[Path, int] = {}
        self._named: dict[str, str] = {}

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the columns, in the order in which they first appear (one pass over it all)."""
        import pyarrow as pa

        kinds: dict[str, set[str]] = {}
        for _, record in self._records():
            for name, value in record.items():
                kinds.setdefault(name, set()).add(_kind(value))
            if len(kinds) > limits.MOST_COLUMNS:
                raise self._too_wide(list(kinds))
        if self._depth:
            kinds = {n: seen for n, seen in kinds.items() if not _only_outer(n, seen, kinds)}
        if not kinds and (aside := sum(self._reported.values())):
            raise SourceError(
                f"{self.files[0]} has no line that holds a record: {aside:,} are none",
                "write one object per line, or an array of objects; of one object over several "
                "lines name the path to its records (records='items')",
                file=str(self.files[0]),
            )
        if not kinds:
            raise SourceError(
                f"{self.files[0]} has no record with a field in it",
                "put data in it, or take it off source=",
                file=str(self.files[0]),
            )
        self._named = dict(zip(kinds, _usable(kinds), strict=True))
        types = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}
        return pa.schema(
            [
                (
                    self._named[key],
                    types.get(_column_type(seen), pa.string()) if self._typed else pa.string(),
                )
                for key, seen in kinds.items()
            ]
        )

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        import pyarrow as pa

        schema = self.schema
        records = (record for _, record in self._records())
        for chunk in limits.chunked(records, rows):
            yield pa.RecordBatch.from_arrays(
                [_array(chunk, key, field) for key, field in zip(self._named, schema, strict=True)],
                schema=schema,
            )

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream the records as they were written, each with its file."""
        schema = self.schema
        if list(self._named) == schema.names:
            return self._records()
        return (
            (file, {self._named[key]: value for key, value in record.items()})
            for file, record in self._records()
        )

    def _records(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Stream the records of all files; lines that are none go aside, once."""
        for file in self.files:
            if file not in self._encodings:
                self._encodings[file] = find_encoding(file, self._encoding, self._limits)
                self._rejects.warn(self._encodings[file].note)
            seen = 0
            for line, found in read_records(file, self._encodings[file], self._path, self._limits):
                record = self._flat(found) if self._depth else found
                if isinstance(record, dict):
                    yield file, record
                    continue
                seen += 1
                if seen > self._reported.get(file, 0):
                    self._reported[file] = seen
                    self._rejects.add(_bad_line(file, line, record))

    def _flat(self, record: dict[str, Any] | NoRecord) -> dict[str, Any] | NoRecord:
        """Put nested fields beside the others."""
        if isinstance(record, NoRecord):
            return record
        try:
            return flat(record, self._depth)
        except ValueError as error:
            return NoRecord(to_json(record), f"{error}, once nested and once beside it")

    def _too_wide(self, names: list[str]) -> SourceError:
        """Say that the records have no columns in common."""
        return SourceError(
            f"{self.files[0]} has more than {limits.MOST_COLUMNS:,} different fields, such as "
            f"{', '.join(map(repr, names[-3:]))}",
            "keep what is keyed by data as JSON text (flatten=False or less deep), or reshape it",
            file=str(self.files[0]),
        )


def _path(file: Path, asked: object) -> str:
    """Hold the path to the records to names between dots."""
    if isinstance(asked, str) and (asked == "" or all(asked.split("."))):
        return asked
    raise SourceError(
        f"{file} cannot be read with records={asked!r}",
        "give the path to its records, such as records='items' or 'data.items'",
        file=str(file),
    )


def _depth(file: Path, asked: object) -> int:
    """Give how deep nested objects become columns (0 = not at all)."""
    if isinstance(asked, bool):
        return _DEEPEST if asked else 0
    if isinstance(asked, int) and asked >= 0:
        return min(asked, _DEEPEST)
    raise SourceError(
        f"{file} cannot be read with flatten={asked!r}",
        "say True, or how many levels deep",
        file=str(file),
    )


def _only_outer(name: str, seen: set[str], kinds: dict[str, set[str]]) -> bool:
    """Tell a field that is null where it is not an object whose fields are columns."""
    return seen == {""} and any(other.startswith(f"{name}.") for other in kinds)


def _usable(keys: Iterable[str]) -> tuple[str, ...]:
    """Give the columns' names: the keys where SQL can tell them apart, else as in other formats."""
    found = tuple(keys)
    distinct = len({key.casefold() for key in found}) == len(found)
    return found if distinct and all(map(str.strip, found)) else column_names(found)


def _array(records: Iterable[dict[str, Any]], key: str, field: pa.Field) -> pa.Array:
    """Collect one column."""
    import pyarrow as pa

    values = (record.get(key) for record in records)
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


def _bad_line(file: Path, line: int, found: NoRecord) -> Reject:
    """Describe a line that holds no record."""
    return Reject(
        row=json.dumps({"line": found.text}),
        rule=found.rule,
        column="",
        reason=found.reason,
        source=str(file),
        line=line,
    )
