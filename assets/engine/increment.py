"""Increments: what an attempt builds on, and what of its upstream and source is new to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assets.engine.anew import damage, files_read, is_all_there, refuse_damage
from assets.engine.compare import declared_schema
from assets.engine.config import config_of, source_paths
from assets.engine.content import ALGORITHM
from assets.engine.deleting import Deletes, condition_of
from assets.engine.known import Base
from assets.engine.project import Project
from assets.engine.reasons import CODE, CONFIG, UPSTREAM, Reason
from assets.model.declare import Asset
from assets.model.modes import DELETE, KEEP, REPLACE
from catalog.events import EventStore
from catalog.heads import Head
from catalog.records import Input, Materialized, SourceFile
from resources.columns import Column
from resources.errors import SourceError
from resources.rejects import Rejects
from resources.sources.places import is_place
from resources.wording import counted

if TYPE_CHECKING:
    from assets.engine.make import Attempt

Key = tuple[str, ...]
"""The columns whose values, together, no two rows share."""


def base_of(
    project: Project,
    asset: Asset,
    heads: Mapping[str, Head],
    reasons: Sequence[Reason],
    *,
    full: bool = False,
    now: Sequence[SourceFile] = (),
) -> tuple[Materialized | None, int]:
    """Give the version that new rows join, and how many rows of the upstream it holds already.

    None where the asset is made whole: for a raw one the first time and where `full` asks for it,
    for a processed one also whenever anything but new rows above is the reason; and where files of
    a raw one's version are gone or damaged while its source files, `now`, are all as they were
    read. Raises FileDamaged where they are not.
    """
    current = heads[asset.key].current
    if current is None or asset.mode == REPLACE:
        return None, 0
    if full and not _joins_in_full(project, asset, current):
        return None, 0
    if asset.layer == "raw":
        bad = damage(reasons)
        if bad is None:
            return current, 0
        if is_all_there(project.events, asset, current, now):
            return None, 0
        raise refuse_damage(project.events, current, bad, now)
    if any(reason.kind != UPSTREAM for reason in reasons) or len(current.inputs) != 1:
        return None, 0
    above, pin = heads[asset.upstream[0]].current, current.inputs[0]
    if above is None or pin.key != asset.upstream[0] or current.content_algorithm != ALGORITHM:
        return None, 0
    skip = rows_before(project.events, pin, above)
    return (None, 0) if skip is None else (current, skip)


def _joins_in_full(project: Project, asset: Asset, current: Materialized) -> bool:
    """Tell whether a load of everything joins what is there, so that it is known what goes.

    What is to be kept is kept whatever changed; what would go anyway need not fit any more.
    """
    return asset.missing == KEEP or (asset.missing == DELETE and same_form(project, asset, current))


def rows_before(events: EventStore, pin: Input, above: Materialized) -> int | None:
    """Give how many rows of a version, its first ones, are exactly those of a pinned version.

    None where it did not grow from it: an append keeps what is there, in front; nothing else does.
    """
    step = above
    while step.data_version != pin.data_version:
        before = events.get(step.key, step.base) if step.base else None
        if not isinstance(before, Materialized):
            return None
        step = before
    return step.rows


def is_full(attempt: Attempt) -> bool:
    """Tell whether an attempt of an upsert that says so is handed all that its source has."""
    asset = attempt.asset
    by_cursor = any(argument.kind == "cursor" for argument in asset.arguments)
    return bool(asset.missing) and attempt.into is None and (attempt.full or not by_cursor)


def deletes_of(
    attempt: Attempt, base: Base | None, columns: Sequence[Column], rejects: Rejects
) -> Deletes:
    """Give how old rows go in this attempt."""
    asset = attempt.asset
    if attempt.into is not None or not (asset.deleted or asset.missing):
        return Deletes()
    return Deletes(
        condition=condition_of(asset.key, asset.deleted, columns),
        full=base is not None and asset.missing == DELETE and is_full(attempt),
        aside=rejects.waiting(),
        to=rejects.path.with_name("deleted.parquet"),
    )


def keys_of(asset: Asset) -> tuple[Key, ...]:
    """Give the asset's keys: `on`, then each Unique column of its schema."""
    unique = [(c.name,) for c in asset.columns or () if c.unique]
    return tuple(dict.fromkeys([*([asset.on] if asset.on else []), *unique]))


def same_form(project: Project, asset: Asset, base: Materialized) -> bool:
    """Tell whether the declaration asks of old rows what it asked of them when they came."""
    return (
        base.declared_schema == declared_schema(asset)
        and base.config.get("on") == config_of(project, asset).get("on")
        and base.content_algorithm == ALGORITHM
    )


def fresh_files(
    project: Project, asset: Asset, base: Materialized | None, now: Sequence[SourceFile]
) -> tuple[Path, ...] | None:
    """Give the source files that the base was not read from; None: hand over what is declared.

    A collector that takes a Cursor says itself what is new. A file that only got another name was
    read before. Raises SourceError for a changed file whose old rows could not be told apart.
    """
    by_cursor = any(argument.kind == "cursor" for argument in asset.arguments)
    if (
        base is None
        or by_cursor
        or asset.missing
        or any(is_place(source) for source in asset.source)
    ):
        return None
    before = {source.path: source.checksum for source in base.sources}
    if not keys_of(asset):
        unknown = [source.path for source in now if source.path not in before]
        before |= _read_before(project.events, base, unknown)
    here = {source.path for source in now}
    moved = {checksum for path, checksum in before.items() if path not in here}
    new = [
        source
        for source in now
        if before.get(source.path) != source.checksum
        and (source.path in before or source.checksum not in moved)
    ]
    changed = [source.path for source in new if source.path in before]
    if changed and not keys_of(asset):
        raise SourceError(
            f"{asset.key} adds the rows of new files, but {changed[0]} was read before and has "
            "changed since: its old rows would come twice",
            'say what tells rows apart (on=["id"], or a Unique column), put new rows into new '
            f"files, or collect everything anew: dataops materialize {asset.key} --full",
            asset=asset.key,
            file=changed[0],
        )
    paths = source_paths(project, asset)
    return tuple(paths[source.path] for source in new)


def _read_before(events: EventStore, version: Materialized, paths: Sequence[str]) -> dict[str, str]:
    """Give the checksums of files that versions before were read from, but not the last one.

    They were taken away, and came back: without a key, their rows would come twice.
    """
    found: dict[str, str] = {}
    for source in files_read(events, version) if paths else ():
        if source.path in paths:
            found.setdefault(source.path, source.checksum)
        if len(found) == len(paths):
            break
    return found


def mixed(attempt: Attempt) -> tuple[str, ...]:
    """Warn where rows collected by new code join rows collected by old code."""
    changed = {
        r.kind
        for r in attempt.reasons
        if r.kind in (CODE, CONFIG) and r.about != "on" and not r.about.startswith("checks.")
    }
    base, asset = attempt.base, attempt.asset
    if base is None or asset.layer != "raw" or not changed:
        return ()
    said = (
        f"{' and '.join(sorted(changed))}: the {counted(base.rows)} of version {base.number} "
        f"{'stays' if base.rows == 1 else 'stay'} "
        "as they were collected, only new ones come by it; to collect everything anew: "
        f"dataops materialize {asset.key} --full"
    )
    return (said,)


def how(
    project: Project, asset: Asset, heads: Mapping[str, Head], reasons: Sequence[Reason]
) -> str:
    """Say in the plan how an incremental asset would be made ("" for what is replaced anyway)."""
    current = heads[asset.key].current
    if asset.mode == REPLACE or current is None:
        return ""
    if asset.layer == "raw":
        return f"{asset.mode}s" + (f", cursor {current.cursor}" if current.cursor else "")
    base, _ = base_of(project, asset, heads, reasons)
    return "appends what is new" if base is not None else "made whole"
