"""What is counted and written down of every call: usage per model, and the log of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.llm.calls import CallLog
from resources.llm.counts import Counts
from resources.llm.spending import Spending
from resources.llm.transport import Ask, Reply

if TYPE_CHECKING:
    from resources.llm.work import Pack


class Recorder:
    """Counts and logs calls to one endpoint."""

    def __init__(
        self, endpoint: str, task: str, counts: Counts, calls: CallLog, spending: Spending
    ) -> None:
        """Record what `task` asks at `endpoint` (as it may be shown)."""
        self._endpoint, self._task = endpoint, task
        self._counts, self._calls, self._spending = counts, calls, spending

    def call(
        self,
        pack: Pack | None,
        ask: Ask,
        reply: Reply | None,
        *,
        seconds: float,
        status: int,
        error: str,
    ) -> None:
        """Record one call. pack: None for a probe."""
        tokens = (reply.prompt_tokens, reply.completion_tokens) if reply is not None else (0, 0)
        cost = 0.0
        if reply is None:
            self._counts.failed(ask.model, seconds)
        else:
            cost = self._spending.cost(reply.model, ask.model, *tokens)
            self._counts.answered(ask.model, reply.model, tokens, seconds, cost)
        facts = {
            "endpoint": self._endpoint,
            "model": ask.model,
            "answered_as": reply.model if reply is not None else "",
            "task": self._task,
            "kind": "probe" if pack is None else pack.kind,
            "rows": 1 if pack is None else len(pack.items),
            "status": status,
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "cost": round(cost, 8),
            "latency": round(seconds, 4),
            "error": error,
        }
        response = reply.content if reply is not None else ""
        self._calls.add(facts, request=ask.messages, response=response)
