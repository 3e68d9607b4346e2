"""What becomes of an item: an answer, or a failure with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Answer(NamedTuple):
    """The cleaned texts of an item, and the model they are from."""

    texts: tuple[str, ...]
    model: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item has no answer. retry: the cause passes. answer: the last one, if any."""

    reason: str
    column: str = ""
    retry: bool = False
    answer: str = ""
