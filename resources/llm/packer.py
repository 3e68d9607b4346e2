"""Items, and the packs of items that share one request."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from resources.llm.task import CleaningTask


@dataclass(frozen=True, slots=True)
class Item:
    """What one row asks of a model: its texts, in the order of the columns ("" = nothing).

    key: the row's content, the task's facts and the model, as a digest: the answer's name.
    tokens: of the texts, estimated: about 4 ASCII characters each, or one other.
    """

    key: bytes
    texts: tuple[str, ...]
    tokens: int = field(compare=False, default=0)


def token_count(text: str) -> int:
    """Estimate the tokens of one text."""
    if text.isascii():
        return len(text) // 4 + 1
    plain = len(text.encode("ascii", "ignore"))
    return plain // 4 + (len(text) - plain) + 1


def make_keys(task: CleaningTask, columns: tuple[str, ...], salt: str = "") -> hashlib.blake2b:
    """Begin the digest that every item's key continues.

    salt: what ends a cached answer's life, where the task keeps them for one version only.
    """
    facts: dict[str, object] = {**task.answer_facts(), "columns": list(columns)}
    if task.cache == "version":
        facts["salt"] = salt
    return hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16)


def make_item(keys: hashlib.blake2b, texts: tuple[str, ...]) -> Item:
    """Give the item of a row's texts."""
    digest = keys.copy()
    digest.update(json.dumps(texts, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return Item(digest.digest(), texts, sum(map(token_count, texts)))


def in_order(items: Iterable[Item]) -> list[Item]:
    """Give items by length, so that rows of one pack are alike and none waits for a giant."""
    return sorted(items, key=lambda item: (item.tokens, item.key))


def take_pack(waiting: deque[Item], rows: int, most: float) -> list[Item]:
    """Take the next pack: at most so many rows and `most` tokens, at least one row."""
    pack: list[Item] = []
    tokens = 0
    while waiting and len(pack) < rows:
        tokens += waiting[0].tokens
        if pack and tokens > most:
            break
        pack.append(waiting.popleft())
    return pack


def packs(items: Iterable[Item], rows: int, most: float) -> Iterator[list[Item]]:
    """Pack items in order."""
    waiting = deque(items)
    while waiting:
        yield take_pack(waiting, rows, most)


def answer_tokens(task: CleaningTask, pack: Sequence[Item]) -> int:
    """Give the most tokens an answer may take: what the texts need, within the task's limit."""
    names = max(len(pack[0].texts), len(task.outputs))
    needed = 2 * sum(item.tokens for item in pack) + 16 * len(pack) * names + 64
    if not task.max_tokens:
        return max(needed, 256)
    return min(len(pack) * task.max_tokens, max(task.max_tokens, needed))
