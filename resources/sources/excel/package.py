"""The parts of an .xlsx file, with limits on what they may unpack to, and what they say."""

from __future__ import annotations

import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from resources.errors import SourceError
from resources.sources.xml_parser import Handler, XmlParser, attribute, local

LARGEST: Final = 4 << 30
"""Bytes that one part may unpack to: a full sheet of Excel's with some 50 columns."""
RATIO: Final = 200
"""How much smaller than itself a part above `SMALL` may be packed: sheets reach 10 to 40."""
SMALL: Final = 16 << 20
_BLOCK: Final = 1 << 18
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,  # an unknown way of packing
    RuntimeError,  # a part with a password
    ValueError,
    OverflowError,
    OSError,
)


class Package:
    """One .xlsx file; close it when done."""

    def __init__(self, file: Path) -> None:
        """Open the file and list its parts."""
        self.file = file
        with self._damage():
            self._zip = zipfile.ZipFile(file)
            parts = self._zip.infolist()
        self._parts = {_part_name(part.filename): part for part in parts}

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def has(self, part: str) -> bool:
        """Tell whether there is such a part."""
        return part.lower() in self._parts

    def blocks(self, part: str) -> Iterator[bytes]:
        """Stream a part's bytes. Raises SourceError where it unpacks to more than the limits."""
        found = self._parts.get(part.lower())
        if found is None:
            raise damaged(self.file, f"it has no part {part}")
        self._limit(found)
        with self._damage(), self._zip.open(found) as stream:
            while block := stream.read(_BLOCK):
                yield block

    def parse(self, part: str, handler: Handler) -> Iterator[XmlParser]:
        """Stream a part through a handler, coming back after each block."""
        parser = XmlParser(handler, f"{self.file}, part {part},", file=str(self.file))
        for _ in parser.feed(self.blocks(part)):
            yield parser

    def elements(self, part: str, *names: str) -> list[tuple[str, dict[str, str]]]:
        """Read a small part: the elements of these names, in order, without prefixes."""
        found = _Elements(frozenset(names))
        for _ in self.parse(part, found):
            if len(found.found) > _MOST:
                raise damaged(self.file, f"{part} lists more than {_MOST:,} {names[0]}")
        return found.found

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Give (kind, part) of all that a part refers to, by its id."""
        folder, name = posixpath.split(part)
        listing = f"{folder}/_rels/{name}.rels".lstrip("/")
        if not self.has(listing):
            return {}
        found = {}
        for _, it in self.elements(listing, "Relationship"):
            target = unquote(it.get("Target", "")).replace("\\", "/")
            path = target if target.startswith("/") else posixpath.join("/", folder, target)
            kind = it.get("Type", "").rpartition("/")[2]
            found[it.get("Id", "")] = (kind, posixpath.normpath(path).lstrip("/"))
        return found

    def _limit(self, part: zipfile.ZipInfo) -> None:
        """Refuse a part by what its entry says; unpacking never goes beyond that."""
        size, packed = part.file_size, max(part.compress_size, 1)
        if size <= LARGEST and (size <= SMALL or size / packed <= RATIO):
            return
        raise SourceError(
            f"{self.file} unpacks {part.filename} from {packed:,} to {size:,} bytes; the limits "
            f"are {LARGEST:,} bytes and {RATIO} times",
            "a file like this is made to fill memory: if you trust it, save its data as CSV",
            file=str(self.file),
            part=part.filename,
        )

    @contextmanager
    def _damage(self) -> Generator[None]:
        """Turn what a damaged file leads to into a SourceError."""
        try:
            yield
        except _DAMAGE as error:
            raise damaged(self.file, plain_reason(error)) from error


def _part_name(name: str) -> str:
    """Give a part's name as it is looked for; some writers put a backslash between folders."""
    return name.replace("\\", "/").lower().lstrip("/")


_MOST: Final = 1_000_000


class _Elements:
    """Collects the elements of some names."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self.found: list[tuple[str, dict[str, str]]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Keep an element."""
        if local(name) in self._names:
            self.found.append((local(name), attributes))

    def end(self, name: str) -> None:
        """Pass over an end."""

    def text(self, text: str) -> None:
        """Pass over text."""


def plain_reason(error: Exception) -> str:
    """Say what is wrong with a workbook, without the words of the language that found it."""
    found = _NO_NUMBER.search(str(error))
    if found is not None:
        return f"{found[1] or found[2]} stands where a number belongs"
    if isinstance(error, KeyError):
        return f"it has {error} where nothing of that name belongs"
    return str(error) or "its parts contradict each other"


_NO_NUMBER: Final = re.compile(r"invalid literal for int\(\).*?: (.*)|could not convert .*?: (.*)")


def damaged(file: Path, reason: str) -> SourceError:
    """Say that a workbook is damaged."""
    return SourceError(
        f"{file} is a damaged Excel workbook ({reason})",
        "fetch it again, or open it in Excel, repair it and save it anew",
        file=str(file),
    )


def related_id(attributes: dict[str, str]) -> str:
    """Give the id by which an element refers to a part."""
    refer = {name: value for name, value in attributes.items() if ":" in name}
    return attribute(refer, "id") or ""
