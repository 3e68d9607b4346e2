"""One JSON answer, streamed: its records go to a file of lines, and what pages need is noted.

The text of each record stays as it is written, so that the reader of JSON Lines decides about
numbers, keys and nesting as it does for files.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from resources.errors import SourceError, did_you_mean
from resources.sources.decoding import utf8_blocks
from resources.sources.encoding import find_encoding
from resources.sources.web.walk import LIGHT, Walk

ITSELF: Final = "."
"""As `records=`: the answer is itself the one record."""
_MOST_OTHERS: Final = 100_000
_ENDS: Final = re.compile(r"[\r\n]")


@dataclass(slots=True)
class Found:
    """What one answer held. values: by dotted path; others: records that are no objects.

    missing: of a path with nothing at its end, the name that is not there, and those that are.
    is_file: it is no JSON document, but a file for the reader of its format.
    """

    records: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    others: list[tuple[int, str]] = field(default_factory=list)
    missing: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of an answer, and what is known of it.

    records: the dotted path of the list of records; "" where the answer is that list, or lines of
    JSON. values: dotted paths of values to note. most: bytes of text.
    """

    records: str
    values: tuple[str, ...] = ()
    place: str = "the answer"
    encoding: str | None = None
    most: int = 1_000_000_000


def extract(body: Path, into: Path, wanted: Wanted) -> Found:
    """Write an answer's records to `into`, one on a line.

    Raises CutOff, or SourceError naming the place.
    """
    found = Found()
    with into.open("w", encoding="utf-8", newline="\n") as target:
        _Document(Walk(_texts(body, wanted), wanted.place), target, found, wanted).read()
    return found


class _Document:
    """One pass over one answer."""

    def __init__(self, walk: Walk, target: TextIO, found: Found, wanted: Wanted) -> None:
        self._walk, self._target, self._found = walk, target, found
        records = wanted.records
        self._path = tuple(records.split(".")) if records not in ("", ITSELF) else ()
        self._records = records
        self._wanted = [tuple(path.split(".")) for path in wanted.values if path]
        self._seen = False
        self._keys: tuple[str, list[str]] = ("", [])

    def read(self) -> None:
        """Read it all."""
        walk, sign = self._walk, self._walk.sign()
        if sign == "":
            return  # an empty answer has no record
        if self._records == ITSELF or (not self._path and sign == "{"):
            self._whole()
        elif not self._path and sign == "[":
            self._elements()
        elif sign == "{":
            self._object(())
            if not self._seen:
                raise self._no_records()
        else:
            raise walk.wrong("an object was expected, to look for the records in")
        if walk.sign():
            raise walk.wrong("there is text after its end")

    def _whole(self) -> None:
        """Take the answer as one record, or as the first of many lines."""
        walk = self._walk
        text = walk.value()
        if self._records == ITSELF:
            self._note((), text)
            self._record(text)
        elif walk.sign():
            self._found.is_file = True
            walk.rest()
        else:
            lists = [k for k, v in LIGHT.decode(text).items() if isinstance(v, list)]
            raise SourceError(
                f"{walk.place} answers with one object, and it is not said where its records are",
                (f"say it: source.read(records={lists[0]!r})" if lists else "say records=")
                + (f"; its lists are {', '.join(lists)}" if len(lists) > 1 else "")
                + f"; records={ITSELF!r} takes the object itself as a record",
            )

    def _object(self, at: tuple[str, ...]) -> None:
        """Walk through an object on the way to the records."""
        walk = self._walk
        keys = []
        for key in walk.names():
            keys.append(key)
            here = (*at, key)
            if here == self._path:
                self._list()
            elif here == self._path[: len(here)] and walk.sign() == "{":
                self._object(here)
            else:
                self._note(here, walk.value())
        if self._path[: len(at)] == at and not self._seen and self._path[len(at)] not in keys:
            self._keys = (self._path[len(at)], keys)
        for path in self._wanted:
            if path[: len(at)] == at and path[len(at)] not in keys:
                self._found.missing[".".join(path)] = (path[len(at)], keys)

    def _list(self) -> None:
        """Take the records where they are expected."""
        self._seen = True
        sign = self._walk.sign()
        if sign == "[":
            self._elements()
        elif (text := self._walk.value()) != "null":
            raise SourceError(
                f"{self._walk.place} has no list at records={self._records!r}, but {text[:40]}",
                "name the path of a list of objects",
            )

    def _elements(self) -> None:
        """Take each element of a list."""
        for text in self._walk.elements():
            self._record(text)

    def _record(self, text: str) -> None:
        """Write one record down; what is no object leaves an empty line in its place."""
        self._found.records += 1
        if text.startswith("{"):
            self._target.write(_ENDS.sub(" ", text) + "\n")
        else:
            self._target.write("\n")
            self._found.others.append((self._found.records, text))
            if len(self._found.others) > _MOST_OTHERS:
                raise SourceError(
                    f"{self._walk.place}: more than {_MOST_OTHERS:,} of its records are no objects",
                    "correct records=: the dotted path of a list of objects",
                )

    def _note(self, at: tuple[str, ...], text: str) -> None:
        """Note the wanted values that lie in this one."""
        for path in self._wanted:
            if path[: len(at)] != at:
                continue
            value: Any = LIGHT.decode(text)
            name = ".".join(path)
            for key in path[len(at) :]:
                if isinstance(value, dict) and key not in value:
                    self._found.missing[name] = (key, list(value))
                value = value.get(key) if isinstance(value, dict) else None
            self._found.values[name] = value

    def _no_records(self) -> SourceError:
        """Say that there is nothing where the records should be, and what there is."""
        missing, keys = self._keys
        return SourceError(
            f"{self._walk.place} has no {self._records!r}{did_you_mean(missing, keys)}",
            f"correct records=; there it has {', '.join(keys[:8]) or 'nothing'}",
        )


def _texts(body: Path, wanted: Wanted) -> Iterator[str]:
    """Stream the answer's text."""
    if body.stat().st_size == 0:
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    done = 0
    for block in utf8_blocks(body, find_encoding(body, wanted.encoding)):
        done += len(block)
        if done > wanted.most:  # it was packed twice: the file itself is gzip
            raise SourceError(
                f"{wanted.place} answers with more than {wanted.most / 1e6:,.6g} MB",
                "ask for less at a time (pages=), or raise limits={'answer_mb': ...}",
            )
        yield decoder.decode(block)
