"""Intervals and tests: what counts of rows say, and how sure it is."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.evaluation.statistics import Share, mcnemar, wilson

counts = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(counts)
def test_the_interval_holds_the_share_and_stays_between_0_and_1(found: tuple[int, int]) -> None:
    count, of = found
    low, high = wilson(count, of)
    assert 0 <= low <= count / of <= high <= 1


@settings(deadline=None)
@given(counts, st.integers(2, 20))
def test_more_rows_of_the_same_share_make_it_narrower(found: tuple[int, int], times: int) -> None:
    few, many = wilson(*found), wilson(found[0] * times, found[1] * times)
    assert many[1] - many[0] < few[1] - few[0]


@settings(deadline=None)
@given(counts)
def test_right_and_wrong_mirror_each_other(found: tuple[int, int]) -> None:
    count, of = found
    low, high = wilson(count, of)
    assert wilson(of - count, of) == pytest.approx((1 - high, 1 - low))


def test_known_intervals() -> None:
    """95 % right: 300 rows promise 91.9 %, 100 rows only 88.8 %."""
    assert wilson(285, 300)[0] == pytest.approx(0.919, abs=0.0005)
    assert wilson(95, 100)[0] == pytest.approx(0.888, abs=0.0005)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=0.0001)  # Brown, Cai, DasGupta
    assert wilson(0, 0) == (0.0, 1.0)


def test_without_rows_there_is_no_share() -> None:
    assert Share(0, 0).value is None
    assert (Share(0, 0).low, Share(0, 0).high) == (0.0, 1.0)


disagreements = st.tuples(st.integers(0, 400), st.integers(0, 400))


@settings(deadline=None)
@given(disagreements)
def test_it_does_not_matter_who_is_first(found: tuple[int, int]) -> None:
    assert mcnemar(*found) == mcnemar(*reversed(found))
    assert 0 < mcnemar(*found) <= 1


@settings(deadline=None)
@given(st.integers(0, 500))
def test_two_that_are_equally_good_do_not_differ(each: int) -> None:
    assert mcnemar(each, each) == 1.0


@settings(deadline=None)
@given(st.integers(1, 60))
def test_the_more_lopsided_the_smaller_the_p(rows: int) -> None:
    found = [mcnemar(fewer, rows - fewer) for fewer in range(rows // 2 + 1)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(2 / 2**rows)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_it_is_the_two_sided_binomial_test(first: int, second: int) -> None:
    rows, fewer = first + second, min(first, second)
    exact = 2 * sum(comb(rows, k) / 2**rows for k in range(fewer + 1))
    assert mcnemar(first, second) == pytest.approx(min(1.0, exact))


def test_thousands_of_rows_are_no_problem() -> None:
    assert 0 < mcnemar(4_000, 4_300) < 0.01
