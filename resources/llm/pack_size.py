"""How many rows share a request: as the task says, or so that answers take about three seconds."""

from __future__ import annotations

from typing import Final

from resources.llm.packer import AUTO_ROWS, MOST_AUTO_ROWS
from resources.llm.state import State

_TARGET: Final = 3.0
_SETTLED: Final = 10
_LOW, _HIGH = 0.8, 1.0


class PackSize:
    """Rows per request. `auto` starts from what the last run learned, 20 in the first."""

    def __init__(self, rows: int, state: State | None, name: str) -> None:
        """Take `rows` as given; 0 means auto, remembered in `state` under `name`."""
        self._auto = rows == 0
        self._state, self._name = state, f"rows:{name}"[:200]
        learned = int(state.figure(self._name)) if self._auto and state is not None else 0
        self.rows = rows or min(learned or AUTO_ROWS, MOST_AUTO_ROWS)
        self._seconds = 0.0
        self._answers = 0

    def answered(self, rows: int, seconds: float) -> None:
        """Learn from an answer to a full pack: too slow means fewer rows, fast means more."""
        if not self._auto or rows < self.rows:
            return
        self._seconds += seconds
        self._answers += 1
        if self._answers < _SETTLED:
            return
        ratio = self._seconds / self._answers / _TARGET
        self._seconds, self._answers = 0.0, 0
        if _LOW <= ratio <= _HIGH:
            return
        # Half of a request's time is its own, whatever it holds: so no step is a leap.
        wanted = self.rows * min(max(0.9 / max(ratio, 0.01), 0.5), 1.5)
        self.rows = min(max(round(wanted), 1), MOST_AUTO_ROWS)

    def close(self) -> None:
        """Remember what was learned."""
        if self._auto and self._state is not None:
            self._state.set_figure(self._name, self.rows)
