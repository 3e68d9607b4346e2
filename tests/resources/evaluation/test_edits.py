"""Edits: what was changed, against what had to be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from resources.evaluation.edits import EditCounts, count_edits, edits, steps
from resources.evaluation.report import marked, visible

texts = st.text(st.sampled_from("ab \n<&;가나\u200b."), max_size=30)


@settings(deadline=None)
@given(texts, texts)
def test_steps_rebuild_both_texts(raw: str, text: str) -> None:
    found = steps(raw, text)
    assert "".join(raw[i:j] for _, i, j, _, _ in found) == raw
    assert "".join(text[k:m] for _, _, _, k, m in found) == text
    assert all(raw[i:j] == text[k:m] for kind, i, j, k, m in found if kind == "equal")
    kinds = [kind == "equal" for kind, *_ in found]
    assert all(one != other for one, other in pairwise(kinds))


@settings(deadline=None)
@given(texts, texts)
def test_edits_make_the_one_of_the_other(raw: str, text: str) -> None:
    made = raw
    for start, end, new in sorted(edits(raw, text), reverse=True):
        made = made[:start] + new + made[end:]
    assert made == text


@settings(deadline=None)
@given(texts)
def test_a_text_that_stays_has_no_edits(text: str) -> None:
    assert edits(text, text) == frozenset()
    assert count_edits(text, text, [text]) == EditCounts()


@settings(deadline=None)
@given(texts, texts)
def test_a_perfect_output_is_precise_and_complete(raw: str, text: str) -> None:
    found = count_edits(raw, text, [text])
    assert (found.wrong, found.missed) == (0, 0)
    assert found.f_half == (None if raw == text else 1.0)


@settings(deadline=None)
@given(texts, texts)
def test_doing_nothing_misses_everything_and_breaks_nothing(raw: str, text: str) -> None:
    found = count_edits(raw, raw, [text])
    assert found == EditCounts(missed=len(edits(raw, text)))
    assert found.precision is None


@settings(deadline=None)
@given(texts, texts, texts)
def test_of_several_right_answers_the_nearest_counts(raw: str, one: str, other: str) -> None:
    assert count_edits(raw, other, [one, other]) == count_edits(raw, other, [other])


def test_an_edit_is_a_whole_change_and_neighbours_are_told_apart() -> None:
    """Two typos, one put right and a needless change: one right, one wrong, one missed."""
    assert edits("teh cat adn dog", "the cat and dog") == {(1, 3, "he"), (9, 11, "nd")}
    found = count_edits("teh cat adn dog", "the cat adn dogs", ["the cat and dog"])
    assert found == EditCounts(right=1, wrong=1, missed=1)
    assert found.f_half == 0.5


def test_spaces_and_words_that_both_have_hold_the_alignment() -> None:
    assert edits("Two  spaces   &amp; teh entity", "Two spaces & the entity.") == {
        (3, 4, ""),
        (11, 13, ""),
        (15, 19, ""),
        (21, 23, "he"),
        (30, 30, "."),
    }


def test_one_change_looks_the_same_whatever_is_changed_beside_it() -> None:
    assert edits("a   &amp; b", "a &amp; b") == {(1, 3, "")}
    assert edits("a   &amp; b", "a & b") == {(1, 3, ""), (5, 9, "")}
    assert edits("soo good", "so good") == edits("soo goood", "so goood")


def test_f_half_counts_a_wrong_edit_more_than_a_missed_one() -> None:
    wrong, missed = EditCounts(4, 2, 0).f_half, EditCounts(4, 0, 2).f_half
    assert wrong is not None
    assert missed is not None
    assert wrong < missed


def test_texts_too_long_to_compare_are_one_replacement() -> None:
    assert len(edits("a" * 3_000, "b" * 3_000)) == 1


@settings(deadline=None)
@given(texts, texts)
def test_marks_show_every_letter_and_hide_none(raw: str, text: str) -> None:
    found = marked(raw, text)
    back = {"␣": " ", "⏎\n": "\n"}

    def side(kinds: tuple[str, str]) -> str:
        """Put one side together again."""
        whole = "".join(part for kind, part in found if kind in kinds)
        for shown, letter in back.items():
            whole = whole.replace(shown, letter)
        return whole

    assert side(("same", "del")) == visible(raw)
    assert side(("same", "ins")) == visible(text)


def test_what_hides_is_written_by_its_number() -> None:
    assert visible("a\u200bb\x1b[31m\u202e\n끝") == "a⟨U+200B⟩b⟨U+001B⟩[31m⟨U+202E⟩\n끝"
    assert marked("a  b", "a b") == [("same", "a"), ("del", "␣"), ("same", " b")]
