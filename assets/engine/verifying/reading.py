"""Reading files again: which ones, in which order, and what each was found to be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from assets.engine.due import parse_time
from assets.engine.findings import CORRUPTED, CURRENT, MISSING
from assets.engine.verifying.named import LET_GO, Named
from catalog.records import Finding
from resources.caches import read_cache, write_cache
from resources.files import file_facts


class Memory:
    """When each file was read last, and what it was to be, kept in a cache.

    Without it, when a file was written counts, and what only damaged events name is not known.
    """

    def __init__(self, cache: Path) -> None:
        """Remember in the JSON file `cache`, which may be deleted at any time."""
        self._cache = cache
        self._known: dict[str, str] = {}
        self._named: dict[str, Named] = {}
        with suppress(OSError, ValueError, TypeError):
            for path, read, *facts in json.loads(read_cache(cache) or b"{}").get("files", ()):
                self._known[path], self._named[path] = read, Named(path, *facts)

    def of(self, file: Named) -> str:
        """Give when a file's bytes were last known to be right."""
        return max(self._known.get(file.path, ""), file.at)

    def read(self, file: Named, at: str) -> None:
        """Note that a file was read."""
        self._known[file.path] = at

    def named_by(self, keys: Collection[str]) -> Iterator[Named]:
        """Give what events of these assets named, as far as it was seen before."""
        named = self._named.values()
        yield from (file for file in named if file.key in keys and file.kind != CURRENT)

    def save(self, files: Iterable[Named]) -> None:
        """Keep what is known of the files that there are."""
        known = [
            (f.path, self._known.get(f.path, ""), f.kind, f.key, f.version, f.checksum, f.at)
            for f in files
        ]
        with suppress(OSError):
            write_cache(self._cache, json.dumps({"files": known}).encode())


@dataclass(frozen=True, slots=True)
class Budget:
    """How much to read. bytes: at least so many, those first that were not read for longest.

    days: whatever the bytes, what would otherwise not be read within so many days (0 = no such
    promise). most: never more than so many bytes (0 = as many as it takes).
    """

    bytes: int
    days: float = 0
    most: int = 0


def chosen(
    files: list[Named], memory: Memory, data: Path, budget: Budget | None, now: datetime
) -> Iterator[Named]:
    """Give the files to read, those first that were not read for longest; all without a budget."""
    used = 0
    for file in sorted(files, key=lambda f: (memory.of(f), f.path)):
        if budget is not None:
            age = now - parse_time(memory.of(file))
            # A day early, since the next run comes a day later.
            due = budget.days > 0 and age >= timedelta(days=max(budget.days - 1, 0))
            if (used >= budget.bytes and not due) or (budget.most and used >= budget.most):
                return
            used += size_of(data / file.path)
        yield file


def size_of(path: Path) -> int:
    """Give a file's size, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def look_at(data: Path, file: Named, since: str) -> Finding | None:
    """Read a file and hold it against the record; None where it is as it was written."""
    checksum = file.checksum or checksum_of(data, file.whole)
    path = data / file.path
    missing = Finding(file.path, file.kind, file.key, MISSING, since, file.version)
    try:
        found = file_facts(path)
        status = path.stat()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and file.kind in LET_GO:
            return None
        return replace(missing, detail=error.strerror or "")
    if found.checksum == checksum:
        return None
    return replace(
        missing,
        found=CORRUPTED,
        detail=f"{found.bytes} bytes, checksum {found.checksum[:8]} for {checksum[:8]}",
        bytes=found.bytes,
        mtime_ns=found.mtime_ns,
        ctime_ns=status.st_ctime_ns,
    )


def checksum_of(data: Path, paths: Iterable[str]) -> str:
    """Give the checksum of files one behind the other ("" where one cannot be read)."""
    digest = hashlib.sha256()
    try:
        for path in paths:
            with (data / path).open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()
