"""Boundaries: what a collection goes on from, and what it leaves beside its cursor."""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assets.engine.increment import keys_of
from assets.engine.project import Project
from assets.model.cursor import Cursor
from assets.model.errors import CursorError
from assets.model.modes import APPEND, REPLACE
from catalog.records import Materialized
from resources.errors import TransientError
from resources.files import sync_folder
from resources.sources.onward import MOST, Boundary, Onward, read_boundary
from resources.sources.onward.boundary import Value, digest_of, plain
from resources.wording import counted

if TYPE_CHECKING:
    from assets.engine.make import Attempt

INLINE: Final = 100
"""So many contents stand in the event itself; more are a file beside it."""


def begin_cursor(project: Project, attempt: Attempt) -> None:
    """Put the cursor where the version left it, with the rows that were there."""
    asset, current = attempt.asset, attempt.head.current
    old = current if current is not None and not attempt.full else None
    onward = Onward(
        asset.key,
        published=partial(_published, project, old),
        kept=kept_boundary(project, old) if old is not None else None,
        keyed=bool(keys_of(asset)),
        appends=asset.mode == APPEND,
    )
    attempt.cursor = Cursor(asset.key, old.cursor if old is not None else "", onward.stands)
    onward.at = attempt.cursor.value
    if asset.mode != REPLACE:
        attempt.onward = onward


def kept_boundary(project: Project, version: Materialized) -> Boundary | None:
    """Read what a version left at its cursor; raises TransientError where its file is gone."""
    if not version.boundary_file:
        return read_boundary(version.boundary)
    path = project.data / version.boundary_file
    try:
        return read_boundary(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TransientError(
            f"{path}, which says what version {version.number} of {version.key} left at its "
            f"cursor, cannot be read ({error})",
            f"restore it from a backup, or collect everything anew: dataops materialize "
            f"{version.key} --full",
            asset=version.key,
            file=str(path),
        ) from error


def _published(project: Project, version: Materialized | None, by: str) -> Boundary | None:
    """Give the boundary as a version's own rows have it; None where they cannot tell.

    Texts are no help: only the source knows which of them it takes for alike.
    """
    import pyarrow.parquet as pq

    names = [column.name for column in version.columns] if version is not None else []
    if version is None or by not in names:
        return None
    at: Value = json.loads(version.cursor)
    rows: Counter[str] = Counter()
    columns = tuple(sorted(names))
    for file in version.files:
        parquet = pq.ParquetFile(project.data / file.path)
        if _is_text(parquet.schema_arrow.field(by).type):
            return None
        for batch in parquet.iter_batches(project.settings.chunk_rows):
            values = batch.column(by).to_pylist()
            for n in (n for n, value in enumerate(values) if plain(value) == plain(at)):
                rows[digest_of(columns, [batch.column(name)[n].as_py() for name in columns])] += 1
            if len(rows) > MOST:
                return None
    return Boundary(by, at, columns, rows)


def _is_text(kind: object) -> bool:
    """Tell whether an Arrow type is one of texts."""
    return str(kind) in ("string", "large_string")


def leave_boundary(attempt: Attempt, taken: int) -> None:
    """Note what is there at the cursor's value, once all rows were handed over; warn of others.

    taken: how many rows the function handed over.
    """
    onward, cursor = attempt.onward, attempt.cursor
    if onward is None or cursor is None:
        return
    if taken and onward.is_left_behind(cursor.value, told=cursor.told):
        attempt.warnings += _left_behind(onward, cursor, taken)
    attempt.boundary = onward.left_at(cursor.value)
    attempt.warnings += tuple(onward.warnings)
    for trail in onward.trails:
        attempt.warnings += trail.not_again()
        if trail.missing:
            said = (
                f"{counted(trail.missing)} of {trail.place} have no value in {trail.by!r}, so they "
                "are not taken: they are once they have one"
            )
            attempt.warnings += (said,)


def _left_behind(onward: Onward, cursor: Cursor, taken: int) -> tuple[str, ...]:
    """Warn that the next run takes the same rows again; raises CursorError where they double."""
    where = "is None" if cursor.value is None else f"stays at {cursor.value!r}"
    said = f"{onward.asset} handed over {counted(taken)}, but its cursor {where}"
    help_ = (
        "advance it when the rows are handed over: `yield from rows.batches()`, then "
        "`cursor.advance(source.last)`, or to the greatest value that was taken"
    )
    if onward.keyed or not onward.appends:
        return (f"{said}, so the next run takes them again: {help_}",)
    raise CursorError(
        f"{said}, so that the next run would append them once more",
        f"{help_}; or say what tells rows apart: on=['id']",
        asset=onward.asset,
    )


def inline(boundary: Boundary | None) -> str:
    """Give a boundary as the event itself carries it; "" where there is none, or a large one."""
    return "" if boundary is None or len(boundary.rows) > INLINE else boundary.written()


def keep_boundary(project: Project, attempt: Attempt) -> Path | None:
    """Write a large boundary to a file of its own, to be named by the event."""
    boundary = attempt.boundary
    if boundary is None or len(boundary.rows) <= INLINE:
        return None
    attempt.boundary_file = f"boundaries/{attempt.asset.key}/{attempt.stamp}.json"
    target = project.data / attempt.boundary_file
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8") as file:
        file.write(boundary.written())
        file.flush()
        os.fsync(file.fileno())
    sync_folder(target.parent)
    return target
