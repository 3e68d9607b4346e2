"""docs/evaluation.md says what is so: its gold sets are gold sets, its figures hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resources.evaluation.edits import edits
from resources.evaluation.gold import read_gold
from resources.evaluation.statistics import mcnemar, wilson

TEXT = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")
GOLD = re.findall(r"```(csv|json|jsonl)\n(.*?)```", TEXT, re.DOTALL)


def test_every_form_of_gold_is_shown() -> None:
    assert [form for form, _ in GOLD] == ["csv", "json", "jsonl"]


@pytest.mark.parametrize(("form", "text"), GOLD)
def test_each_gold_set_of_the_page_is_one(tmp_path: Path, form: str, text: str) -> None:
    path = tmp_path / f"gold.{'csv' if form == 'csv' else 'jsonl'}"
    path.write_text(text, encoding="utf-8")
    assert len(read_gold(path)) == len(text.splitlines()) - (form == "csv")


def test_the_intervals_of_the_page_are_right() -> None:
    table = re.findall(r"^\| ([\d,]+) \| \**([\d.]+) %\**¹? \| ([\d.]+) % \|", TEXT, re.MULTILINE)
    assert len(table) == 4
    for rows, some, most in table:
        count = int(rows.replace(",", ""))
        right = 48 if count == 50 else round(0.95 * count)
        assert f"{wilson(right, count)[0]:.1%}" == f"{some}%"
        assert f"{wilson(round(0.98 * count), count)[0]:.1%}" == f"{most}%"
    for share, count in ((0.95, 140), (0.93, 400), (0.92, 875)):
        assert wilson(round(share * count), count)[0] >= 0.9
        assert wilson(round(share * count * 0.9), round(count * 0.9))[0] < 0.9


def test_its_other_figures_are_right() -> None:
    assert [round(mcnemar(a, b), 3) for a, b in ((12, 3), (6, 0), (5, 0))] == [0.035, 0.031, 0.062]
    assert edits("teh cat", "the cat") == {(1, 3, "he")}
