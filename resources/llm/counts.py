"""Counting what is used, per model."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(slots=True)
class ModelCounts:
    """Figures of one model."""

    rows: int = 0
    unique_rows: int = 0
    cached_rows: int = 0
    requests: int = 0
    failed_requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0


class Counts:
    """Figures of all models of a run, by the name each one answers to."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.models: dict[str, ModelCounts] = defaultdict(ModelCounts)
        self._answers_as: dict[str, str] = {}

    def failed(self, asked: str, seconds: float) -> None:
        """Count a request without an answer."""
        counts = self.models[self._answers_as.get(asked, asked)]
        counts.requests += 1
        counts.failed_requests += 1
        counts.seconds += seconds

    def answered(
        self, asked: str, model: str, tokens: tuple[int, int], seconds: float, cost: float
    ) -> None:
        """Count a request with an answer, under the name the model answered to."""
        if asked != model and asked not in self._answers_as:
            self._rename(asked, model)
        self._answers_as[asked] = model
        counts = self.models[model]
        counts.requests += 1
        counts.prompt_tokens += tokens[0]
        counts.completion_tokens += tokens[1]
        counts.cost += cost
        counts.seconds += seconds

    def _rename(self, asked: str, model: str) -> None:
        """Move the failures counted before the first answer to the model's own name."""
        early = self.models.pop(asked, None)
        if early is not None:
            counts = self.models[model]
            counts.requests += early.requests
            counts.failed_requests += early.failed_requests
            counts.seconds += early.seconds
