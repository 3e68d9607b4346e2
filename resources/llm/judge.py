"""Which rows of a reply stand, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from resources.llm.endpoint import whole as whole_text
from resources.llm.masking import keeps_marks
from resources.llm.moved import exchanged, moved
from resources.llm.outputs import Output, Value
from resources.llm.packer import Item
from resources.llm.reading import is_readable, read_rows
from resources.llm.results import Failure
from resources.llm.task import Invariants
from resources.llm.transport import Reply
from resources.llm.validator import foreign, problem

_SHOWN: Final = 2_000


@dataclass(frozen=True, slots=True)
class Open:
    """An item without an acceptable answer yet."""

    item: Item
    why: Failure


class Judge:
    """Reads replies for one task over one table: every row by itself."""

    def __init__(
        self, columns: tuple[str, ...], outputs: tuple[Output, ...], invariants: Invariants
    ) -> None:
        """Judge answers to rows of these columns."""
        self._columns, self._outputs, self._kept = columns, outputs, invariants
        # For each output that is a column's text, cleaned: where it stands, and its column.
        self._texts = [
            (at, columns.index(output.of)) for at, output in enumerate(outputs) if output.cleans
        ]

    @staticmethod
    def is_readable(reply: Reply) -> bool:
        """Tell whether a reply is an answer at all, and was not cut off."""
        return not reply.cut and is_readable(reply.content)

    def read(
        self, items: Sequence[Item], reply: Reply
    ) -> tuple[list[tuple[Item, tuple[Value, ...]]], list[Open]]:
        """Give the items whose answers stand, with their outputs, and the others."""
        found = read_rows(reply.content, self._outputs, [item.texts for item in items])
        missing = "the answer was cut off at its token limit" if reply.cut else "no answer for it"
        if reply.thought:
            missing += (
                ", all of it spent on thinking: raise `max_tokens:` in the task, or set "
                "`reasoning_effort: low`"
            )
        fit: dict[int, tuple[object, ...]] = {}
        left: list[Open] = []
        wholes = ["\n".join(filter(None, item.texts)) for item in items]
        for number, item in enumerate(items, 1):
            values = found.get(number)
            if values is None:
                last = _shown(reply.content) if len(items) == 1 else ""
                left.append(Open(item, Failure(missing, answer=last)))
                continue
            why = self._problem(item, values, wholes, number - 1)
            if why is None:
                fit[number - 1] = values
            else:
                left.append(Open(item, why))
        for row in self._moved(items, fit):
            said = "the answer may be that of another row, or column, which is too much like it"
            left.append(Open(items[row], Failure(said, answer=_shown(fit.pop(row)))))
        accepted = [
            (items[row], tuple(o.stored(v) for o, v in zip(self._outputs, values, strict=True)))
            for row, values in fit.items()
        ]
        return accepted, left

    def _moved(self, items: Sequence[Item], fit: Mapping[int, Sequence[object]]) -> list[int]:
        """Give the rows whose answers may have been exchanged with others'."""
        found: set[int] = set()
        for place, column in self._texts:
            texts = [item.texts[column] or "" for item in items]
            answers = {
                row: answer
                for row, values in fit.items()
                if texts[row] and isinstance(answer := values[place], str)
            }
            found |= moved(texts, answers, mutual=len(self._texts) > 1)
        if len(self._texts) > 1:
            for row, values in fit.items():
                pairs = [(items[row].texts[c] or "", values[p]) for p, c in self._texts]
                told = [
                    (text, answer) for text, answer in pairs if isinstance(answer, str) and text
                ]
                if exchanged([text for text, _ in told], [answer for _, answer in told]):
                    found.add(row)
        return sorted(found)

    def by_rules(self, item: Item) -> tuple[Value, ...]:
        """Give an item's outputs as the rules left them: texts as sent, nothing else."""
        columns = dict(self._texts)
        return tuple(
            item.texts[columns[at]] if at in columns else None for at in range(len(self._outputs))
        )

    def _problem(
        self, item: Item, values: Sequence[object], wholes: Sequence[str], at: int
    ) -> Failure | None:
        """Say what keeps an answer from standing for its row."""
        for output, value in zip(self._outputs, values, strict=True):
            if why := output.problem(value):
                return Failure(why, output.name, answer=_shown(value))
        answers: list[str] = []
        for place, column in self._texts:
            text, answer = item.texts[column], values[place]
            if answer is None:
                continue
            assert isinstance(answer, str)  # noqa: S101 - the output's own check came first
            if why := problem(text, answer, self._kept):
                return Failure(why, self._outputs[place].of, answer=_shown(answer))
            if not keeps_marks(text, answer):
                why = "the answer does not keep what stands for personal data"
                return Failure(why, self._outputs[place].of, answer=_shown(answer))
            answers += [answer] if text else []
        # Across all columns: single cells of different rows are often rightly equal.
        if answers and len(wholes) > 1:
            whole = "\n".join(answers)
            if foreign(wholes[at], whole, (*wholes[:at], *wholes[at + 1 :])):
                return Failure(
                    "the answer is another row's, or mixed with it", answer=_shown(whole)
                )
        return None


def _shown(answer: object) -> str:
    """Give the beginning of an answer, as it can be written down."""
    return whole_text(str(answer)[:_SHOWN])
