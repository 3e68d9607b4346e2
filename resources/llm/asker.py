"""From items to answers: who is asked next, and what becomes of the rows of each pack."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from resources.errors import DataOpsError
from resources.llm.failures import Failed
from resources.llm.judge import Judge, Open
from resources.llm.packer import Item, in_order
from resources.llm.results import Answer, Failure
from resources.llm.seen import Seen
from resources.llm.sender import Sending
from resources.llm.state import State
from resources.llm.task import RULES_ENGINE, CleaningTask
from resources.llm.transport import Reply
from resources.llm.work import Pack, Work

_TRIES_POOLED: Final = 2
_USELESS: Final = 20
_REMEMBERED: Final = 10_000
_AT_ONCE: Final = 500


@dataclass(slots=True)
class _Waiting:
    """An item on its way: who waits for it, how many requests held it, and how often in vain."""

    future: asyncio.Future[Answer | Failure]
    requests: int = 0
    misses: int = 0


class Asker:
    """Answers items for one task. The same item is asked once, however many chunks hold it."""

    def __init__(self, task: CleaningTask, judge: Judge, sender: Sending, state: State) -> None:
        """Keep the parts together for one run, and begin to send."""
        self._task, self._judge, self._sender, self._state = task, judge, sender, state
        self._waiting: dict[bytes, _Waiting] = {}
        self._given_up: dict[bytes, Failure] = {}
        self._answered = Seen()
        self._error: BaseException | None = None
        self._packs_in_vain: int | None = 0
        self._chunks, self._chunks_in_all = 0, -1
        self._work = Work()
        # At temperature 0 the same question gets the same wrong answer.
        warmer = (0.4, 0.8) if task.temperature < 0.4 else (0.0, 1.0)
        self._steps = [(task.model, heat) for heat in (task.temperature, *warmer)]
        self._steps += [(m, task.temperature) for m in task.fallback_models if m != "rules"]
        sender.start(self._work, self)

    async def answers(
        self, items: Sequence[Item], order: int
    ) -> tuple[dict[bytes, Answer | Failure], set[bytes]]:
        """Answer distinct items; give the answers, and the keys that were known before this run."""
        results: dict[bytes, Answer | Failure] = {}
        for start in range(0, len(items), _AT_ONCE):
            results.update(self._state.answers(items[start : start + _AT_ONCE]))
            await asyncio.sleep(0)  # requests that are due go first
        cached = {key for key in results if key not in self._answered}
        shared: dict[bytes, asyncio.Future[Answer | Failure]] = {}
        own: list[Item] = []
        for item in items:
            if item.key in results:
                continue
            if item.key in self._given_up:
                results[item.key] = self._given_up[item.key]
            elif item.key in self._waiting:
                shared[item.key] = self._waiting[item.key].future
            else:
                own.append(item)
                future = asyncio.get_running_loop().create_future()
                self._waiting[item.key] = _Waiting(future)
                shared[item.key] = future
        if self._error is not None:
            raise self._error
        if own:
            self._work.add(in_order(own), order)
            self._sender.wake()
        self._chunks += 1
        self._tell_all_given()
        for key, future in shared.items():
            results[key] = await future
        return results, cached

    async def all_given(self, chunks: int) -> None:
        """Know that there are no more than so many chunks of items, given or under way."""
        self._chunks_in_all = chunks
        self._tell_all_given()

    def _tell_all_given(self) -> None:
        """Let the sender know once the last chunk's items are there."""
        if self._chunks == self._chunks_in_all:
            self._sender.all_given()

    def ask_of(self, pack: Pack) -> tuple[str, float]:
        """Give the model and the temperature that a pack is for."""
        return self._steps[pack.step] if len(pack.items) == 1 else self._steps[0]

    def sent(self, pack: Pack) -> None:
        """Note that a request with these items is on its way."""
        for item in pack.items:
            if item.key in self._waiting:
                self._waiting[item.key].requests += 1

    def unanswered(self, items: list[Item]) -> list[Item]:
        """Give the items that still wait; what was answered meanwhile is handed over."""
        wanted = [item for item in items if item.key in self._waiting]
        known = self._state.answers(wanted)
        for key, answer in known.items():
            self._hand_over(key, answer)
        return [item for item in wanted if item.key not in known]

    def replied(self, pack: Pack, reply: Reply) -> bool:
        """Take what a reply answers acceptably, see to the rest; tell whether any of it is used."""
        pack.done = True
        accepted, left = self._judge.read(pack.items, reply)
        self._settle([(item, Answer(outputs, reply.model)) for item, outputs in accepted])
        self._note_use(reply.model, bool(accepted), left)
        if not left:
            return True
        if len(left) == len(pack.items):
            self._unanswered(pack, left, garbled=not self._judge.is_readable(reply))
            return False
        pooled = []
        for each in left:
            waiting = self._waiting.get(each.item.key)
            if waiting is None:
                continue
            waiting.misses += 1
            if waiting.misses > _TRIES_POOLED:
                self._put([each.item], pack.order)
            else:
                pooled.append(each.item)
        self._work.ask_again(pooled, pack.order, asyncio.get_running_loop().time())
        self._sender.wake()
        return True

    def failed(self, pack: Pack, why: Failed) -> None:
        """See to a pack that will get no answer as it is: its rows are asked in smaller packs."""
        pack.done = True
        failure = Failure(why.reason, retry=why.passes)
        self._unanswered(pack, [Open(item, failure) for item in pack.items], garbled=False)

    def stopped(self, reason: str) -> None:
        """Give up what waits: nothing more will be sent, for a cause that passes."""
        failure = Failure(reason, retry=True)
        for key in list(self._waiting):
            self._hand_over(key, failure)

    def broke(self, error: BaseException) -> None:
        """Let everybody who waits know that this run is over."""
        self._error = error
        for waiting in self._waiting.values():
            if not waiting.future.done():
                waiting.future.set_exception(error)
                waiting.future.exception()
        self._waiting.clear()

    def _unanswered(self, pack: Pack, left: Sequence[Open], *, garbled: bool) -> None:
        """Ask the same once more where the answer was no JSON; else halve, else the next step."""
        if garbled and len(pack.items) > 1 and not pack.garbled:
            self._put(pack.items, pack.order, garbled=1)
        elif len(pack.items) > 1:
            half = len(pack.items) // 2
            for part in (pack.items[:half], pack.items[half:]):
                self._put(part, pack.order, failures=max(pack.failures - 2, 0))
        elif pack.step + 1 < len(self._steps):
            self._put(pack.items, pack.order, step=pack.step + 1)
        else:
            self._last_resort(left[0])
        self._sender.wake()

    def _put(
        self, items: list[Item], order: int, *, step: int = 0, failures: int = 0, garbled: int = 0
    ) -> None:
        """Queue a pack of these items, without those that were answered meanwhile."""
        wanted = [item for item in items if item.key in self._waiting]
        if wanted:
            self._work.put(Pack(wanted, order, step, failures, garbled, kind="again"))

    def _last_resort(self, left: Open) -> None:
        """Give up an item that nobody answers: to the rules, if the task says so."""
        item, why = left.item, left.why
        if "rules" in self._task.fallback_models and not why.retry:
            self._settle([(item, Answer(self._judge.by_rules(item), RULES_ENGINE))])
            return
        if not why.retry and len(self._given_up) < _REMEMBERED:
            self._given_up[item.key] = why
        self._hand_over(item.key, why)

    def _settle(self, answers: Sequence[tuple[Item, Answer]]) -> None:
        """Keep answers first, then hand them to whoever waits."""
        self._state.keep(answers)
        for item, answer in answers:
            self._answered.add(item.key)
            waiting = self._waiting.get(item.key)
            if waiting is not None:
                self._hand_over(item.key, answer._replace(attempts=waiting.requests))

    def _hand_over(self, key: bytes, result: Answer | Failure) -> None:
        """Give a result to everybody who waits for the item."""
        waiting = self._waiting.pop(key, None)
        self._work.again.pop(key, None)
        if waiting is not None and not waiting.future.done():
            waiting.future.set_result(result)

    def _note_use(self, model: str, useful: bool, left: Sequence[Open]) -> None:
        """Raise before money is burnt on a model that has not given one usable answer."""
        if useful or self._packs_in_vain is None:
            self._packs_in_vain = None
            return
        self._packs_in_vain += 1
        if self._packs_in_vain >= _USELESS:
            why = left[0].why
            raise DataOpsError(
                f"the model {model!r} gave no usable answer in {_USELESS} requests "
                f"(the last one: {why.reason})",
                "try `rows_per_request: 1`, another `model:`, or looser `invariants:` in the task",
                model=model,
                task=self._task.name,
                answer=why.answer[:200],
            )
