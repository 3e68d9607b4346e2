"""The records of one JSON file: one per line, or the elements of one array, wherever it lies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from resources.errors import SourceError
from resources.sources.decoding import MARK, Encoding, decoded, shown, undecodable_reason
from resources.sources.json_stream import LONGEST, Elements
from resources.sources.json_text import Written, to_json, whole
from resources.sources.packed import DEFAULT_LIMITS, Limits

_DEEP: Final = 100
_LINES: Final = {".jsonl", ".ndjson"}
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class NoRecord:
    """Text that holds no record, and why."""

    text: str
    reason: str
    rule: str = "json"


Found = tuple[int, dict[str, Any] | NoRecord]
"""A record, or what is none, with its line."""


class _RepeatedKeyError(ValueError):
    """An object has two values for one key."""


class _Text:
    """A file's text as it comes, and its records."""

    def __init__(self, file: Path, encoding: Encoding, limits: Limits) -> None:
        """Read `file`; nothing is opened yet."""
        self.file = file
        self._encoding = encoding
        self._blocks = decoded(file, encoding, limits)
        self._marked = False

    def __iter__(self) -> Iterator[str]:
        """Stream the text."""
        return self

    def __next__(self) -> str:
        """Give the next piece."""
        block = next(self._blocks)
        self._marked = self._marked or block.marked
        return block.text

    def record(self, text: str) -> dict[str, Any] | NoRecord:
        """Read one record."""
        if self._marked and MARK.search(text):
            return NoRecord(shown(text), undecodable_reason(text, self._encoding), "encoding")
        return _record(text)


def read_records(
    file: Path, encoding: Encoding, path: str = "", limits: Limits = DEFAULT_LIMITS
) -> Iterator[Found]:
    """Stream (line, record) from a file of lines or of one array, told apart by its first sign.

    path: where the records lie in the document, or in each line ("data.items").
    """
    text = _Text(file, encoding, limits)
    head = ""
    for piece in text:
        head += piece
        if head.strip():
            break
    if not head.strip():
        raise SourceError(
            f"{file} is empty", "put data in it, or take it off source=", file=str(file)
        )
    steps = tuple(path.split(".")) if path else ()
    by_line = bool(_LINES & {suffix.lower() for suffix in file.suffixes})
    if head.lstrip()[0] == "[" or (steps and not by_line):
        return Elements(file, head, text).below(steps, text.record)
    found = _lines(text, head)
    return (inner for one in found for inner in _inside(*one, steps)) if steps else found


def _lines(text: _Text, head: str) -> Iterator[Found]:
    """Stream the records of JSON Lines; a line that holds none is told, and passed over."""
    for number, line in enumerate(_split(text.file, head, text), 1):
        if not line.strip():
            continue
        record = text.record(line.rstrip("\r"))
        if number == 1 and isinstance(record, NoRecord) and line.strip() == "{":
            raise SourceError(
                f"{text.file} is one JSON object over several lines, not one record per line",
                "name the path to its records (records='items'), write one object per line, or an "
                "array of objects",
                file=str(text.file),
            )
        yield number, record


def _inside(line: int, record: dict[str, Any] | NoRecord, path: tuple[str, ...]) -> Iterator[Found]:
    """Stream the records below `path` in what one line holds."""
    if isinstance(record, NoRecord):
        yield line, record
        return
    values: list[Any] = [record]
    for step in path:
        values = [
            inner for value in values for inner in (value if isinstance(value, list) else [value])
        ]
        lacking = next((v for v in values if not isinstance(v, dict) or step not in v), None)
        if lacking is not None:
            yield line, NoRecord(to_json(record), f"no {step!r} in it (records={'.'.join(path)!r})")
            return
        values = [value[step] for value in values]
    for value in values:
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield line, inner
            elif inner is not None:
                yield line, NoRecord(to_json(inner), f"not an object but {type(inner).__name__}")


def _split(file: Path, head: str, texts: Iterator[str]) -> Iterator[str]:
    """Stream lines ended by LF (other line ends belong to JSON text)."""
    waiting = head
    for text in texts:
        *lines, waiting = waiting.split("\n")
        yield from lines
        waiting += text
        if len(waiting) > LONGEST:
            raise SourceError(
                f"{file} has a line longer than {LONGEST >> 20} MB",
                "write one object per line, or an array of objects",
                file=str(file),
            )
    lines = waiting.split("\n")
    yield from lines if lines[-1] else lines[:-1]


def _record(text: str) -> dict[str, Any] | NoRecord:
    """Read one line."""
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return NoRecord(text, f"not JSON: {error.msg} at character {error.colno}")
    except (ValueError, RecursionError) as error:
        return NoRecord(text, f"not usable JSON: {error}")
    return _checked(value, text)


def _checked(value: Any, text: str) -> dict[str, Any] | NoRecord:
    """Hold a value to what a record can be."""
    if not isinstance(value, dict):
        return NoRecord(text, f"not an object but {type(value).__name__}")
    if _SURROGATE.search(text) or text.count("[") + text.count("{") > _DEEP:
        try:
            to_json(value).encode()
        except UnicodeEncodeError:
            return NoRecord(text, "half a character (a lone surrogate such as \\ud800)")
        except RecursionError:
            return NoRecord(text, "not usable JSON: nested too deeply")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; two values for one key would lose one of them."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RepeatedKeyError(f"the key {twice!r} stands there twice")
    return found


def _constant(name: str) -> None:
    """Read NaN, which other programs write for a missing number, as missing; refuse infinity."""
    if name != "NaN":
        raise ValueError(f"{name} is not a number JSON knows")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Written, parse_int=whole, parse_constant=_constant
)
