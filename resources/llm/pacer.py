"""When a request may be sent: evenly spaced, never too many in flight, all waiting on a pause."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

_BELOW_THE_LIMIT = 0.99
_FEWEST, _MOST = 4, 256
_FIRST_LATENCY = 3.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class Pacer:
    """Spaces requests evenly. Who waits with the lower order goes first: older chunks finish first.

    Windows that send a second's requests at once are refused by strict servers, so the gap between
    two requests is kept, with at most one request caught up after a late wake-up.
    """

    def __init__(self, rate: float) -> None:
        """Send at most `rate` requests per second."""
        self._rate = rate
        self._gap = 1 / (rate * _BELOW_THE_LIMIT)
        self._next = 0.0
        self._paused_until = 0.0
        self._refusals = 0
        self._latency = _FIRST_LATENCY
        self._in_flight = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrival = count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def most_in_flight(self) -> int:
        """Give how many requests the rate keeps in flight at this latency, and half more."""
        return min(max(math.ceil(1.5 * self._rate * self._latency), _FEWEST), _MOST)

    @asynccontextmanager
    async def slot(self, order: int) -> AsyncIterator[None]:
        """Wait for one's turn; the request is in flight until the block ends."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._waiting, (order, next(self._arrival), turn))
        self._plan_next()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise
        started = loop.time()
        try:
            yield
        finally:
            self._latency += 0.1 * (loop.time() - started - self._latency)
            self._leave()

    def pause(self, seconds: float | None) -> None:
        """Let nobody send for so long; without a figure, longer with every refusal in a row."""
        now = asyncio.get_running_loop().time()
        if seconds is None:
            if now < self._paused_until:
                return
            self._refusals += 1
            longest = min(_FIRST_PAUSE * 2 ** (self._refusals - 1), _LONGEST_PAUSE)
            seconds = longest * random.uniform(0.5, 1)  # noqa: S311
        self._paused_until = max(self._paused_until, now + seconds)

    def answered(self) -> None:
        """Note that the server takes requests again."""
        self._refusals = 0

    def _leave(self) -> None:
        """Count a request out."""
        self._in_flight -= 1
        self._plan_next()

    def _plan_next(self) -> None:
        """Set the timer for the next turn, if anybody waits and there is room."""
        if self._timer is None and self._waiting and self._in_flight < self.most_in_flight:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(self._next, self._paused_until), self._give_turn)

    def _give_turn(self) -> None:
        """Let the first of those who wait go."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._waiting and now >= self._paused_until:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._next = max(self._next, now - self._gap) + self._gap
                self._in_flight += 1
                turn.set_result(None)
                break
        self._plan_next()
