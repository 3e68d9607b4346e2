"""Cleaners: the rules engine as a stream, and the choice of engine for a task."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from resources.llm.layout import PROVENANCE, Layout, layout_of, stream_of, with_answers
from resources.llm.rules import cleaner_of
from resources.llm.task import RULES_ENGINE, CleaningTask
from resources.rejects import Rejects
from resources.settings import Settings
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """What one model, or the rules, did for a task. seconds: sum of request latencies."""

    engine: str
    model: str
    task: str
    rows: int = 0
    unique_rows: int = 0
    cached_rows: int = 0
    requests: int = 0
    failed_requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CleaningRun:
    """What a cleaning is for. run: its name, for the budget per run.

    salt: what ends a cached answer's life, where the task keeps answers for one version only.
    calls, provenance: the files to write (None: none). most_waiting: the share of rows that may be
    left for a later run before this one is paused (1: it never is).
    """

    run: str = ""
    salt: str = ""
    calls: Path | None = None
    provenance: Path | None = None
    most_waiting: float = 1.0


class Cleaner(Protocol):
    """Cleans tables as a cleaning task says."""

    warnings: list[str]

    @property
    def usage(self) -> tuple[UsageFacts, ...]:
        """Give what was used so far, per model."""

    def clean(self, table: object) -> Table:
        """Give the cleaned table: read when asked for, in order; failed rows go to rejects."""

    def close(self) -> None:
        """Finish the files it wrote."""


def make_cleaner(
    task: CleaningTask | None,
    *,
    settings: Settings,
    rejects: Rejects,
    environment: Mapping[str, str] = os.environ,
    run: CleaningRun = CleaningRun(),
) -> Cleaner:
    """Give the engine a task asks for; without a task, the rules with their defaults."""
    if task is None or not task.model:
        return RulesCleaner(task or CleaningTask(name="default"))
    from resources.llm.model import ModelCleaner

    return ModelCleaner(task, settings=settings, rejects=rejects, environment=environment, run=run)


class RulesCleaner:
    """Cleans by rules alone: offline, free, the same answer every time."""

    def __init__(self, task: CleaningTask) -> None:
        """Clean as `task` says."""
        self._task = task
        self._rows = 0
        self.warnings: list[str] = []

    def close(self) -> None:
        """Nothing is open."""

    @property
    def usage(self) -> tuple[UsageFacts, ...]:
        """Give the number of rows that passed through."""
        return (UsageFacts(RULES_ENGINE, RULES_ENGINE, self._task.name, rows=self._rows),)

    def clean(self, table: object) -> Table:
        """Give the cleaned table; no row fails."""
        source = stream_of(table)
        rule = cleaner_of(self._task.rules)

        def layout() -> Layout:
            """Find the columns to clean, when the table is first looked at."""
            return layout_of(source.schema, self._task.columns, self._task.name)

        def batches(rows: int) -> Iterator[pa.RecordBatch]:
            """Clean batch by batch."""
            found = layout()
            for batch in source.batches(rows):
                cleaned = {
                    found.column_of(output): found.texts(batch, output.of, rule)
                    for output in found.outputs
                }
                self._rows += batch.num_rows
                models = [RULES_ENGINE] * batch.num_rows
                yield with_answers(found, batch, cleaned, models, self._task.name)

        return Table(
            lambda: layout().schema,
            batches,
            rows=source.rows,
            volatile=source.volatile | PROVENANCE,
        )
