"""How much shares a request: as the task says, or so that answers take about three seconds."""

from __future__ import annotations

from typing import Final

from resources.llm.state import State

AUTO_ROWS: Final = 20
AUTO_TOKENS: Final = 1_500
MOST_AUTO_ROWS: Final = 50
MOST_TOKENS: Final = 6_000
_TARGET: Final = 3.0
_SETTLED: Final = 10
_LOW, _HIGH = 0.8, 1.0
_SMALLEST: Final = 0.05
_FULL: Final = 0.7


class PackSize:
    """Rows, and tokens of their texts, per request.

    `auto` starts with 20 rows of 1,500 tokens, or with what the last run learned.
    """

    def __init__(self, rows: int, state: State | None, name: str) -> None:
        """Take `rows` as given; 0 means auto, remembered in `state` under `name`."""
        self._rows = rows
        self._state, self._name = state, f"size:{name}"[:200]
        learned = state.figure(self._name) if rows == 0 and state is not None else 0.0
        self._scale = learned or 1.0
        self._seconds = 0.0
        self._answers = 0

    @property
    def rows(self) -> int:
        """Give the most rows of a request."""
        return self._rows or min(max(round(AUTO_ROWS * self._scale), 1), MOST_AUTO_ROWS)

    @property
    def tokens(self) -> int:
        """Give the most tokens that its texts may have; a single longer text goes alone."""
        return MOST_TOKENS if self._rows else min(round(AUTO_TOKENS * self._scale), MOST_TOKENS)

    def answered(self, rows: int, tokens: int, seconds: float) -> None:
        """Learn from the answer to a full request: too slow means less, fast means more."""
        full = rows >= self.rows or tokens >= _FULL * self.tokens
        if self._rows or not full:
            return
        self._seconds += seconds
        self._answers += 1
        if self._answers < _SETTLED:
            return
        ratio = self._seconds / self._answers / _TARGET
        self._seconds, self._answers = 0.0, 0
        if not _LOW <= ratio <= _HIGH:
            # A part of each request's time is its own, whatever it holds: so no step is a leap.
            step = min(max(0.9 / max(ratio, 0.01), 0.5), 1.5)
            largest = MOST_AUTO_ROWS / AUTO_ROWS
            self._scale = min(max(self._scale * step, _SMALLEST), largest)

    def close(self) -> None:
        """Remember what was learned."""
        if not self._rows and self._state is not None:
            self._state.set_figure(self._name, self._scale)
