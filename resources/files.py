"""Versioned files: written aside, hashed as written, re-read, then linked to a name never used."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from resources.errors import DataOpsError, TransientError

_BLOCK = 1 << 20
STAMP = "%Y%m%d_%H%M%S"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file's bytes: size, sha256 in hex, and modification time in ns."""

    bytes: int
    checksum: str
    mtime_ns: int


class HashingFile:
    """A binary file for writing that hashes all that passes through it (append only)."""

    def __init__(self, path: Path) -> None:
        """Create the file; it must not exist."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("xb")
        self._hash = hashlib.sha256()
        self._bytes = 0
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data` and count it into the hash."""
        count = memoryview(data).nbytes
        self._file.write(data)
        self._hash.update(data)
        self._bytes += count
        return count

    def tell(self) -> int:
        """Give the number of bytes written."""
        return self._bytes

    def flush(self) -> None:
        """Hand buffered bytes to the system."""
        self._file.flush()

    def close(self) -> None:
        """Flush, fsync and close."""
        if not self.closed:
            self.closed = True
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def abort(self) -> None:
        """Close without promising that anything reached the disk."""
        self.closed = True
        with suppress(OSError):
            self._file.close()

    def readable(self) -> bool:
        """Say that this file is for writing only."""
        return False

    def writable(self) -> bool:
        """Say that this file is for writing."""
        return True

    def seekable(self) -> bool:
        """Say that this file is append only."""
        return False

    def verified(self) -> FileFacts:
        """Close, read the file back from disk and compare it with what was written.

        Raises TransientError when the disk holds something else (a short write, a bad block).
        """
        self.close()
        facts = file_facts(self.path)
        if facts.checksum != self._hash.hexdigest():
            raise TransientError(
                f"{self.path} reads back {facts.bytes} bytes that differ from "
                f"the {self._bytes} written",
                "nothing was published; check the disk, then run the same command again",
                file=str(self.path),
            )
        return facts


def file_facts(path: Path) -> FileFacts:
    """Hash a file by streaming it: the size is what was hashed, the time that of before."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return FileFacts(size, digest.hexdigest(), status.st_mtime_ns)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link_version(
    staged: Path, folder: Path, name: str, suffix: str, *, at: datetime, after: str = ""
) -> Path:
    """Give a finished file its final name `<name>_<YYYYMMDD_HHMMSS><suffix>`, never used before.

    The time is UTC, never before the stamp `after` (the last version's); a taken second moves on.
    The staged name stays, so that nothing is lost when the caller dies here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    moment = at.astimezone(UTC).replace(microsecond=0)
    if after:
        moment = max(moment, datetime.strptime(after, STAMP).replace(tzinfo=UTC))
    while True:
        target = folder / f"{name}_{moment.strftime(STAMP)}{suffix}"
        try:
            os.link(staged, target)
        except FileExistsError:
            moment += timedelta(seconds=1)
            continue
        sync_folder(folder)
        return target


def stamp_of(path: str | Path) -> str:
    """Give the timestamp in a version file's name ("" where it has none)."""
    stem = Path(path).name.split(".")[0]
    stamp = stem[-15:]
    with suppress(ValueError):
        datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
        return stamp
    return ""


def replace_file(path: Path, content: bytes) -> None:
    """Replace a small file in one step: readers see the old bytes or the new ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def need_writable(folder: Path) -> None:
    """Raise DataOpsError, naming the folder and the user, where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write-{os.getpid()}-{os.urandom(4).hex()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataOpsError(
                f"the disk is full: the data folder {folder} takes nothing more ({error.strerror})",
                "make room (`dataops prune --keep N` frees old versions), then run the same "
                "command",
                folder=str(folder),
            ) from error
        raise DataOpsError(
            f"the data folder {folder} cannot be written by uid {os.getuid()} ({error.strerror})",
            "give that user write permission, or set DATAOPS_DATA to a folder that can be written",
            folder=str(folder),
        ) from error
