"""Files as they were when an attempt began: what comes later is the next version's.

Whoever reads a file from its beginning reads as far as it then went and no further, so that a log
that grows can be read; of any other change the engine is told.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from resources.errors import TransientError
from resources.files import FileFacts

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Pin:
    """One file: what its bytes were, and the file system's name for it."""

    path: Path
    bytes: int
    checksum: str
    mtime_ns: int
    ctime_ns: int
    inode: tuple[int, int]

    def change(self) -> str:
        """Tell what became of the file since ("" = nothing that matters, "grew", "changed")."""
        try:
            status = self.path.stat()
            if _stamp(status) == (self.bytes, self.mtime_ns, self.ctime_ns, self.inode):
                return ""
            if status.st_size < self.bytes or _checksum(self.path, self.bytes) != self.checksum:
                return "changed"
        except OSError:
            return "changed"
        if status.st_size > self.bytes:
            return "grew"
        same = (status.st_dev, status.st_ino) == self.inode
        return "changed" if same and status.st_mtime_ns != self.mtime_ns else ""


@dataclass(frozen=True, slots=True)
class Pins:
    """The files of an attempt. bounded: those that were read no further than they went."""

    files: Mapping[tuple[int, int], Pin]
    bounded: set[tuple[int, int]] = field(default_factory=set)
    guarded: set[Path] = field(default_factory=set)
    """Files whose readers look for changes themselves."""

    def only(self, paths: Iterable[Path]) -> Pins:
        """Give the pins of some of the files."""
        wanted = set(paths)
        return Pins({inode: pin for inode, pin in self.files.items() if pin.path in wanted})

    def came_later(self, path: Path) -> bool:
        """Tell whether a file is none of those that were there."""
        status = path.stat()
        there = (status.st_dev, status.st_ino) in self.files
        return not there and all(pin.path != path for pin in self.files.values())

    def guard(self, paths: Iterable[Path]) -> None:
        """Leave looking for changes to the readers of some files."""
        self.guarded.update(set(paths) & {pin.path for pin in self.files.values()})

    def need_steady(self) -> tuple[str, ...]:
        """Give what to say of files that grew; raises TransientError for any other change."""
        said = []
        for inode, pin in self.files.items():
            change = "" if pin.path in self.guarded else pin.change()
            if change == "changed" or (change == "grew" and inode not in self.bounded):
                raise TransientError(
                    f"{pin.path} was written to while it was read",
                    "nothing was published: run the same command again when nobody writes to it, "
                    "or have it written under another name and put in place by renaming",
                    file=str(pin.path),
                )
            if change:
                said.append(
                    f"{pin.path.name} grew while it was read: its first {pin.bytes:,} bytes are in "
                    "this version, what came later is the next version's"
                )
        return tuple(said)

    def within(self, raw: Any) -> Any:
        """Give an opened file as far as it went when it was pinned; any other as it is."""
        status = os.fstat(raw.fileno())
        inode = (status.st_dev, status.st_ino)
        pin = self.files.get(inode)
        if pin is None or status.st_size < pin.bytes:
            return raw
        self.bounded.add(inode)
        return io.BufferedReader(_Part(raw, pin.bytes), _BLOCK)


NO_PINS: Final = Pins({})


def pin_of(path: Path, status: os.stat_result, facts: FileFacts) -> Pin:
    """Pin a file: its status before it was hashed, and what came of that."""
    inode = (status.st_dev, status.st_ino)
    return Pin(path, facts.bytes, facts.checksum, facts.mtime_ns, status.st_ctime_ns, inode)


class _Part(io.RawIOBase):
    """The first bytes of a file."""

    def __init__(self, raw: Any, size: int) -> None:
        """Read `size` bytes of `raw`."""
        super().__init__()
        self._raw = raw
        self._left = size

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read what fits, up to the end of the part."""
        view = memoryview(buffer)[: max(self._left, 0)]
        count: int = self._raw.readinto(view) if len(view) else 0
        self._left -= count
        return count


def _stamp(status: os.stat_result) -> tuple[int, int, int, tuple[int, int]]:
    """Give what changes when a file does."""
    inode = (status.st_dev, status.st_ino)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, inode


def _checksum(path: Path, size: int) -> str:
    """Hash the first bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (block := file.read(min(size, _BLOCK))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()
