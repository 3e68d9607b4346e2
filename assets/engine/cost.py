"""What a run will pay: per asset that uses a model, counted before anything is asked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from assets.engine.arguments import table_of
from assets.engine.config import config_of
from assets.engine.plan import heads_of, make_plan
from assets.engine.project import Project
from assets.model.declare import Asset

REQUESTS_PER_SECOND: Final = 10.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What cleaning one asset will take. money: USD, None where the price is not known.

    estimate: its upstream will still change, so this is what the current version would take.
    """

    key: str
    model: str
    rows: int
    unique: int
    cached: int
    requests: int
    tokens: int
    money: float | None
    seconds: float
    estimate: bool

    def facts(self) -> dict[str, Any]:
        """Give the cost as facts."""
        return asdict(self)


def costs_of(project: Project, keys: Iterable[str], task: str | None = None) -> list[Cost]:
    """Give the cost of each of these assets that a model cleans; [] where nothing is paid."""
    costs = []
    for key in keys:
        asset = project.graph.assets.get(key)
        if asset is None or all(a.kind != "cleaner" for a in asset.arguments):
            continue
        model = config_of(project, asset, task).get("task.model")
        if model:
            costs.append(_cost(project, asset, task, model))
    return costs


def _cost(project: Project, asset: Asset, task: str | None, model: str) -> Cost:
    """Count one asset's cost over its upstream's current version."""
    from resources.llm import find_task, load_task
    from resources.llm.estimate import estimate

    name = task or asset.task or ""
    loaded = load_task(find_task(project.settings.root, name))
    plan, heads = make_plan(project), heads_of(project, asset.upstream)
    moving = any(plan[up].state != "fresh" for up in asset.upstream)
    rows = unique = cached = requests = prompt = completion = 0
    for up in asset.upstream:
        current = heads[up].current
        if current is None:
            continue
        found = estimate(
            loaded,
            table_of(project, current),
            project.data / "cache" / "llm.sqlite",
            project.settings.chunk_rows,
        )
        rows, unique, cached = rows + found.rows, unique + found.unique, cached + found.cached
        requests += found.requests
        prompt, completion = prompt + found.prompt_tokens, completion + found.completion_tokens
    return Cost(
        key=asset.key,
        model=model,
        rows=rows,
        unique=unique,
        cached=cached,
        requests=requests,
        tokens=prompt + completion,
        money=_money(prompt, completion),
        seconds=round(requests / REQUESTS_PER_SECOND, 1),
        estimate=moving,
    )


def _money(prompt: int, completion: int) -> float | None:
    """Give the price in USD, where the two prices per million tokens are set."""
    with suppress(KeyError, ValueError):
        price_in = float(os.environ["DATAOPS_LLM_PRICE_IN"])
        price_out = float(os.environ["DATAOPS_LLM_PRICE_OUT"])
        return round((prompt * price_in + completion * price_out) / 1e6, 4)
    return None
