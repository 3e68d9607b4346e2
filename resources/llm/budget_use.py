"""How much of each budget is used, as every process that cleans has counted it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from resources.llm.spending import ENDED, WARN, figure_names, period_of, said_of
from resources.llm.state import State
from resources.llm.task import Budget, CleaningTask


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """A budget of which much is used. what: its limit, in words; ended: a request was refused."""

    what: str
    share: float
    ended: bool


def budget_uses(
    place: Path | str, tasks: Sequence[tuple[CleaningTask, Sequence[str]]], project: Budget
) -> Iterator[BudgetUse]:
    """Give the budgets of which 80 % is used. tasks: each with the runs to look at."""
    seen: set[str] = set()
    with closing(State(place)) as state:
        for task, runs in tasks:
            for kind in ("usd", "tokens"):
                own, all_of = asdict(task.budget), asdict(project)
                limits = {
                    "task_day": (own[f"{kind}_per_day"], f" by {task.name}"),
                    "run": (own[f"{kind}_per_run"], f" by {task.name}"),
                    "day": (all_of[f"{kind}_per_day"], ""),
                }
                for run in dict.fromkeys(("", *runs)):
                    for which, name in figure_names(kind, task.name, run).items():
                        limit, whose = limits[which]
                        if limit and name not in seen:
                            seen.add(name)
                            what = f"{said_of(kind, limit)} {period_of(name)}{whose}"
                            yield from _use(state, name, limit, what)


def _use(state: State, name: str, limit: float, what: str) -> Iterator[BudgetUse]:
    """Give a budget's use, where it is worth telling."""
    share = state.figure(name) / limit
    ended = state.figure(ENDED + name) > 0
    if ended or share >= WARN:
        yield BudgetUse(what, share, ended)
