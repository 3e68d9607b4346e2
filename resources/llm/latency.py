"""How long answers take, and from when on a request counts as hung."""

from __future__ import annotations

from collections import deque
from typing import Final

_KEPT: Final = 200
_ENOUGH: Final = 20
_SHORTEST: Final = 1.0


class Latencies:
    """The latencies of the last answers, in proportion to what was asked for."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._last: deque[float] = deque(maxlen=_KEPT)
        self._sizes: deque[int] = deque(maxlen=_KEPT)
        self._too_long: float | None = None
        self._slow: float | None = None

    def add(self, tokens: int, seconds: float) -> None:
        """Note an answer's latency, and the tokens of the texts it was for."""
        self._last.append(seconds)
        self._sizes.append(tokens)
        if len(self._last) >= _ENOUGH and (self._too_long is None or len(self._last) % 10 == 0):
            ordered = sorted(self._last)
            near_worst = ordered[int(0.98 * (len(ordered) - 1))]
            self._slow = ordered[int(0.95 * (len(ordered) - 1))]
            self._too_long = max(_SHORTEST, 1.5 * near_worst, 3 * ordered[len(ordered) // 2])

    def slow(self) -> float | None:
        """Give the seconds that few answers take: with nothing else to send, too long."""
        return self._slow

    def too_long(self, tokens: int) -> float | None:
        """Give the seconds after which a request of this size hangs (None: not known yet)."""
        if self._too_long is None:
            return None
        usual = sum(self._sizes) / len(self._sizes)
        return self._too_long * max(tokens / usual, 1.0) if usual else self._too_long
