"""The records of one JSON file: one per line, or the elements of one array."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from resources.errors import SourceError
from resources.sources.encoding import Encoding, utf8_blocks
from resources.sources.json_text import Written, to_json

_DEEP: Final = 100
_LONGEST: Final = 64 << 20
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class NoRecord:
    """Text that holds no record, and why."""

    text: str
    reason: str


class _RepeatedKeyError(ValueError):
    """An object has two values for one key."""


def read_records(file: Path, encoding: Encoding) -> Iterator[tuple[int, dict[str, Any] | NoRecord]]:
    """Stream (line, record) from a file of lines or of one array, told apart by its first sign."""
    texts = _texts(file, encoding)
    head = ""
    for text in texts:
        head += text
        if head.strip():
            break
    if not head.strip():
        raise SourceError(
            f"{file} is empty", "put data in it, or take it off source=", file=str(file)
        )
    if head.lstrip()[0] == "[":
        return iter(_Elements(file, head, texts))
    return _lines(file, head, texts)


def _texts(file: Path, encoding: Encoding) -> Iterator[str]:
    """Stream the file's text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for block in utf8_blocks(file, encoding):
        yield decoder.decode(block)


def _lines(
    file: Path, head: str, texts: Iterator[str]
) -> Iterator[tuple[int, dict[str, Any] | NoRecord]]:
    """Stream the records of JSON Lines; a line that holds none is told, and passed over."""
    for number, line in enumerate(_split(file, head, texts), 1):
        if not line.strip():
            continue
        record = _record(line.rstrip("\r"))
        if number == 1 and isinstance(record, NoRecord) and line.strip() == "{":
            raise SourceError(
                f"{file} is one JSON object over several lines, not one record per line",
                "write one object per line, or an array of objects",
                file=str(file),
            )
        yield number, record


def _split(file: Path, head: str, texts: Iterator[str]) -> Iterator[str]:
    """Stream lines ended by LF (other line ends belong to JSON text)."""
    waiting = head
    for text in texts:
        *lines, waiting = waiting.split("\n")
        yield from lines
        waiting += text
        if len(waiting) > _LONGEST:
            raise SourceError(
                f"{file} has a line longer than {_LONGEST >> 20} MB",
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


class _Elements:
    """The elements of one array, read from a stream of text."""

    def __init__(self, file: Path, head: str, texts: Iterator[str]) -> None:
        """Start at the array's bracket, which is the first sign of `head`."""
        self._file = file
        self._texts = texts
        self._text = head
        self._at = head.index("[") + 1
        self._line = head.count("\n", 0, self._at) + 1

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any] | NoRecord]]:
        """Stream (line, record); text that is no JSON ends it with a SourceError."""
        self._to_next_sign()
        if self._sign() == "]":
            return self._nothing_after()
        while True:
            self._to_next_sign()
            line = self._line
            yield line, self._element()
            if self._sign() == "]":
                return self._nothing_after()
            self._move(self._at + 1)

    def _element(self) -> dict[str, Any] | NoRecord:
        """Read the element that starts here, and go to the sign behind it."""
        while True:
            try:
                end = self._end()
                text = self._text[self._at : end]
                record = _record(text)
                self._move(end)
                self._to_next_sign()
                if self._sign() not in (",", "]"):
                    raise json.JSONDecodeError("',' or ']' expected", self._text, self._at)
                return record
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > _LONGEST or not self._more(len(self._text)):
                    raise self._broken(error) from error
            except RecursionError:
                deep = json.JSONDecodeError("nesting too deep", self._text, self._at)
                raise self._broken(deep) from None

    def _end(self) -> int:
        """Give the place behind the element that starts here."""
        end = _PLAIN.raw_decode(self._text, self._at)[1]
        while end == len(self._text) and self._more(1):  # 12 may go on as 123
            end = _PLAIN.raw_decode(self._text, self._at)[1]
        return end

    def _sign(self) -> str:
        """Give the sign that stands here ("" = the file has ended)."""
        return self._text[self._at : self._at + 1]

    def _to_next_sign(self) -> None:
        """Go to the next sign that is no space, reading on where the text ends."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._move(match.end() if match else self._at)
            if self._at < len(self._text) or not self._more(1):
                return

    def _move(self, to: int) -> None:
        """Go forward, counting lines."""
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def _more(self, wanted: int) -> bool:
        """Read at least `wanted` more letters where there are some; tell whether there were."""
        parts = [self._text[self._at :]]
        count = 0
        while count < wanted and (text := next(self._texts, None)) is not None:
            parts.append(text)
            count += len(text)
        self._text, self._at = "".join(parts), 0
        return count > 0

    def _nothing_after(self) -> None:
        """Hold the file to its one array."""
        self._move(self._at + 1)
        self._to_next_sign()
        if self._sign():
            raise self._broken(json.JSONDecodeError("text after the array", self._text, self._at))

    def _broken(self, error: json.JSONDecodeError) -> SourceError:
        """Say where the file stops being JSON."""
        line = self._line + self._text.count("\n", self._at, max(error.pos, self._at))
        return SourceError(
            f"{self._file} is not a JSON array: {error.msg} on line {line}",
            "repair it, or write one object per line (.jsonl): then a bad line costs one row",
            file=str(self._file),
            line=line,
        )


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


_PLAIN: Final = json.JSONDecoder(parse_int=str)  # only finds ends; int() refuses 4,300 digits
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Written, parse_constant=_constant
)
