"""What becomes of an item: an answer, or a failure with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from resources.llm.outputs import Value


class Answer(NamedTuple):
    """An item's outputs, the model they are from, and how many requests it took (0: cached)."""

    outputs: tuple[Value, ...]
    model: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item has no answer. retry: the cause passes. answer: the last one, if any."""

    reason: str
    column: str = ""
    retry: bool = False
    answer: str = ""
