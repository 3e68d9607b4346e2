"""Experiments: cleaning tasks on gold sets and on sampled rows, outside any asset."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from assets.engine.config import DEFAULT_TASK
from assets.engine.cost import Cost
from assets.engine.project import Project
from resources.evaluation.gold import GoldRow
from resources.evaluation.metrics import (
    Measured,
    Outputs,
    Paired,
    RowScore,
    by_column,
    by_group,
    measure,
    pair,
    score,
    unchanged,
)
from resources.evaluation.running import Ran, as_table, gold_table, run_on_gold
from resources.evaluation.sampling import draw

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.llm import CleaningRun, CleaningTask

RULES: Final = "rules"
"""Stands for the rules with their defaults wherever a cleaning task is named."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One cleaner on a gold set. ran: None for doing nothing."""

    name: str
    ran: Ran | None
    scores: list[RowScore]
    outputs: Outputs
    normalise: bool

    @property
    def measured(self) -> Measured:
        """Give its figures over all rows."""
        return measure(self.scores)

    def by_language(self, gold: Sequence[GoldRow]) -> dict[str, Measured]:
        """Give its figures by language."""
        return by_group([row.language for row in gold], self.scores)

    def by_column(self, gold: Sequence[GoldRow]) -> dict[str, Measured]:
        """Give its figures by column, where there are several."""
        return by_column(gold, self.outputs, normalise=self.normalise)

    def by_kind(self, gold: Sequence[GoldRow]) -> dict[str, Measured]:
        """Give its figures by kind of error."""
        return by_group([row.kind for row in gold], self.scores)


def score_all(
    name: str, ran: Ran | None, gold: Sequence[GoldRow], outputs: Outputs, normalise: bool
) -> Scored:
    """Score what a cleaner made of a gold set."""
    return Scored(name, ran, score(gold, outputs, normalise=normalise), outputs, normalise)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A cleaning task on a gold set, beside doing nothing and the rules."""

    gold: list[GoldRow]
    nothing: Scored
    rules: Scored
    task: Scored

    @property
    def all(self) -> tuple[Scored, Scored, Scored]:
        """Give the three, the baselines first."""
        return self.nothing, self.rules, self.task

    @property
    def against_rules(self) -> Paired:
        """Compare the task with the rules, row by row."""
        return pair(self.task.scores, self.rules.scores)


def task_of(project: Project, name: str) -> CleaningTask:
    """Load a cleaning task by name; `rules` and `default` are the rules with their defaults."""
    from resources.llm import CleaningTask, TaskError, find_task, load_task

    try:
        path = find_task(project.settings.root, name)
    except TaskError:
        if name in (RULES, DEFAULT_TASK):
            return CleaningTask(name=name)
        raise
    return load_task(path)


def asked_anew(task: CleaningTask) -> CleaningTask:
    """Give the task with a life for its answers that ends with the experiment.

    What a model answers may depend on what the row cache's keys leave out on purpose, such as how
    many rows share a request: to measure that, it has to be asked again.
    """
    return replace(task, cache="version")


def new_run(project: Project, kind: str) -> CleaningRun:
    """Name an experiment's run: for the budget, and for the log of its calls."""
    from resources.llm import CleaningRun

    name = f"{kind}-{uuid4().hex[:8]}"
    return CleaningRun(
        run=name, salt=name, calls=project.data / "calls/experiments" / f"{name}.jsonl"
    )


def cost_of(project: Project, task: CleaningTask, table: pa.Table, run: CleaningRun) -> Cost | None:
    """Say what cleaning these rows will take; None where nothing has to be asked."""
    from resources.llm.estimate import estimate

    if not task.model:
        return None
    found = estimate(task, as_table(table), project.settings, environment=os.environ, salt=run.salt)
    if not found.requests:
        return None
    return Cost(
        key=task.name,
        model=task.model,
        rows=found.rows,
        unique=found.unique,
        cached=found.cached,
        requests=found.requests,
        tokens=found.prompt_tokens + found.completion_tokens,
        money=found.cost,
        seconds=round(found.seconds, 1),
        estimate=False,
        paid=task.paid,
    )


def gold_sample(gold: list[GoldRow], limit: int | None) -> list[GoldRow]:
    """Give at most `limit` rows of a gold set: always the same ones, of all its parts."""
    return gold if limit is None else [gold[place] for place in draw(len(gold), limit, 0)]


def evaluate(
    project: Project,
    task: CleaningTask,
    gold: list[GoldRow],
    run: CleaningRun,
    *,
    normalise: bool = False,
) -> Evaluation:
    """Clean a gold set with a task, with the rules and not at all, and score all three alike."""
    nothing = unchanged(gold)
    return Evaluation(
        gold=gold,
        nothing=score_all("do nothing", None, gold, nothing, normalise),
        rules=scored(project, baseline(task), gold, run, normalise=normalise),
        task=scored(project, task, gold, run, normalise=normalise),
    )


def baseline(task: CleaningTask) -> CleaningTask:
    """Give the rules with their defaults, on the columns that a task cleans."""
    from resources.llm import CleaningTask

    return CleaningTask(name=RULES, columns=task.columns)


def scored(
    project: Project,
    task: CleaningTask,
    gold: list[GoldRow],
    run: CleaningRun,
    *,
    normalise: bool = False,
) -> Scored:
    """Clean a gold set with a task and score it."""
    ran, outputs = run_on_gold(task, gold, project.settings, run=run)
    return score_all(task.name, ran, gold, outputs, normalise)


def gold_cost(
    project: Project, task: CleaningTask, gold: list[GoldRow], run: CleaningRun
) -> Cost | None:
    """Say what cleaning a gold set will take."""
    return cost_of(project, task, gold_table(task, gold), run)
