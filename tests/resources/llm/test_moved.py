"""Answers that moved to a row that is nearly the same, or to another column, do not stand."""

from __future__ import annotations

import json

import pytest

from resources.llm.judge import Judge
from resources.llm.outputs import Output
from resources.llm.packer import Item
from resources.llm.task import Invariants
from resources.llm.transport import Reply

ALIKE = {
    "case": [("Teh Great Film", "The Great Film"), ("teh great film", "the great film")],
    "spacing": [
        ("아버지가 방에 들어가신다 teh", "아버지가 방에 들어가신다 the"),
        ("아버지 가방에 들어가신다 teh", "아버지 가방에 들어가신다 the"),
    ],
    "order": [
        ("영화 정말 영화 진짜 영화 teh", "영화 정말 영화 진짜 영화 the"),
        ("영화 진짜 영화 정말 영화 teh", "영화 진짜 영화 정말 영화 the"),
    ],
    "one letter": [("굿", "굿."), ("굳", "굳.")],
    "one emoji": [("👍 teh", "👍 the"), ("👎 teh", "👎 the")],
}


def read(rows: list[list[str]], answers: list[object], columns: tuple[str, ...]) -> list[int]:
    """Judge answers to rows; give the places of those that stand."""
    items = [Item(str(n).encode(), tuple(texts), 10) for n, texts in enumerate(rows)]
    judge = Judge(columns, tuple(Output(c, of=c) for c in columns), Invariants())
    content = json.dumps({str(n): answer for n, answer in enumerate(answers, 1)})
    accepted, left = judge.read(items, Reply(content, "m"))
    assert len(accepted) + len(left) == len(rows)
    return [items.index(item) for item, _ in accepted]


@pytest.mark.parametrize("kind", ALIKE)
def test_of_rows_that_are_nearly_the_same_none_gets_the_other_s_answer(kind: str) -> None:
    texts = [[text] for text, _ in ALIKE[kind]]
    right: list[object] = [answer for _, answer in ALIKE[kind]]
    assert read(texts, right, ("text",)) == [0, 1]
    assert read(texts, right[::-1], ("text",)) == []


def test_cells_of_a_wide_table_do_not_change_their_row() -> None:
    rows = [["서울내과의원 ", "서울시 1"], ["서울치과의원 ", "부산시 2"], ["하나의원", "대구시 3"]]
    good = [{"name": a.strip(), "addr": b} for a, b in rows]
    assert read(rows, list(good), ("name", "addr")) == [0, 1, 2]
    swapped = [
        {**good[0], "name": good[1]["name"]},
        {**good[1], "name": good[0]["name"]},
        good[2],
    ]
    assert read(rows, list(swapped), ("name", "addr")) == [2]


def test_a_cell_that_is_corrected_to_what_another_row_says_stands() -> None:
    rows = [["birminghxm", "2053258100"], ["birmingham", "3347938701"], ["sheffxeld", "2563864556"]]
    right = ("birmingham", "birmingham", "sheffield")
    good = [{"city": city, "phone": row[1]} for city, row in zip(right, rows, strict=True)]
    assert read(rows, list(good), ("city", "phone")) == [0, 1, 2]


def test_two_columns_of_a_row_do_not_change_places() -> None:
    rows = [["good filmm", "bad plott"], ["x", "y"]]
    answers = [{"a": "bad plot", "b": "good film"}, {"a": "x", "b": "y"}]
    assert read(rows, list(answers), ("a", "b")) == [1]


def test_half_a_letter_is_no_answer_and_can_be_written_down() -> None:
    items = [Item(b"0", ("film 😀",), 10)]
    judge = Judge(("text",), (Output("text", of="text"),), Invariants())
    accepted, (left,) = judge.read(items, Reply('{"1": "film \\ud83d"}', "m"))
    assert accepted == []
    assert left.why.answer.encode()
