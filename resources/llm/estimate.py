"""What cleaning a table will take, counted by the same packer that will run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from resources.llm.connect import Engine, engine_of, experience, open_state, prices_of
from resources.llm.layout import layout_of
from resources.llm.pack_size import PackSize
from resources.llm.packer import Item, in_order, packs
from resources.llm.preparer import Preparer, in_steps
from resources.llm.prices import price_of
from resources.llm.requests import Requests
from resources.llm.seen import Seen
from resources.llm.state import State
from resources.llm.task import CleaningTask
from resources.settings import Settings
from resources.tables import Table

_LATENCY = 3.0
_BATCH = 86_400.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What cleaning takes. unique: distinct rows; cached: those whose answer is known already.

    cost: USD, None where the price is not known. seconds: at the rate that is set; a batch may take
    a day, and a model on this machine what answers are aimed at.
    """

    rows: int
    unique: int
    cached: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float


def estimate(
    task: CleaningTask,
    table: Table,
    settings: Settings,
    *,
    environment: Mapping[str, str],
    salt: str = "",
) -> Estimate:
    """Read the table once and count; asks nobody, pays nothing.

    Needs neither key nor network, nor an engine's library: without a key the figures are those of
    the endpoint's defaults.
    """
    layout = layout_of(table.schema, task.columns, task.name, outputs=task.outputs, paid=True)
    prepare = Preparer(task, layout, salt)
    engine = engine_of(task, {"DATAOPS_LLM_API_KEY": "none", **environment})
    exists = bool(settings.llm_state_url) or (settings.data / "cache" / "llm.sqlite").is_file()
    state: State | None = open_state(settings) if exists else None
    name = experience(engine, task)
    requests = Requests(task, layout.columns, layout.outputs, state, name)
    size = PackSize(task.rows_per_request, state, name)
    rows = cached = sent = 0
    prompt = completion = 0.0
    seen, unique = Seen(), 0
    left: list[Item] = []
    try:
        for batch in in_steps(table.batches(settings.chunk_rows)):
            rows += batch.num_rows
            fresh = [i for i in prepare.distinct(prepare.chunk(batch)) if seen.add(i.key)]
            unique += len(fresh)
            if state is not None:
                known = state.answers(fresh)
                cached += len(known)
                fresh = [item for item in fresh if item.key not in known]
            made = list(packs([*left, *in_order(fresh)], size.rows, size.tokens))
            left = made.pop() if made and len(made[-1]) < size.rows else []
            for pack in made:
                tokens = requests.tokens(pack)
                sent, prompt, completion = sent + 1, prompt + tokens[0], completion + tokens[1]
        if left:
            tokens = requests.tokens(left)
            sent, prompt, completion = sent + 1, prompt + tokens[0], completion + tokens[1]
    finally:
        if state is not None:
            state.close()
    price = price_of(task.model, prices_of(task, settings.root))
    if price is not None and task.engine == "openai-batch":
        price = price.halved()
    return Estimate(
        rows=rows,
        unique=unique,
        cached=cached,
        requests=sent,
        prompt_tokens=round(prompt),
        completion_tokens=round(completion),
        cost=None if price is None else round(price.of(prompt, completion), 6),
        seconds=_seconds(engine, sent, prompt + completion) + _LATENCY if sent else 0.0,
    )


def _seconds(engine: Engine, requests: int, tokens: float) -> float:
    """Give how long requests take that never wait for rows."""
    if engine.name == "openai-batch":
        return _BATCH
    seconds = requests / engine.endpoint.rate
    if engine.at_a_time:
        seconds = max(seconds, requests * _LATENCY / engine.at_a_time)
    if engine.endpoint.tokens_per_minute:
        seconds = max(seconds, tokens / engine.endpoint.tokens_per_minute * 60)
    return seconds
