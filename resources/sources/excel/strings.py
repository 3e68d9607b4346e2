"""The shared texts of a workbook, kept on disk: a large one has hundreds of megabytes of them."""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Callable
from functools import partial
from typing import IO

from resources.sources.excel.cells import unescaped
from resources.sources.excel.package import Package
from resources.sources.excel.spool import room
from resources.sources.xml_parser import local


class SharedStrings:
    """Texts by their number."""

    def __init__(self, package: Package, part: str | None) -> None:
        """Read the part, where there is one."""
        self._ends = array("Q", [0])
        self._texts: mmap.mmap | bytes = b""
        if part is None:
            return
        with room(), tempfile.TemporaryFile() as file:
            for _ in package.parse(part, _Texts(partial(self._add, file))):
                pass
            if self._ends[-1]:
                file.flush()
                self._texts = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __getitem__(self, at: int) -> str:
        """Give a text; raises IndexError for a number that there is not."""
        if at < 0:
            raise IndexError(at)
        return self._texts[self._ends[at] : self._ends[at + 1]].decode()

    def _add(self, file: IO[bytes], text: str) -> None:
        """Take the next text."""
        data = text.encode()
        file.write(data)
        self._ends.append(self._ends[-1] + len(data))


class _Texts:
    """Collects texts: all runs of one, without the reading aids of East Asian text."""

    def __init__(self, add: Callable[[str], None]) -> None:
        self._add = add
        self._pieces: list[str] = []
        self._in_text = False
        self._aids = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """Begin a text or a run of it."""
        name = local(name)
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._aids += 1
        elif name == "t":
            self._in_text = not self._aids

    def end(self, name: str) -> None:
        """End it."""
        name = local(name)
        if name == "t":
            self._in_text = False
        elif name == "rPh":
            self._aids -= 1
        elif name == "si":
            self._add(unescaped("".join(self._pieces)))

    def text(self, text: str) -> None:
        """Take a piece of text."""
        if self._in_text:
            self._pieces.append(text)
