"""Packed files: gzip and zstd streams and the members of zip archives, read as if they were plain.

A member of an archive is a path below the archive (`reviews.zip/2026/a.csv`): whatever opens its
files with `opened` reads it like a file.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from resources.errors import SourceError, did_you_mean
from resources.sources.pinned import NO_PINS, Pins

if TYPE_CHECKING:
    from collections.abc import Generator

ARCHIVE: Final = ".zip"
_FREE: Final = 64 << 20
"""Bytes that may come out whatever the ratio: small files often repeat themselves."""
_MOST_MEMBERS: Final = 10_000
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read of a file: unpacked, gigabytes and times its packed size; and its pins."""

    gigabytes: float = 50.0
    ratio: float = 250.0
    pins: Pins = field(default=NO_PINS, compare=False)

    def most(self, packed: int) -> tuple[int, str]:
        """Give the most bytes that may come out of `packed` bytes, and the option that says so."""
        whole = int(self.gigabytes * 1e9)
        by_ratio = max(_FREE, int(packed * self.ratio))
        return (whole, "max_unpacked_gb") if whole <= by_ratio else (by_ratio, "max_ratio")


DEFAULT_LIMITS: Final = Limits()


@contextmanager
def opened(path: Path, limits: Limits = DEFAULT_LIMITS) -> Generator[BinaryIO]:
    """Open a source file, or a member of an archive, and unpack what its first bytes call packed.

    What is damaged, too large, or refused by the system becomes a SourceError.
    """
    with _explained(path), ExitStack() as stack:
        raw, size = _raw(path, stack, limits.pins)
        unpacked = _unpacked(raw, stack)
        if unpacked is raw and not isinstance(raw, zipfile.ZipExtFile):
            yield raw
        else:
            yield cast("BinaryIO", _Guard(unpacked, path, size, limits))


def expand(file: Path | str, member: str | None) -> list[Path | str]:
    """Give a file or a place itself, or the members of an archive that `member` names.

    member: a name or a pattern; without it these are all but hidden ones. Raises SourceError where
    there are none, or where two have one name (`a.csv`, `./a.csv`).
    """
    if isinstance(file, str) or file.suffix.lower() != ARCHIVE:
        if member is None:
            return [file]
        raise SourceError(
            f"{file} is read with member=, but it is no zip archive",
            f"take member= off, or name a {ARCHIVE} file",
            file=str(file),
        )
    with _explained(file), zipfile.ZipFile(file) as archive:
        names = [_name(info) for info in archive.infolist() if not info.is_dir()]
    if len(names) > _MOST_MEMBERS:
        raise SourceError(
            f"{file} has {len(names):,} members, more than {_MOST_MEMBERS:,}",
            "unpack it first",
            file=str(file),
        )
    wanted = [n for n in names if (fnmatchcase(n, member) if member else not _is_hidden(n))]
    if not wanted:
        what = f"has no member {member!r}{did_you_mean(member, names)}" if member else "is empty"
        held = f"; it holds {', '.join(names[:5])}" if member and names else ""
        raise SourceError(f"{file} {what}{held}", "name what it holds", file=str(file))
    places = Counter(map(_parts, names))
    if twice := next((name for name in sorted(wanted) if places[_parts(name)] > 1), None):
        raise SourceError(
            f"{file} has more than one member at {'/'.join(_parts(twice))!r}",
            "unpack it, give each a name of its own and pack it again",
            file=str(file),
            member=twice,
        )
    return [file.joinpath(*_parts(name)) for name in sorted(wanted)]


def is_member(path: Path) -> bool:
    """Tell whether a path is that of a member of an archive."""
    return any(p.suffix.lower() == ARCHIVE and p.is_file() for p in path.parents)


class _Guard:
    """What is unpacked, as far as the limits go."""

    def __init__(self, file: Any, path: Path, packed: int, limits: Limits) -> None:
        """Read `file`, which was unpacked from `packed` bytes."""
        self._file = file
        self._path = path
        self._packed = packed
        self._most, self._option = limits.most(packed)
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes (-1 = the rest); raises SourceError beyond the limits."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        data: bytes = self._file.read(size)
        self._read += len(data)
        if self._read > self._most:
            raise SourceError(
                f"{self._path} unpacks to more than {self._most / 1e6:,.0f} MB "
                f"from {self._packed / 1e6:,.3f} MB",
                f"if that is meant, allow more with {self._option}=",
                file=str(self._path),
            )
        return data


def _raw(path: Path, stack: ExitStack, pins: Pins) -> tuple[Any, int]:
    """Open a file or a member as it lies there; give it with its size on disk."""
    try:
        file = stack.enter_context(path.open("rb"))
    except NotADirectoryError:
        archive_path = next(parent for parent in path.parents if parent.is_file())
        wanted = path.relative_to(archive_path).parts
        archive = stack.enter_context(zipfile.ZipFile(archive_path))
        for info in archive.infolist():
            if not info.is_dir() and _parts(_name(info)) == wanted:
                return _member(path, archive, info, stack), info.compress_size
        raise SourceError(
            f"{archive_path} has no member {'/'.join(wanted)!r}",
            "name one that it holds",
            file=str(path),
        ) from None
    return pins.within(file), path.stat().st_size


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, stack: ExitStack) -> Any:
    """Open a member of an archive."""
    try:
        return stack.enter_context(archive.open(info))
    except (RuntimeError, NotImplementedError) as error:  # a password, or a rare method
        raise SourceError(
            f"{path} cannot be unpacked ({error})",
            "pack it with the usual method (deflate) and without a password",
            file=str(path),
        ) from error


def _unpacked(raw: Any, stack: ExitStack) -> Any:
    """Unpack a stream whose first bytes say gzip or zstd; give any other as it is."""
    head = raw.peek(4)[:4]
    if head.startswith(_GZIP):
        return stack.enter_context(gzip.GzipFile(fileobj=raw))
    if head == _ZSTD:
        import pyarrow as pa

        return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
    return raw


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what unpackers and the system say into a SourceError."""
    from lzma import LZMAError

    try:
        yield
    except (EOFError, zlib.error, zipfile.BadZipFile, LZMAError, gzip.BadGzipFile) as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno is None:  # said by an unpacker, not by the system
            raise _damaged(path, error) from error
        raise SourceError(
            f"{path} cannot be read ({error.strerror or error})",
            "check that the file is there and that this user may read it",
            file=str(path),
        ) from error


def _damaged(path: Path, error: Exception) -> SourceError:
    """Say that a packed file is damaged."""
    if isinstance(error, zipfile.BadZipFile) or ARCHIVE in str(path).lower():
        kind = "zip archive"
    else:
        kind = (
            "zstd file" if "ompress" in str(error) and isinstance(error, OSError) else "gzip file"
        )
    return SourceError(f"{path} is a damaged {kind} ({error})", "fetch it again", file=str(path))


def _name(info: zipfile.ZipInfo) -> str:
    """Give a member's name; Korean Windows writes them in CP949 without saying so."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode("cp949")
    except UnicodeError:
        return info.filename


def _parts(name: str) -> tuple[str, ...]:
    """Give the parts of a member's name; a leading slash does not lead out of the archive."""
    return tuple(part for part in name.split("/") if part not in ("", "."))


def _is_hidden(name: str) -> bool:
    """Tell what systems leave in archives beside the files: .DS_Store, __MACOSX/."""
    return any(p.startswith((".", "__MACOSX")) and p != ".." for p in _parts(name))
