"""What counts as right: row by row, then counted, always of all rows."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from resources.evaluation.edits import EditCounts, count_edits
from resources.evaluation.gold import GoldRow
from resources.evaluation.statistics import Share, mcnemar
from resources.llm import CleaningTask, Invariants
from resources.llm.rules import cleaner_of
from resources.llm.validator import problem

Outputs = Mapping[int, Mapping[str, str]]
"""By the row's position what came out, by column; a row set aside is not there."""


@dataclass(frozen=True, slots=True)
class RowScore:
    """One row of one cleaner.

    needed: something had to change. right: all of it is right. changed: anything came out other
    than it went in. broken: which invariant a wrong answer breaks. aside: set aside, so wrong.
    """

    needed: bool
    right: bool
    changed: bool
    edits: EditCounts
    broken: str
    aside: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one cleaner over some rows.

    fixed: of the rows that needed a change, those exactly right. spoiled: of the rows that were
    right already, those that are not any more (over-correction).
    """

    rows: int
    right: Share
    fixed: Share
    spoiled: Share
    edits: EditCounts
    broken: int
    aside: int


def normalised(text: str) -> str:
    """Give a text in NFC with every run of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def score(gold: Sequence[GoldRow], outputs: Outputs, *, normalise: bool = False) -> list[RowScore]:
    """Score a cleaner's outputs, row by row; letter by letter unless `normalise` is set."""
    form = normalised if normalise else str
    return [_score(row, outputs.get(place), form) for place, row in enumerate(gold)]


def _score(row: GoldRow, output: Mapping[str, str] | None, form: Callable[[str], str]) -> RowScore:
    """Score one row."""
    given = output if output is not None else {}
    needed, right, changed, broken = False, output is not None, False, ""
    counted = EditCounts()
    for column, answers in row.expected.items():
        accepted = {form(answer): answer for answer in answers}
        raw, text = row.raw.get(column), given.get(column)
        cell_right = text is not None and form(text) in accepted
        right = right and cell_right
        needed = needed or raw is None or form(raw) not in accepted
        if raw is None:
            continue
        made = form(raw) if text is None else form(text)
        counted += count_edits(form(raw), made, accepted)
        if text is not None:
            changed = changed or text != raw
            broken = broken or ("" if cell_right else broken_by(raw, text))
    return RowScore(needed, right, changed, counted, broken, output is None)


_INVARIANTS = Invariants()
_RULES = cleaner_of(CleaningTask(name="rules").rules)


def broken_by(raw: str, text: str) -> str:
    """Say which of the default invariants a text breaks ("" = none).

    Held against the raw text and against what the rules make of it: decoding `&#39;` loses two
    digits and breaks nothing.
    """
    if text == raw:
        return ""
    return problem(raw, text, _INVARIANTS) and problem(_RULES(raw), text, _INVARIANTS)


def measure(scores: Iterable[RowScore]) -> Measured:
    """Count scores."""
    every = list(scores)
    needed = [each for each in every if each.needed]
    clean = [each for each in every if not each.needed]
    edits = EditCounts()
    for each in every:
        edits += each.edits
    return Measured(
        rows=len(every),
        right=Share(sum(each.right for each in every), len(every)),
        fixed=Share(sum(each.right for each in needed), len(needed)),
        spoiled=Share(sum(not each.right for each in clean), len(clean)),
        edits=edits,
        broken=sum(bool(each.broken) for each in every),
        aside=sum(each.aside for each in every),
    )


def by_group(names: Sequence[str], scores: Sequence[RowScore]) -> dict[str, Measured]:
    """Count scores by the group each row is in; rows without one are in ''."""
    groups: dict[str, list[RowScore]] = defaultdict(list)
    for name, each in zip(names, scores, strict=True):
        groups[name].append(each)
    return {name: measure(groups[name]) for name in sorted(groups)}


def by_column(
    gold: Sequence[GoldRow], outputs: Outputs, *, normalise: bool = False
) -> dict[str, Measured]:
    """Count each column as if it stood alone; {} where there is only one."""
    if len(gold[0].expected) == 1:
        return {}
    found = {}
    for column in gold[0].expected:
        alone = [
            replace(
                row,
                raw={name: text for name, text in row.raw.items() if name == column},
                expected={column: row.expected[column]},
            )
            for row in gold
        ]
        found[column] = measure(score(alone, outputs, normalise=normalise))
    return found


@dataclass(frozen=True, slots=True)
class Paired:
    """Two cleaners on the same rows: how many only one got right, and McNemar's exact p."""

    only_first: int
    only_second: int

    @property
    def p(self) -> float:
        """Give how often chance alone would be as lopsided."""
        return mcnemar(self.only_first, self.only_second)


def pair(first: Sequence[RowScore], second: Sequence[RowScore]) -> Paired:
    """Compare two cleaners row by row."""
    pairs = [(a.right, b.right) for a, b in zip(first, second, strict=True)]
    return Paired(
        sum(a and not b for a, b in pairs),
        sum(b and not a for a, b in pairs),
    )


def unchanged(gold: Sequence[GoldRow]) -> dict[int, dict[str, str]]:
    """Give what doing nothing puts out."""
    return {place: dict(row.raw) for place, row in enumerate(gold)}
