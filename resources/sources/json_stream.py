"""The elements of a JSON document, read from a stream of text in flat memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from resources.errors import SourceError
from resources.limits import LARGEST_RECORD

LONGEST: Final = LARGEST_RECORD
"""Letters that one record, or one value beside the records, may take."""
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_PLAIN: Final = json.JSONDecoder(parse_int=str)  # only finds ends; int() refuses 4,300 digits

Read = TypeVar("Read")


class Elements:
    """The elements of an array: of the document itself, or of what lies below a path in it."""

    def __init__(self, file: Path, head: str, texts: Iterator[str]) -> None:
        """Start at the first sign of `head`."""
        self._file = file
        self._texts = texts
        self._text = head
        self._at = 0
        self._line = 1
        self._seen: dict[str, None] = {}
        self._found = False

    def below(
        self, path: tuple[str, ...], read: Callable[[str], Read]
    ) -> Iterator[tuple[int, Read]]:
        """Stream (line, read(text)) of each element below `path`, in one document or several.

        Text that is no JSON ends it with a SourceError, and so does a path that is not there.
        """
        self._to_next_sign()
        while self._sign():
            yield from self._value(path, read)
            self._to_next_sign()
            if self._sign() and not path:
                raise self._broken("text after the array", self._at)
        if not self._found:
            known = ", ".join(list(self._seen)[:10])
            raise SourceError(
                f"{self._file} has no {'.'.join(path)!r}" + (f"; it has {known}" if known else ""),
                "give the path to its records, such as records='items' or 'data.items'",
                file=str(self._file),
            )

    def _value(
        self, path: tuple[str, ...], read: Callable[[str], Read]
    ) -> Iterator[tuple[int, Read]]:
        """Stream what lies below `path` in the value that starts here, and go behind it."""
        sign = self._sign()
        if sign == "[":
            self._found = self._found or not path
            for _ in self._members("]"):
                if path:
                    yield from self._value(path, read)
                else:
                    yield self._line, read(self._whole())
        elif not path:
            self._found = True
            line, text = self._line, self._whole()
            if text != "null":
                yield line, read(text)
        elif sign == "{":
            for _ in self._members("}"):
                name = self._name()
                if name == path[0]:
                    yield from self._value(path[1:], read)
                else:
                    self._seen[name] = None
                    self._skip()
        else:
            self._skip()

    def _members(self, end: str) -> Iterator[None]:
        """Stop at each member of the array or object that starts here, and go behind its end."""
        self._step()
        if self._sign() == end:
            return self._step()
        while True:
            yield
            self._to_next_sign()
            if self._sign() == end:
                return self._step()
            if self._sign() != ",":
                self._fail(f"',' or '{end}' expected")
            self._step()

    def _name(self) -> str:
        """Read the name of a member, and go to its value."""
        if self._sign() != '"':
            self._fail("a name in quotation marks expected")
        name = str(json.loads(self._whole()))
        if self._sign() != ":":
            self._fail("':' expected")
        self._step()
        return name

    def _skip(self) -> None:
        """Pass over the value that starts here; a long array by its elements."""
        if self._sign() != "[":
            self._whole()
            return
        for _ in self._members("]"):
            self._whole()

    def _whole(self) -> str:
        """Take the whole value that starts here, and go to the sign behind it."""
        while True:
            try:
                end = self._end()
                text = self._text[self._at : end]
                self._move(end)
                self._to_next_sign()
                return text
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > LONGEST:
                    self._fail(f"a value of more than {LONGEST >> 20} MB, or one that never ends")
                if not self._more(len(self._text)):
                    raise self._broken(error.msg, error.pos) from error
            except RecursionError:
                raise self._broken("nesting too deep", self._at) from None
            except ValueError as error:
                raise self._broken(str(error), self._at) from error

    def _end(self) -> int:
        """Give the place behind the value that starts here."""
        end = _PLAIN.raw_decode(self._text, self._at)[1]
        while end == len(self._text) and self._more(1):  # 12 may go on as 123
            end = _PLAIN.raw_decode(self._text, self._at)[1]
        return end

    def _sign(self) -> str:
        """Give the sign that stands here ("" = the file has ended)."""
        return self._text[self._at : self._at + 1]

    def _step(self) -> None:
        """Go behind the sign that stands here, to the next."""
        self._move(self._at + 1)
        self._to_next_sign()

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

    def _fail(self, what: str) -> NoReturn:
        """Say that the file stops being JSON here."""
        raise self._broken(what, self._at)

    def _broken(self, what: str, at: int) -> SourceError:
        """Say where the file stops being JSON."""
        line = self._line + self._text.count("\n", self._at, max(at, self._at))
        return SourceError(
            f"{self._file} is not JSON that can be read: {what} on line {line}",
            "repair it, or write one object per line (.jsonl): then a bad line costs one row",
            file=str(self._file),
            line=line,
        )
