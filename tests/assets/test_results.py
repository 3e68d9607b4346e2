"""What people see of an asset's quality and lateness, on the command line and in SQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from catalog.quality import score_of
from tests.assets.conftest import Home
from tests.assets.test_cli import facts, run

RAW = """
    from datetime import timedelta
    from typing import Annotated
    from assets import Schema, Source, Unique, asset

    class R(Schema):
        id: Annotated[int, Unique]
        text: str | None

    @asset(schema=R, source="in.csv", max_quarantine=0.6, fresh_for=timedelta({fresh_for}))
    def r(source: Source):
        return source.read()
    """


@pytest.fixture
def made(home: Home) -> Home:
    """Give a project with two versions of raw.r: the first with a bad row, a double and a gap."""
    home.write("assets/raw/r.py", RAW.replace("{fresh_for}", "days=1"))
    home.write("in.csv", "id,text\n1,a\n1,a\n2,\nx,c\n")
    home.run()
    home.write("in.csv", "id,text\n1,a\n2,b\n")
    home.make("raw.r")
    return home


def test_the_score_has_a_trend_and_is_shown_with_its_parts(made: Home) -> None:
    first = facts(made, "quality", "raw.r", "--limit", "2")[1]
    parts = [first[name] for name in ("complete", "valid", "unique_rows", "checks")]
    assert parts == [0.75, 0.75, 0.75, 7 / 8]
    latest = facts(made, "quality", "raw.r")[0]
    assert (latest["version"], latest["score"]) == (2, 100)
    assert latest["change"] == round(100 - first["score"], 1)
    assert score_of(made.current("raw.r")).score == 100
    assert "100.0 of 100: 100.00% of the values are there" in run(made, "show", "raw.r")


def test_cleaning_is_held_against_what_it_was_made_from(made: Home) -> None:
    shown = run(made, "quality", "processed.r_clean")
    assert "25.00% -> 0% (-100%)".replace(".00%", "%") in shown
    found = facts(made, "sql", "FROM quality_change WHERE key = 'processed.r_clean'")[0]
    assert (found["made_from"], found["errors_before"]) == (["raw.r 1"], 0.25)
    assert (found["errors_after"], found["errors_change"]) == (0, -1)


@pytest.mark.slow
def test_what_a_suite_says_of_a_growing_version_counts_by_all_its_rows(home: Home) -> None:
    home.write(
        "assets/raw/r.py",
        """
        from assets import Expectation, Source, asset

        @asset(
            source="in*.csv",
            mode="append",
            chain=False,
            checks=[
                Expectation(
                    "expect_column_values_to_be_between",
                    {"column": "n", "min_value": 0},
                    severity="warning",
                )
            ],
        )
        def r(source: Source):
            return source.read()
        """,
    )
    home.write("in1.csv", "n\n-1\n2\n3\n")
    home.make("raw.r")
    home.write("in2.csv", "n\n4\n")
    home.make("raw.r")
    assert score_of(home.current("raw.r")).valid == 0.75
    home.open().catalog.fold()
    assert facts(home, "quality", "raw.r")[0]["valid"] == 0.75


def test_what_is_late_says_since_when_and_what_is_behind_it(made: Home) -> None:
    run(made, "plan")
    state = facts(made, "status", "raw.r")[0]
    due = datetime.fromisoformat(state["due"])
    assert timedelta(hours=23) < due - datetime.now(UTC) < timedelta(days=1)
    assert (state["late_since"], state["late_upstream"]) == ("", [])
    made.write("assets/raw/r.py", RAW.replace("{fresh_for}", "microseconds=1"))
    late, clean, *_ = facts(made, "status")
    assert late["late_since"]
    assert clean["late_upstream"] == ["raw.r"]
    text = run(made, "status")
    assert "since " in text
    assert "behind raw.r" in text
    asked = "SELECT key, late, late_upstream FROM freshness ORDER BY key DESC"
    assert [(f["late"], f["late_upstream"]) for f in facts(made, "sql", asked)] == [
        (True, []),
        (False, ["raw.r"]),
        (False, ["raw.r"]),
    ]
    assert "since" in run(made, "show", "raw.r")
