"""The catalog: heads for who must be exact, `catalog.duckdb` for everybody who reads."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from catalog.events import EventStore, tail
from catalog.heads import Head, advance
from catalog.records import FORMAT
from resources.files import replace_file

if TYPE_CHECKING:
    import duckdb


class _Cache(msgspec.Struct, frozen=True):
    """The heads as of the last fold, and how far each stream was folded."""

    format: int
    heads: dict[str, Head]


_CACHE: Final = msgspec.json.Decoder(_Cache)


class Catalog:
    """The catalog of one data folder, folded from its events."""

    def __init__(self, data: Path, events: EventStore) -> None:
        """Keep the catalog of `data`; nothing is read before it is asked for."""
        self.data = data
        self.events = events
        self.path = data / "catalog.duckdb"
        self.heads_path = data / "cache" / "heads.json"
        self._heads: dict[str, Head] = {}
        self._seen: os.stat_result | None = None

    def heads(self, keys: Iterable[str]) -> dict[str, Head]:
        """Give the exact heads of these assets: the cached ones, moved on by newer events."""
        self._load()
        wanted = list(dict.fromkeys(keys))
        known = {key: self._heads.get(key) or Head(key) for key in wanted}
        marks = {key: head.number for key, head in known.items()}
        marks |= {f"{key}/attempts": head.attempts for key, head in known.items()}
        for stream in self.events.advanced(marks):
            key = stream.partition("/")[0]
            for event in tail(self.events, stream, marks[stream]):
                known[key] = advance(known[key], event)
        self._heads.update(known)
        return known

    def _load(self) -> None:
        """Read the cache when it is new to this process; what it says is checked against events."""
        try:
            status = self.heads_path.stat()
            if self._seen is not None and status.st_mtime_ns == self._seen.st_mtime_ns:
                return
            cache = _CACHE.decode(self.heads_path.read_bytes())
        except (OSError, msgspec.MsgspecError):
            return
        self._seen = status
        if cache.format == FORMAT:
            for key, head in cache.heads.items():
                mine = self._heads.get(key)
                if mine is None or (mine.number, mine.attempts) < (head.number, head.attempts):
                    self._heads[key] = head

    def save_heads(self) -> None:
        """Keep the heads for the next process."""
        content = msgspec.json.encode(_Cache(FORMAT, self._heads))
        replace_file(self.heads_path, content)

    def fold(self, wait: float = 10.0, *, rebuild: bool = False, coalesce: bool = False) -> bool:
        """Publish the catalog; False where another process kept the lock for `wait` seconds.

        Nothing is lost then: the events are the record, and the next fold takes them in. With
        `coalesce`, a catalog published within the last second is left as it is, too.
        """
        from catalog.fold import fold_into, fold_lock

        if coalesce and self._just_published():
            return False
        with fold_lock(self.data / "catalog.lock", wait) as held:
            if not held:
                return False
            fold_into(self.data, self.path, self.events, rebuild=rebuild)
            keys = [
                stream for stream in self.events.streams() if "/" not in stream and "." in stream
            ]
            if rebuild:
                self._heads = {}
                self.heads_path.unlink(missing_ok=True)
                self._seen = None
            self.heads(keys)
            self.save_heads()
        return True

    def _just_published(self) -> bool:
        """Tell whether the catalog was published within the last second."""
        try:
            return time.time() - self.path.stat().st_mtime < 1.0
        except FileNotFoundError:
            return False

    def rebuild(self) -> None:
        """Make catalog and heads anew from the events alone."""
        self.fold(wait=60.0, rebuild=True)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open the published catalog to read: tables, views, macros, and assets (`raw.reviews`).

        Only files of the data folder can be read through it, and nothing can be written.
        """
        import duckdb

        if not self.path.is_file():
            self.fold()
        for last in (False, True):
            try:
                con = duckdb.connect(self.path, read_only=True)
                break
            except duckdb.Error:
                if last:
                    raise
        con.execute(f"SET VARIABLE data = '{_quoted(self.data)}'")
        allowed = ", ".join(
            f"'{_quoted(self.data / layer)}/'"
            for layer in ("raw", "processed", "output", "quarantine")
        )
        con.execute(f"SET allowed_directories = [{allowed}]")
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        return con


def _quoted(path: Path) -> str:
    """Write a path inside an SQL literal."""
    return str(path).replace("'", "''")
