"""The disk: how much room there is, a reserve for the record, and what its refusals mean."""

from __future__ import annotations

import errno
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from resources.errors import DataOpsError

FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNWRITABLE: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
ROOM: Final = "make room (`dataops prune --keep N` frees old versions), then run the same command"
_FULL: Final = re.compile("(?i)no space left on device|disk quota exceeded|disk is full")
"""What libraries say that hand an error on as a text of their own."""
_RESERVE: Final = ".reserve"
_SHARE: Final = 64
_LARGEST: Final = 1 << 20
_SMALLEST: Final = 8_192


class DiskError(DataOpsError):
    """The disk takes nothing: it is full, read-only, or does not work."""


def disk_error(error: BaseException) -> DiskError | None:
    """Say in a sentence what a disk refused; None where it was not the disk."""
    if not isinstance(error, OSError):
        return DiskError(f"the disk is full: {error}", ROOM) if _FULL.search(str(error)) else None
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in FULL:
        return DiskError(f"the disk is full{where}: {error.strerror}; nothing was changed", ROOM)
    if error.errno == errno.EROFS:
        return DiskError(
            f"the disk can only be read{where}: {error.strerror}",
            "mount it so that it can be written, or set DATAOPS_DATA to a folder that can be",
        )
    if error.errno in UNWRITABLE:
        return DiskError(
            f"uid {os.getuid()} may not do this{where}: {error.strerror}",
            "give that user the permission, or set DATAOPS_DATA to a folder that it may write",
        )
    if error.errno == errno.EIO:
        return DiskError(f"the disk does not work{where}: {error.strerror}", "check the disk")
    return DiskError(f"the disk is full: {error}", ROOM) if _FULL.search(str(error)) else None


def is_full(error: BaseException) -> bool:
    """Tell whether a disk had no room."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return _FULL.search(str(error)) is not None


def drop_catalog(data: Path) -> bool:
    """Give the disk the catalog's room, which is made again; False where there was none."""
    try:
        (data / "catalog.duckdb").unlink()
    except OSError:
        return False
    return True


def make_room(data: Path) -> bool:
    """Give a full disk room by what can be made again; False where there is no such thing."""
    freed = [release_reserve(data), drop_catalog(data)]
    if (data / "docs").is_dir():
        shutil.rmtree(data / "docs", ignore_errors=True)
        freed.append(True)
    return any(freed)


def free_bytes(folder: Path) -> int | None:
    """Give the room on a folder's disk for this user; None where that is not known."""
    for place in (folder, *folder.parents):
        with suppress(OSError):
            return shutil.disk_usage(place).free
    return None


def keep_reserve(data: Path) -> None:
    """Keep a little room in the data folder, so that a full disk still takes the record.

    It is written in full, since a disk gives a file with holes no room. Without room for it, or
    where the folder cannot be written, nothing is kept.
    """
    path = data / _RESERVE
    with suppress(OSError):
        if path.exists():
            return
        usage = shutil.disk_usage(data)
        size = min(_LARGEST, max(_SMALLEST, usage.total // _SHARE))
        if usage.free < 4 * size:
            return
        aside = data / f"{_RESERVE}.{os.getpid()}.{os.urandom(4).hex()}"
        try:
            with aside.open("xb") as file:
                for _ in range(0, size, _SMALLEST):
                    file.write(os.urandom(_SMALLEST))
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def release_reserve(data: Path) -> bool:
    """Give the reserve's room back to the disk; False where there was none."""
    try:
        (data / _RESERVE).unlink()
    except OSError:
        return False
    return True
