"""From items to answers: ask in packs, accept row by row, ask again only what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from resources.errors import DataOpsError, TransientError
from resources.llm.cache import RowCache
from resources.llm.client import Ask, Client
from resources.llm.failures import Passing, Refused
from resources.llm.packer import Item, answer_tokens, packs
from resources.llm.protocol import answer_schema, messages, read_answer
from resources.llm.results import Answer, Failure
from resources.llm.task import RULES_ENGINE, CleaningTask
from resources.llm.validator import foreign, problem

_OUTAGE = 3
_USELESS = 20
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Open:
    """An item without an acceptable answer yet."""

    item: Item
    why: Failure


class Asker:
    """Answers items for one task. The same item is asked once, however many chunks hold it."""

    def __init__(
        self,
        task: CleaningTask,
        columns: tuple[str, ...],
        client: Client,
        cache: RowCache,
    ) -> None:
        """Keep the parts together for one run."""
        self._task, self._columns = task, columns
        self._client, self._cache = client, cache
        self._pending: dict[bytes, asyncio.Future[Answer | Failure]] = {}
        self._given_up: dict[bytes, Failure] = {}
        self._stopped: Passing | None = None
        self._silent_packs = 0
        self._checking = asyncio.Lock()
        self._rounds_in_vain: int | None = 0

    async def answers(
        self, items: Sequence[Item], order: int
    ) -> tuple[dict[bytes, Answer | Failure], set[bytes]]:
        """Answer distinct items; give the answers, and the keys that came from the cache."""
        results: dict[bytes, Answer | Failure] = dict(self._cache.lookup(items))
        cached = set(results)
        shared: dict[bytes, asyncio.Future[Answer | Failure]] = {}
        own: list[Item] = []
        for item in items:
            if item.key in results:
                continue
            if item.key in self._given_up:
                results[item.key] = self._given_up[item.key]
            elif item.key in self._pending:
                shared[item.key] = self._pending[item.key]
            else:
                own.append(item)
                shared[item.key] = asyncio.get_running_loop().create_future()
                self._pending[item.key] = shared[item.key]
        await self._answer_own(own, order)
        for key, future in shared.items():
            results[key] = await future
        return results, cached

    async def _answer_own(self, own: Sequence[Item], order: int) -> None:
        """Ask for all items of one chunk, and make sure that nobody waits for one in vain."""
        try:
            async with asyncio.TaskGroup() as group:
                for pack in packs(own, self._task.rows_per_request):
                    group.create_task(self._solve(pack, order))
        except BaseExceptionGroup as errors:
            error = _first(errors)
            for item in own:
                future = self._pending.pop(item.key, None)
                if future is not None and not future.done():
                    future.set_exception(error)
                    future.exception()
            raise error from None

    async def _solve(self, pack: Sequence[Item], order: int) -> None:
        """Get every item of a pack answered or given up: ask, ask for the rest, halve, one."""
        if len(pack) == 1:
            await self._solve_one(pack[0], order)
            return
        left = await self._round(pack, self._task.model, self._task.temperature, order)
        if not left:
            return
        if len(left) < len(pack):
            await self._solve([each.item for each in left], order)
            return
        half = len(pack) // 2
        async with asyncio.TaskGroup() as group:
            group.create_task(self._solve(pack[:half], order))
            group.create_task(self._solve(pack[half:], order))

    async def _solve_one(self, item: Item, order: int) -> None:
        """Ask for one item: again at another temperature, of other models, then give it up."""
        task = self._task
        # At temperature 0 the same question gets the same wrong answer.
        warmer = [0.4, 0.8] if task.temperature < 0.4 else [0.0, 1.0]
        tries = [(task.model, temperature) for temperature in (task.temperature, *warmer)]
        tries += [(model, task.temperature) for model in task.fallback_models if model != "rules"]
        why = Failure("")
        for model, temperature in tries:
            left = await self._round([item], model, temperature, order)
            if not left:
                return
            why = left[0].why
        if "rules" in task.fallback_models and not why.retry:
            self._settle([(item, Answer(item.texts, RULES_ENGINE))])
        else:
            self._give_up(item, why)

    async def _round(
        self, pack: Sequence[Item], model: str, temperature: float, order: int
    ) -> list[_Open]:
        """Send one request; settle what it answers acceptably, give back the rest."""
        ask = Ask(
            model,
            messages(self._task, self._columns, pack),
            answer_schema(self._columns, len(pack)),
            temperature,
            answer_tokens(self._task, pack),
            order,
        )
        try:
            if self._stopped is not None:
                raise self._stopped
            reply = await self._client.ask(ask)
        except Refused as refusal:
            return [_Open(item, Failure(f"the model refuses: {refusal}")) for item in pack]
        except Passing as passing:
            await self._note_silence(passing, model)
            return [_Open(item, Failure(str(passing), retry=True)) for item in pack]
        self._silent_packs = 0
        found = read_answer(reply.content, self._columns, len(pack))
        missing = "the answer was cut off at its token limit" if reply.cut else "no answer for it"
        accepted: list[tuple[Item, Answer]] = []
        left: list[_Open] = []
        for number, item in enumerate(pack, 1):
            texts = found.get(number)
            if texts is None:
                last = reply.content[:2_000] if len(pack) == 1 else ""
                left.append(_Open(item, Failure(missing, answer=last)))
                continue
            why = self._problem(item, texts, pack)
            if why is None:
                accepted.append((item, Answer(texts, reply.model)))
            else:
                left.append(_Open(item, why))
        self._settle(accepted)
        self._note_use(model, bool(accepted), left)
        return left

    def _problem(self, item: Item, texts: Sequence[str], pack: Sequence[Item]) -> Failure | None:
        """Say what keeps an answer from standing for its row."""
        for column, text, answer in zip(self._columns, item.texts, texts, strict=True):
            why = problem(text, answer, self._task.invariants)
            if why:
                return Failure(why, column, answer=answer[:2_000])
        # Across all columns: single cells of different rows are often rightly equal.
        answer = "\n".join(a for t, a in zip(item.texts, texts, strict=True) if t)
        others = ("\n".join(filter(None, other.texts)) for other in pack if other is not item)
        if foreign("\n".join(filter(None, item.texts)), answer, others):
            return Failure("the answer is another row's, or mixed with it", answer=answer[:2_000])
        return None

    def _settle(self, accepted: Sequence[tuple[Item, Answer]]) -> None:
        """Keep answers in the cache first, then hand them to whoever waits."""
        self._cache.keep(accepted)
        for item, answer in accepted:
            self._hand_over(item, answer)

    def _give_up(self, item: Item, why: Failure) -> None:
        """Hand over that there is no answer; a row that cannot be answered is not asked again."""
        if not why.retry and len(self._given_up) < _REMEMBERED:
            self._given_up[item.key] = why
        self._hand_over(item, why)

    def _hand_over(self, item: Item, result: Answer | Failure) -> None:
        """Give a result to everybody who waits for the item."""
        future = self._pending.pop(item.key, None)
        if future is not None and not future.done():
            future.set_result(result)

    def _note_use(self, model: str, useful: bool, left: Sequence[_Open]) -> None:
        """Raise before money is burnt on a model that has not given one usable answer."""
        if useful or self._rounds_in_vain is None:
            self._rounds_in_vain = None
            return
        self._rounds_in_vain += 1
        if self._rounds_in_vain >= _USELESS:
            why = left[0].why
            raise DataOpsError(
                f"the model {model!r} gave no usable answer in {_USELESS} requests "
                f"(the last one: {why.reason})",
                "try `rows_per_request: 1`, another `model:`, or looser `invariants:` in the task",
                model=model,
                task=self._task.name,
                answer=why.answer[:200],
            )

    async def _note_silence(self, passing: Passing, model: str) -> None:
        """Stop sending once the server is surely gone: what is left would only wait in vain.

        A row may be what the server falls silent over, so a harmless row decides. Before the first
        answer a silent server is an error: nothing is lost yet, and a setting may be wrong.
        """
        if passing.stop:
            self._stopped = passing
            return
        self._silent_packs += 1
        async with self._checking:
            if self._stopped is not None or self._silent_packs == 0:
                return
            if self._silent_packs < _OUTAGE and self._client.has_answered:
                return
            try:
                await self._client.probe(model)
            except Refused:
                self._silent_packs = 0
            except Passing as still:
                if not self._client.has_answered and not still.stop:
                    raise TransientError(
                        f"the LLM at {self._client.url} gives no answer: {passing}",
                        "check DATAOPS_LLM_BASE_URL and the network, or try again later",
                        url=self._client.url,
                    ) from None
                self._stopped = still
            else:
                self._silent_packs = 0


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the error that a group of tasks ended with: the one to tell."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
