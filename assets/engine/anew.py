"""Making an incremental asset anew: what its source has no more would no longer be published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assets.engine.errors import FileDamaged, SourceGone
from assets.engine.reasons import CORRUPTED, MISSING, Reason
from assets.model.declare import Asset
from assets.model.modes import REPLACE
from catalog.events import EventStore
from catalog.quarantine import version_before
from catalog.records import Materialized, SourceFile
from resources.sources.places import is_place
from resources.wording import counted

if TYPE_CHECKING:
    from assets.engine.make import Attempt


def files_read(events: EventStore, version: Materialized) -> Iterator[SourceFile]:
    """Stream the source files that a version's rows may come from, the last ones read first.

    A file stands there once for each version that was made when it was there.
    """
    step: Materialized | None = version
    while step is not None:
        yield from (source for source in step.sources if not is_place(source.path))
        step = None if step.mode == REPLACE else version_before(events, step)


def gone_files(
    events: EventStore, version: Materialized, now: Sequence[SourceFile]
) -> tuple[str, ...]:
    """Give the source files of a version that are not there any more, under whatever name."""
    paths, contents = {one.path for one in now}, {one.checksum for one in now}
    found = {
        one.path: None
        for one in files_read(events, version)
        if one.path not in paths and one.checksum not in contents
    }
    return tuple(sorted(found))


def damage(reasons: Sequence[Reason]) -> Reason | None:
    """Give the first file of the version that is gone or damaged; None where it is whole."""
    return next((reason for reason in reasons if reason.kind in (MISSING, CORRUPTED)), None)


def is_all_there(
    events: EventStore, asset: Asset, version: Materialized, now: Sequence[SourceFile]
) -> bool:
    """Tell whether collecting anew gives every row again: each file is there as it was read.

    Of a place, and of a collector that asks by a cursor of its own, nobody knows.
    """
    by_cursor = any(argument.kind == "cursor" for argument in asset.arguments)
    if by_cursor or not version.sources or any(is_place(one) for one in asset.source):
        return False
    contents = {one.checksum for one in now}
    return all(one.checksum in contents for one in files_read(events, version))


def refuse_damage(
    events: EventStore, version: Materialized, bad: Reason, now: Sequence[SourceFile]
) -> FileDamaged:
    """Say that a version which rows are added to is not whole, and what can be done."""
    key, gone = version.key, gone_files(events, version, now)
    anew = f"dataops materialize {key} --full"
    last = (
        f"put back {_named(gone)}, which its rows came from and which {_are(gone)} gone, and "
        f"collect everything anew: {anew}"
        if gone
        else f"where its source still has all of its {counted(version.rows)}, collect everything "
        f"anew: {anew}"
    )
    return FileDamaged(
        f"{key} adds rows to version {version.number}, but {bad.about} is "
        f"{'gone' if bad.kind == MISSING else 'damaged'}",
        f"restore that file from a backup, go back (dataops rollback {key}), or {last}",
        asset=key,
        file=bad.about,
    )


def need_files(events: EventStore, attempt: Attempt) -> None:
    """Refuse to collect anew what cannot be collected any more, unless that was asked for."""
    version = attempt.head.current
    if not attempt.full or attempt.losing or version is None or attempt.asset.mode == REPLACE:
        return
    gone = gone_files(events, version, attempt.sources)
    if not gone or attempt.base is not None:
        return
    key = attempt.asset.key
    raise SourceGone(
        f"{key}: --full collects what its source has now, and {_named(gone)}, from which the "
        f"{counted(version.rows)} of version {version.number} came, {_are(gone)} gone: "
        "their rows would be lost",
        f"put {'it' if len(gone) == 1 else 'them'} back; or give these rows up: dataops "
        f"materialize {key} --full --force",
        asset=key,
        files=gone,
    )


def fewer_rows(attempt: Attempt, rows: int) -> tuple[str, ...]:
    """Warn where collecting anew gave fewer rows than there were."""
    version = attempt.head.current
    anew = attempt.full or damage(attempt.reasons) is not None
    if not anew or version is None or attempt.base is not None or attempt.asset.mode == REPLACE:
        return ()
    if rows >= version.rows:
        return ()
    said = (
        f"collected anew, it has {counted(version.rows - rows)} fewer than version "
        f"{version.number} ({rows:,} of {version.rows:,}): what its source has no more is not "
        f"published any more; to go back: dataops rollback {attempt.asset.key}"
    )
    return (said,)


def _named(files: Sequence[str]) -> str:
    """Name the first files, and count the others."""
    more = f" and {len(files) - 3:,} more" if len(files) > 3 else ""
    return ", ".join(files[:3]) + more


def _are(files: Sequence[str]) -> str:
    """Say "is" or "are"."""
    return "is" if len(files) == 1 else "are"
