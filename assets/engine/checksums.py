"""Checksums of files by size and time: hashed once, and again only when it was touched."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from resources.caches import read_cache, write_cache
from resources.files import FileFacts, file_facts


class Checksums:
    """Remember checksums of files, by path, size and modification time."""

    def __init__(self, cache: Path) -> None:
        """Remember in the JSON file `cache`, which may be deleted at any time."""
        self._cache = cache
        self._known: dict[str, list[int | str]] | None = None
        self._new = False

    def of(self, path: Path, status: os.stat_result, *, anew: bool = False) -> str:
        """Give the file's sha256; `status` is its stat, taken just now. anew: read it again."""
        return self.facts(path, status, anew=anew).checksum

    def facts(self, path: Path, status: os.stat_result, *, anew: bool = False) -> FileFacts:
        """Give the file's sha256 with the size and the time that it belongs to, as `of` does."""
        known = self._load()
        entry = known.get(str(path))
        if not anew and entry is not None and entry[:2] == [status.st_size, status.st_mtime_ns]:
            return FileFacts(status.st_size, str(entry[2]), status.st_mtime_ns)
        facts = file_facts(path)
        known[str(path)] = [facts.bytes, facts.mtime_ns, facts.checksum]
        self._new = True
        return facts

    def save(self) -> None:
        """Keep what was learnt; where the data folder cannot be written it is learnt again."""
        if self._new and self._known is not None:
            with suppress(OSError):
                write_cache(self._cache, json.dumps({"files": self._known}).encode())
            self._new = False

    def _load(self) -> dict[str, list[int | str]]:
        """Read the cache when it is first needed."""
        if self._known is None:
            self._known = {}
            with suppress(OSError, ValueError):
                stored = json.loads(read_cache(self._cache) or b"{}")
                self._known = stored.get("files", {})
        return self._known


def checksums_of(data: Path, *paths: str) -> dict[str, str]:
    """Give the checksums of the files that an event is about to name ("" = none to name)."""
    found: dict[str, str] = {}
    for path in paths:
        if path and (data / path).is_file():
            found[path] = file_facts(data / path).checksum
    return found
