"""A cursor: how far a source was collected. It goes forward, and holds one kind of value."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from assets import Cursor
from assets.model.errors import CursorError

KEPT = [
    (7, 7),
    (7.5, 7.5),
    ("page-7", "page-7"),
    (np.int64(7), 7),
    (np.float64(7.0), 7),
    (datetime(2026, 1, 2, 3, tzinfo=UTC).replace(tzinfo=None), "2026-01-02T03:00:00"),
    (date(2026, 1, 2), "2026-01-02"),
    (pd.Timestamp("2026-01-02 03:04:05.5"), "2026-01-02T03:04:05.500000"),
    (datetime(2026, 1, 2, 9, tzinfo=timezone(timedelta(hours=9))), "2026-01-02T00:00:00+00:00"),
]


@pytest.mark.parametrize(("given", "kept"), KEPT)
def test_values_are_kept_as_text_or_number(given: object, kept: object) -> None:
    cursor = Cursor("raw.a")
    assert (cursor.value, cursor.stored()) == (None, "")
    cursor.advance(given)
    assert cursor.value == kept
    again = Cursor("raw.a", cursor.stored())
    assert (again.value, type(again.value)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("first", "second", "then"),
    [
        (9, 10, 10),
        (10, 9, 10),
        (10, 10.5, 10.5),
        ("b", "a", "b"),
        ("2026-01-02", "2026-01-02T00:00:01", "2026-01-02T00:00:01"),
        ("2026-01-02T00:00:00.5Z", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00.5Z"),
        ("2026-01-02T09:00:00+09:00", datetime(2026, 1, 2, 1, tzinfo=UTC), None),
    ],
)
def test_it_goes_forward_only(first: object, second: object, then: object) -> None:
    cursor = Cursor("raw.a")
    cursor.advance(first)
    cursor.advance(second)
    assert cursor.value == (then or "2026-01-02T01:00:00+00:00")


def test_it_goes_back_when_told() -> None:
    cursor = Cursor("raw.a", "10")
    cursor.advance(3, back=True)
    assert cursor.value == 3


@pytest.mark.parametrize("nothing", [None, float("nan"), np.nan, pd.NaT])
def test_the_largest_of_no_rows_leaves_it_where_it_is(nothing: object) -> None:
    cursor = Cursor("raw.a", "10")
    cursor.advance(nothing)
    assert cursor.value == 10


@pytest.mark.parametrize(
    ("stored", "value", "said"),
    [
        ("10", "11", "which is a text"),
        ('"a"', 1, "which is a number"),
        ('"9"', "10", "letter by letter"),
        ('"2026-01-01T00:00:00"', "2026-01-02T00:00:00Z", "time zone"),
        ("", True, "to a number, a text or a time"),
        ("", float("inf"), "to a number, a text or a time"),
        ("", [1], "to a number, a text or a time"),
        ("", Decimal(1), "to a number, a text or a time"),
    ],
)
def test_another_kind_of_value_is_an_error(stored: str, value: object, said: str) -> None:
    with pytest.raises(CursorError, match="raw.a") as caught:
        Cursor("raw.a", stored).advance(value)
    assert said in str(caught.value)
