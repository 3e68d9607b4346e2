"""JSON: one object a line, or one array of objects; streamed, nested values kept as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.rejects import Reject, Rejects
from resources.sources.encoding import encoding_of, open_bytes
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK: Final = 1 << 20
_INT64: Final = 1 << 63


def read_json(file: Path, *, lines: bool, rejects: Rejects) -> Table:
    """Read a file of JSON objects; the columns are all names that occur, in order of appearance."""
    whole = _Json(file, lines, rejects)
    return Table(lambda: whole.schema, whole.batches)


class _Json:
    """One JSON file; its columns are found by reading it once."""

    def __init__(self, file: Path, lines: bool, rejects: Rejects) -> None:
        """Remember the file; it is opened when it is read."""
        self.file, self.lines, self.rejects = file, lines, rejects

    @cached_property
    def encoding(self) -> str:
        """Give the encoding."""
        return encoding_of(self.file, None)

    @cached_property
    def schema(self) -> pa.Schema:
        """Find all names, and the one type that holds all values of each."""
        import pyarrow as pa

        kinds: dict[str, set[str]] = {}
        for _, record in self._records(None):
            for name, value in record.items():
                kinds.setdefault(name, set()).add(_kind(value))
        if not kinds:
            raise SourceError(
                f"{self.file} has no JSON object in it", "collect it again", file=str(self.file)
            )
        types = {
            "bool": pa.bool_(),
            "int": pa.int64(),
            "float": pa.float64(),
            "text": pa.string(),
        }
        return pa.schema([(name, types[_common(seen)]) for name, seen in kinds.items()])

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream the objects; what is no object goes to the rejects."""
        waiting: list[dict[str, Any]] = []
        for _, record in self._records(self.rejects):
            waiting.append(record)
            if len(waiting) == rows:
                yield self._batch(waiting)
                waiting = []
        if waiting:
            yield self._batch(waiting)

    def _batch(self, records: list[dict[str, Any]]) -> pa.RecordBatch:
        """Give records as one batch."""
        import pyarrow as pa

        arrays = []
        for field in self.schema:
            values = [record.get(field.name) for record in records]
            if pa.types.is_string(field.type):
                values = [v if v is None or isinstance(v, str) else _text(v) for v in values]
            arrays.append(pa.array(values, field.type))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _records(self, rejects: Rejects | None) -> Iterator[tuple[int, dict[str, Any]]]:
        """Stream (line or position, object); others go to `rejects`, where given."""
        for number, value, text in self._lines() if self.lines else self._array():
            if isinstance(value, dict):
                yield number, value
            elif rejects is not None:
                what = "is not JSON" if value is _BAD else "is not a JSON object"
                row = json.dumps({"line": text}, ensure_ascii=False)
                place = f"{'line' if self.lines else 'item'} {number} {what}"
                rejects.add(
                    Reject(row, "readable", "", place, source=str(self.file), line=number)
                )

    def _lines(self) -> Iterator[tuple[int, object, str]]:
        """Stream (line number, value, text); blank lines do not count as values."""
        with open_bytes(self.file) as opened:
            for number, raw in enumerate(opened, start=1):
                text = raw.decode(self.encoding).strip("\ufeff \t\r\n")
                if text:
                    yield number, _parsed(text), text

    def _array(self) -> Iterator[tuple[int, object, str]]:
        """Stream the items of one array (or the values of one object after the other)."""
        decoder = json.JSONDecoder()
        buffer, number = "", 0
        with open_bytes(self.file) as opened:
            import codecs

            reader = codecs.getreader(self.encoding)(opened)
            ended = False
            while True:
                buffer = buffer.lstrip("\ufeff \t\r\n,")
                if number == 0 and buffer.startswith("["):
                    buffer, number = buffer[1:], 1
                    continue
                if buffer.startswith("]") or (ended and not buffer):
                    return
                try:
                    value, end = decoder.raw_decode(buffer)
                    if end == len(buffer) and not ended:
                        raise json.JSONDecodeError("may go on", buffer, end)
                except json.JSONDecodeError:
                    more = reader.read(_BLOCK)
                    if more:
                        buffer += more
                        continue
                    if not ended:
                        ended = True
                        continue
                    yield max(number, 1), _BAD, buffer[:1000]
                    return
                number = max(number, 1)
                yield number, value, buffer[:end]
                number += 1
                buffer = buffer[end:]


_BAD: Final = object()


def _parsed(text: str) -> object:
    """Parse a line; give _BAD for what is not JSON."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return _BAD
    return value


def _text(value: object) -> str:
    """Write a value that is not text as JSON text."""
    return json.dumps(value, ensure_ascii=False)


def _kind(value: object) -> str:
    """Name a value's type."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -_INT64 <= value < _INT64 else "text"
    return "float" if isinstance(value, float) else "text"


def _common(seen: set[str]) -> str:
    """Give the one type that holds all that was seen."""
    seen = seen - {"none"}
    if len(seen) == 1:
        return next(iter(seen))
    return "float" if seen == {"int", "float"} else "text"
