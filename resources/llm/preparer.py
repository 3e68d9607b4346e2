"""Rows on their way to a model: the rules first, personal data hidden, equal rows made one item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resources.llm.layout import Layout
from resources.llm.masking import Masked, mask
from resources.llm.packer import Item, make_item, make_keys
from resources.llm.rules import cleaner_of
from resources.llm.task import CleaningTask

if TYPE_CHECKING:
    import pyarrow as pa


_FIRST_ROWS, _STEP_ROWS = 400, 2_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """A batch on its way.

    texts: after the rules, by column. items: each row's (None: nothing to ask). masked: for rows
    with personal data, each column's mask.
    """

    batch: pa.RecordBatch
    texts: dict[str, list[str | None]]
    items: list[Item | None]
    masked: dict[int, tuple[Masked, ...]]


def in_steps(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Slice batches so that no step keeps requests waiting; the first one is small."""
    most = _FIRST_ROWS
    for batch in batches:
        start = 0
        while start < batch.num_rows or batch.num_rows == 0:
            yield batch.slice(start, most)
            start += most
            most = _STEP_ROWS
            if batch.num_rows == 0:
                break


class Preparer:
    """Makes chunks of one table for one task."""

    def __init__(self, task: CleaningTask, layout: Layout, salt: str = "") -> None:
        """Prepare for one table; `salt` as make_keys takes it."""
        self._layout = layout
        self._rule = cleaner_of(task.rules)
        self._keys = make_keys(task, layout.columns, salt)
        self._mask = task.mask

    def chunk(self, batch: pa.RecordBatch) -> Chunk:
        """Apply the rules, hide what is personal, and make the rows' items."""
        columns = self._layout.columns
        texts = {name: self._layout.texts(batch, name, self._rule) for name in columns}
        masked: dict[int, tuple[Masked, ...]] = {}
        items: list[Item | None] = []
        rows: Sequence[tuple[str | None, ...]] = list(zip(*texts.values(), strict=True))
        for at, row in enumerate(rows):
            if not any(text and text.strip() for text in row):
                items.append(None)
                continue
            said = tuple(text or "" for text in row)
            if self._mask:
                hidden = tuple(mask(text, self._mask) for text in said)
                if any(one.found for one in hidden):
                    masked[at] = hidden
                    said = tuple(one.text for one in hidden)
            items.append(make_item(self._keys, said))
        return Chunk(batch, texts, items, masked)

    @staticmethod
    def distinct(chunk: Chunk) -> list[Item]:
        """Give a chunk's items, each once."""
        return list({item.key: item for item in chunk.items if item is not None}.values())
