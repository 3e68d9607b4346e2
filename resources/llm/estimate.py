"""What cleaning a table will take, counted by the same packer that will run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from resources.llm.cache import RowCache
from resources.llm.layout import layout_of
from resources.llm.packer import Item, make_item, make_keys, packs
from resources.llm.protocol import messages
from resources.llm.rules import cleaner_of
from resources.llm.task import CleaningTask
from resources.tables import Table


@dataclass(frozen=True, slots=True)
class Estimate:
    """What cleaning takes. unique: distinct rows; cached: those whose answer is known already."""

    rows: int
    unique: int
    cached: int
    requests: int
    prompt_tokens: int
    completion_tokens: int


def estimate(task: CleaningTask, table: Table, cache: Path, chunk_rows: int) -> Estimate:
    """Read the table once and count; asks nobody, pays nothing."""
    layout = layout_of(table.schema, task.columns, task.name, paid=True)
    rule, keys = cleaner_of(task.rules), make_keys(task, layout.columns)
    known = RowCache(cache) if cache.is_file() else None
    rows = cached = requests = prompt = completion = 0
    seen: set[bytes] = set()
    try:
        for batch in table.batches(chunk_rows):
            rows += batch.num_rows
            columns = [layout.texts(batch, name, rule) for name in layout.columns]
            fresh: dict[bytes, Item] = {}
            for texts in zip(*columns, strict=True):
                if any(text and text.strip() for text in texts):
                    item = make_item(keys, tuple(text or "" for text in texts))
                    if item.key not in seen:
                        fresh[item.key] = item
            seen |= fresh.keys()
            if known is not None:
                answers = known.lookup(fresh.values())
                cached += len(answers)
                fresh = {key: item for key, item in fresh.items() if key not in answers}
            for pack in packs(fresh.values(), task.rows_per_request):
                requests += 1
                prompt += _tokens(task, layout.columns, pack)
                completion += sum(item.tokens for item in pack) + 4 * len(pack)
    finally:
        if known is not None:
            known.close()
    return Estimate(rows, len(seen), cached, requests, prompt, completion)


def _tokens(task: CleaningTask, columns: tuple[str, ...], pack: list[Item]) -> int:
    """Estimate a request's tokens: its texts, its words, and the answer's schema."""
    words = messages(task, columns, pack[:1])
    said = sum(len(json.dumps(message, ensure_ascii=False)) for message in words) // 4
    return said - pack[0].tokens + sum(item.tokens for item in pack) + 12 * len(pack)
