"""Cleaning with a model: chunk after chunk, in order, requests never idle."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from resources.llm.background import Background
from resources.llm.calls import CallLog
from resources.llm.cleaner import CleaningRun, UsageFacts
from resources.llm.connect import (
    Connection,
    check_installed,
    connect,
    engine_of,
    load_libraries,
    open_state,
)
from resources.llm.counts import Counts
from resources.llm.failures import Paused
from resources.llm.layout import PROVENANCE, Layout, layout_of, stream_of, with_answers
from resources.llm.masking import Masked, reveal, unmask
from resources.llm.outputs import Output, Value
from resources.llm.preparer import Chunk, Preparer, in_steps
from resources.llm.provenance import Provenance
from resources.llm.results import Answer, Failure
from resources.llm.seen import Seen
from resources.llm.task import RULES_ENGINE, CleaningTask
from resources.rejects import Reject, Rejects, row_json
from resources.settings import Settings
from resources.tables import Table
from resources.wording import counted

if TYPE_CHECKING:
    import pyarrow as pa

_Results = tuple[dict[bytes, Answer | Failure], set[bytes]]


class ModelCleaner:
    """Cleans by rules first, then by the task's model."""

    def __init__(
        self,
        task: CleaningTask,
        *,
        settings: Settings,
        rejects: Rejects,
        environment: Mapping[str, str],
        run: CleaningRun,
    ) -> None:
        """Read where the model is; a missing key, library or file, or a wrong URL, is told here."""
        self._task, self._settings, self._run = task, settings, run
        self._engine = engine_of(task, environment)
        check_installed(task, settings.root)
        load_libraries()
        open_state(settings).close()  # what is wrong with it is told before anything is read
        self._rejects = rejects
        self._counts = Counts()
        self._seen = Seen()
        self._calls = CallLog(run.calls, texts=self._engine.endpoint.log_texts)
        self._provenance = Provenance(run.provenance)
        self._config = task.config_version()
        self.warnings: list[str] = []

    @property
    def usage(self) -> tuple[UsageFacts, ...]:
        """Give what each model did, by the name it answered to."""
        return tuple(
            UsageFacts(
                engine=RULES_ENGINE if model == RULES_ENGINE else self._task.engine_version,
                model=model,
                task=self._task.name,
                **asdict(counts),
            )
            for model, counts in sorted(dict(self._counts.models).items())
        )

    def close(self) -> None:
        """Finish the files of calls and provenance."""
        self._calls.close()
        self._provenance.close()

    def clean(self, table: object) -> Table:
        """Give the cleaned table; rows without an acceptable answer go to the rejects."""
        source = stream_of(table)

        def layout() -> Layout:
            """Find the columns to clean, when the table is first looked at."""
            task = self._task
            return layout_of(
                source.schema, task.columns, task.name, outputs=task.outputs, paid=True
            )

        return Table(
            lambda: layout().schema,
            lambda rows: self._batches(source, layout(), rows),
            volatile=source.volatile | PROVENANCE,
        )

    def _batches(self, source: Table, layout: Layout, rows: int) -> Iterator[pa.RecordBatch]:
        """Clean batch after batch, in order, with the next ones' requests already under way."""
        prepare = Preparer(self._task, layout, self._run.salt)
        under_way: deque[tuple[Chunk, Future[_Results]]] = deque()
        with ExitStack() as open_parts:
            state = open_state(self._settings)
            open_parts.callback(state.close)
            background = open_parts.enter_context(Background())
            making = connect(
                self._engine,
                self._task,
                layout,
                state,
                counts=self._counts,
                calls=self._calls,
                run=self._run.run,
                root=self._settings.root,
            )
            connection: Connection = background.start(making).result()
            open_parts.callback(lambda: self._leave(background, connection))
            chunks = 0
            for order, batch in enumerate(in_steps(source.batches(rows))):
                chunks += 1
                chunk = prepare.chunk(batch)
                answers = connection.asker.answers(prepare.distinct(chunk), order)
                under_way.append((chunk, background.start(answers)))
                if len(under_way) > self._engine.ahead:
                    yield self._finish(layout, *under_way.popleft())
                    self._pause(connection, source.rows)
            background.start(connection.asker.all_given(chunks))
            while under_way:
                yield self._finish(layout, *under_way.popleft())
                self._pause(connection, source.rows)

    def _leave(self, background: Background, connection: Connection) -> None:
        """End what runs, and keep what was learned."""
        background.cancel()
        background.start(connection.close()).result()
        self.warnings += [w for w in connection.warnings if w not in self.warnings]

    def _pause(self, connection: Connection, total: int | None) -> None:
        """End early where nothing more is sent and too many rows wait for a later run."""
        reason = connection.stop_reason
        done = sum(counts.rows for counts in self._counts.models.values())
        waiting = self._rejects.retry_rows
        rows = max(total or 0, done + self._rejects.rows)
        if reason and waiting > self._run.most_waiting * rows:
            raise Paused(
                f"cleaning is paused after {counted(done)}: {reason}",
                "what is answered is kept and not paid again; run the same command later",
                task=self._task.name,
                rows=done,
            )

    def _finish(self, layout: Layout, chunk: Chunk, future: Future[_Results]) -> pa.RecordBatch:
        """Wait for a chunk's answers; put them in, and set aside the rows that have none."""
        import pyarrow as pa

        results, cached = future.result()
        rows = _Rows(layout)
        for row, item in enumerate(chunk.items):
            result = Answer((), RULES_ENGINE) if item is None else results[item.key]
            if isinstance(result, Failure):
                self._reject(chunk.batch, row, result)
                continue
            rows.add(chunk, row, result)
            self._counts.models[result.model].rows += 1
        self._count_unique(results, cached)
        batch = chunk.batch
        if len(rows.kept) < batch.num_rows:
            batch = batch.take(pa.array(rows.kept, pa.int64()))
        self._trace(batch, chunk, rows, cached)
        return with_answers(layout, batch, rows.outputs, rows.models, self._task.name)

    def _trace(self, batch: pa.RecordBatch, chunk: Chunk, rows: _Rows, cached: set[bytes]) -> None:
        """Write down how each row was made."""
        items = [chunk.items[row] for row in rows.kept]
        origins = [
            (
                "rules"
                if model == RULES_ENGINE
                else "cache" if item is not None and item.key in cached else "fresh"
            )
            for item, model in zip(items, rows.models, strict=True)
        ]
        columns: dict[str, Any] = {
            "item": ["" if item is None else item.key.hex() for item in items],
            "model": rows.models,
            "origin": origins,
            "attempts": rows.attempts,
        }
        ids = batch.column("id") if "id" in batch.schema.names else None
        self._provenance.add(ids, columns, self._task.name, self._config)

    def _count_unique(self, results: Mapping[bytes, Answer | Failure], cached: set[bytes]) -> None:
        """Count distinct rows, and those that were known already."""
        for key, result in results.items():
            if isinstance(result, Answer) and self._seen.add(key):
                counts = self._counts.models[result.model]
                counts.unique_rows += 1
                counts.cached_rows += key in cached

    def _reject(self, batch: pa.RecordBatch, row: int, failure: Failure) -> None:
        """Set a row aside with the reason and the model's last answer."""
        values = batch.slice(row, 1).to_pylist()[0]
        self._rejects.add(
            Reject(
                row=row_json(values),
                rule="llm",
                column=failure.column,
                reason=failure.reason,
                retry=failure.retry,
                answer=failure.answer,
            )
        )


class _Rows:
    """The rows of a chunk that have their outputs, column by column."""

    def __init__(self, layout: Layout) -> None:
        """Start without rows."""
        self._layout = layout
        self._columns = [layout.column_of(output) for output in layout.outputs]
        self.outputs: dict[str, list[Any]] = {name: [] for name in self._columns}
        # Columns that no output stands for leave as the rules made them.
        replaced = {output.of for output in layout.outputs}
        self._ruled = [name for name in layout.columns if name not in replaced]
        self.outputs |= {self._ruled_column(name): [] for name in self._ruled}
        self.kept: list[int] = []
        self.models: list[str] = []
        self.attempts: list[int] = []

    def add(self, chunk: Chunk, row: int, answer: Answer) -> None:
        """Take a row with its answer."""
        self.kept.append(row)
        self.models.append(answer.model)
        self.attempts.append(answer.attempts)
        hidden = chunk.masked.get(row)
        for at, (output, column) in enumerate(
            zip(self._layout.outputs, self._columns, strict=True)
        ):
            own = chunk.texts[output.of][row] if output.cleans else None
            value = answer.outputs[at] if answer.outputs else None
            if output.cleans and (not own or value is None):
                value = own
            elif hidden is not None and isinstance(value, str):
                value = self._shown(output, value, hidden)
            self.outputs[column].append(value)
        for name in self._ruled:
            self.outputs[self._ruled_column(name)].append(chunk.texts[name][row])

    def _ruled_column(self, name: str) -> str:
        """Give where a column goes that only the rules clean."""
        return "cleaned_text" if self._layout.processed and name == "raw_text" else name

    def _shown(self, output: Output, value: str, hidden: tuple[Masked, ...]) -> Value:
        """Put what was hidden back into a text."""
        if output.cleans:
            mask = hidden[self._layout.columns.index(output.of)]
            return unmask(value, mask) or value
        for mask in hidden:
            value = reveal(value, mask)
        return value
