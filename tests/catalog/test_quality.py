"""How good versions are, before and after cleaning, and whether assets are late: in SQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from catalog.quality import score_of
from catalog.records import AssetState, Check, Input, Planned

RAW = "raw.reviews"
TWO = ({"id": 1, "text": "a"}, {"id": 2, "text": "b"})


def test_the_score_is_the_weighted_sum_of_its_parts(shelf: Any) -> None:
    made = shelf.version(
        RAW,
        TWO,
        rows_in=10,
        quarantined=5,
        duplicates=3,
        checks=(
            Check("missing values", "text", "warn", True, 1, 0.5),
            Check("type", "id", "warn", False, 5),
        ),
    )
    found = shelf.sql("SELECT score, complete, valid, unique_rows, checks FROM quality")
    assert found == [(round(30 * 0.75 + 40 * 0.5 + 10 * 0.7 + 20 * 0.5, 1), 0.75, 0.5, 0.7, 0.5)]
    score = score_of(made)
    parts = (score.score, score.complete, score.valid, score.unique_rows, score.checks)
    assert [parts] == found


def test_rows_that_an_expectation_warns_of_are_not_valid(shelf: Any) -> None:
    checks = (
        Check("expect_column_values_to_be_between", "id", "warn", False, 1, 0.9),
        Check("expect_column_values_to_match_regex", "text", "warn", False, 2, 0.8),
    )
    made = shelf.version(RAW, TWO, rows_in=2, checks=checks)
    assert shelf.sql("SELECT valid, broken FROM quality") == [(0.0, 2)]
    assert score_of(made).valid == 0


def test_a_perfect_version_scores_100(shelf: Any) -> None:
    made = shelf.version(RAW, TWO, checks=())
    assert shelf.sql("SELECT score FROM quality") == [(100,)]
    assert score_of(made).score == 100


def test_what_was_blocked_scores_nothing_and_the_trend_goes_from_version_to_version(
    shelf: Any,
) -> None:
    shelf.version(RAW, TWO, rows_in=4, quarantined=2, checks=())
    blocked = Check("quarantined rows", "", "block", False, 3, 0.75, 0.5)
    shelf.failure(RAW, state="blocked", rows=4, quarantined=3, checks=(blocked,))
    shelf.failure(RAW)
    shelf.version(RAW, TWO, checks=())
    found = shelf.sql("SELECT version, score, change, valid FROM quality ORDER BY created_at")
    assert found == [(1, 80, None, 0.5), (None, 0, -80, 0.25), (2, 100, 20, 1)]


def test_a_version_is_held_against_those_it_was_made_from(shelf: Any) -> None:
    def missing(rows: int) -> tuple[Check, ...]:
        """Give the check of missing values."""
        return (Check("missing values", "text", "warn", True, rows, rows / 2),)

    raw = shelf.version(RAW, TWO, rows_in=4, quarantined=2, duplicates=0, checks=missing(2))
    pin = Input(RAW, 1, raw.data_version)
    shelf.version("processed.clean", TWO, inputs=(pin,), checks=missing(1))
    assert shelf.sql(
        "SELECT key, made_from, missing_before, missing_after, missing_change, errors_before, "
        "errors_after, errors_change, duplicates_change FROM quality_change"
    ) == [("processed.clean", ["raw.reviews 1"], 0.5, 0.25, -0.5, 0.5, 0, -1, None)]


@pytest.mark.parametrize("late", [True, False])
def test_an_asset_is_late_once_its_time_has_passed_and_what_is_below_is_behind(
    shelf: Any, late: bool
) -> None:
    shelf.declare({RAW: (), "processed.clean": (RAW,), "output.report": ("processed.clean",)})
    shelf.version(RAW, TWO)
    due = datetime.now(UTC) + timedelta(hours=-2 if late else 2)
    text = due.isoformat(timespec="microseconds").replace("+00:00", "Z")
    state = AssetState(RAW, "stale" if late else "fresh", due=text)
    shelf.put("_planned", Planned(id=uuid4().hex, at=text, number=1, states=(state,)))
    found = {
        key: (is_late, since, behind)
        for key, is_late, since, behind in shelf.sql(
            "SELECT key, late, late_since, late_upstream FROM freshness"
        )
    }
    since = due.replace(tzinfo=None) if late else None
    assert found[RAW] == (late, since, [])
    assert found["output.report"] == (False, None, [RAW] if late else [])
    assert shelf.sql("SELECT late_for > INTERVAL 1 HOUR FROM freshness WHERE late") == (
        [(True,)] if late else []
    )
