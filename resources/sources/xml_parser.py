"""XML without its dangers: no DTD, so no entities; nothing is fetched; depth and size are bounded.

All attacks by entities (billion laughs, quadratic blow-up, external files and addresses) need a
DTD, and data needs none: whoever declares one is refused where it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NoReturn, Protocol
from xml.parsers import expat

from resources.errors import SourceError

DEEPEST: Final = 100
"""How deep elements may lie in each other."""
LONGEST_TAG: Final = 8 << 20
"""Bytes that one tag, attributes included, may take."""
_ENDED: Final = {
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
}


class Handler(Protocol):
    """What is told of elements and text, with names as the file writes them."""

    def start(self, name: str, attributes: dict[str, str], /) -> None:
        """Take the beginning of an element."""

    def end(self, name: str, /) -> None:
        """Take the end of an element."""

    def text(self, text: str, /) -> None:
        """Take a piece of text."""


class XmlParser:
    """Feeds one document to a handler."""

    def __init__(
        self, handler: Handler, where: str, *, file: str, encoding: str | None = None
    ) -> None:
        """Name the document `where` in errors; encoding: of the bytes, whatever they declare."""
        self._where = where
        self._file = file
        self._depth = 0
        self._began, self._ended = handler.start, handler.end
        self._parser = expat.ParserCreate(encoding)
        self._parser.buffer_text = True
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = handler.text

    @property
    def line(self) -> int:
        """Give the line that is being read."""
        return self._parser.CurrentLineNumber

    def feed(self, blocks: Iterable[bytes]) -> Iterator[None]:
        """Read all blocks, coming back after each. Raises SourceError naming the line."""
        done = 0
        try:
            for block in blocks:
                self._parser.Parse(block, False)
                done += len(block)
                if done - self._parser.CurrentByteIndex > LONGEST_TAG:
                    self.refuse(f"has a tag of more than {LONGEST_TAG >> 20} MB", "repair it")
                yield
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            self._broken(error)
        yield

    def refuse(self, problem: str, fix: str, **facts: object) -> NoReturn:
        """Raise a SourceError that names document and line."""
        facts = {"file": self._file, "line": self.line, **facts}
        raise SourceError(f"{self._where} {problem} (line {self.line})", fix, **facts)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        """Hand on the beginning of an element, unless it lies too deep."""
        self._depth += 1
        if self._depth > DEEPEST:
            self.refuse(f"nests elements more than {DEEPEST} deep", "repair it")
        self._began(name, attributes)

    def _end(self, name: str) -> None:
        """Hand on the end of an element."""
        self._depth -= 1
        self._ended(name)

    def _refuse(self, *_declared: object) -> NoReturn:
        """Refuse a DTD."""
        self.refuse(
            "declares a document type (<!DOCTYPE ...>), which is not read: entities can fill all "
            "memory or fetch other files",
            "have it written without a DTD",
        )

    def _broken(self, error: expat.ExpatError) -> NoReturn:
        """Say where the document stops being XML; nothing after that place means anything."""
        ended = " before its end" if error.code in _ENDED else ""
        raise SourceError(
            f"{self._where} is not well-formed XML{ended}: {expat.ErrorString(error.code)} on line "
            f"{error.lineno}, column {error.offset + 1}",
            "repair it or fetch it again: what follows that place cannot be told apart from data",
            file=self._file,
            line=error.lineno,
        ) from error


def local(name: str) -> str:
    """Give a name without its prefix."""
    return name.rpartition(":")[2]


def attribute(attributes: Mapping[str, Any], wanted: str) -> str | None:
    """Give an attribute by its name without prefix."""
    for name, value in attributes.items():
        if local(name) == wanted:
            found: str = value
            return found
    return None
