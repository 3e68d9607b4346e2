"""Reviewing: rows of a version drawn by chance, people's verdicts on them, and gold from both."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from assets.engine.arguments import table_of
from assets.engine.attempt import refold
from assets.engine.checksums import checksums_of
from assets.engine.due import show_time
from assets.engine.experiments import task_of
from assets.engine.plan import heads_of
from assets.engine.project import Project
from assets.engine.runs import uses_cleaner
from catalog.history import versions_of
from catalog.records import Materialized, Reviewed
from catalog.reviews import record_review, reviews_of
from resources.errors import DataOpsError
from resources.evaluation.sampling import draw, take
from resources.evaluation.statistics import wilson
from resources.evaluation.verdicts import Item, Verdict, read_verdicts, write_verdicts
from resources.files import link_version

if TYPE_CHECKING:
    from resources.tables import Table

ENOUGH: Final = 0.9
"""Accuracy below which a review warns."""
_PAIR: Final = ("raw_text", "cleaned_text")


class ReviewError(DataOpsError):
    """Rows that cannot be reviewed."""


def version_of(project: Project, key: str, number: int | None) -> Materialized:
    """Give a version whose rows are there: the current one, or the one asked for."""
    asset = project.graph.find(key)
    if asset.layer == "output":
        raise ReviewError(
            f"{key} is a file for people, without its rows' raw texts",
            f"review what it is made from: {', '.join(asset.upstream)}",
            asset=key,
        )
    found = heads_of(project, [key])[key].current
    if number is not None:
        found = _numbered(project, key, number)
    if found is None:
        missing = "no version yet" if number is None else f"no version {number}"
        raise ReviewError(f"{key} has {missing}", f"look at dataops history {key}", asset=key)
    _need_files(project, found)
    return found


def _numbered(project: Project, key: str, number: int) -> Materialized | None:
    """Give one version by its number."""
    return next((v for v in versions_of(project.events, key) if v.number == number), None)


def _need_files(project: Project, version: Materialized) -> None:
    """Raise ReviewError where a version's bytes are gone."""
    for file in version.files:
        if not (project.data / file.path).is_file():
            raise ReviewError(
                f"the rows of version {version.number} of {version.key} are gone ({file.path})",
                "review another version",
                asset=version.key,
            )


def reviewed(project: Project, key: str, version: int) -> dict[int, Verdict]:
    """Give the latest verdict on each row of a version."""
    found: dict[int, Verdict] = {}
    for review in reviews_of(project.events, key):
        if review.version == version:
            found |= {v.item.row: v for v in verdicts_of(project, review)}
    return found


def verdicts_of(project: Project, review: Reviewed) -> list[Verdict]:
    """Read a session's verdicts; where its file is gone, they are."""
    path = project.data / review.file
    return read_verdicts(path) if path.is_file() else []


def draw_items(project: Project, version: Materialized, count: int, seed: int) -> list[Item]:
    """Draw rows that nobody has reviewed yet."""
    done = reviewed(project, version.key, version.number)
    return items_at(project, version, draw(version.rows, count, seed, without=done.keys()))


def items_at(project: Project, version: Materialized, places: Sequence[int]) -> list[Item]:
    """Give rows of a version with the texts they were made from."""
    if not places:
        return []
    if places[-1] >= version.rows:
        raise ReviewError(
            f"version {version.number} of {version.key} has {version.rows} rows, "
            f"and row {places[-1]} is asked for",
            "export a sample anew: dataops review KEY --export FILE",
            asset=version.key,
        )
    rows = take(table_of(project, version), list(places)).to_pylist()
    if set(_PAIR) <= set(rows[0]):
        raws = [{_PAIR[0]: _text(row[_PAIR[0]])} for row in rows]
        cleaned = [{_PAIR[0]: _text(row[_PAIR[1]])} for row in rows]
    else:
        source, columns = _source(project, version)
        found = _matching(project, version, source, places, rows)
        raws = [{name: _text(row[name]) for name in columns} for row in found]
        cleaned = [{name: _text(row[name]) for name in columns} for row in rows]
    return [
        Item(place, _text(row.get("id", place + 1)), raw, clean)
        for place, row, raw, clean in zip(places, rows, raws, cleaned, strict=True)
    ]


def _text(value: Any) -> str:
    """Give a cell's text."""
    return "" if value is None else str(value)


def _source(project: Project, version: Materialized) -> tuple[Materialized, list[str]]:
    """Give the version that this one was cleaned from, and the columns that were cleaned."""
    asset = project.graph.assets[version.key]
    source = None
    if len(version.inputs) == 1 and uses_cleaner(project, version.key):
        source = _numbered(project, version.inputs[0].key, version.inputs[0].version)
    if source is None:
        raise ReviewError(
            f"{version.key} has no raw texts to hold its rows against",
            "review an asset that a cleaner makes from one upstream, or one with raw_text and "
            "cleaned_text",
            asset=version.key,
        )
    _need_files(project, source)
    shared = {c.name for c in source.columns if c.type == "string"}
    texts = [c.name for c in version.columns if c.type == "string" and c.name in shared]
    named = task_of(project, asset.task).columns if asset.task else ()
    return source, [name for name in texts if name in named or not named]


def _matching(
    project: Project,
    version: Materialized,
    source: Materialized,
    places: Sequence[int],
    rows: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Give the upstream's rows that these were made from: by id, or by place if none was left out.

    Raises ReviewError where neither tells.
    """
    table = table_of(project, source)
    if "id" in table.columns and "id" in rows[0]:
        wanted = {row["id"]: None for row in rows}
        found = {row["id"]: row for row in _with_ids(table, wanted)}
        if found.keys() >= wanted.keys():
            return [found[row["id"]] for row in rows]
    if source.rows == version.rows and not version.quarantined and not version.duplicates:
        return [dict(row) for row in take(table, list(places)).to_pylist()]
    raise ReviewError(
        f"which row of {source.key} became which of {version.key} cannot be told",
        "give both a column `id`",
        asset=version.key,
    )


def _with_ids(table: Table, wanted: Mapping[Any, None]) -> list[dict[str, Any]]:
    """Give the rows with these ids, batch by batch."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: list[dict[str, Any]] = []
    for batch in table.batches():
        ids = pa.array(list(wanted), batch.schema.field("id").type)
        found += batch.filter(pc.is_in(batch.column("id"), value_set=ids)).to_pylist()
    return found


def record(
    project: Project, version: Materialized, verdicts: Sequence[Verdict], *, by: str, reviewer: str
) -> Reviewed:
    """Keep a session's verdicts: the file first, then the event that names it."""
    key, number = version.key, version.number
    staged = project.data / ".staging" / f"review-{os.getpid()}-{uuid4().hex[:8]}.parquet"
    write_verdicts(staged, verdicts)
    try:
        home = project.data / "reviews" / key
        path = link_version(staged, home, f"v{number}", ".parquet", at=datetime.now(UTC))
    finally:
        staged.unlink(missing_ok=True)
    file = path.relative_to(project.data).as_posix()

    def count(before: Sequence[Reviewed]) -> Reviewed:
        """Count this session, and the version so far."""
        so_far = reviewed(project, key, number) | {v.item.row: v for v in verdicts}
        right = sum(verdict.good for verdict in so_far.values())
        low, high = wilson(right, len(so_far))
        good = sum(verdict.good for verdict in verdicts)
        return Reviewed(
            id=uuid4().hex,
            at=show_time(datetime.now(UTC)),
            by=by,
            key=key,
            number=(before[-1].number if before else 0) + 1,
            version=number,
            reviewer=reviewer,
            rows=len(verdicts),
            good=good,
            bad=len(verdicts) - good,
            reviewed_rows=len(so_far),
            right_rows=right,
            accuracy=right / len(so_far),
            low=low,
            high=high,
            file=file,
            checksums=checksums_of(project.data, file),
        )

    event = record_review(project.events, key, count)
    refold(project)
    return event
