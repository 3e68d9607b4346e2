"""When a request may be sent: evenly spaced over all processes, in step with what servers say.

The stretches of time in which a process may send are leased from the shared state, so that
processes with one key never send at the same moment; within a stretch, requests keep a gap that
both limits allow, requests and tokens. (After GCRA, the generic cell rate algorithm of ATM Forum
TM 4.0: what counts is the time at which the next one conforms, not a window's content.)
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from random import uniform

from resources.llm.limits import Allowance, allowances
from resources.llm.state import State

_STRETCH = 0.5
_CATCH_UP, _CATCH_UP_SECONDS = 4, 0.05
_FEWEST, _MOST = 4, 256
_FIRST_LATENCY = 3.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_SLOWER, _MUCH_SLOWER, _FASTER, _SLOWEST = (0.97, 0.9), 0.7, 1.0001, 0.05
_WINDOW, _TOLERATED = 200, 2
_WELL_BELOW = 0.9


class Pacer:
    """Gives turns to one process's requests. Only one caller waits for a turn at a time."""

    def __init__(
        self,
        state: State,
        name: str,
        rate: float,
        tokens_per_minute: float,
        *,
        at_a_time: int = 0,
    ) -> None:
        """Share limits with whoever uses `name`: `rate` requests a second, tokens (0: no limit).

        at_a_time: the most in flight; 0 means what rate and latency ask for.
        """
        self._at_a_time = at_a_time
        self._state, self._pace, self._pause = state, f"pace:{name}", f"pause:{name}"
        self._rate = rate
        self._token_rate = tokens_per_minute / 60
        self._share = 1.0
        self._allowed: dict[str, Allowance] = {}
        self._next = state.now()
        self._end = 0.0
        self._paused_until = 0.0
        self._refusals = 0
        self._answered = False
        self._sent = self._refused_in_window = self._steps = 0
        self._latency = _FIRST_LATENCY
        self._in_flight = 0
        self._room = asyncio.Event()
        self._stopped = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Give how many requests wait for their answers."""
        return self._in_flight

    @property
    def latency(self) -> float:
        """Give the seconds that an answer takes, the newest counting most."""
        return self._latency

    @property
    def most_in_flight(self) -> int:
        """Give how many requests the rate keeps in flight at this latency, and half more."""
        return self._at_a_time or min(
            max(math.ceil(1.5 * self._rate * self._latency), _FEWEST), _MOST
        )

    @property
    def stopped(self) -> bool:
        """Tell whether nothing more will be sent."""
        return self._stopped.is_set()

    async def turn(self, waiting: int) -> None:
        """Wait until one request may be sent. waiting: how many packs there are to send."""
        while self._in_flight >= self.most_in_flight and not self._stopped.is_set():
            self._room.clear()
            await self._room.wait()
        while not self._stopped.is_set():
            now = self._state.now()
            if self._next >= self._end or now >= self._end:
                self._lease(now, waiting)
            wait = max(self._next, self._paused_until) - now
            if wait <= 0:
                return
            try:
                async with asyncio.timeout(wait):
                    await self._stopped.wait()
            except TimeoutError:
                pass
            if self._paused_until > self._end:
                self._end = 0.0  # what was leased before the pause is void

    def stop(self) -> None:
        """Let nobody wait any more: nothing will be sent."""
        self._stopped.set()
        self._room.set()

    def sent(self, tokens: float) -> None:
        """Count a request in; the next one keeps the gap that it asks for."""
        now = self._state.now()
        gap = self._gap(tokens)
        # Late by a little is caught up with; a longer sleep does not end in a burst.
        self._next = max(self._next, now - self._catch_up() * gap) + gap
        self._in_flight += 1
        self._sent += 1
        if self._sent >= _WINDOW:
            self._sent = self._refused_in_window = self._steps = 0

    def ended(self, seconds: float | None) -> None:
        """Count a request out. seconds: until its answer, None where it says nothing of latency."""
        self._in_flight -= 1
        if seconds is not None:
            self._latency += 0.1 * (seconds - self._latency)
        self._room.set()

    def answered(self, headers: Mapping[str, str] | None) -> None:
        """Note that the server takes requests, and what it says of its limits."""
        self._answered = True
        self._refusals = 0
        self._share = min(self._share * _FASTER, 1.0)
        if headers is not None:
            self._allowed |= allowances(headers, self._state.now())

    def refused(self, wait: float | None, headers: Mapping[str, str] | None = None) -> float:
        """Let nobody send for so long; without a figure, longer with every refusal in a row.

        Gives the seconds. Those who were sent before the pause do not lengthen it.
        """
        now = self._state.now()
        self._slow_down()
        told = allowances(headers, now).get("requests") if headers is not None else None
        if told is not None and told.remaining < 1 and told.refill < _WELL_BELOW * self._rate:
            self._share = min(self._share, told.refill / self._rate)
        if wait is None:
            if now < self._paused_until:
                return 0.0
            self._refusals += 1
            longest = min(_FIRST_PAUSE * 2 ** (self._refusals - 1), _LONGEST_PAUSE)
            wait = longest * uniform(0.5, 1)  # noqa: S311 - jitter, not secrecy
        if now + wait > self._paused_until:
            self._paused_until = now + wait
            self._state.raise_figure(self._pause, self._paused_until)
        return wait

    def _slow_down(self) -> None:
        """Send more slowly from here on, where refusals are more than the odd one."""
        self._refused_in_window += 1
        if self._refused_in_window > _TOLERATED:
            # Again and again means that the limit is another one than was set.
            step = _SLOWER[self._steps] if self._steps < len(_SLOWER) else _MUCH_SLOWER
            self._share = max(self._share * step, _SLOWEST)
            self._steps += 1
            self._sent = self._refused_in_window = 0

    def _gap(self, tokens: float) -> float:
        """Give the seconds that a request of so many tokens takes of the limits."""
        now = self._state.now()
        rate, token_rate = self._rate, self._token_rate
        for what, allowed in self._allowed.items():
            if allowed.binds(now):
                if what == "requests":
                    rate = min(rate, allowed.refill)
                else:
                    token_rate = min(token_rate or allowed.refill, allowed.refill)
        gap = 1 / (rate * self._share)
        return max(gap, tokens / token_rate) if token_rate else gap

    def _lease(self, now: float, waiting: int) -> None:
        """Lease the next stretch of time, as long as what waits needs, half a second at most."""
        gap = self._gap(0)
        seconds = max(min(_STRETCH, max(waiting, 1) * gap), gap)
        overrun = max(self._next - max(self._end, now), 0.0)
        credit = min(max(now - self._next, 0.0), self._catch_up() * gap)
        self._next = self._state.lease_time(self._pace, now - credit, seconds, overrun)
        self._end = self._next + seconds
        self._paused_until = max(self._paused_until, self._state.figure(self._pause))

    def _catch_up(self) -> float:
        """Give how many requests may be sent late: as many as strict servers take at once.

        Until the first answer none: connections that are being made bunch requests enough.
        """
        return min(_CATCH_UP, _CATCH_UP_SECONDS * self._rate) if self._answered else 0.0
