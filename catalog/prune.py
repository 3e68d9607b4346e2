"""Prune: end the bytes of old versions, and of files that dead processes left behind."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from catalog.events import CorruptEventError, EventStore
from catalog.heads import Head
from catalog.history import caught_up, now, pruned_of, versions_of
from catalog.records import Materialized, Pruned
from resources.disk import is_full, keep_reserve, make_room
from resources.errors import DataOpsError
from resources.files import STAMP

ORPHAN_AGE: Final = 86_400.0
"""Seconds after which a file that no event names is taken for a dead attempt's."""
_SUFFIX: Final = {"raw": ".parquet", "processed": ".parquet", "output": ".csv"}
_VERSION_FILE: Final = re.compile(r"([a-z][a-z0-9_]*)_(\d{8}_\d{6})(\.[a-z]+)")
_ASIDE: Final = re.compile(r"\..+\.\d+\.[0-9a-f]{8,12}")


class ChangeError(DataOpsError):
    """A rollback, release or prune that cannot be done."""


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What a prune ends. versions: by key; files: paths of theirs; orphans: files nobody names."""

    versions: Mapping[str, tuple[int, ...]]
    files: Mapping[str, tuple[str, ...]]
    orphans: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class _Known:
    """An asset's versions: those whose files are there, and those that were pruned."""

    alive: tuple[Materialized, ...]
    gone: tuple[Materialized, ...]


def plan_prune(
    data: Path, events: EventStore, heads: Mapping[str, Head], keep: int, *, age: float = ORPHAN_AGE
) -> PrunePlan:
    """Say what pruning to the newest `keep` versions (at least 1) of each asset would end.

    Current and held versions stay, and so does every file that a version that stays shares, and
    the record of how its rows were made, also of those that it was appended to.
    age: seconds after which files that nobody names count as left behind.
    """
    if keep < 1:
        raise ChangeError("prune would keep nothing", "keep at least one version: --keep 1")
    versions: dict[str, tuple[int, ...]] = {}
    files: dict[str, tuple[str, ...]] = {}
    known: dict[str, _Known] = {}
    for key, head in heads.items():
        if head.damage[0]:
            continue  # files that damaged events name must not count as nobody's
        try:
            known[key] = _known(events, key)
        except CorruptEventError:
            continue
        newest = {version.number for version in known[key].alive[-keep:]}
        asked = {v.number for v in known[key].alive if v.number not in newest}
        leaving, paths = _leaving(known[key], asked, head)
        if leaving:
            versions[key], files[key] = leaving, paths
    orphans = (*_orphans(data, known, age), *_left_behind(data, age))
    every = [*(path for paths in files.values() for path in paths), *orphans]
    return PrunePlan(versions, files, orphans, sum(_size(data / path) for path in every))


def prune(
    data: Path, events: EventStore, heads: Mapping[str, Head], plan: PrunePlan, *, by: str
) -> None:
    """End the bytes that a plan names: for each asset first the event, then the files.

    In this order a kill in between leaves files that the next prune finds, never a version that
    claims bytes it no longer has; and a rollback at the same moment either comes before, and its
    version is spared, or after, and is refused. A version that became current since stays.
    """
    for path in plan.orphans:  # first: they make room on a full disk, and need no event
        if (data / path).is_dir():
            shutil.rmtree(data / path, ignore_errors=True)
        else:
            (data / path).unlink(missing_ok=True)
    for key, versions in plan.versions.items():
        for path in _recorded(data, events, heads[key], versions, by):
            (data / path).unlink(missing_ok=True)
    keep_reserve(data)


def _recorded(
    data: Path, events: EventStore, head: Head, versions: tuple[int, ...], by: str
) -> tuple[str, ...]:
    """Append the event of one asset's prune, also on a disk that has no byte left for it.

    Then what can be made again gives way, and at last the first file that is to end anyway: of an
    old version, which a kill at this moment would leave without it.
    """
    try:
        return _record(data, events, head, versions, by)
    except OSError as error:
        if not is_full(error):
            raise
    if make_room(data):
        try:
            return _record(data, events, head, versions, by)
        except OSError as error:
            if not is_full(error):
                raise
    _, files = _leaving(_known(events, head.key), set(versions), caught_up(events, head))
    for path in files[:1]:
        (data / path).unlink(missing_ok=True)
    return _record(data, events, head, versions, by)


def _record(
    data: Path, events: EventStore, head: Head, versions: tuple[int, ...], by: str
) -> tuple[str, ...]:
    """Append the event of one asset's prune, as things stand now; give the files to end."""
    while True:
        head = caught_up(events, head)
        leaving, files = _leaving(_known(events, head.key), set(versions), head)
        if not leaving:
            return ()
        event = Pruned(
            id=uuid4().hex,
            at=now(),
            by=by,
            key=head.key,
            number=head.number + 1,
            versions=leaving,
            files=files,
            bytes=sum(_size(data / path) for path in files),
        )
        if events.put(head.key, event.number, event):
            return files


def _known(events: EventStore, key: str) -> _Known:
    """Read an asset's versions."""
    versions, gone = versions_of(events, key), pruned_of(events, key)
    alive = tuple(version for version in versions if version.number not in gone)
    return _Known(alive, tuple(version for version in versions if version.number in gone))


def _leaving(known: _Known, asked: set[int], head: Head) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Give those of the versions asked for that may end, and the files that end with them."""
    current = head.current
    spared = {head.held, current.number if current is not None else 0}
    leaving = [v for v in known.alive if v.number in asked and v.number not in spared]
    numbers = {version.number for version in leaving}
    kept = {f.path for v in known.alive if v.number not in numbers for f in v.every_file}
    kept |= {f.path for f in current.every_file} if current is not None else set()
    files = dict.fromkeys(f.path for v in leaving for f in v.every_file if f.path not in kept)
    told = _told(known, [v for v in known.alive if v.number not in numbers])
    files |= dict.fromkeys(
        v.provenance_file for v in leaving if v.provenance_file and v.number not in told
    )
    files |= dict.fromkeys(v.boundary_file for v in leaving if v.boundary_file)
    return tuple(version.number for version in leaving), tuple(files)


def _told(known: _Known, staying: list[Materialized]) -> set[int]:
    """Give the versions whose records say how rows of the staying ones were made."""
    every = {version.number: version for version in (*known.gone, *known.alive)}
    told: set[int] = set()
    for version in staying:
        number = version.number
        while number in every and number not in told:
            told.add(number)
            number = every[number].base
    return told


def _orphans(data: Path, known: Mapping[str, _Known], age: float) -> Iterator[str]:
    """Give version files that no living version names.

    Only what looks like a version of a known asset, older than the asset's newest version: a
    newer file may belong to events that a restore lost, and other files to the user.
    """
    named = {f for versions in known.values() for f in _files(versions.alive)}
    ended = {f for versions in known.values() for f in _files(versions.gone)}
    sources = {key: _sources(versions) for key, versions in known.items()}
    for layer, suffix in _SUFFIX.items():
        for path in sorted((data / layer).glob(f"*{suffix}")):
            parts = _VERSION_FILE.fullmatch(path.name)
            key = f"{layer}.{parts[1]}" if parts is not None else ""
            versions = known.get(key)
            if parts is None or versions is None:
                continue
            relative = f"{layer}/{path.name}"
            if relative in named or path.name in sources[key]:
                continue
            stale = parts[2] < _newest(versions) and _age(path) > age
            if stale or relative in ended:
                yield relative


def _files(versions: tuple[Materialized, ...]) -> set[str]:
    """Give the paths of the versions' files."""
    return {file.path for version in versions for file in version.files}


def _sources(versions: _Known) -> set[str]:
    """Give the names of the files that versions were read from: they are the user's."""
    every = (*versions.alive, *versions.gone)
    return {source.path.rpartition("/")[2] for version in every for source in version.sources}


def _newest(versions: _Known) -> str:
    """Give the moment of the newest version that has files, as file names say it."""
    if not versions.alive:
        return ""
    return datetime.fromisoformat(versions.alive[-1].at).strftime(STAMP)


def _left_behind(data: Path, age: float) -> Iterator[str]:
    """Give what dead processes left: staged attempts, and files written aside."""
    for path in sorted((data / ".staging").glob("*")):
        inside = [path, *path.rglob("*")] if path.is_dir() else [path]
        if min((_age(one) for one in inside), default=0.0) > age:
            yield f".staging/{path.name}"
    for folder in ("events", "cache", "output/current"):
        for home, _, names in os.walk(data / folder):
            for name in names:
                path = Path(home, name)
                if _ASIDE.fullmatch(name) and _age(path) > age:
                    yield path.relative_to(data).as_posix()


def _age(path: Path) -> float:
    """Give the seconds since a file was last touched in any way (a restore keeps older times)."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return 0.0
    return time.time() - max(status.st_mtime, status.st_ctime)


def _size(path: Path) -> int:
    """Give the bytes of a file or a folder."""
    try:
        if path.is_dir():
            return sum(_size(one) for one in path.iterdir())
        return path.stat().st_size
    except FileNotFoundError:
        return 0
