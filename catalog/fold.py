"""Folding: events become `catalog.duckdb`, in a private copy that replaces the old in one step."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from catalog.errors import FoldError
from catalog.events import CorruptEventError, EventStore, NewerEventError, tail
from catalog.marks import Mark, mark_of, newest, still_there
from catalog.reading import quoted
from catalog.records import AnyEvent
from catalog.tables import Tables
from resources.caches import read_cache, write_cache
from resources.disk import free_bytes
from resources.files import sync_folder

if TYPE_CHECKING:
    import duckdb

_STORAGE: Final = "v1.5.0"
_BATCH: Final = 5_000
_ROOM: Final = 64_000_000
_SMALL_BLOCK: Final = 16_384
"""Where a disk has less room than that, a catalog is made of small blocks: a tenth of the size."""
_RECORD: Final = logging.getLogger("dataops.record")
Seen = Callable[[AnyEvent], None]


class _Published(msgspec.Struct, frozen=True):
    """What was published: which bytes (size, mtime), and how far the events were read.

    A `catalog.duckdb` with any other size or time was changed by somebody else. There are two, so
    that it is known whichever of them a fold that was killed has left.
    """

    format: str
    files: tuple[tuple[int, int], ...]
    marks: dict[str, int]
    newest: tuple[Mark, ...]


@contextmanager
def fold_lock(path: Path, wait: float) -> Iterator[bool]:
    """Hold the one lock of the fold; give False where another holds it for `wait` seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        end = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    yield False
                    return
                time.sleep(0.02)
        try:
            yield True
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def fold_into(
    data: Path,
    catalog: Path,
    events: EventStore,
    *,
    rebuild: bool = False,
    anew: bool = False,
    seen: Seen,
) -> int:
    """Bring the published catalog up to date; the caller holds the lock. Give the events folded.

    A catalog that is not what was last published, or not of these events or this format, is made
    from the events alone. anew: publish even where nothing is new. seen: told every folded event.
    """
    before = None if rebuild else _published(data, catalog, events)
    new: Mapping[str, int] = {}
    if before is not None:
        new = _moved(events, before.marks)
        ours = before.files[-1] == _identity(catalog) and not _wal(catalog).exists()
        if ours and not new and not anew:
            return 0
    staging = data / ".staging"
    staging.mkdir(parents=True, exist_ok=True)
    for left in staging.glob("catalog-*.duckdb*"):
        left.unlink(missing_ok=True)  # a fold that died; nobody else writes these: we hold the lock
    copy = staging / f"catalog-{os.getpid()}.duckdb"
    try:
        done = None if before is None else _again(data, catalog, copy, events, before, seen)
        if done is None:
            copy.unlink(missing_ok=True)
            done = _from_scratch(data, copy, events, seen)
        _publish(data, copy, catalog, done)
        return done.count
    finally:
        for left in (copy, _wal(copy)):
            left.unlink(missing_ok=True)


class _Done(msgspec.Struct, frozen=True):
    """What one fold did: how many events, how far it got, and the newest events it knows."""

    count: int
    marks: dict[str, int]
    newest: tuple[Mark, ...]


def _published(data: Path, catalog: Path, events: EventStore) -> _Published | None:
    """Give what is known of the published file; None where it is not ours or of other events."""
    try:
        text = read_cache(data / "cache" / "folded.json")
        if text is None:
            return None
        known = msgspec.json.decode(text, type=_Published)
        ours = known.format == _format() and _identity(catalog) in known.files
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    if not ours or events.lost(known.marks) or not still_there(events, known.newest):
        return None
    return known


def _format() -> str:
    """Give what changes with the tables, the views and how they are filled."""
    home = Path(__file__).parent
    digest = hashlib.sha256()
    for name in ("schema.sql", "rows.py", "tables.py"):
        digest.update((home / name).read_bytes())
    return digest.hexdigest()[:16]


def _identity(path: Path) -> tuple[int, int]:
    """Give a file's size and time of change."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _wal(path: Path) -> Path:
    """Give where DuckDB keeps a file's changes until they are merged; a published one has none."""
    return path.with_name(f"{path.name}.wal")


def _moved(events: EventStore, marks: Mapping[str, int]) -> dict[str, int]:
    """Give the streams that have new events, and the number to go on from."""
    found = {stream: marks.get(stream, 0) for stream in events.streams()}
    return {stream: found[stream] for stream in events.advanced(found)}


def _again(
    data: Path, catalog: Path, copy: Path, events: EventStore, before: _Published, seen: Seen
) -> _Done | None:
    """Fold into a copy of what is published; None where that cannot be used."""
    import duckdb

    shutil.copyfile(catalog, copy)
    if _identity(catalog) not in before.files:
        return None  # somebody's writing session ended while it was copied
    try:
        return _fold(data, copy, events, before.newest, new=False, seen=seen)
    except duckdb.Error:
        return None


def _from_scratch(data: Path, copy: Path, events: EventStore, seen: Seen) -> _Done:
    """Fold all events into a new file; raises FoldError where DuckDB cannot write it."""
    import duckdb

    try:
        return _fold(data, copy, events, (), new=True, seen=seen)
    except duckdb.Error as error:
        raise FoldError(
            f"the catalog could not be made from the events: {str(error).strip()}",
            "events and files are safe; see that the disk has room, then run `dataops plan`",
            file=str(copy),
        ) from error


def _publish(data: Path, copy: Path, catalog: Path, done: _Done) -> None:
    """Replace the published file; a WAL that somebody's writing session left would not fit it."""
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    files = [_identity(copy)]
    with suppress(FileNotFoundError):
        files.insert(0, _identity(catalog))
    known = _Published(_format(), tuple(files), done.marks, done.newest)
    write_cache(data / "cache" / "folded.json", msgspec.json.encode(known))
    _wal(catalog).unlink(missing_ok=True)
    copy.replace(catalog)
    sync_folder(catalog.parent)


def _fold(
    data: Path, copy: Path, events: EventStore, known: tuple[Mark, ...], *, new: bool, seen: Seen
) -> _Done:
    """Fold new events into one private file."""
    import duckdb

    con = duckdb.connect(config={"threads": 1})
    try:
        options = f"STORAGE_VERSION '{_STORAGE}'"
        if new and (free_bytes(data) or _ROOM) < _ROOM:
            options += f", BLOCK_SIZE {_SMALL_BLOCK}"
        con.execute(f"ATTACH '{quoted(copy)}' AS c ({options})")
        con.execute("USE c")
        if new:
            con.execute(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))
        done = _fill(con, data, events, known, seen)
        con.execute("USE memory")
        con.execute("DETACH c")
        return done
    finally:
        con.close()


def _fill(
    con: duckdb.DuckDBPyConnection,
    data: Path,
    events: EventStore,
    known: tuple[Mark, ...],
    seen: Seen,
) -> _Done:
    """Add the rows of all events that the file does not have yet, and the views of their assets."""
    folded = con.execute("SELECT stream, max(number) FROM folded GROUP BY stream").fetchall()
    marks: dict[str, int] = dict(folded)
    tables = Tables(con, data)
    proof = list(known)
    count = waiting = 0
    for stream, number in _moved(events, marks).items():
        last = number
        for event in _sound(events, stream, number):
            tables.add(event)
            seen(event)
            last = event.number
            waiting += 1
            proof.append(mark_of(event, stream))
        marks[stream] = last
        tables.folded(stream, last)
        if waiting >= _BATCH:
            tables.flush()
            proof = list(newest(proof))
            count, waiting = count + waiting, 0
    tables.flush()
    tables.make_views()
    return _Done(count + waiting, marks, newest(proof))


def _sound(events: EventStore, stream: str, after: int) -> Iterator[AnyEvent]:
    """Give a stream's new events; what comes behind a damaged one is left out, and that is said."""
    try:
        yield from tail(events, stream, after)
    except NewerEventError:
        raise
    except CorruptEventError as error:
        _RECORD.warning("the catalog leaves out what came after: %s", error.problem)
