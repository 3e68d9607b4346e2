"""A walk through the text of one JSON document, in flat memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Final

from resources.errors import SourceError

LIGHT: Final = json.JSONDecoder(parse_int=str, parse_float=str)
"""Reads values with numbers as they are written."""
_LONGEST: Final = 32 << 20
_SPACE: Final = re.compile(r"[ \t\r\n]*")


class CutOff(Exception):
    """The answer ends in the middle of its JSON: the server did not finish it."""


class Walk:
    """Goes through the text of one answer, reading on as it is needed."""

    def __init__(self, texts: Iterator[str], place: str) -> None:
        """Start at the beginning; `place` is what errors name."""
        self.place = place
        self._texts = texts
        self._text = ""
        self._at = 0

    def sign(self) -> str:
        """Give the next sign that is no space ("" = the end)."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._more(1):
                return self._text[self._at : self._at + 1]

    def names(self) -> Iterator[str]:
        """Go into an object; after each key the caller takes its value."""
        yield from self._members("}", self._key)

    def elements(self) -> Iterator[str]:
        """Go into a list, and give the text of each element."""
        yield from self._members("]", self.value)

    def value(self) -> str:
        """Take the value that starts here, as it is written."""
        self.sign()
        while True:
            try:
                end = LIGHT.raw_decode(self._text, self._at)[1]
                if end == len(self._text) and self._more(1):  # 12 may go on as 123
                    continue
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > _LONGEST:
                    raise self.wrong(f"one value is longer than {_LONGEST >> 20} MB") from None
                if not self._more(len(self._text) - self._at):
                    raise self._broken(error) from None
            except RecursionError:
                raise self.wrong("it is nested too deeply") from None
            else:
                text = self._text[self._at : end]
                self._at = end
                return text

    def rest(self) -> None:
        """Pass over all that is left."""
        self._text, self._at = "", 0
        for _ in self._texts:
            pass

    def wrong(self, what: str) -> SourceError:
        """Say that the answer is not JSON as it should be."""
        return SourceError(
            f"{self.place} does not answer with JSON that can be read: {what}",
            "say format= if it is something else, or ask the API's owner",
        )

    def _members(self, end: str, take: Callable[[], str]) -> Iterator[str]:
        """Go through what stands between brackets and commas."""
        self._at += 1
        if self.sign() == end:
            self._at += 1
            return
        while True:
            yield take()
            sign = self.sign()
            self._at += 1
            if sign == end:
                return
            if sign != ",":
                raise self._broken(json.JSONDecodeError(f"',' or '{end}' expected", sign, 0))

    def _key(self) -> str:
        """Take a key and its colon."""
        text = self.value()
        if not text.startswith('"') or self.sign() != ":":
            raise self._broken(json.JSONDecodeError("a key and ':' expected", self.sign(), 0))
        self._at += 1
        self.sign()
        return str(json.loads(text))

    def _broken(self, error: json.JSONDecodeError) -> Exception:
        """Tell an answer that is cut off from one that is no JSON."""
        if not self._more(1) and self._is_cut(error):
            return CutOff(f"the answer ends in the middle ({error.msg})")
        return self.wrong(error.msg)

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Tell whether more text could have mended it."""
        rest = error.doc[error.pos :].rstrip()
        words = ("true", "false", "null", "-")
        cut = not rest or any(word.startswith(rest) for word in words)
        return cut or error.msg.startswith("Unterminated")

    def _more(self, wanted: int) -> bool:
        """Read at least `wanted` more letters where there are some; tell whether there were."""
        parts, count = [self._text[self._at :]], 0
        while count < wanted and (text := next(self._texts, None)) is not None:
            parts.append(text)
            count += len(text)
        if count:
            self._text, self._at = "".join(parts), 0
        return count > 0
