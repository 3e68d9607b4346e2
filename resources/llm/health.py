"""Which models are there: calls counted, harmless rows asked, outages waited for up to a limit."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from resources.errors import DataOpsError, TransientError
from resources.llm.breaker import Breaker
from resources.llm.failures import FAILURES, Again, Doubtful, Limited, Passing, Refused

if TYPE_CHECKING:
    from resources.llm.pacer import Pacer
    from resources.llm.recorder import Recorder
    from resources.llm.requests import Requests
    from resources.llm.transport import Ask, Transport


_FIRST_PATIENCE = 5.0
"""Seconds that a server may be overloaded before its first answer."""


class Health:
    """The models of one task. `stop` is called with a reason when nothing more should be sent."""

    def __init__(
        self,
        transport: Transport,
        requests: Requests,
        pacer: Pacer,
        recorder: Recorder,
        *,
        patience: float,
    ) -> None:
        """Watch the task's models. patience: seconds of an outage after which the run pauses."""
        self._transport, self._requests, self._pacer = transport, requests, pacer
        self._recorder, self._patience = recorder, patience
        self._breakers: dict[str, Breaker] = defaultdict(Breaker)
        self._probing = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self.has_answered = False
        self.stop: Callable[[str], None] = lambda _reason: None

    def is_out(self, model: str) -> bool:
        """Tell whether a model should be left alone."""
        return self._breakers[model].is_open

    def all_out(self, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> bool:
        """Tell whether every model is out; `spawn` probes of those whose time has come."""
        out = [model for model in self._requests.models if self.is_out(model)]
        for model in out:
            if self._breakers[model].probe_is_due(self._loop.time()):
                spawn(self._probe_outage(model))
        return len(out) == len(self._requests.models)

    def instead_of(self, model: str) -> str:
        """Give whom to ask: while a model is out, the first of the task's that is not."""
        if not self.is_out(model):
            return model
        return next((m for m in self._requests.models if not self.is_out(m)), model)

    def answered(self, model: str) -> None:
        """Note that a model is there, whatever it said."""
        self.has_answered = True
        self._breakers[model].answered()

    def called(self, model: str, *, ok: bool) -> bool:
        """Count a call; tell whether the model is out."""
        self._breakers[model].called(self._loop.time(), ok)
        return self.is_out(model)

    async def blame(self, model: str, wrong: DataOpsError) -> None:
        """Raise `wrong` if a harmless row is refused as well: then the settings are at fault.

        Raises Passing where there is no answer to tell.
        """
        if self._breakers[model].works:
            return
        async with self._probing:
            if not self._breakers[model].works:
                try:
                    await self._probe(model)
                except (Doubtful, Refused):
                    raise wrong from None

    async def is_there(self, model: str, failure: Passing) -> bool:
        """Tell whether a pack without an answer is itself the cause, as the model answers others.

        Before the first answer a silent server is an error: nothing is lost yet, and a setting may
        be wrong.
        """
        breaker = self._breakers[model]
        if not breaker.gave_up():
            return True
        async with self._probing:
            if breaker.is_open:
                return False
            try:
                await self._probe(model)
            except (Refused, Doubtful):
                breaker.answered()
            except Passing as still:
                if still.stop:
                    self.stop(str(still))
                elif not self.has_answered and still.status < 500:
                    raise self._no_answer(failure) from None
                breaker.open(self._loop.time())
                return False
        return True

    def _no_answer(self, failure: Passing) -> TransientError:
        """Give the error for a server that never answered."""
        return TransientError(
            f"the LLM at {self._transport.url} gives no answer: {failure}",
            "check DATAOPS_LLM_BASE_URL and the network, or try again later",
            url=self._transport.url,
        )

    async def _probe(self, model: str) -> None:
        """Ask for a harmless row: what keeps it from an answer is the server or the settings."""
        while True:
            await self._pacer.turn(1)
            if self._pacer.stopped:
                raise Passing("nothing more is sent", stop=True)
            try:
                await self._probe_once(self._requests.probe(model))
            except Again:
                continue
            except Limited as failure:
                self._pacer.refused(failure.wait, failure.headers)
                continue
            self.answered(model)
            return

    async def _probe_once(self, ask: Ask) -> None:
        """Send one probe."""
        self._pacer.sent(sum(self._requests.probe_tokens))
        started = self._loop.time()
        reply, status, error = None, 0, ""
        try:
            reply = await self._transport.send(ask)
            status = 200
        except FAILURES as failure:
            status, error = failure.status, str(failure)
            raise
        finally:
            took = self._loop.time() - started
            self._pacer.ended(None)
            self._recorder.call(None, ask, reply, seconds=took, status=status, error=error)

    async def _probe_outage(self, model: str) -> None:
        """See whether a model that was out is there again; pause the run where all stay away."""
        breaker = self._breakers[model]
        try:
            await self._probe(model)
        except (Refused, Doubtful):
            breaker.answered()
        except Passing as failure:
            now = self._loop.time()
            breaker.probe_failed(now)
            out = now - (breaker.open_since or now)
            overloaded = failure.status >= 500 and out < _FIRST_PATIENCE
            if not (self.has_answered or failure.stop or overloaded):
                raise self._no_answer(failure) from None
            all_out = all(self.is_out(each) for each in self._requests.models)
            if failure.stop:
                self.stop(str(failure))
            elif out > self._patience and all_out:
                self.stop(f"the LLM has been out of reach for {out:,.0f} s ({failure})")
