"""Comparing: two cleaning tasks over the same rows, side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assets.engine.arguments import table_of
from assets.engine.experiments import Scored, baseline, new_run, score_all, scored
from assets.engine.plan import heads_of
from assets.engine.project import Project
from assets.engine.runs import uses_cleaner
from resources.errors import DataOpsError
from resources.evaluation.gold import GoldRow
from resources.evaluation.metrics import Paired, pair, unchanged
from resources.evaluation.page import Difference
from resources.evaluation.running import Ran, run_task
from resources.evaluation.sampling import draw, take

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.llm import CleaningTask


class SampleError(DataOpsError):
    """Rows that cannot be drawn."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows drawn from a version: which asset's, which version, and the rows."""

    key: str
    version: int
    of: int
    rows: pa.Table


def draw_rows(project: Project, key: str, count: int, seed: int) -> Sample:
    """Draw rows that a cleaner reads: of the asset's upstream where the asset cleans, else its own.

    Raises SampleError where it is not clear whose, or there are none.
    """
    asset = project.graph.find(key)
    source = key
    if uses_cleaner(project, key):
        if len(asset.upstream) > 1:
            raise SampleError(
                f"{key} is cleaned from several assets",
                f"name one of them: {', '.join(f'--asset {up}' for up in asset.upstream)}",
                asset=key,
            )
        source = asset.upstream[0]
    current = heads_of(project, [source])[source].current
    if source.startswith("output."):
        raise SampleError(
            f"{source} is a file for people, not what a cleaner reads",
            f"name what it is made from: {', '.join(asset.upstream)}",
            asset=source,
        )
    if current is None or not current.rows:
        raise SampleError(
            f"{source} has no rows yet", f"make it: dataops materialize {source}", asset=source
        )
    rows = take(table_of(project, current), draw(current.rows, count, seed))
    return Sample(source, current.number, current.rows, rows)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tasks over the same rows. differences: the rows of which they made different things."""

    first: Ran
    second: Ran
    rows: int
    differences: tuple[Difference, ...]

    @property
    def same(self) -> int:
        """Give how many rows came out alike."""
        return self.rows - len(self.differences)


def compare(
    project: Project, first: CleaningTask, second: CleaningTask, rows: pa.Table
) -> Comparison:
    """Clean the same rows with both tasks."""
    one = run_task(first, rows, project.settings, run=new_run(project, "ab"))
    other = run_task(second, rows, project.settings, run=new_run(project, "ab"))
    raws = rows.to_pylist()
    ids = [str(raw.get("id", place + 1)) for place, raw in enumerate(raws)]
    columns = dict.fromkeys([*one.columns, *other.columns])
    texts = [{name: _text(raw.get(name)) for name in columns} for raw in raws]
    made = ([one.made(p) for p in range(len(raws))], [other.made(p) for p in range(len(raws))])
    return Comparison(one, other, len(raws), _differences(ids, texts, made, (one, other)))


def _differences(
    ids: Sequence[str],
    raws: Sequence[Mapping[str, str]],
    made: tuple[Sequence[Mapping[str, str] | None], Sequence[Mapping[str, str] | None]],
    ran: tuple[Ran, Ran],
) -> tuple[Difference, ...]:
    """Give the rows of which two runs made different things; a row set aside by both is none."""
    found = []
    for place, (first, second) in enumerate(zip(*made, strict=True)):
        raw = raws[place]
        one = None if first is None else {**raw, **first}
        other = None if second is None else {**raw, **second}
        if one != other:
            raw, one, other = _of_interest(raw, one, other)
            why = (ran[0].aside.get(place, ""), ran[1].aside.get(place, ""))
            found.append(Difference(ids[place], raw, one, other, *why))
    return tuple(found)


def _of_interest(
    raw: Mapping[str, str], one: Mapping[str, str] | None, other: Mapping[str, str] | None
) -> tuple[dict[str, str], dict[str, str] | None, dict[str, str] | None]:
    """Leave out the columns of a row that nobody changed, unless nobody changed any."""
    sides = [side for side in (one, other) if side is not None]
    names = [name for name in raw if any(side[name] != raw[name] for side in sides)] or list(raw)

    def only(side: Mapping[str, str] | None) -> dict[str, str] | None:
        """Keep these columns."""
        return None if side is None else {name: side[name] for name in names}

    return {name: raw[name] for name in names}, only(one), only(other)


def _text(value: object) -> str:
    """Give a cell's text."""
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Judged:
    """Two tasks on a gold set, beside the baselines: doing nothing, and the rules if neither is."""

    baselines: tuple[Scored, ...]
    first: Scored
    second: Scored

    @property
    def paired(self) -> Paired:
        """Compare the two tasks row by row."""
        return pair(self.first.scores, self.second.scores)


def judge(
    project: Project,
    first: CleaningTask,
    second: CleaningTask,
    gold: list[GoldRow],
    *,
    normalise: bool = False,
) -> Judged:
    """Clean a gold set with both tasks and score them alike."""
    nothing, rules = unchanged(gold), baseline(first)
    baselines = [score_all("do nothing", None, gold, nothing, normalise)]
    found = [
        scored(project, task, gold, new_run(project, "ab"), normalise=normalise)
        for task in (rules, first, second)
    ]
    if rules.config() not in (first.config(), second.config()):
        baselines.append(found[0])
    return Judged(tuple(baselines), found[1], found[2])


def on_gold(judged: Judged, gold: Sequence[GoldRow]) -> Comparison:
    """Give the differences of two tasks on a gold set."""
    one, other = judged.first.ran, judged.second.ran
    assert one is not None  # noqa: S101 - tasks always run
    assert other is not None  # noqa: S101
    places = range(len(gold))
    made = (
        [judged.first.outputs.get(place) for place in places],
        [judged.second.outputs.get(place) for place in places],
    )
    raws = [{**dict.fromkeys(row.expected, ""), **row.raw} for row in gold]
    found = _differences([row.id for row in gold], raws, made, (one, other))
    return Comparison(one, other, len(gold), found)


def report_path(project: Project, first: str, second: str) -> Path:
    """Give a new place for a report: data/experiments/<moment>_<a>_vs_<b>.html."""
    stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    names = [re.sub(r"[^\w-]", "_", Path(name).stem) for name in (first, second)]
    base = project.data / "experiments" / f"{stamp}_{names[0]}_vs_{names[1]}.html"
    path, number = base, 2
    while path.exists():
        path, number = base.with_stem(f"{base.stem}_{number}"), number + 1
    return path
