"""The engine `openai/1`: cleans tables with a model, chunk after chunk, requests never idle."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from resources.llm.asker import Asker
from resources.llm.background import Background
from resources.llm.cache import RowCache
from resources.llm.cleaner import UsageFacts
from resources.llm.client import Client
from resources.llm.counts import Counts
from resources.llm.endpoint import Endpoint, endpoint_of
from resources.llm.layout import PROVENANCE, Layout, layout_of, stream_of, with_answers
from resources.llm.packer import Item, make_item, make_keys
from resources.llm.results import Answer, Failure
from resources.llm.rules import cleaner_of
from resources.llm.task import OPENAI_ENGINE, RULES_ENGINE, CleaningTask
from resources.rejects import Reject, Rejects, row_json
from resources.settings import Settings
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

_AHEAD = 2
"""Chunks whose requests are under way while the one before them is finished."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A batch on its way: its texts after the rules, each row's item (None: nothing to ask)."""

    batch: pa.RecordBatch
    texts: dict[str, list[str | None]]
    items: list[Item | None]


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
    ) -> None:
        """Read where the model is; a missing key or a wrong URL is told here."""
        self._task = task
        self._endpoint: Endpoint = endpoint_of(environment)
        self._cache_path = settings.data / "cache" / "llm.sqlite"
        self._rejects = rejects
        self._counts = Counts()

    @property
    def usage(self) -> tuple[UsageFacts, ...]:
        """Give what each model did, by the name it answered to."""
        return tuple(
            UsageFacts(
                engine=RULES_ENGINE if model == RULES_ENGINE else OPENAI_ENGINE,
                model=model,
                task=self._task.name,
                **asdict(counts),
            )
            for model, counts in sorted(dict(self._counts.models).items())
        )

    def clean(self, table: object) -> Table:
        """Give the cleaned table; rows without an acceptable answer go to the rejects."""
        source = stream_of(table)

        def layout() -> Layout:
            """Find the columns to clean, when the table is first looked at."""
            return layout_of(source.schema, self._task.columns, self._task.name, paid=True)

        return Table(
            lambda: layout().schema,
            lambda rows: self._batches(source, layout(), rows),
            volatile=source.volatile | PROVENANCE,
        )

    def _batches(self, source: Table, layout: Layout, rows: int) -> Iterator[pa.RecordBatch]:
        """Clean batch after batch, in order, with the next ones' requests already under way."""
        prepare = _Preparer(self._task, layout)
        under_way: deque[tuple[_Chunk, Future[_Results]]] = deque()
        with ExitStack() as open_parts:
            cache = RowCache(self._cache_path)
            open_parts.callback(cache.close)
            background = open_parts.enter_context(Background())
            asker, client = background.start(self._connect(layout, cache)).result()
            open_parts.callback(lambda: background.start(client.close()).result())
            open_parts.callback(background.cancel)
            for order, batch in enumerate(source.batches(rows)):
                chunk = prepare.chunk(batch)
                distinct = list({item.key: item for item in chunk.items if item}.values())
                under_way.append((chunk, background.start(asker.answers(distinct, order))))
                if len(under_way) > _AHEAD:
                    yield self._finish(layout, *under_way.popleft())
            while under_way:
                yield self._finish(layout, *under_way.popleft())

    async def _connect(self, layout: Layout, cache: RowCache) -> tuple[Asker, Client]:
        """Make the parts that live in the event loop."""
        client = Client(self._endpoint, self._counts)
        return Asker(self._task, layout.columns, client, cache), client

    def _finish(self, layout: Layout, chunk: _Chunk, future: Future[_Results]) -> pa.RecordBatch:
        """Wait for a chunk's answers; put them in, and set aside the rows that have none."""
        import pyarrow as pa

        results, cached = future.result()
        models: list[str] = []
        kept: list[int] = []
        for row, item in enumerate(chunk.items):
            result = Answer((), RULES_ENGINE) if item is None else results[item.key]
            if isinstance(result, Failure):
                self._reject(chunk.batch, row, result)
                continue
            kept.append(row)
            models.append(result.model)
            self._counts.models[result.model].rows += 1
            for name, text in zip(layout.columns, result.texts, strict=False):
                if chunk.texts[name][row]:
                    chunk.texts[name][row] = text
        self._count_unique(results, cached)
        texts = chunk.texts
        batch = chunk.batch
        if len(kept) < batch.num_rows:
            batch = batch.take(pa.array(kept, pa.int64()))
            texts = {name: [column[row] for row in kept] for name, column in texts.items()}
        return with_answers(layout, batch, texts, models, self._task.name)

    def _count_unique(self, results: Mapping[bytes, Answer | Failure], cached: set[bytes]) -> None:
        """Count distinct rows, and those that the cache knew."""
        for key, result in results.items():
            if isinstance(result, Answer):
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


class _Preparer:
    """Makes chunks: the rules first, then an item for each row that has a text."""

    def __init__(self, task: CleaningTask, layout: Layout) -> None:
        """Prepare for one table."""
        self._layout = layout
        self._rule = cleaner_of(task.rules)
        self._keys = make_keys(task, layout.columns)

    def chunk(self, batch: pa.RecordBatch) -> _Chunk:
        """Apply the rules and make the rows' items."""
        columns = self._layout.columns
        texts = {name: self._layout.texts(batch, name, self._rule) for name in columns}
        rows: Sequence[tuple[str | None, ...]] = list(zip(*texts.values(), strict=True))
        items = [
            (
                make_item(self._keys, tuple(text or "" for text in row))
                if any(text and text.strip() for text in row)
                else None
            )
            for row in rows
        ]
        return _Chunk(batch, texts, items)
