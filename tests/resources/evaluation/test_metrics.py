"""What counts as right: every row, whatever became of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.evaluation.gold import GoldRow
from resources.evaluation.metrics import (
    broken_by,
    by_column,
    by_group,
    measure,
    pair,
    score,
    unchanged,
)

texts = st.text(st.sampled_from("ab 가é"), max_size=6)


def row(raw: str, *right: str, kind: str = "") -> GoldRow:
    """Make a gold row."""
    return GoldRow(raw, {"": raw}, {"": right}, "en", kind)


GOLD = [row("teh", "the"), row("fine", "fine"), row("a  b", "a b", "a, b"), row("gone", "gone!")]


def test_every_row_counts_once_whatever_became_of_it() -> None:
    """Right, over-corrected, right in another way, set aside."""
    found = score(GOLD, {0: {"": "the"}, 1: {"": "fine."}, 2: {"": "a, b"}})
    m = measure(found)
    assert (m.rows, m.right.count) == (4, 2)
    assert (m.fixed.count, m.fixed.of) == (2, 3)
    assert (m.spoiled.count, m.spoiled.of) == (1, 1)
    assert m.aside == 1
    assert [each.changed for each in found] == [True, True, True, False]


def test_a_clean_row_that_is_set_aside_is_not_right_either() -> None:
    m = measure(score([row("fine", "fine")], {}))
    assert (m.spoiled.count, m.aside) == (1, 1)


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_doing_nothing_scores_nothing_and_spoils_nothing(pairs: list[tuple[str, str]]) -> None:
    gold = [row(raw, right) for raw, right in pairs]
    m = measure(score(gold, unchanged(gold)))
    assert (m.fixed.count, m.spoiled.count, m.broken, m.aside) == (0, 0, 0, 0)
    assert m.fixed.of + m.spoiled.of == m.rows


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_the_right_answers_score_everything(pairs: list[tuple[str, str]]) -> None:
    gold = [row(raw, right) for raw, right in pairs]
    m = measure(score(gold, {at: {"": right} for at, (_, right) in enumerate(pairs)}))
    assert (m.right.count, m.fixed.count, m.spoiled.count) == (m.rows, m.fixed.of, 0)
    assert m.edits.wrong == m.edits.missed == m.broken == 0


def test_white_space_and_unicode_forms_are_errors_unless_normalised() -> None:
    gold = [row("cafe\u0301  x", "café x")]
    assert score(gold, unchanged(gold))[0].needed
    assert not score(gold, unchanged(gold), normalise=True)[0].needed


def test_all_columns_of_a_row_have_to_be_right() -> None:
    """What is to be found out (a label) was never there, so it always needed something."""
    gold = [GoldRow("1", {"t": "teh"}, {"t": ("the",), "stars": ("5",)})]
    right = score(gold, {0: {"t": "the", "stars": "5"}})[0]
    half = score(gold, {0: {"t": "the", "stars": "4"}})[0]
    none = score(gold, {0: {"t": "the"}})[0]
    assert (right.right, half.right, none.right) == (True, False, False)
    assert measure(score(gold, unchanged(gold))).fixed.count == 0


def test_each_column_is_counted_as_if_it_stood_alone() -> None:
    gold = [
        GoldRow("1", {"a": "teh", "b": "x"}, {"a": ("the",), "b": ("x",)}),
        GoldRow("2", {"a": "ok", "b": "adn"}, {"a": ("ok",), "b": ("and",)}),
    ]
    found = by_column(gold, {0: {"a": "the", "b": "y"}})
    assert {name: (m.fixed.count, m.fixed.of) for name, m in found.items()} == {
        "a": (1, 1),
        "b": (0, 1),
    }
    assert found["b"].spoiled.count == found["a"].spoiled.count == 1
    assert by_column(GOLD, {}) == {}


@pytest.mark.parametrize(
    ("raw", "text", "said"),
    [
        ("12,900 won", "12,800 won", "digits"),
        ("see https://a.example/x", "see it", "URL"),
        ("<고양이 통역사> 좋아요", "고양이 좋아요", "< >"),
        ("정말 좋은 상품이에요 추천합니다", "This is a really good product", "another language"),
        ("It&#39;s  good", "It's good", ""),
        ("same 5", "same 5", ""),
    ],
)
def test_invariants_are_held_against_the_raw_and_the_decoded_text(
    raw: str, text: str, said: str
) -> None:
    found = broken_by(raw, text)
    assert said in found
    assert bool(found) == bool(said)


def test_a_right_answer_breaks_nothing() -> None:
    gold = [row("call 010", "call")]
    assert score(gold, {0: {"": "call"}})[0].broken == ""
    assert score(gold, {0: {"": "call!"}})[0].broken


def test_groups_and_pairs_are_counted_row_by_row() -> None:
    one = score(GOLD, {0: {"": "the"}, 1: {"": "fine"}})
    other = score(GOLD, {0: {"": "teh"}, 1: {"": "fine"}, 3: {"": "gone!"}})
    assert (pair(one, other).only_first, pair(one, other).only_second) == (1, 1)
    assert pair(one, other).p == 1.0
    groups = by_group(["x", "y", "x", "y"], one)
    assert {name: (m.rows, m.right.count) for name, m in groups.items()} == {
        "x": (2, 1),
        "y": (2, 1),
    }
