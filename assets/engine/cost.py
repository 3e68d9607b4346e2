"""What a run will pay: per asset that uses a model, counted before anything is asked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from assets.engine.arguments import answers_until, table_of
from assets.engine.compare import own_reasons
from assets.engine.config import config_of
from assets.engine.increment import base_of
from assets.engine.plan import heads_of, make_plan
from assets.engine.project import Project
from assets.model.declare import Asset


@dataclass(frozen=True, slots=True)
class Cost:
    """What cleaning one asset will take. money: USD, None where the price is not known.

    estimate: its upstream will still change, so this is what the current version would take.
    paid: whether anybody is paid at all; nobody is for a model on this machine.
    unknown: nothing of its upstream is there yet, so nothing can be counted.
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
    paid: bool = True
    unknown: bool = False

    def facts(self) -> dict[str, Any]:
        """Give the cost as facts."""
        return asdict(self)


def costs_of(
    project: Project,
    keys: Iterable[str],
    task: str | None = None,
    *,
    forced: frozenset[str] = frozenset(),
) -> list[Cost]:
    """Give the cost of each of these assets that a model cleans; [] where nothing is paid.

    forced: those that will be made whole, also where only new rows would be due.
    """
    costs = []
    for key in keys:
        asset = project.graph.assets.get(key)
        if asset is None or all(a.kind != "cleaner" for a in asset.arguments):
            continue
        if config_of(project, asset, task).get("task.model"):
            costs.append(_cost(project, asset, task, whole=key in forced))
    return costs


def _cost(project: Project, asset: Asset, task: str | None, *, whole: bool) -> Cost:
    """Count one asset's cost over its upstream's current version."""
    from resources.llm import find_task, load_task
    from resources.llm.estimate import estimate

    name = task or asset.task or ""
    loaded = load_task(find_task(project.settings.root, name))
    plan, heads = make_plan(project), heads_of(project, [asset.key, *asset.upstream])
    moving = any(plan[up].state != "fresh" for up in asset.upstream)
    found = []
    for up in asset.upstream:
        current = heads[up].current
        if current is None:
            continue
        # What is appended is asked for its new rows only.
        reasons = own_reasons(project, asset, heads, plan.as_of, task)
        base, skip = base_of(project, asset, heads, reasons, full=whole)
        found.append(
            estimate(
                loaded,
                table_of(project, current, skip if base is not None else 0),
                project.settings,
                environment=os.environ,
                salt=answers_until(asset, heads[asset.key]),
            )
        )
    prices = [each.cost for each in found]
    return Cost(
        key=asset.key,
        model=loaded.model,
        rows=sum(each.rows for each in found),
        unique=sum(each.unique for each in found),
        cached=sum(each.cached for each in found),
        requests=sum(each.requests for each in found),
        tokens=sum(each.prompt_tokens + each.completion_tokens for each in found),
        money=None if None in prices or not found else round(sum(filter(None, prices)), 4),
        seconds=round(sum(each.seconds for each in found), 1),
        estimate=moving,
        paid=loaded.paid,
        unknown=not found,
    )
