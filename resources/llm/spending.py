"""The budget: reserved before anything is sent, settled by what was used, shared by processes.

What a process reserves counts as spent at once, in lumps of a few requests; it gives back what it
did not use. So a process that is killed can only make the rest spend less, never more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from resources.errors import DataOpsError
from resources.llm.prices import FILE, Price, price_of
from resources.llm.state import State
from resources.llm.task import Budget, CleaningTask
from resources.llm.transport import Reply

_LUMP: Final = 8
WARN: Final = 0.8
"""The share of a budget from which people are warned."""
ENDED: Final = "ended:"
"""Before a figure's name: that a request was refused for it."""


class Spending:
    """One run's use of the budget. Limits are the task's, and the project's per day."""

    def __init__(
        self,
        state: State,
        task: CleaningTask,
        prices: Mapping[str, Price],
        *,
        run: str,
        project: Budget,
    ) -> None:
        """Count what `task` uses in `run`; raises DataOpsError for USD limits without prices."""
        self._state, self._prices, self._run = state, prices, run
        self._batch = task.engine == "openai-batch"
        own = task.budget
        self._limits: dict[str, dict[str, float]] = {
            "usd": {
                "task_day": own.usd_per_day,
                "run": own.usd_per_run,
                "day": project.usd_per_day,
            },
            "tokens": {
                "task_day": own.tokens_per_day,
                "run": own.tokens_per_run,
                "day": project.tokens_per_day,
            },
        }
        self._task = task.name
        self._held = {"usd": 0.0, "tokens": 0.0}
        self._day = ""
        self._warned: set[str] = set()
        self.warnings: list[str] = []
        if any(self._limits["usd"].values()):
            for model in (task.model, *task.fallback_models):
                if model != "rules" and price_of(model, prices) is None:
                    raise DataOpsError(
                        f"there is a budget in USD, but no price of the model {model!r}",
                        f"add it to {FILE}, or set a budget in tokens",
                        model=model,
                        task=task.name,
                    )

    def cost(self, model: str, asked: str, prompt: float, completion: float) -> float:
        """Give what tokens of a model cost in USD; 0 where its price is not known."""
        price = price_of(model, self._prices) or price_of(asked, self._prices)
        if price is None:
            return 0.0
        return (price.halved() if self._batch else price).of(prompt, completion)

    def reserve(self, model: str, prompt: float, completion: float) -> str:
        """Set a request's likely cost aside; give "" or the limit that it would break."""
        need = self._amounts(model, prompt, completion)
        self._new_day()
        for kind, amount in need.items():
            if self._held[kind] >= amount or not self._names(kind):
                self._held[kind] -= amount
                continue
            refused = self._take(kind, amount * _LUMP) and self._take(kind, amount)
            if refused:
                self._state.raise_figure(ENDED + refused, 1.0)
                limit = said_of(kind, self._names(kind)[refused])
                return f"the budget of {limit} {period_of(refused)} is used up"
            self._held[kind] -= amount
        return ""

    def settle(
        self,
        asked: str,
        reply: Reply | None,
        *,
        reserved: tuple[float, float],
        used: tuple[int, int],
    ) -> None:
        """Put what a request did not use back to what is held; take what it used beyond."""
        before = self._amounts(asked, *reserved)
        usd = self.cost(reply.model, asked, *used) if reply is not None else 0.0
        self._held["tokens"] += before["tokens"] - sum(used)
        self._held["usd"] += before["usd"] - usd

    def close(self) -> None:
        """Give back what is held; what was used beyond it is taken."""
        for kind, held in self._held.items():
            names = self._names(kind)
            if names and held:
                self._state.add(dict.fromkeys(names, -held), {})
            self._held[kind] = 0.0

    def _amounts(self, model: str, prompt: float, completion: float) -> dict[str, float]:
        """Give what tokens amount to, in both kinds."""
        return {
            "tokens": prompt + completion,
            "usd": self.cost(model, model, prompt, completion),
        }

    def _names(self, kind: str) -> dict[str, float]:
        """Give the figures that a kind is limited in, with their limits."""
        names = figure_names(kind, self._task, self._run)
        return {names[which]: limit for which, limit in self._limits[kind].items() if limit}

    def _new_day(self) -> None:
        """Settle yesterday's account when the day changes."""
        day = datetime.now(UTC).strftime("%Y-%m-%d")
        if self._day and self._day != day:
            self._held = {"usd": 0.0, "tokens": 0.0}
        self._day = day

    def _take(self, kind: str, amount: float) -> str:
        """Reserve an amount with everybody who counts; give "" or the figure that refuses it."""
        names = self._names(kind)
        missing = amount - self._held[kind]
        refused = self._state.add(dict.fromkeys(names, missing), names)
        if refused:
            return refused
        self._held[kind] += missing
        self._warn(kind, names)
        return ""

    def _warn(self, kind: str, names: Mapping[str, float]) -> None:
        """Note once that four fifths of a limit are used."""
        for name, limit in names.items():
            if name not in self._warned and self._state.figure(name) >= WARN * limit:
                self._warned.add(name)
                self.warnings.append(
                    f"{WARN:.0%} of the budget of {said_of(kind, limit)} {period_of(name)} is used"
                )


def figure_names(kind: str, task: str, run: str) -> dict[str, str]:
    """Give the figures that count what a task uses in a run, by what limits them (UTC days)."""
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    return {
        "day": f"{kind}:{day}",
        "task_day": f"{kind}:{day}:{task}",
        "run": f"{kind}:run:{run}:{task}"[:190],
    }


def said_of(kind: str, limit: float) -> str:
    """Say a limit."""
    return f"${limit:,.2f}" if kind == "usd" else f"{limit:,.0f} tokens"


def period_of(name: str) -> str:
    """Say what a figure is counted over."""
    return "per run" if ":run:" in name else "per day"
