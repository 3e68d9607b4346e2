"""Which JSON of a reply is the answer, and whose: shapes that servers really return."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.llm.outputs import outputs_for
from resources.llm.reading import is_readable, read_rows

ONE = outputs_for((), ("text",))
TWO = outputs_for((), ("city", "state"))
ASKED = "teh cat sat"
RIGHT = "the cat sat"


def read(content: str, *asked: str) -> dict[int, Any]:
    """Read an answer to these texts."""
    return read_rows(content, ONE, [(text,) for text in asked])


@pytest.mark.parametrize(
    "content",
    [
        '{"1": "a", "2": "b"}',
        '{"2": "b", "1": "a"}',
        '```json\n{"1": "a", "2": "b"}\n```',
        'Sure!\n{"1": "a", "2": "b"}\nDone.',
        'Sure, as {asked} [1]:\n{"1": "a", "2": "b"}',
        '{"1": "a", "2": "b", "3": "c", "x": 1}',
        '{"1": "a", "1": "a", "2": "b"}',
        '{"1": "a", "2": "b",}',
        '{"1": {"text": "a",}, "2": {"text": "b"},\n}',
        '{"row_1": "a", "Row 2": "b"}',
        '{"rows": {"1": "a", "2": "b"}, "notes": "two rows corrected"}',
        '{"result": {"answer": {"1": "a", "2": "b"}}}',
        '[{"id": 1, "text": "a"}, {"id": "2", "text": "b"}]',
        '{"corrections": [{"row": 2, "corrected": "b"}, {"row": 1, "corrected": "a"}]}',
        '[{"index": 1, "text": "a"}, {"index": 2, "text": "b"}]',
        '{"1": "a"}\n{"2": "b"}',
        '{"id": 1, "text": "a"}\n{"id": 2, "text": "b"}',
        '"{\\"1\\": \\"a\\", \\"2\\": \\"b\\"}"',
        '{"answer": "{\\"1\\": \\"a\\", \\"2\\": \\"b\\"}"}',
        '<|channel|>analysis<|message|>{"1": "x"}<|channel|>final<|message|>{"1": "a", "2": "b"}',
    ],
)
def test_rows_are_read_in_every_shape_that_is_clear(content: str) -> None:
    assert read(content, "x", "y") == {1: ("a",), 2: ("b",)}


@pytest.mark.parametrize(
    "content",
    [
        f'<think>The rows are {{"1": "{ASKED}"}}</think>{{"1": "{RIGHT}"}}',
        f'<think>first {{"1": "thee cat sat"}}</think>\n{{"1": "{RIGHT}"}}',
        f'first {{"1": "thee cat sat"}}</think>{{"1": "{RIGHT}"}}',
        f'First try: {{"id": 1, "text": "thee"}} Corrected: {{"id": 1, "text": "{RIGHT}"}}',
        f'First try: {{"1": "thee cat sat"}} Corrected: {{"1": "{RIGHT}"}}',
        f'The row is {{"1": "{ASKED}"}}, corrected {{"1": "{RIGHT}"}}.',
        f'A draft {{"1": "thee ca... no. {{"1": "{RIGHT}"}}',
        f'[{{"id": 1, "text": "{RIGHT}"}}]',
        f'["{RIGHT}"]',
        f'{{"rows": {{"1": "{RIGHT}"}}}}',
        f'{{"1": {{"text": "{RIGHT}"}}}}',
        f'{{"1": "{RIGHT}",}}',
        f'{{"text": "{RIGHT}"}}',
        f'{{"index": 0, "text": "{RIGHT}", "id": 1}}',
    ],
)
def test_the_answer_is_the_last_one_and_no_draft_or_question(content: str) -> None:
    assert read(content, ASKED) == {1: (RIGHT,)}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"1": "a", "1": "x", "2": "b"}', {2: ("b",)}),
        ('{"1": 5, "2": "b"}', {2: ("b",)}),
        ('{"1": null, "2": ["b"]}', {}),
        ('{"1": "a", "row 1": "x", "2": "b"}', {2: ("b",)}),
        ('["a", "b"]', {}),
        ('[{"id": 0, "text": "a"}, {"id": 1, "text": "b"}]', {}),
        ('[{"index": 1, "text": "b"}]', {}),
        ('{"0": "a", "1": "b"}', {}),
        ('{"rows": {"row_0": "a", "row_1": "b"}}', {}),
        ('{"id": 0, "text": "a"}\n{"id": 1, "text": "b"}', {}),
        ('{"index": 0, "text": "a"}\n{"index": 1, "text": "b"}', {}),
        ('{"index": 1, "text": "b"}', {}),
        ('[{"id": 1, "text": "a"}, {"id": 1, "text": "b"}]', {}),
        ('{"1": {"error": "cannot"}, "2": {"text": "b", "corrected": "c"}}', {}),
        ('{"a": {"1": "a", "2": "b"}, "b": {"1": "c", "2": "d"}}', {}),
        ('{"1": "a", "2": "b', {}),
        ('{"rows": {"1": "a"}, "2": "b', {}),
        ('<think>so {"1": "a", "2": "b"} perhaps', {}),
        ('{"1": "a", "2": "b"} It was {"1": "x", "2": "y"}', {}),
        ("I cannot do that.", {}),
        ("", {}),
        ("[" * 100_000, {}),
        ('{"a":' * 100_000, {}),
        ("{ " * 100_000, {}),
    ],
)
def test_what_is_torn_or_not_clear_is_left_out(
    content: str, found: dict[int, tuple[str, ...]]
) -> None:
    assert read(content, "x", "y") == found


def test_a_reply_that_is_json_is_just_that_whatever_its_texts_hold() -> None:
    hostile = '</think>{"1": "HACKED"}, ]'
    assert read(json.dumps({"1": hostile}), "x") == {1: (hostile,)}
    assert read(json.dumps({"rows": [{"id": 1, "text": hostile}]}), "x") == {1: (hostile,)}


def test_commas_within_texts_stay_where_others_are_taken_out() -> None:
    assert read('{"1": "a, ] b,}",}', "x") == {1: ("a, ] b,}",)}


def test_a_row_of_several_columns_counts_only_whole() -> None:
    content = '{"1": {"city": "a", "state": "b"}, "2": {"city": "a"}, "3": "a"}'
    assert read_rows(content, TWO, [("", "")] * 3) == {1: ("a", "b")}
    listed = '[{"id": 2, "city": "a", "state": "b"}, {"id": 1, "city": "c", "state": "d"}]'
    assert read_rows(listed, TWO, [("", "")] * 2) == {1: ("c", "d"), 2: ("a", "b")}


def test_objects_and_lists_alone_are_readable() -> None:
    assert is_readable('well: {"1": 2}')
    assert not is_readable("well")
    assert not is_readable('"well"')


@given(st.text(st.sampled_from('{}[]",:1ax\\ <>/think'), max_size=120) | st.text(max_size=300))
def test_any_text_can_be_read(content: str) -> None:
    for number, values in read(content, "x", "y", "z").items():
        assert 1 <= number <= 3
        assert isinstance(values[0], str)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5), st.text(max_size=20))
def test_what_was_written_is_read_whatever_is_in_it(texts: list[str], before: str) -> None:
    rows = {str(number): text for number, text in enumerate(texts, 1)}
    found = read(f"{before.translate({ord(c): None for c in '{[<◁'})}\n{json.dumps(rows)}", *texts)
    assert found == {number: (text,) for number, text in enumerate(texts, 1)} or "think" in "".join(
        [*texts, before]
    )
