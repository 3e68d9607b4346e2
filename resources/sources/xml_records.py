"""The records of one XML file: an element each, with what lies in it flattened."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resources.errors import SourceError, did_you_mean
from resources.limits import LARGEST_RECORD, MOST_COLUMNS
from resources.sources.decoding import Encoding, utf8_blocks
from resources.sources.encoding import find_encoding
from resources.sources.packed import DEFAULT_LIMITS, Limits, opened
from resources.sources.xml_nodes import Node, Record, flatten
from resources.sources.xml_parser import XmlParser, local

_DECLARED: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_BOMS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def xml_encoding(file: Path, asked: str | None, limits: Limits = DEFAULT_LIMITS) -> Encoding:
    """Tell a file's encoding: what was asked for, else BOM, else its declaration, else UTF-8."""
    with opened(file, limits) as stream:
        head = stream.read(1024)
    if not head.strip():
        raise SourceError(
            f"{file} is empty", "put data in it, or take it off source=", file=str(file)
        )
    if asked is None and not head.startswith(_BOMS):
        for mark, codec in ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be")):
            if head.startswith(mark):
                return Encoding(codec)
        declared = _DECLARED.match(head.lstrip())
        asked = declared[1].decode().lower() if declared else "utf-8"
        if asked.startswith(("utf-16", "utf-32", "ucs-")):  # or this could not have been read
            asked = "utf-8"
    return find_encoding(file, asked, limits)


def find_records(file: Path, encoding: Encoding, limits: Limits = DEFAULT_LIMITS) -> str:
    """Give the path of the first child of the root that repeats, or of its only child."""
    seen = _Children()
    parser = XmlParser(seen, str(file), file=str(file), encoding="utf-8")
    for _ in parser.feed(utf8_blocks(file, encoding, limits)):
        if seen.repeated:
            return f"/{seen.root}/{seen.repeated}"
    if len(seen.counts) == 1:
        return f"/{seen.root}/{next(iter(seen.counts))}"
    names = ", ".join(list(seen.deeper)[:10])
    raise SourceError(
        f"{file} does not show which of its elements are records: no child of <{seen.root}> repeats"
        + (f" (in it are {names})" if names else ""),
        "name the element, for example source.read(records='item')",
        file=str(file),
    )


def read_records(
    file: Path,
    encoding: Encoding,
    records: str,
    lists: set[str],
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Record]:
    """Stream the records of one file. Raises SourceError where it has none of that name.

    lists: the columns whose elements repeat in some record: lists in all. Those found are added.
    """
    builder = _Builder(records, lists)
    parser = XmlParser(builder, str(file), file=str(file), encoding="utf-8")
    builder.parser = parser
    count = 0
    for _ in parser.feed(utf8_blocks(file, encoding, limits)):
        count += len(builder.records)
        yield from builder.records
        builder.records.clear()
    if not count and len(builder.others) > 1:  # more than a root
        known = list(builder.others)
        raise SourceError(
            f"{file} has no element {records!r}{did_you_mean(records, known)}",
            f"name one of its elements: {', '.join(known[:10])}",
            file=str(file),
            records=records,
        )


class _Children:
    """Counts the children of the root until one repeats."""

    def __init__(self) -> None:
        self.root = ""
        self.repeated = ""
        self.counts: Counter[str] = Counter()
        self.deeper: Counter[str] = Counter()
        self._depth = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """Count an element."""
        self._depth += 1
        if self._depth == 1:
            self.root = name
        elif self._depth == 2:
            self.counts[name] += 1
            if self.counts[name] > 1 and not self.repeated:
                self.repeated = name
        if self._depth > 1 and len(self.deeper) < 100:
            self.deeper[name] += 1

    def end(self, _name: str) -> None:
        """Leave an element."""
        self._depth -= 1

    def text(self, text: str) -> None:
        """Pass over text."""


class _Builder:
    """Builds one record at a time; `others` are names of elements outside records."""

    parser: XmlParser

    def __init__(self, records: str, lists: set[str]) -> None:
        self.records: list[Record] = []
        self._lists = lists
        self.others: dict[str, None] = {}
        self._wanted = records.strip("/").split("/")
        self._from_root = records.startswith("/")
        self._outside: list[str] = []
        self._stack: list[Node] = []
        self._size = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        stack = self._stack
        if stack:
            node = Node(name, attributes)
            stack[-1].items.append(node)
            stack[-1].deep = True
            stack.append(node)
            self._take(name, attributes)
        elif self._is_record(name):
            self._size = 0
            stack.append(Node(name, attributes))
            self._take(name, attributes)
        else:
            self._outside.append(name)
            if len(self.others) < 100:
                self.others[local(name)] = None

    def end(self, _name: str) -> None:
        """End an element."""
        if not self._stack:
            self._outside.pop()
            return
        node = self._stack.pop()
        if not self._stack:
            record = flatten(node, "", {}, self._lists)
            self._hold(len(record))
            self.records.append(record)

    def text(self, text: str) -> None:
        """Take a piece of text."""
        if self._stack:
            self._stack[-1].items.append(text)
            self._grow(len(text))

    def _is_record(self, name: str) -> bool:
        """Tell whether an element that begins here is a record."""
        wanted = self._wanted
        if name != wanted[-1] and local(name) != wanted[-1]:
            return False
        path = [*self._outside, name]
        if len(path) < len(wanted) or (self._from_root and len(path) != len(wanted)):
            return False
        ends = path[-len(wanted) :]
        return all(one in (found, local(found)) for one, found in zip(wanted, ends, strict=True))

    def _take(self, name: str, attributes: dict[str, str]) -> None:
        """Count an element of a record with what its tag holds."""
        self._hold(len(attributes))
        self._grow(len(name) + 100 + sum(len(n) + len(v) for n, v in attributes.items()))

    def _hold(self, fields: int) -> None:
        """Hold a record to as many fields as a table may have columns."""
        if fields > MOST_COLUMNS:
            self.parser.refuse(
                f"has a record of {fields:,} fields; a table is read with up to {MOST_COLUMNS:,}",
                "write what is keyed by data as elements of one name, or name a smaller element "
                "as records=",
            )

    def _grow(self, by: int) -> None:
        """Hold a record to a size that fits in memory."""
        self._size += by
        if self._size > LARGEST_RECORD:
            self.parser.refuse(
                f"has a record of more than {LARGEST_RECORD >> 20} MB",
                "name a smaller element as records=",
            )
