"""Sends packs: every attempt in its turn, retried, hedged, counted, and stopped in time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from random import uniform
from typing import TYPE_CHECKING, Any, Final, Protocol

from resources.errors import DataOpsError
from resources.llm.failures import (
    FAILURES,
    Again,
    Doubtful,
    Failed,
    Limited,
    Passing,
    Refused,
)
from resources.llm.latency import Latencies
from resources.llm.recorder import Recorder
from resources.llm.transport import Ask, Reply

if TYPE_CHECKING:
    from resources.llm.health import Health
    from resources.llm.pacer import Pacer
    from resources.llm.pack_size import PackSize
    from resources.llm.packer import Item
    from resources.llm.requests import Requests
    from resources.llm.spending import Spending
    from resources.llm.transport import Transport
    from resources.llm.work import Pack, Work

_TRIES: Final = 4
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 20.0
_LONGEST_ASKED: Final = 60.0
_REFUSED_TOO_LONG: Final = 900.0
_STARTING: Final = 2
_BETWEEN_LOOKS: Final = 0.1
_LAST_SHARE: Final = 0.01


class Receiver(Protocol):
    """Who takes what becomes of packs."""

    def ask_of(self, pack: Pack) -> tuple[str, float]:
        """Give the model and the temperature that a pack is for."""

    def sent(self, pack: Pack) -> None:
        """Note that a request with these items is on its way."""

    def unanswered(self, items: list[Item]) -> list[Item]:
        """Give the items that still wait; what was answered meanwhile is handed over."""

    def replied(self, pack: Pack, reply: Reply) -> bool:
        """Take a reply; tell whether any of it is used."""

    def failed(self, pack: Pack, why: Failed) -> None:
        """See to a pack that will get no answer as it is."""

    def stopped(self, reason: str) -> None:
        """Give up what waits, for a cause that passes."""

    def broke(self, error: BaseException) -> None:
        """Let everybody who waits know that the run is over."""


class Sending(Protocol):
    """Who sends the packs of some work: request by request, or in batches."""

    stop_reason: str

    def start(self, work: Work, receiver: Receiver) -> None:
        """Begin to send what comes to be in `work`."""

    def wake(self) -> None:
        """Look at the work again: something was added."""

    def all_given(self) -> None:
        """Know that no new rows will come."""


class Sender:
    """Takes packs from the work whenever the pacer gives a turn, and sees each one through."""

    def __init__(
        self,
        transport: Transport,
        requests: Requests,
        pacer: Pacer,
        spending: Spending,
        recorder: Recorder,
        size: PackSize,
        health: Health,
    ) -> None:
        """Send by `transport`, as the other parts allow."""
        self._transport, self._requests, self._pacer = transport, requests, pacer
        self._spending, self._recorder, self._size = spending, recorder, size
        self._health = health
        health.stop = self._stop
        self._latencies = Latencies()
        self._more = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flights: dict[asyncio.Task[None], Pack] = {}
        self._sent = self._hedged_last = 0
        self._refused_since: float | None = None
        self.stop_reason = ""

    def start(self, work: Work, receiver: Receiver) -> None:
        """Begin to send what comes to be in `work`."""
        self._work, self._receiver = work, receiver
        self._loop = asyncio.get_running_loop()
        self._spawn(self._dispatch())
        self._spawn(self._watch())

    def wake(self) -> None:
        """Look at the work again: something was added."""
        self._more.set()

    def all_given(self) -> None:
        """Go on: what is waiting is being sent anyway."""

    def _spawn(self, work: Coroutine[Any, Any, None], pack: Pack | None = None) -> None:
        """Run a coroutine beside; what it raises ends the run."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        if pack is not None:
            self._flights[task] = pack
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Let an error of a coroutine end the run."""
        self._tasks.discard(task)
        self._flights.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._receiver.broke(error)

    async def _dispatch(self) -> None:
        """Send pack after pack, each in its turn."""
        while True:
            await self._something_due()
            if self.stop_reason:
                await self._wind_down()
                continue
            if self._health.all_out(self._spawn):
                await asyncio.sleep(_BETWEEN_LOOKS)
                continue
            await self._pacer.turn(self._work.waiting(self._size.rows))
            pack = self._work.take(self._loop.time(), self._size, self._pacer.latency)
            if pack is None or self.stop_reason:
                continue
            wanted, temperature = self._receiver.ask_of(pack)
            model = self._health.instead_of(wanted)
            if self._health.is_out(model):
                self._work.put(pack, at=self._loop.time() + 1.0)
                continue
            ask = self._requests.ask(pack.items, model, temperature)
            tokens = self._requests.tokens(pack.items)
            if refused := self._spending.reserve(model, *tokens):
                self._stop(refused)
                continue
            self._pacer.sent(sum(tokens))
            self._receiver.sent(pack)
            self._sent += 1
            pack.flights += 1
            pack.sent_at = self._loop.time()
            self._spawn(self._fly(pack, ask, tokens), pack)

    async def _something_due(self) -> None:
        """Wait until there is something to send."""
        while not self._work.due(self._loop.time()):
            self._more.clear()
            at = self._work.next_at()
            wait = None if at is None else max(at - self._loop.time(), 0.0)
            try:
                async with asyncio.timeout(wait):
                    await self._more.wait()
            except TimeoutError:
                continue

    async def _wind_down(self) -> None:
        """Wait for what is in flight, which still counts; give up the rest."""
        while self._flights:
            await asyncio.wait(self._flights)
        self._work.clear()
        self._receiver.stopped(self.stop_reason)

    async def _fly(self, pack: Pack, ask: Ask, tokens: tuple[float, float]) -> None:
        """See one request through, whatever comes of it."""
        started = self._loop.time()
        reply, failure = None, None
        status, error = 0, "no longer needed"
        try:
            reply = self._with_usage(await self._transport.send(ask), tokens)
            status, error = 200, ""
        except FAILURES as failed:
            failure, status, error = failed, failed.status, str(failed)
        except DataOpsError as wrong:
            status, error = int(str(wrong.facts.get("status") or 0)), wrong.problem
            raise
        finally:
            pack.flights -= 1
            took = self._loop.time() - started
            silent = reply is None and not isinstance(failure, Refused)
            self._pacer.ended(None if silent else took)
            used = (reply.prompt_tokens, reply.completion_tokens) if reply is not None else (0, 0)
            self._spending.settle(ask.model, reply, reserved=tokens, used=used)
            self._recorder.call(pack, ask, reply, seconds=took, status=status, error=error)
        if reply is not None:
            self._take(pack, ask, reply, took)
        elif failure is not None:
            await self._handle(pack, ask, failure)

    @staticmethod
    def _with_usage(reply: Reply, estimate: tuple[float, float]) -> Reply:
        """Take a reply's tokens for the estimate where the server does not tell them."""
        if reply.prompt_tokens or reply.completion_tokens:
            return reply
        prompt, completion = (round(tokens) for tokens in estimate)
        return replace(reply, prompt_tokens=prompt, completion_tokens=completion)

    def _take(self, pack: Pack, ask: Ask, reply: Reply, seconds: float) -> None:
        """Hand a reply on, and learn from it."""
        self._health.answered(ask.model)
        self._health.called(ask.model, ok=True)
        self._refused_since = None
        self._pacer.answered(reply.headers)
        self._latencies.add(pack.tokens, seconds)
        self._size.answered(len(pack.items), pack.tokens, seconds)
        self._requests.learn(pack.items, reply)
        if pack.done:
            return
        self._receiver.replied(pack, reply)
        for task, other in list(self._flights.items()):
            if other is pack and task is not asyncio.current_task():
                task.cancel()

    async def _handle(self, pack: Pack, ask: Ask, failure: Exception) -> None:
        """Do what a failure asks for; while another request is under way, that one decides."""
        stops = isinstance(failure, Passing) and failure.stop
        if pack.done:
            return
        if pack.flights and not stops:
            pack.failures += 1
            if isinstance(failure, Limited):
                self._pacer.refused(failure.wait, failure.headers)
            if pack.failures < _TRIES:
                self._hedge(pack)  # the other one hangs, or it would not have been hedged
            return
        if isinstance(failure, Again):
            self._work.put(pack)
        elif isinstance(failure, Limited):
            self._hold_back(pack, failure)
        elif isinstance(failure, Refused):
            self._health.answered(ask.model)
            self._receiver.failed(pack, Failed(f"the model refuses: {failure}", passes=False))
        elif isinstance(failure, Doubtful):
            await self._settle_doubt(pack, ask, failure)
        elif isinstance(failure, Passing):
            await self._silent(pack, ask, failure)
        self.wake()

    def _hold_back(self, pack: Pack, failure: Limited) -> None:
        """Pause everybody after a 429; it costs the pack no try."""
        now = self._loop.time()
        self._refused_since = self._refused_since or now
        waited = now - self._refused_since
        self._work.put(pack)
        if waited + self._pacer.refused(failure.wait, failure.headers) > _REFUSED_TOO_LONG:
            self._stop("the LLM's rate limit leaves no room (status 429)")

    async def _settle_doubt(self, pack: Pack, ask: Ask, failure: Doubtful) -> None:
        """Find out whether a 4xx means the pack or the settings: a harmless row tells."""
        try:
            await self._health.blame(ask.model, failure.wrong)
        except Passing:
            self._again_later(pack, None)
            return
        self._receiver.failed(pack, Failed(f"the model refuses: {failure}", passes=False))

    async def _silent(self, pack: Pack, ask: Ask, failure: Passing) -> None:
        """Ask again after a while; a pack that never gets an answer may itself be the cause."""
        if failure.stop:
            self._work.put(pack)  # so that it is given up with the rest, be it the last one
            self._stop(str(failure))
            return
        if self._health.called(ask.model, ok=False):
            self._work.put(pack)
            return
        pack.failures += 1
        if pack.failures < (_TRIES if self._health.has_answered else _STARTING):
            self._again_later(pack, failure.wait)
        elif await self._health.is_there(ask.model, failure):
            self._receiver.failed(pack, Failed(str(failure), passes=True))
        else:
            pack.failures = 0
            self._work.put(pack)

    def _again_later(self, pack: Pack, failure_wait: float | None) -> None:
        """Ask for a pack again after a pause that grows, and differs from pack to pack."""
        longest = min(_FIRST_WAIT * 3**pack.failures, _LONGEST_WAIT)
        asked = min(failure_wait or 0.0, _LONGEST_ASKED)  # a run that waits longer pauses instead
        pause = max(asked, uniform(0, longest))  # noqa: S311 - jitter, not secrecy
        pack.hedged = False
        self._work.put(pack, at=self._loop.time() + pause)

    async def _watch(self) -> None:
        """Send a second request for what hangs; with nothing else to send, also for what is last.

        (J. Dean, L. A. Barroso: The Tail at Scale, 2013.)
        """
        while True:
            await asyncio.sleep(_BETWEEN_LOOKS)
            now = self._loop.time()
            idle = not self._work.due(now)
            for pack in list(self._flights.values()):
                slow = self._latencies.slow() if idle else None
                limit = slow or self._latencies.too_long(pack.tokens)
                if limit is not None and not pack.hedged and now - pack.sent_at > limit:
                    self._hedge(pack)
            if idle:
                self._hedge_the_last()

    def _hedge_the_last(self) -> None:
        """Send what was sent last once more: it decides when all is done. One in a hundred may."""
        spare = int(_LAST_SHARE * self._sent) - self._hedged_last
        if spare > 0:
            alone = [pack for pack in self._flights.values() if not pack.hedged and not pack.done]
            for pack in sorted(alone, key=lambda pack: -pack.sent_at)[:spare]:
                self._hedged_last += 1
                self._hedge(pack)

    def _hedge(self, pack: Pack) -> None:
        """Send one more request for a pack."""
        out = self._health.is_out(self._receiver.ask_of(pack)[0])
        if not (pack.done or self.stop_reason or out):
            pack.hedged = True
            pack.kind = "hedge"
            self._work.put(pack)
            self.wake()

    def _stop(self, reason: str) -> None:
        """Send nothing more; the rest is for a later run."""
        self.stop_reason = self.stop_reason or reason
        self._pacer.stop()
        self.wake()
