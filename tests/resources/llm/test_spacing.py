"""The extra rule `spacing`: it adds spaces to Korean, and can do nothing else to a text."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.errors import DataOpsError
from resources.llm import spacing
from resources.llm.fields import load_task
from resources.llm.rules import cleaner_of
from resources.llm.task import DEFAULT_RULES, CleaningTask
from resources.samples.gold import make_gold

with_extra = pytest.mark.skipif(
    find_spec("kiwipiepy") is None, reason="the extra `korean` is not installed"
)
SPACING = (*DEFAULT_RULES, "spacing")
LETTERS = "가나는영화를봤다<>12.,: \n\u00a0aB@⟦⟧-"


def test_it_is_off_unless_a_task_asks_for_it(tmp_path: Path) -> None:
    assert "spacing" not in CleaningTask("t.yaml").rules
    path = tmp_path / "t.yaml"
    path.write_text("rules: [whitespace, spacing]\n")
    assert load_task(path).rules == ("whitespace", "spacing")


def test_another_version_of_the_model_is_another_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = CleaningTask("t.yaml", rules=SPACING)
    assert "spacing" not in CleaningTask("t.yaml").config()
    facts = []
    for number in ("0.24.1", "0.25.0"):
        monkeypatch.setattr("importlib.metadata.version", lambda _, number=number: number)
        facts.append(task.config()["spacing"])
    assert facts == [f"kiwipiepy {n}, model {n}" for n in ("0.24.1", "0.25.0")]


def test_without_the_extra_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spacing, "find_spec", lambda _: None)
    with pytest.raises(DataOpsError, match=r"needs the extra `korean`.*\[korean\].*`rules:`"):
        cleaner_of(SPACING)


@settings(max_examples=500)
@given(st.text(LETTERS, max_size=40), st.data())
def test_of_what_a_model_says_only_added_spaces_are_taken_over(
    text: str, data: st.DataObject
) -> None:
    spaced = "".join(
        data.draw(
            st.sampled_from(("", " ", letter) if letter.isspace() else (letter, f" {letter}"))
        )
        for letter in text
    )
    made = spacing._with_added(text, spaced)
    rest = iter(made)
    assert all(letter in rest for letter in text)  # nothing lost, nothing moved
    assert made.replace(" ", "") == text.replace(" ", "")
    for kept in spacing._KEPT.findall(text):
        assert kept in made


def test_a_model_that_changes_letters_is_not_listened_to() -> None:
    assert spacing._with_added("영화를봤다", "영화를 보았다") == "영화를봤다"


@with_extra
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("이영화는정말재미있습니다", "이 영화는 정말 재미있습니다"),
        (
            "<올드보이>를봤는데 10개를 3시에샀어요.다시는",
            "<올드보이>를봤는데 10개를 3시에 샀어요. 다시는",
        ),
        ("https://a.kr/가나다라마바사 를보세요 배송이빨라요", None),
        ("노트북 을 샀 다", "노트북 을 샀 다"),
        ("둘째 줄\n이에요그렇죠", "둘째 줄\n이에요 그렇죠"),
        ("좋아요", "좋아요"),
        ("no Korean here at all", "no Korean here at all"),
    ],
)
def test_it_adds_the_spaces_that_are_missing(text: str, expected: str | None) -> None:
    made = cleaner_of(SPACING)(text)
    if expected is None:
        assert made.startswith("https://a.kr/가나다라마바사 ")
        assert made.endswith("배송이 빨라요")
    else:
        assert made == expected


@with_extra
def test_cleaning_twice_is_cleaning_once_and_names_and_numbers_stay() -> None:
    clean = cleaner_of(SPACING)
    for row in make_gold(rows=600, seed=11):
        made = clean(row.raw)
        assert clean(made) == made
        if row.kind in ("plain", "tricky", "spacing"):
            assert "".join(made.split()) == "".join(row.raw.split())


def places(text: str) -> set[int]:
    """Give after how many other characters the spaces of a text stand."""
    words = text.split(" ")
    return {sum(map(len, words[:at])) for at in range(1, len(words))}


@with_extra
def test_it_finds_most_lost_spaces_and_seldom_parts_what_is_whole() -> None:
    clean = cleaner_of(SPACING)
    rows = [row for row in make_gold(rows=4_000, seed=12) if row.language == "ko"]
    lost = found = wrong = exact = 0
    damaged = [row for row in rows if row.kind == "spacing"]
    for row in damaged:
        made = clean(row.raw)
        missing = places(row.expected) - places(row.raw)
        added = places(made) - places(row.raw)
        lost += len(missing)
        found += len(added & missing)
        wrong += len(added - missing)
        exact += made == row.expected
    whole = [row for row in rows if row.kind == "plain"]
    spoilt = sum(clean(row.raw) != row.expected for row in whole)
    told = (
        f"{found} of {lost} found, {wrong} wrong; {exact} of {len(damaged)} rows; {spoilt} spoilt"
    )
    print(told)
    assert found >= 0.8 * lost, told
    assert wrong <= 0.1 * found, told
    assert spoilt <= 0.02 * len(whole), told
