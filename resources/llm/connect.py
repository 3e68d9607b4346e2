"""Putting the parts of one cleaning together: endpoint, transport, pace, budget, questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from resources.errors import SettingError
from resources.llm.asker import Asker
from resources.llm.batch import BatchSender
from resources.llm.batch_api import BatchApi
from resources.llm.calls import CallLog
from resources.llm.counts import Counts
from resources.llm.endpoint import ANTHROPIC, Endpoint, endpoint_of
from resources.llm.health import Health
from resources.llm.judge import Judge
from resources.llm.layout import Layout
from resources.llm.llama import SLOTS, local_endpoint, model_file, start_llama
from resources.llm.openai_chat import OpenAIChat
from resources.llm.pacer import Pacer
from resources.llm.pack_size import PackSize
from resources.llm.prices import FREE, Price, load_prices
from resources.llm.recorder import Recorder
from resources.llm.requests import Requests
from resources.llm.sender import Sender, Sending
from resources.llm.spending import Spending
from resources.llm.state import State
from resources.llm.task import CleaningTask
from resources.settings import Settings

if TYPE_CHECKING:
    from resources.llm.transport import Transport

_AHEAD, _AHEAD_IN_BATCHES = 8, 100
"""Steps whose requests are under way while the one before them is finished."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How a task's model is reached.

    ahead: steps under way beside the oldest one. at_a_time: the most requests in flight, 0 where
    the latency decides.
    """

    name: str
    endpoint: Endpoint
    ahead: int = _AHEAD
    at_a_time: int = 0


def engine_of(task: CleaningTask, environment: Mapping[str, str]) -> Engine:
    """Read how the task's model is reached; raises SettingError naming what is wrong."""
    if task.engine == "anthropic":
        return Engine(task.engine, endpoint_of(environment, ANTHROPIC))
    if task.engine == "openai-batch":
        return Engine(task.engine, endpoint_of(environment), _AHEAD_IN_BATCHES)
    if task.engine == "llama":
        return Engine(task.engine, local_endpoint(environment), at_a_time=SLOTS)
    return Engine(task.engine, endpoint_of(environment))


def check_installed(task: CleaningTask, root: Path) -> None:
    """Refuse an engine whose library, or whose model's file, is not on this machine."""
    extra = {"anthropic": ("anthropic", "anthropic"), "llama": ("xllamacpp", "local-llm")}
    if task.engine in extra:
        _check_extra(*extra[task.engine], task)
    if task.engine == "llama":
        model_file(task, root)


def prices_of(task: CleaningTask, root: Path) -> Mapping[str, Price]:
    """Give what models cost; one on this machine costs nothing, whatever its file is called."""
    return load_prices(root) if task.paid else {task.model: FREE}


def _check_extra(package: str, extra: str, task: CleaningTask) -> None:
    """Refuse an engine whose library is not installed."""
    if find_spec(package) is None:
        raise SettingError(
            f"{task.name} says `engine: {task.engine}`, whose library {package} is not installed",
            f"run `python -m pip install -e '.[{extra}]'`, or choose another `engine:`",
            task=task.name,
            package=package,
        )


def load_libraries() -> None:
    """Import what takes most of a second before the first request could be sent."""
    for name in ("openai", "pyarrow.parquet"):
        import_module(name)
    with suppress(ImportError):  # what openai's client loads with its first request
        import_module("anyio._backends._asyncio")


def open_state(settings: Settings) -> State:
    """Open what runs share: the project's SQLite file, or the database that the settings name."""
    return State(settings.llm_state_url or settings.data / "cache" / "llm.sqlite")


def experience(engine: Engine, task: CleaningTask) -> str:
    """Give the name under which is remembered what a task takes at this endpoint."""
    return f"{engine.endpoint.pace}:{task.model}:{task.name}"


async def _transport(engine: Engine, task: CleaningTask, root: Path, state: State) -> Transport:
    """Make what carries the requests."""
    if engine.name == "llama":
        return await start_llama(task, root, engine.endpoint)
    if engine.name == "anthropic":
        from resources.llm.anthropic_messages import AnthropicMessages

        return AnthropicMessages(engine.endpoint)
    return OpenAIChat(engine.endpoint, state)


def _batch_name(engine: Engine, task: CleaningTask, layout: Layout) -> str:
    """Give what a task's batches go by: the same question at the same place, whatever the packs."""
    asked = {**task.answer_facts(), "columns": list(layout.columns), "url": engine.endpoint.shown}
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
    return f"{task.name[:100]}:{digest}"


class Connection:
    """The open parts of one cleaning."""

    def __init__(
        self,
        asker: Asker,
        sender: Sending,
        transport: Transport,
        spending: Spending,
        learned: tuple[Requests, PackSize],
    ) -> None:
        """Keep what has to be closed."""
        self.asker = asker
        self._sender, self._transport, self._spending = sender, transport, spending
        self._learned = learned

    @property
    def stop_reason(self) -> str:
        """Give why nothing more is sent ("" = it is)."""
        return self._sender.stop_reason

    @property
    def warnings(self) -> list[str]:
        """Give what somebody should know."""
        return [*self._spending.warnings, *self._transport.warnings]

    async def close(self) -> None:
        """Give back what was reserved, remember what was learned, close the connections."""
        self._spending.close()
        for part in self._learned:
            part.close()
        await self._transport.close()


async def connect(
    engine: Engine,
    task: CleaningTask,
    layout: Layout,
    state: State,
    *,
    counts: Counts,
    calls: CallLog,
    run: str,
    root: Path,
) -> Connection:
    """Put the parts together, inside the event loop they live in."""
    endpoint, prices = engine.endpoint, prices_of(task, root)
    name = experience(engine, task)
    requests = Requests(task, layout.columns, layout.outputs, state, name)
    size = PackSize(task.rows_per_request, state, name)
    spending = Spending(state, task, prices, run=run, project=endpoint.budget)
    transport = await _transport(engine, task, root, state)
    recorder = Recorder(transport.url, task.name, counts, calls, spending)
    sender: Sending
    if isinstance(transport, OpenAIChat) and engine.name == "openai-batch":
        api = BatchApi(transport, endpoint, task.model)
        by = _batch_name(engine, task, layout)
        sender = BatchSender(api, requests, spending, recorder, size, state, name=by)
    else:
        pacer = Pacer(
            state,
            endpoint.pace,
            endpoint.rate,
            endpoint.tokens_per_minute,
            at_a_time=engine.at_a_time,
        )
        health = Health(transport, requests, pacer, recorder, patience=endpoint.patience)
        sender = Sender(transport, requests, pacer, spending, recorder, size, health)
    judge = Judge(layout.columns, layout.outputs, task.invariants)
    asker = Asker(task, judge, sender, state)
    return Connection(asker, sender, transport, spending, (requests, size))
