"""Samples: drawn by chance, and the same again for the same seed."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.evaluation.running import as_table
from resources.evaluation.sampling import draw, take

numbers = st.integers(0, 300)


@settings(deadline=None)
@given(numbers, numbers, st.integers(), st.sets(st.integers(0, 300), max_size=20))
def test_a_draw_is_distinct_in_order_and_repeatable(
    rows: int, count: int, seed: int, without: set[int]
) -> None:
    found = draw(rows, count, seed, without=without)
    assert found == sorted(set(found)) == draw(rows, count, seed, without=without)
    assert not without & set(found)
    assert len(found) == min(count, len(set(range(rows)) - without))
    assert all(0 <= place < rows for place in found)


def test_every_row_is_as_likely_as_any_other() -> None:
    found = Counter(place for seed in range(3_000) for place in draw(10, 3, seed))
    assert min(found.values()) > 780  # 900 each, four standard deviations wide
    assert max(found.values()) < 1_020


@settings(deadline=None)
@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.integers(1, 7))
def test_rows_are_taken_by_their_place(rows: int, wanted: set[int], size: int) -> None:
    places = sorted(place for place in wanted if place < rows)
    batches = [
        pa.record_batch({"n": pa.array(range(start, min(start + size, rows)), pa.int64())})
        for start in range(0, rows, size)
    ]
    table = as_table(pa.Table.from_batches(batches))
    assert take(table, places).column("n").to_pylist() == places
