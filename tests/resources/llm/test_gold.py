"""The rules on a gold set whose seed nobody knows before: exactly right, and hands off the rest."""

from __future__ import annotations

import csv
import re
from collections import Counter
from math import sqrt
from pathlib import Path
from random import SystemRandom

import pytest

from resources.llm.rules import cleaner_of
from resources.samples.__main__ import main
from resources.samples.english import ENGLISH
from resources.samples.gold import SHARES, UNTOUCHED, Gold, make_gold
from resources.samples.korean import KOREAN

ROWS = 4_000
HERE = Path(__file__).parent


def wilson(right: int, total: int, z: float = 1.96) -> float:
    """Give the lower end of the 95 % interval of a share."""
    share = right / total
    middle = share + z * z / (2 * total)
    spread = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (middle - spread) / (1 + z * z / total)


def test_the_interval_is_wilson_s() -> None:
    assert wilson(90, 100) == pytest.approx(0.8256, abs=1e-4)
    assert wilson(1, 1) == pytest.approx(0.2065, abs=1e-4)


def test_the_rules_put_damage_right_and_leave_the_rest_alone() -> None:
    seed = SystemRandom().randrange(2**32)
    clean = cleaner_of()
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    wrong: list[tuple[Gold, str]] = []
    for row in make_gold(rows=ROWS, seed=seed):
        cleaned = clean(row.raw)
        total[row.kind] += 1
        right[row.kind] += cleaned == row.expected
        if cleaned != row.expected and row.kind != "spacing":
            wrong.append((row, cleaned))
    figures = ", ".join(f"{kind} {right[kind]}/{total[kind]}" for kind in SHARES)
    told = f"seed {seed}: {figures}; {wrong[:5]}"
    print(told)
    damaged = [kind for kind in SHARES if kind not in (*UNTOUCHED, "spacing")]
    repaired = sum(right[kind] for kind in damaged)
    needed = sum(total[kind] for kind in damaged)
    kept = sum(right[kind] for kind in UNTOUCHED)
    clean_rows = sum(total[kind] for kind in UNTOUCHED)
    assert wilson(repaired, needed) >= 0.9, told
    assert clean_rows - kept <= 0.01 * clean_rows, told


def test_every_kind_is_there_in_both_languages_and_needs_what_it_says() -> None:
    rows = list(make_gold(rows=1_500, seed=1))
    assert {(row.kind, row.language) for row in rows} == {
        (kind, language) for kind in SHARES for language in ("ko", "en")
    } - {("spacing", "en")}
    for row in rows:
        assert (row.raw == row.expected) == (row.kind in UNTOUCHED)
        assert bool(re.search("[가-힣]", row.expected)) >= (
            row.language == "ko" and row.kind != "tricky"
        )


def test_a_seed_always_makes_the_same_rows() -> None:
    assert list(make_gold(rows=50, seed=3)) == list(make_gold(rows=50, seed=3))
    assert list(make_gold(rows=50, seed=3)) != list(make_gold(rows=50, seed=4))


def test_gold_shares_no_sentence_with_the_samples_nor_with_the_rules_own_tests() -> None:
    known = (HERE / "test_rules.py").read_text(encoding="utf-8")
    for phrases in (KOREAN, ENGLISH):
        parts = (phrases.films, phrases.products, phrases.good, phrases.fair, phrases.bad)
        known += "\n".join(text for part in (*parts, phrases.more) for text in part)
    for row in make_gold(rows=1_000, seed=2):
        if row.kind != "tricky":
            sentences = re.split(r"(?<=[.!?…]) ", row.expected)
            assert not [sentence for sentence in sentences if sentence in known]


def test_the_file_holds_every_character_of_every_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sets" / "gold.csv"
    main(["gold", "--rows", "400", "--seed", "5", "--out", str(path)])
    assert capsys.readouterr().out == f"{path}\n"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            Gold(int(row["id"]), row["language"], row["kind"], row["raw"], row["expected"])
            for row in csv.DictReader(file)
        ]
    assert rows == list(make_gold(rows=400, seed=5))
