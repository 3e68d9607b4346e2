"""Items, and the packs of items that share one request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from resources.llm.task import CleaningTask

AUTO_ROWS = 20
AUTO_TOKENS = 1_500
MOST_TOKENS = 6_000


@dataclass(frozen=True, slots=True)
class Item:
    """What one row asks of a model: its texts, in the order of the columns ("" = nothing).

    key: the row's content, the task's facts and the model, as a digest: the row cache's key.
    """

    key: bytes
    texts: tuple[str, ...]

    @property
    def tokens(self) -> int:
        """Estimate the tokens of the texts: about 4 ASCII characters each, or one other."""
        return sum(_tokens(text) for text in self.texts)


def _tokens(text: str) -> int:
    """Estimate the tokens of one text."""
    if text.isascii():
        return len(text) // 4 + 1
    plain = sum(letter < "\x80" for letter in text)
    return plain // 4 + (len(text) - plain) + 1


def make_keys(task: CleaningTask, columns: tuple[str, ...]) -> hashlib.blake2b:
    """Begin the digest that every item's key continues."""
    facts = {**task.answer_facts(), "columns": list(columns)}
    return hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16)


def make_item(keys: hashlib.blake2b, texts: tuple[str, ...]) -> Item:
    """Give the item of a row's texts."""
    digest = keys.copy()
    digest.update(json.dumps(texts, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return Item(digest.digest(), texts)


def packs(items: Iterable[Item], rows_per_request: int) -> Iterator[list[Item]]:
    """Pack items in order: at most so many rows (0 = auto) and so many tokens a request."""
    most_rows = rows_per_request or AUTO_ROWS
    most_tokens = MOST_TOKENS if rows_per_request else AUTO_TOKENS
    pack: list[Item] = []
    tokens = 0
    for item in items:
        if pack and (len(pack) >= most_rows or tokens + item.tokens > most_tokens):
            yield pack
            pack, tokens = [], 0
        pack.append(item)
        tokens += item.tokens
    if pack:
        yield pack


def answer_tokens(task: CleaningTask, pack: Sequence[Item]) -> int:
    """Give the most tokens an answer may take: what the texts need, within the task's limit."""
    needed = 2 * sum(item.tokens for item in pack) + 16 * len(pack) * len(pack[0].texts) + 64
    if not task.max_tokens:
        return max(needed, 256)
    return min(len(pack) * task.max_tokens, max(task.max_tokens, needed))
