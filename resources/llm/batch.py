"""The engine `openai-batch`: the same packs, sent in batches that cost half and take their time.

Every batch is remembered before it is begun, with what it asks: a run that is killed costs nothing,
the next one fetches what was paid.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final
from uuid import uuid4

from resources.errors import DataOpsError, SettingError, TransientError
from resources.llm.batch_api import ENDED, Batch, BatchApi
from resources.llm.batch_lines import Line, answer_lines, kept, request_line, restored
from resources.llm.failures import (
    FAILURES,
    Again,
    Doubtful,
    Failed,
    Limited,
    Passing,
    Refused,
)
from resources.llm.packer import Item, in_order
from resources.llm.packer import packs as packs_of
from resources.llm.servers import told_in
from resources.llm.transport import Ask, Reply
from resources.llm.work import Pack

if TYPE_CHECKING:
    from resources.llm.pack_size import PackSize
    from resources.llm.recorder import Recorder
    from resources.llm.requests import Requests
    from resources.llm.sender import Receiver
    from resources.llm.spending import Spending
    from resources.llm.state import State
    from resources.llm.work import Work

_QUIET: Final = 2.0
"""Seconds without anything new after which what waits becomes a batch."""
_PATIENT: Final = 20.0
"""The same while more rows are still being read: a busy machine pauses too."""
_MOST_REQUESTS, _MOST_BYTES = 50_000, 190_000_000
_TRIES: Final = 3
_FRUITLESS: Final = 3
_SLOWER, _SLOWEST = 1.5, 10.0
_BEGINNING: Final = "beginning:"
_TOO_MUCH: Final = ("token_limit_exceeded", "request_limit_exceeded")
_NO_MONEY: Final = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


@dataclass(slots=True)
class _Sent:
    """A batch under way.

    reserved: each request's tokens; None where an earlier run sent it. keys: what that one asked.
    """

    name: str
    packs: dict[str, Pack]
    reserved: dict[str, tuple[float, float]] | None = None
    keys: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class _Draft:
    """A batch in the making."""

    file: IO[bytes]
    packs: dict[str, Pack] = field(default_factory=dict)
    reserved: dict[str, tuple[float, float]] = field(default_factory=dict)
    size: int = 0


class BatchSender:
    """Takes all packs that wait and sends them as batches; sees each one through."""

    def __init__(
        self,
        api: BatchApi,
        requests: Requests,
        spending: Spending,
        recorder: Recorder,
        size: PackSize,
        state: State,
        *,
        name: str,
    ) -> None:
        """Send by `api`. name: what the batches of one question go by in `state`."""
        self._api, self._chat, self._requests = api, api.chat, requests
        self._spending, self._recorder, self._size = spending, recorder, size
        self._state, self._name = state, name
        self._more = asyncio.Event()
        self._patience = _PATIENT
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._asked_before: set[bytes] = set()
        self._on_their_way: set[bytes] = set()
        self._held: set[bytes] = set()
        self._known_models: set[str] = set()
        self._most = _MOST_REQUESTS
        self._fruitless = 0
        self.stop_reason = ""

    def start(self, work: Work, receiver: Receiver) -> None:
        """Begin to send what comes to be in `work`."""
        self._work, self._receiver = work, receiver
        self._loop = asyncio.get_running_loop()
        self._spawn(self._run())

    def wake(self) -> None:
        """Look at the work again: something was added."""
        self._more.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine beside; what it raises ends the run."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Let an error of a coroutine end the run."""
        self._tasks.discard(task)
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._receiver.broke(error)

    def _stop(self, reason: str) -> None:
        """Send nothing more; the rest is for a later run."""
        self.stop_reason = self.stop_reason or reason
        self.wake()

    async def _run(self) -> None:
        """Send what waits whenever nothing new comes for a moment."""
        try:
            await self._take_over()
        except Passing as failure:
            self._stop(str(failure))
        while True:
            await self._more.wait()
            await self._quiet()
            if not self.stop_reason:
                await self._send_all()
            if self.stop_reason:
                await self._wind_down()

    def all_given(self) -> None:
        """Send at once what is waiting: no new rows will come."""
        self._patience = 0
        self.wake()

    async def _quiet(self) -> None:
        """Wait until nothing new came for a moment, or all is there."""
        while self._more.is_set() and not self.stop_reason:
            self._more.clear()
            try:
                async with asyncio.timeout(self._patience):
                    await self._more.wait()
            except TimeoutError:
                break
            if not self._patience:  # the last row is here: nothing to wait for
                break
        self._patience = self._patience or _QUIET
        self._more.clear()

    async def _wind_down(self) -> None:
        """Wait for the batches under way, which are paid; give up the rest."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        self._work.clear()
        self._receiver.stopped(self.stop_reason)

    async def _take_over(self) -> None:
        """Go on with the batches that an earlier run began."""
        for name, requests in self._state.batches(self._name).items():
            known = name
            if name.startswith(_BEGINNING):
                found = await self._api.find(name.removeprefix(_BEGINNING))
                if found is not None:
                    self._state.keep_batch(found.name, self._name, requests)
                    known = found.name
                self._state.end_batch(name)
                if found is None:
                    continue
            packs = {str(number): restored(one) for number, one in enumerate(requests)}
            keys = frozenset(item.key for pack in packs.values() for item in pack.items)
            self._asked_before |= keys
            self._on_their_way |= keys
            self._follow(_Sent(known, packs, keys=keys))

    async def _send_all(self) -> None:
        """Make batches of all that waits, for each model its own."""
        waiting: dict[str, deque[Pack]] = {}
        thinned: list[Item] = []
        while (pack := self._work.take(self._loop.time(), self._size, 0.0)) is not None:
            if any(item.key in self._asked_before for item in pack.items) and pack.kind == "first":
                thinned += self._not_asked_before(pack.items)
            else:
                waiting.setdefault(self._receiver.ask_of(pack)[0], deque()).append(pack)
        for items in packs_of(in_order(thinned), self._size.rows, self._size.tokens):
            pack = Pack(items, 0)
            waiting.setdefault(self._receiver.ask_of(pack)[0], deque()).append(pack)
        for model, packs in waiting.items():
            while packs and not self.stop_reason:
                await self._send(model, packs)
            for pack in packs:
                self._work.put(pack)

    def _not_asked_before(self, items: list[Item]) -> list[Item]:
        """Leave out what an earlier run asked: it is on its way, or came meanwhile."""
        self._held.update(item.key for item in items if item.key in self._on_their_way)
        others = [item for item in items if item.key not in self._on_their_way]
        return self._receiver.unanswered(others)

    async def _send(self, model: str, packs: deque[Pack]) -> None:
        """Make the next packs of a model a batch."""
        try:
            await self._ask_for_its_manners(model)
            with TemporaryFile() as file:
                draft = _Draft(file)
                try:
                    await self._write(draft, packs)
                    if draft.packs:
                        await self._begin(draft)
                except (DataOpsError, Passing):
                    self._take_back(draft)
                    raise
        except Passing as failure:
            self._stop(str(failure))

    async def _ask_for_its_manners(self, model: str) -> None:
        """Ask a harmless row at once: a wrong setting, or a parameter, must not cost a day."""
        tries = 0
        while model not in self._known_models:
            ask = self._requests.probe(model)
            started = self._loop.time()
            reply, status, error = None, 0, ""
            try:
                reply = await self._chat.send(ask)
                status = 200
            except Doubtful as failure:
                raise failure.wrong from None
            except FAILURES as failure:
                status, error = failure.status, str(failure)
                tries += not isinstance(failure, Again)
                if isinstance(failure, Refused):
                    self._known_models.add(model)
                elif isinstance(failure, Passing) and failure.stop:
                    raise
                elif tries >= _TRIES:
                    raise TransientError(
                        f"the LLM at {self._chat.url} gives no answer: {failure}",
                        "check DATAOPS_LLM_BASE_URL and the network, or try again later",
                        url=self._chat.url,
                    ) from None
                elif isinstance(failure, Limited | Passing):
                    await asyncio.sleep(failure.wait or float(tries))
            finally:
                took = self._loop.time() - started
                self._recorder.call(None, ask, reply, seconds=took, status=status, error=error)
            if reply is not None:
                self._known_models.add(model)

    async def _write(self, draft: _Draft, packs: deque[Pack]) -> None:
        """Write packs down as requests, as many as one batch, and the budget, may hold."""
        while packs and len(draft.packs) < self._most and draft.size < _MOST_BYTES:
            pack = packs[0]
            ask = self._ask(pack)
            tokens = self._requests.tokens(pack.items)
            if refused := self._spending.reserve(ask.model, *tokens):
                self._stop(refused)
                return
            packs.popleft()
            name = str(len(draft.packs))
            draft.packs[name], draft.reserved[name] = pack, tokens
            line = request_line(name, self._chat.dialect(ask.model).body(ask))
            draft.file.write(line)
            draft.size += len(line)
            if len(draft.packs) % 100 == 0:
                await asyncio.sleep(0)

    def _ask(self, pack: Pack) -> Ask:
        """Give a pack's request."""
        model, temperature = self._receiver.ask_of(pack)
        return self._requests.ask(pack.items, model, temperature)

    def _take_back(self, draft: _Draft) -> None:
        """Give back what a batch that was not begun had taken."""
        for name, pack in draft.packs.items():
            model = self._receiver.ask_of(pack)[0]
            self._spending.settle(model, None, reserved=draft.reserved[name], used=(0, 0))
            self._work.put(pack)

    async def _begin(self, draft: _Draft) -> None:
        """Begin a batch, remembered before and after."""
        mark = uuid4().hex
        requests = [kept(pack) for pack in draft.packs.values()]
        self._state.keep_batch(_BEGINNING + mark, self._name, requests)
        sent = False
        try:
            file = await self._api.upload(draft.file)
            sent = True
            begun = await self._api.create(file, mark, self._name)
        except Passing:
            if not sent:  # else nobody knows whether it was begun: the next run looks
                self._state.end_batch(_BEGINNING + mark)
            raise
        except DataOpsError:
            self._state.end_batch(_BEGINNING + mark)
            raise
        self._state.keep_batch(begun.name, self._name, requests)
        self._state.end_batch(_BEGINNING + mark)
        for pack in draft.packs.values():
            self._receiver.sent(pack)
        self._follow(_Sent(begun.name, draft.packs, draft.reserved))

    def _follow(self, sent: _Sent) -> None:
        """See a batch through."""
        self._under_way.add(self._spawn(self._see_through(sent)))

    async def _see_through(self, sent: _Sent) -> None:
        """Wait for a batch's end, and take what it brought."""
        try:
            batch = await self._end_of(sent.name)
            if batch is not None and batch.status == "failed":
                await self._settle_failed(sent, batch)
                self.wake()
                return
            with TemporaryFile() as one, TemporaryFile() as other:
                files = (one, other)
                for name, file in zip(batch.files if batch else (), files, strict=False):
                    await self._api.download(name, file)
                await self._take(sent, answer_lines(files), batch.status if batch else "lost")
        except Passing as failure:
            self._stop(f"{failure}; a later run fetches the batch {sent.name}")
        self.wake()

    async def _end_of(self, name: str) -> Batch | None:
        """Wait until a batch has ended, looking less and less often."""
        pause = self._api.poll
        while True:
            batch = await self._api.look(name)
            if batch is None or batch.status in ENDED:
                return batch
            await asyncio.sleep(pause)
            pause = min(pause * _SLOWER, _SLOWEST * self._api.poll)

    async def _take(self, sent: _Sent, lines: Iterable[Line], status: str) -> None:
        """Hand on each answer; ask again for what has none. Forget the batch after that."""
        wrong: Exception | None = None
        answered, last = 0, f"the batch ({status}) holds no answer for it"
        for number, line in enumerate(lines):
            pack = sent.packs.pop(line.name, None)
            if pack is None:
                continue
            result = self._read(sent, line, pack)
            if isinstance(result, Reply):
                answered += 1
                self._receiver.replied(pack, result)
            elif isinstance(result, DataOpsError):
                wrong = wrong or result
            else:
                last = str(result)
                self._handle(sent, pack, result)
            if number % 20 == 0:
                await asyncio.sleep(0)
        for name, pack in sent.packs.items():
            self._refund(sent, name, pack)
            self._once_more(sent, pack, f"the batch ({status}) holds no answer for it")
        self._forget(sent)
        if wrong is not None:
            raise wrong
        self._fruitless = 0 if answered else self._fruitless + 1
        if self._fruitless >= _FRUITLESS:
            self._stop(f"{_FRUITLESS} batches in a row brought no answer ({last})")

    def _read(self, sent: _Sent, line: Line, pack: Pack) -> Reply | Exception:
        """Read a line: a reply or what it failed of. It is counted and written down."""
        ask = self._ask(pack)
        result: Reply | Exception
        if line.status == 200:
            try:
                result = self._chat.reply(ask, line.body)
            except Refused as refused:
                result = refused
        elif line.status:
            told = told_in(line.body)
            result = self._chat.failure(ask, self._chat.dialect(ask.model), line.status, told)
        else:
            result = Passing(f"it was not asked ({told_in(line.body)['message']})")
        reply = result if isinstance(result, Reply) else None
        if sent.reserved is None:
            self._receiver.sent(pack)
        elif reply is None:
            self._refund(sent, line.name, pack)
        else:
            used = (reply.prompt_tokens, reply.completion_tokens)
            reserved = sent.reserved[line.name]
            self._spending.settle(ask.model, reply, reserved=reserved, used=used)
        if reply is not None:
            self._requests.learn(pack.items, reply)
        error = "" if reply is not None else str(result)
        self._recorder.call(pack, ask, reply, seconds=0.0, status=line.status, error=error)
        return result

    def _handle(self, sent: _Sent, pack: Pack, failure: Exception) -> None:
        """Do what a request's failure asks for."""
        if isinstance(failure, Refused | Doubtful):
            self._receiver.failed(pack, Failed(f"the model refuses: {failure}", passes=False))
        elif isinstance(failure, Again):
            self._put(sent, pack)
        else:
            self._once_more(sent, pack, str(failure))
            if isinstance(failure, Passing) and failure.stop:
                self._stop(str(failure))

    def _once_more(self, sent: _Sent, pack: Pack, reason: str) -> None:
        """Ask for a pack in the next batch; a few times, then its rows are asked apart."""
        pack.failures += 1
        if pack.failures < _TRIES:
            self._put(sent, pack)
        else:
            self._receiver.failed(pack, Failed(reason, passes=True))

    def _put(self, sent: _Sent, pack: Pack) -> None:
        """Queue a pack again; of an earlier run's, only the rows that this one has met."""
        if sent.reserved is None:
            pack.items = [item for item in pack.items if item.key in self._held]
        pack.kind = "again"
        if pack.items:
            self._work.put(pack)

    def _refund(self, sent: _Sent, name: str, pack: Pack) -> None:
        """Give back what a request without an answer had reserved."""
        if sent.reserved is not None:
            model = self._receiver.ask_of(pack)[0]
            self._spending.settle(model, None, reserved=sent.reserved[name], used=(0, 0))

    def _forget(self, sent: _Sent) -> None:
        """Let go of a batch whose answers are kept; what it left out may be asked again."""
        self._state.end_batch(sent.name)
        self._on_their_way -= sent.keys

    async def _settle_failed(self, sent: _Sent, batch: Batch) -> None:
        """See to a batch that was refused as a whole."""
        codes = [code for code, _ in batch.problems]
        said = "; ".join(dict.fromkeys(message for _, message in batch.problems)) or "no reason"
        said = said[:300]
        for name, pack in sent.packs.items():
            self._refund(sent, name, pack)
        self._forget(sent)
        if any(code in _NO_MONEY for code in codes):
            self._stop(f"the LLM account's quota is used up ({said})")
        elif not any(code in _TOO_MUCH for code in codes):
            raise SettingError(
                f"the LLM at {self._chat.url} refuses the batch {batch.name} ({said})",
                "correct the task's `model:` and parameters, or use `engine: openai`",
                batch=batch.name,
            )
        else:
            self._most = max(len(sent.packs) // 2, 1)
            if len(self._under_way) > 1:
                await asyncio.sleep(_SLOWEST * self._api.poll)  # the others' end makes room
            elif len(sent.packs) == 1:
                self._stop(f"the account's limits leave no room for a batch ({said})")
        for pack in sent.packs.values():
            self._put(sent, pack)
