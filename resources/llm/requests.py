"""Requests: what is asked for a pack, and how many tokens that takes, corrected by experience."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from resources.llm.outputs import Output
from resources.llm.packer import Item, answer_tokens, token_count
from resources.llm.protocol import answer_schema, messages
from resources.llm.state import State
from resources.llm.task import CleaningTask
from resources.llm.transport import Ask, Reply

_PROBE: Final = [{"role": "user", "content": 'Answer with this JSON object:\n{"1": "ok"}'}]
_PROBE_SCHEMA: Final = answer_schema((Output("text", of="text"),), 1)
_LEARNING: Final = 0.05


class Requests:
    """Makes the requests of one task over one table."""

    probe_tokens: Final = (60.0, 10.0)

    def __init__(
        self,
        task: CleaningTask,
        columns: tuple[str, ...],
        outputs: tuple[Output, ...],
        state: State | None,
        name: str,
    ) -> None:
        """Ask as `task` says; what tokens really are is remembered in `state` under `name`."""
        self._task, self._columns, self._outputs = task, columns, outputs
        self.models = (task.model, *(m for m in task.fallback_models if m != "rules"))
        self._state = state
        self._names = (f"prompt:{name}"[:200], f"completion:{name}"[:200])
        self._learned = [state.figure(n) or 1.0 for n in self._names] if state else [1.0, 1.0]
        self._options = dict(task.options)
        self._changed = False
        self._fixed = self._fixed_tokens()

    def ask(self, items: Sequence[Item], model: str, temperature: float) -> Ask:
        """Give the request for a pack."""
        return Ask(
            model,
            messages(self._task, self._columns, self._outputs, items),
            answer_schema(self._outputs, len(items)),
            temperature,
            answer_tokens(self._task, items),
            self._options,
        )

    def probe(self, model: str) -> Ask:
        """Give a request for a harmless row."""
        return Ask(model, _PROBE, _PROBE_SCHEMA, 0.0, 64)

    def tokens(self, items: Sequence[Item]) -> tuple[float, float]:
        """Estimate a request's tokens: prompt and completion."""
        prompt, completion = self._plain_tokens(items)
        return prompt * self._learned[0], completion * self._learned[1]

    def learn(self, items: Sequence[Item], reply: Reply) -> None:
        """Correct the estimate by what a reply really took."""
        if not reply.prompt_tokens or not reply.completion_tokens or reply.cut:
            return
        used = (reply.prompt_tokens, reply.completion_tokens)
        for at, (plain, real) in enumerate(zip(self._plain_tokens(items), used, strict=True)):
            ratio = min(max(real / plain, 0.1), 10.0)
            weight = _LEARNING if self._changed or self._learned[at] != 1.0 else 1.0
            self._learned[at] += weight * (ratio - self._learned[at])
        self._changed = True

    def close(self) -> None:
        """Remember what was learned."""
        if self._changed and self._state is not None:
            for name, value in zip(self._names, self._learned, strict=True):
                self._state.set_figure(name, value)

    def _plain_tokens(self, items: Sequence[Item]) -> tuple[int, int]:
        """Estimate tokens by the letters alone: JSON takes about four a row and column."""
        rows = len(items)
        texts = sum(item.tokens for item in items)
        per_row = 4 * len(self._columns)
        prompt = self._fixed[0] + texts + rows * (per_row + self._fixed[1])
        return prompt, texts + rows * 4 * len(self._outputs) + 2

    def _fixed_tokens(self) -> tuple[int, int]:
        """Give the tokens of words and examples, and of one row's part of the schema."""
        empty = Item(b"", ("",) * len(self._columns))
        said = messages(self._task, self._columns, self._outputs, [empty])
        words = sum(token_count(message["content"]) + 4 for message in said)
        one, two = (json.dumps(answer_schema(self._outputs, rows)) for rows in (1, 2))
        return words + len(one) // 4, (len(two) - len(one)) // 4
