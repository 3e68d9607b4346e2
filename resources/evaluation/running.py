"""Running a cleaning task over a few rows, outside any asset: what came out, and its use."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from resources.errors import DataOpsError
from resources.evaluation.gold import TEXT, GoldRow
from resources.llm import CleaningRun, CleaningTask, UsageFacts, make_cleaner
from resources.llm.layout import RAW, layout_of
from resources.llm.outputs import CLEANED
from resources.llm.task import ENGINES, RULES_ENGINE
from resources.rejects import Rejects, read_rejects
from resources.settings import Settings
from resources.tables import Table, as_batches

if TYPE_CHECKING:
    import pyarrow as pa

_ANY_RUN: Final = CleaningRun()
ROW: Final = "_row"
"""The column that says which row is which: a cleaner leaves rows out, and keeps other columns."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a task made of some rows.

    columns: what it makes, and the names it comes out under: a cleaned column under its own name,
    a label or a number under the output's. outputs: by the row's position what came out, by those
    names. aside: by position why a row was set aside.
    """

    task: str
    columns: Mapping[str, str]
    outputs: Mapping[int, Mapping[str, str]]
    aside: Mapping[int, str]
    usage: tuple[UsageFacts, ...]
    warnings: tuple[str, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Give the models that really answered; the rules are none."""
        return tuple(u.model for u in self.usage if u.model != RULES_ENGINE and u.rows)

    @property
    def requests(self) -> int:
        """Give the requests sent."""
        return sum(u.requests for u in self.usage)

    @property
    def known(self) -> int:
        """Give the distinct rows whose answer was known already."""
        return sum(u.cached_rows for u in self.usage)

    @property
    def tokens(self) -> int:
        """Give the tokens paid for."""
        return sum(u.prompt_tokens + u.completion_tokens for u in self.usage)

    @property
    def cost(self) -> float:
        """Give what it cost, in USD; 0 where prices are not known."""
        return sum(u.cost for u in self.usage)

    @property
    def paid(self) -> bool:
        """Tell whether anybody was paid: nobody is for the rules and a model on this machine."""
        return any(u.engine not in (RULES_ENGINE, ENGINES["llama"]) for u in self.usage)

    @property
    def latency(self) -> float | None:
        """Give the mean seconds a request took; None where none was sent."""
        return sum(u.seconds for u in self.usage) / self.requests if self.requests else None

    def made(self, place: int) -> dict[str, str] | None:
        """Give what was made of a row, by column; None where it was set aside."""
        found = self.outputs.get(place)
        if found is None:
            return None
        return {column: found[name] for column, name in self.columns.items()}


def run_task(
    task: CleaningTask,
    table: pa.Table,
    settings: Settings,
    *,
    environment: Mapping[str, str] = os.environ,
    run: CleaningRun = _ANY_RUN,
) -> Ran:
    """Clean a few rows (in memory) as a task says; none is lost: it comes out, or is set aside."""
    import pyarrow as pa

    mark = ROW
    while mark in table.column_names:
        mark = f"_{mark}"
    numbered = table.append_column(mark, pa.array(range(table.num_rows), pa.int64()))
    with TemporaryDirectory(prefix="dataops-") as folder:
        rejects = Rejects(Path(folder, "rejects.parquet"))
        cleaner = make_cleaner(
            task, settings=settings, rejects=rejects, environment=environment, run=run
        )
        try:
            rows = cleaner.clean(numbered).to_arrow().to_pylist()
        finally:
            cleaner.close()
            rejects.close()
        aside = {}
        for reject in read_rejects(rejects.path) if rejects.rows else ():
            answer = f" (it answered: {reject.answer[:200]})" if reject.answer else ""
            aside[int(json.loads(reject.row)[mark])] = f"{reject.reason}{answer}"
    warnings = list(cleaner.warnings)
    if rejects.retry_rows:
        warnings.append(
            f"{rejects.retry_rows:,} rows have no answer for a cause that passes "
            f"({rejects.last_retry}): run it again before believing these figures"
        )
    outputs = {int(row[mark]): {n: _plain(v) for n, v in row.items() if n != mark} for row in rows}
    return Ran(
        task.name,
        made_columns(task, table.schema),
        outputs,
        aside,
        cleaner.usage,
        tuple(warnings),
    )


def made_columns(task: CleaningTask, schema: pa.Schema) -> dict[str, str]:
    """Give the columns that a task cleans in such a table, and all else that it makes."""
    layout = layout_of(schema, task.columns, task.name, outputs=task.outputs, paid=bool(task.model))
    if not task.model:  # the rules clean in place, whatever else a model would be asked for
        return {c: CLEANED if layout.processed else c for c in layout.columns}
    placed = {output.of: layout.column_of(output) for output in layout.outputs if output.cleans}
    others = {output.name: output.name for output in layout.outputs if not output.cleans}
    cleaned = {c: placed.get(c, CLEANED if layout.processed else c) for c in layout.columns}
    return cleaned | others


def _plain(value: Any) -> str:
    """Give a value as gold sets write it: texts as they are, others as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def gold_table(task: CleaningTask, gold: Sequence[GoldRow]) -> pa.Table:
    """Give a gold set as the table that a task cleans: the raw five columns, or its own columns."""
    import pyarrow as pa

    columns = list(gold[0].raw)
    if columns == [TEXT] and task.columns in ((), ("raw_text",)):
        count = len(gold)
        moment = pa.scalar(0, pa.timestamp("ns"))
        texts = {
            "id": pa.array(range(1, count + 1), pa.int64()),
            "source": pa.repeat(pa.scalar("gold"), count),
            "raw_text": pa.array([row.raw[TEXT] for row in gold], pa.string()),
            "created_at": pa.repeat(moment, count),
            "metadata": pa.repeat(pa.scalar("{}"), count),
        }
        return pa.table({name: texts[name] for name in RAW})
    names = {column: column for column in columns}
    if columns == [TEXT] and len(task.columns) == 1:
        names = {TEXT: task.columns[0]}
    missing = [name for name in task.columns if name not in names.values()]
    if missing or TEXT in names.values():
        raise DataOpsError(
            f"the cleaning task {task.name} cleans {', '.join(task.columns)}, "
            f"and the gold set has no raw.{(missing or task.columns)[0]}",
            "give the gold set a column raw.<column> and expected.<column> for each",
            task=task.name,
        )
    return pa.table(
        {name: pa.array([row.raw[c] for row in gold], pa.string()) for c, name in names.items()}
    )


def run_on_gold(
    task: CleaningTask,
    gold: Sequence[GoldRow],
    settings: Settings,
    *,
    environment: Mapping[str, str] = os.environ,
    run: CleaningRun = _ANY_RUN,
) -> tuple[Ran, dict[int, dict[str, str]]]:
    """Clean a gold set; give what came of it, and the outputs under the gold set's column names."""
    ran = run_task(task, gold_table(task, gold), settings, environment=environment, run=run)
    single = list(gold[0].raw) == [TEXT]
    names = {TEXT if single else column: name for column, name in ran.columns.items()}
    names |= {column: column for column in gold[0].expected if column not in names}
    return ran, {
        place: {column: row[name] for column, name in names.items() if name in row}
        for place, row in ran.outputs.items()
    }


def as_table(table: pa.Table) -> Table:
    """Give rows in memory as a Table that can be read again and again."""
    return Table(
        lambda: as_batches(table, 1)[0],
        lambda rows: as_batches(table, rows)[1],
        rows=table.num_rows,
    )
