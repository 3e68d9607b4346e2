"""The catalog: heads for who must be exact, `catalog.duckdb` for everybody who reads."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from catalog.errors import FoldError
from catalog.events import CorruptEventError, EventStore, NewerEventError, tail
from catalog.heads import Head, advance
from catalog.marks import Mark, collector_paused, mark_of, newest, still_there
from catalog.records import FORMAT, AnyEvent
from resources.caches import read_cache, write_cache
from resources.disk import disk_error, free_bytes, is_full

if TYPE_CHECKING:
    import duckdb

    from catalog.reading import Answer

_RECORD: Final = logging.getLogger("dataops.record")


class _Cache(msgspec.Struct, frozen=True):
    """The heads as of the last fold, and the newest versions among them as proof."""

    format: int
    heads: dict[str, Head]
    newest: tuple[Mark, ...]


_CACHE: Final = msgspec.json.Decoder(_Cache)


class Catalog:
    """The catalog of one data folder, folded from its events."""

    def __init__(self, data: Path, events: EventStore, memory_mb: int = 400) -> None:
        """Keep the catalog of `data`; nothing is read before it is asked for.

        memory_mb: what a query may use.
        """
        self.data = data
        self._memory_mb = memory_mb
        self.events = events
        self.path = data / "catalog.duckdb"
        self.heads_path = data / "cache" / "heads.json"
        self._heads: dict[str, Head] = {}
        self._checked: set[str] = set()
        self._short: set[str] = set()
        self._seen = 0
        self._fold_seconds = 0.0
        self._told: set[str] = set()

    def heads(self, keys: Iterable[str]) -> dict[str, Head]:
        """Give the exact heads of these assets: the cached ones, moved on by newer events.

        What the cache says of events that are no longer there counts for nothing. Damaged events
        of an asset stop that asset alone: its head ends before them, and says so.
        """
        self._load()
        wanted = dict.fromkeys(keys)
        self._forget_lost([key for key in wanted if key not in self._checked])
        self._checked.update(wanted)
        known = {key: self._heads.get(key) or Head(key) for key in wanted}
        moved = {*self.events.advanced(_marks(known)), *self._short}
        # What was never made has no note; what has one, and no event, has lost it.
        moved |= {k for k, h in known.items() if not h.number and self.events.note_of(k)}
        for stream in sorted(moved):
            key, _, attempts = stream.partition("/")
            if key not in known:
                continue
            after = known[key].attempts if attempts else known[key].number
            try:
                for event in tail(self.events, stream, after):
                    known[key] = advance(known[key], event)
            except NewerEventError:
                raise
            except CorruptEventError as error:
                known[key] = replace(known[key], damage=(error.problem, error.fix))
        for key, head in known.items():
            if head.damage[0]:  # looked for again each time, as it may be mended
                self._heads.pop(key, None)
            else:
                self._heads[key] = head
        return known

    def _load(self) -> None:
        """Read the cache when it is new to this process and made from these events."""
        try:
            changed = self.heads_path.stat().st_mtime_ns
            if changed == self._seen:
                return
            text = read_cache(self.heads_path)
            if text is None:
                return
            with collector_paused():
                cache = _CACHE.decode(text)
        except (OSError, ValueError, msgspec.MsgspecError):
            return
        self._seen = changed
        if cache.format != FORMAT or not still_there(self.events, cache.newest):
            return
        for key, head in cache.heads.items():
            mine = self._heads.get(key)
            if mine is None or (mine.number, mine.attempts) < (head.number, head.attempts):
                self._heads[key] = head
                self._checked.discard(key)

    def _forget_lost(self, keys: Sequence[str]) -> None:
        """Begin again for assets whose last events are gone: a restore, or another data folder."""
        claimed = {key: head for key in keys if (head := self._heads.get(key)) is not None}
        for stream in self.events.lost(_marks(claimed)):
            self._heads.pop(stream.partition("/")[0], None)
            self._short.add(stream)

    def _save(self) -> None:
        """Keep the heads for the next process."""
        versions = (head.current for head in self._heads.values() if head.current is not None)
        proof = newest(mark_of(version) for version in versions)
        write_cache(self.heads_path, msgspec.json.encode(_Cache(FORMAT, self._heads, proof)))

    def fold(self, wait: float = 10.0, *, rebuild: bool = False, coalesce: bool = False) -> bool:
        """Publish the catalog and the heads; False where that was left to somebody else.

        So it is where another process keeps the lock for `wait` seconds, or this one may not
        write, or the disk is full. That is said; nothing is lost, since the events are the record,
        and the next fold takes them in.
        With `coalesce`, a catalog published within the last second (longer where folding takes
        long) is left as it is, too.
        """
        if coalesce and self._just_published():
            return False
        try:
            if self._fold_in_place(wait, rebuild=rebuild):
                return True
            why = "another process is at work on it"
        except (OSError, FoldError) as error:
            said = disk_error(error)
            if rebuild or (said is None and not isinstance(error, FoldError)):
                raise
            why = said.problem if said is not None else str(error)
        self._tell(why)
        return False

    def _fold_in_place(self, wait: float, *, rebuild: bool) -> bool:
        """Fold; where the disk holds the old catalog or the new one, not both, the new one."""
        try:
            return self._fold(wait, rebuild=rebuild)
        except (OSError, FoldError) as error:
            if not is_full(error) or not self._would_fit():
                raise
        self.path.unlink(missing_ok=True)
        return self._fold(wait, rebuild=True)

    def _would_fit(self) -> bool:
        """Tell whether the disk has room for one catalog, and not for two."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return False
        return size // 4 + 32_768 < (free_bytes(self.data) or 0) < 2 * size

    def _tell(self, why: str) -> None:
        """Say at once, and once, that the catalog does not know the last events."""
        if why in self._told:
            return
        self._told.add(why)
        known = "there is none"
        with suppress(OSError):
            moment = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
            known = f"it is as of {moment:%Y-%m-%d %H:%M:%S} UTC"
        _RECORD.warning("the catalog could not be brought up to date (%s); %s", why, known)

    def _fold(self, wait: float, *, rebuild: bool = False, anew: bool = False) -> bool:
        """Fold under the lock; anew: publish another file even where no event is new."""
        from catalog.fold import fold_into, fold_lock

        with fold_lock(self.data / "catalog.lock", wait) as held:
            if not held:
                return False
            began = time.monotonic()
            if rebuild:
                self._heads, self._checked = {}, set()
            else:
                self._load()
            count = fold_into(
                self.data, self.path, self.events, rebuild=rebuild, anew=anew, seen=self._follow
            )
            if count or rebuild or not self._seen:
                self._publish_heads()
            self._fold_seconds = time.monotonic() - began
        return True

    def _publish_heads(self) -> None:
        """Bring all heads up to date and keep them."""
        self.heads(s for s in self.events.streams() if "." in s and "/" not in s)
        self._save()
        self._seen = self.heads_path.stat().st_mtime_ns

    def _follow(self, event: AnyEvent) -> None:
        """Move a head on with an event that the fold has just read, if it is the next one."""
        key = getattr(event, "key", None)
        if key is None:
            return
        head = self._heads.get(key) or Head(key)
        moved = advance(head, event)
        if moved.number + moved.attempts == head.number + head.attempts + 1:
            self._heads[key] = moved

    def _just_published(self) -> bool:
        """Tell whether the catalog was published a moment ago."""
        try:
            age = time.time() - self.path.stat().st_mtime
        except FileNotFoundError:
            return False
        return 0 <= age < max(1.0, 10 * self._fold_seconds)

    def rebuild(self) -> bool:
        """Make catalog and heads anew from the events alone; False as in `fold`."""
        return self.fold(wait=60.0, rebuild=True)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open the published catalog: tables, views, macros, and assets (`raw.reviews`).

        The catalog cannot be written through it, and no file outside the data folder be touched.
        For queries that others wrote, use `query`: it lets them do nothing but read.
        """
        from catalog.reading import CatalogInUseError, connect

        if not self.path.is_file():
            self.fold()
        try:
            return connect(self.path, self.data, self._memory_mb)
        except CatalogInUseError:
            with suppress(OSError):  # a session that writes keeps the old file, readers get a new
                self._fold(2.0, anew=True)
            return connect(self.path, self.data, self._memory_mb)

    def query(
        self,
        sql: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        *,
        limit: int | None = None,
    ) -> Answer:
        """Answer one query, which can do nothing but read; raises QueryError where it is wrong.

        limit: how many rows to give at most.
        """
        from catalog.reading import read

        con = self.connect()
        try:
            return read(con, sql, parameters, limit)
        finally:
            con.close()


def _marks(heads: Mapping[str, Head]) -> dict[str, int]:
    """Give how far each stream of these assets was folded."""
    marks: dict[str, int] = {}
    for key, head in heads.items():
        marks[key] = head.number
        marks[f"{key}/attempts"] = head.attempts
    return marks
