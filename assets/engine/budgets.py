"""Budgets of cleaning, as conditions: four fifths used, or used up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from assets.engine.conditions import Condition
from assets.engine.config import DEFAULT_TASK
from assets.engine.project import Project
from catalog.heads import Head
from resources.errors import DataOpsError


def budget_conditions(project: Project, heads: Mapping[str, Head]) -> Iterator[Condition]:
    """Give the budgets of which 80 % or all is used; nothing is read where nobody ever paid."""
    place = project.settings.llm_state_url or project.data / "cache" / "llm.sqlite"
    if isinstance(place, Path) and not place.is_file():
        return
    runs: dict[str, list[str]] = {}
    for key, asset in project.graph.assets.items():
        name = asset.task or ""
        if name and name != DEFAULT_TASK and key in heads:
            runs.setdefault(name, []).extend(_last_run(heads[key]))
    if not runs:
        return
    from resources.llm import find_task, load_task
    from resources.llm.budget_use import budget_uses
    from resources.llm.endpoint import budget_of

    tasks = []
    for name, ran in runs.items():
        try:
            tasks.append((load_task(find_task(project.settings.root, name)), tuple(ran)))
        except DataOpsError:
            continue  # the plan says what is wrong with the task
    for use in budget_uses(place, tasks, budget_of(os.environ)):
        state = "is used up" if use.ended else f"is used by {use.share:.0%}"
        yield Condition(
            "budget",
            "",
            f"the budget of {use.what} {'is used up' if use.ended else 'is used by 80 %'}",
            f"The budget of {use.what} {state}",
            "what is done is kept and the runs go on when there is budget again; raise it in the "
            "cleaning task's `budget:`, or in DATAOPS_LLM_USD_PER_DAY and _TOKENS_PER_DAY",
        )


def _last_run(head: Head) -> list[str]:
    """Give the runs that an asset was last cleaned in."""
    events = (head.current, head.last_attempt)
    return [event.run for event in events if event is not None]
