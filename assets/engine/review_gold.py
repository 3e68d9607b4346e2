"""Gold from reviews: what people said is right, as a gold set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assets.engine.project import Project
from assets.engine.reviewing import ReviewError, verdicts_of
from catalog.reviews import reviews_of
from resources.evaluation.gold import TEXT, GoldRow, read_gold, write_gold
from resources.evaluation.language import language_of
from resources.evaluation.verdicts import Verdict


def gold_of(project: Project, key: str) -> list[GoldRow]:
    """Give what all reviews of an asset say is right; of several verdicts on a text, the latest."""
    latest: dict[tuple[str, ...], GoldRow | None] = {}
    for review in reviews_of(project.events, key):
        for verdict in verdicts_of(project, review):
            texts = tuple(verdict.item.raw.values())
            latest.pop(texts, None)
            latest[texts] = _gold(verdict, f"{key}/{review.version}/{verdict.item.row}")
    return [row for row in latest.values() if row is not None]


def _gold(verdict: Verdict, name: str) -> GoldRow | None:
    """Make gold of a verdict; None where nobody said what is right."""
    right = verdict.right
    if right is None:
        return None
    single = len(right) == 1
    columns = {TEXT if single else column: column for column in right}
    return GoldRow(
        name,
        {short: verdict.item.raw[column] for short, column in columns.items()},
        {short: (right[column],) for short, column in columns.items()},
        language_of(" ".join(right.values())),
        "reviewed",
    )


@dataclass(frozen=True, slots=True)
class Exported:
    """What a gold file holds after an export: all its rows, and how many of them are new."""

    rows: int
    added: int


def export_gold(project: Project, key: str, path: Path) -> Exported:
    """Put what reviews say is right into a gold file; rows of other texts in it stay.

    A text that stands there with another answer gets the latest verdict's.
    """
    found = gold_of(project, key)
    before = read_gold(path) if path.exists() else []
    if not found:
        raise ReviewError(
            f"no review of {key} says what is right yet",
            f"review some rows: dataops review {key} --sample 50",
            asset=key,
        )
    if before and set(before[0].raw) != set(found[0].raw):
        raise ReviewError(
            f"{path} has other columns than {key}", "name another file", file=str(path), asset=key
        )
    rows = {tuple(row.raw.items()): row for row in before}
    for row in found:
        known = rows.get(tuple(row.raw.items()))
        if known is None or not _agrees(known, row):
            rows[tuple(row.raw.items())] = row
    write_gold(path, list(rows.values()))
    return Exported(len(rows), len(rows) - len(before))


def _agrees(known: GoldRow, row: GoldRow) -> bool:
    """Tell whether a gold row accepts what a verdict says is right."""
    return all(row.expected[column][0] in known.expected.get(column, ()) for column in row.expected)
