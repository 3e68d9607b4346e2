"""When to stop sending to a model: most of its calls fail, so the rest would only wait in vain."""

from __future__ import annotations

from collections import deque

_WINDOW = 60.0
_FEWEST = 20
_SHARE = 0.5
_SILENT_PACKS = 3
_FIRST_PROBE, _LONGEST_BETWEEN = 1.0, 15.0


class Breaker:
    """Watches one model. Open, it lets probes through, further and further apart."""

    def __init__(self) -> None:
        """Start closed, with nothing seen."""
        self._calls: deque[tuple[float, bool]] = deque()
        self._failed = 0
        self._silent_packs = 0
        self._pause = _FIRST_PROBE
        self.open_since: float | None = None
        self.next_probe = 0.0
        self.works = False

    @property
    def is_open(self) -> bool:
        """Tell whether nothing but probes should be sent."""
        return self.open_since is not None

    def answered(self) -> None:
        """Note an answer, of whatever quality: the model is there."""
        self.works = True
        self._silent_packs = 0
        if self.open_since is not None:
            self.open_since = None
            self._pause = _FIRST_PROBE
            self._calls.clear()
            self._failed = 0

    def called(self, now: float, ok: bool) -> None:
        """Count a call; open where half of the last minute's, of twenty or more, failed."""
        self._calls.append((now, ok))
        self._failed += not ok
        while self._calls and self._calls[0][0] < now - _WINDOW:
            self._failed -= not self._calls.popleft()[1]
        total = len(self._calls)
        if not ok and total >= _FEWEST and self._failed >= _SHARE * total:
            self.open(now)

    def gave_up(self) -> bool:
        """Note a pack that got no answer however often it was asked; tell whether to ask why."""
        self._silent_packs += 1
        return self._silent_packs >= _SILENT_PACKS or not self.works

    def open(self, now: float) -> None:
        """Stop sending; the first probe follows in a second."""
        if self.open_since is None:
            self.open_since = now
            self.next_probe = now + self._pause

    def probe_is_due(self, now: float) -> bool:
        """Tell whether to probe now; the next time is set when this one has failed."""
        if now < self.next_probe:
            return False
        self.next_probe = float("inf")
        return True

    def probe_failed(self, now: float) -> None:
        """Wait longer until the next probe."""
        self._pause = min(self._pause * 1.5, _LONGEST_BETWEEN)
        self.next_probe = now + self._pause
