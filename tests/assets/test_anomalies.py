"""Anomalies: a version that is unlike those before it is noticed, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from assets.engine import CheckFailed
from assets.engine.anomalies import anomaly_checks
from assets.model.errors import DeclarationError
from catalog.heads import Head
from catalog.records import Check, ColumnProfile, Profile
from resources.columns import Column
from tests.assets.conftest import Home
from tests.catalog.conftest import Shelf

COLUMNS = (Column("id", "int64", unique=True), Column("stars", "int64"), Column("text", "string"))


def profile(rows: int = 1000, **figures: Any) -> Profile:
    """Give the figures of a version: 5 values of stars, mean 3; texts of 40 bytes."""
    known = {
        "id": ColumnProfile("id", 0, rows, rows / 2),
        "stars": ColumnProfile("stars", 0, 5, 3.0),
        "text": ColumnProfile("text", rows // 100, rows, 40.0),
    }
    return Profile(rows, tuple((known | figures).values()))


def checks(
    tmp_path: Path, before: Sequence[Profile], now: Profile, severity: str = "warn", **facts: Any
) -> tuple[Check, ...]:
    """Hold a version against some before."""
    shelf = Shelf(tmp_path / "data")
    for one in before:
        shelf.version("raw.r", profile=one, **facts)
    return anomaly_checks(shelf.events, shelf.head("raw.r"), now, COLUMNS, severity)


def names(found: Sequence[Check]) -> list[tuple[str, str]]:
    """Give what is odd."""
    return [(check.name, check.column) for check in found if not check.passed]


def test_a_young_asset_is_not_judged(tmp_path: Path) -> None:
    assert checks(tmp_path, [profile()] * 4, profile(1)) == ()


def test_a_usual_version_passes_one_check_that_says_what_was_compared(tmp_path: Path) -> None:
    (check,) = checks(tmp_path, [profile()] * 6, profile(1010))
    assert (check.name, check.passed) == ("anomalies", True)
    assert check.detail == "7 figures were held against 6 versions before"


@pytest.mark.parametrize("rows", [0, 400, 1600])
def test_far_fewer_or_more_rows_are_odd(tmp_path: Path, rows: int) -> None:
    check, *_ = checks(tmp_path, [profile(n) for n in (990, 1000, 1010, 1000, 995)], profile(rows))
    assert (check.name, check.value, check.severity) == ("anomaly: rows", rows, "warn")
    assert check.threshold == (500 if rows < 1000 else 1500)
    assert check.detail == f"{rows:,} where 5 versions before had about 1,000"


def test_what_always_varies_may_vary(tmp_path: Path) -> None:
    before = [profile(n) for n in (200, 900, 1500, 400, 2500, 700)]
    assert names(checks(tmp_path, before, profile(3000))) == []


def test_an_asset_that_grows_is_not_odd(tmp_path: Path) -> None:
    before = [profile(int(1000 * 1.05**n)) for n in range(20)]
    assert names(checks(tmp_path, before, profile(int(1000 * 1.05**20)))) == []


def test_missing_values_distinct_values_and_means_are_held_against_history(tmp_path: Path) -> None:
    now = profile(
        stars=ColumnProfile("stars", 300, 5, 4.9), text=ColumnProfile("text", 10, 20, 40.0)
    )
    found = checks(tmp_path, [profile()] * 5, now)
    assert names(found) == [
        ("anomaly: missing values", "stars"),
        ("anomaly: mean", "stars"),
        ("anomaly: distinct values", "text"),
    ]


def test_keys_grow_and_are_left_alone(tmp_path: Path) -> None:
    before = [profile(id=ColumnProfile("id", 0, 1000, 500.0))] * 5
    now = profile(id=ColumnProfile("id", 0, 1000, 1e9))
    assert names(checks(tmp_path, before, now)) == []


def test_versions_that_brought_nothing_new_do_not_count(tmp_path: Path) -> None:
    assert checks(tmp_path, [profile()] * 9, profile(1), unchanged=True) == ()


def test_off_says_nothing_and_block_blocks(tmp_path: Path) -> None:
    assert checks(tmp_path / "a", [profile()] * 5, profile(1), "off") == ()
    check, *_ = checks(tmp_path / "b", [profile()] * 5, profile(1), "block")
    assert check.severity == "block"


def test_without_history_there_is_nothing_to_read(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "data")
    assert anomaly_checks(shelf.events, Head("raw.r"), profile(), COLUMNS, "warn") == ()


def test_an_asset_may_have_its_anomalies_block(home: Home) -> None:
    code = """
        from assets import asset

        @asset(chain=False, source="in.csv", anomalies="block")
        def a():
            import pandas as pd
            return pd.read_csv("{path}")
        """
    source = home.write("in.csv", "")
    home.write("assets/raw/a.py", code.replace("{path}", str(source)))
    for n in range(5):
        home.write("in.csv", "x,y\n" + f"{n},a\n" * (20 + n))
        home.make("raw.a")
    figures = home.current("raw.a").profile
    assert figures == Profile(24, (ColumnProfile("x", 0, 1, 4.0), ColumnProfile("y", 0, 1, 1.0)))
    home.write("in.csv", "x,y\n1,a\n")
    with pytest.raises(CheckFailed, match="1 where 5 versions before had about 22"):
        home.make("raw.a")
    assert home.line("raw.a").action == "blocked"
    path = home.root / "assets/raw/a.py"
    path.write_text(path.read_text(encoding="utf-8").replace('"block"', '"warn"'), encoding="utf-8")
    assert home.make("raw.a").state == "made"


def test_a_wrong_word_is_named(home: Home) -> None:
    home.write(
        "assets/raw/a.py", "from assets import asset\n@asset(anomalies='of')\ndef a(): ...\n"
    )
    assert "did you mean 'off'" in home.open().graph.broken["raw.a"].error
    assert issubclass(DeclarationError, Exception)
