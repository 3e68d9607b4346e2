"""Gold sets: what may stand in them, and what is said where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.evaluation.gold import GoldError, GoldRow, read_gold, write_gold
from resources.evaluation.language import language_of
from resources.samples.gold import make_gold
from resources.samples.gold import write_gold as write_sample


def written(tmp_path: Path, text: str | bytes, name: str = "gold.csv") -> Path:
    """Write a file."""
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_csv_may_have_a_bom_several_answers_and_lines_in_texts(
    tmp_path: Path, bom: bytes
) -> None:
    text = 'id,raw,expected,expected_2,kind\n7,teh,the,The,typo\n8,"a  b\nc","a b\nc",,\n'
    rows = read_gold(written(tmp_path, bom + text.encode()))
    assert rows == [
        GoldRow("7", {"": "teh"}, {"": ("the", "The")}, "en", "typo"),
        GoldRow("8", {"": "a  b\nc"}, {"": ("a b\nc",)}, "en", ""),
    ]


def test_json_lines_have_lists_labels_and_numbers(tmp_path: Path) -> None:
    lines = [
        {"id": 1, "raw": "조아요", "expected": ["좋아요", "좋아요."], "language": "ko"},
        {"id": 2, "raw": "<br>", "expected": ""},
    ]
    path = written(tmp_path, "\n\n".join(map(json.dumps, lines)), "gold.jsonl")
    assert [row.expected[""] for row in read_gold(path)] == [("좋아요", "좋아요."), ("",)]
    wide = '{"raw.t": "a", "expected.t": "b", "expected.stars": 5, "expected.ok": true}'
    (row,) = read_gold(written(tmp_path, wide, "wide.jsonl"))
    assert row.raw == {"t": "a"}
    assert row.expected == {"t": ("b",), "stars": ("5",), "ok": ("true",)}
    assert row.id == "1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,raw,expected\n1,teh,\n", "line 2, field 'expected': it is empty"),
        ("id,raw,expectd\n1,teh,the\n", "line 2, field 'expected': it is missing; did you mean"),
        ("id,row,expected\n1,teh,the\n", "field 'raw': it is missing; did you mean 'row'"),
        ("id,raw,expected\n1,a,b\n1,c,d\n", "line 3, field 'id': '1' stands in line 2 already"),
        ('id,raw,expected\n1,"a\nb",b\n2,c\n', "line 4: it has 2 fields, the header has 3"),
        ("id,raw,raw\n1,a,b\n", "line 1: a column's name stands there twice"),
        ('id,raw,expected\n1,"a,b\n', "it is no CSV"),
        ("id,raw,expected\n", "has no rows"),
        (b"id,raw,expected\n1,\xc1\xb6,x\n", "line 2, is not UTF-8"),
    ],
)
def test_what_is_wrong_in_a_csv_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(GoldError) as caught:
        read_gold(written(tmp_path, text))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"raw": "a"', "line 2: it is no JSON"),
        ("[1]", "line 2: it is no JSON object"),
        ('{"raw": 1, "expected": "a"}', "line 2, field 'raw': 1 is no text"),
        ('{"raw": "a", "expected": []}', "line 2, field 'expected': the list is empty"),
        ('{"raw": "a", "expected": null}', "line 2, field 'expected': null is no text"),
        ('{"raw.t": "a", "expected.t": "a"}', "line 2, field 'raw': it has other columns"),
    ],
)
def test_what_is_wrong_in_json_lines_is_told_with_its_line(
    tmp_path: Path, line: str, said: str
) -> None:
    text = f'{{"raw": "a", "expected": "b"}}\n{line}\n'
    with pytest.raises(GoldError) as caught:
        read_gold(written(tmp_path, text, "gold.jsonl"))
    assert said in str(caught.value)


def test_a_file_that_is_not_there_or_of_another_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match="cannot be read"):
        read_gold(tmp_path / "nothing.csv")
    with pytest.raises(GoldError, match="neither .csv nor .jsonl"):
        read_gold(tmp_path / "gold.xlsx")


hostile = st.text(
    st.characters(codec="utf-8") | st.sampled_from(',"\n\r\x0b\x85\u2028=\ufeff'), min_size=1
)
answers = st.lists(hostile, min_size=1, max_size=3, unique=True).map(tuple)


@settings(deadline=None)
@given(st.lists(st.tuples(hostile, answers), min_size=1, max_size=4), st.sampled_from("cj"))
def test_what_is_written_is_read_back_exactly(
    tmp_path_factory: pytest.TempPathFactory,
    found: list[tuple[str, tuple[str, ...]]],
    form: str,
) -> None:
    rows = [
        GoldRow(str(at), {"": raw}, {"": right}, "ko", "k") for at, (raw, right) in enumerate(found)
    ]
    path = tmp_path_factory.mktemp("g") / ("gold.csv" if form == "c" else "gold.jsonl")
    write_gold(path, rows)
    assert read_gold(path) == rows


def test_an_empty_right_answer_needs_json_lines(tmp_path: Path) -> None:
    row = GoldRow("1", {"": "<br>"}, {"": ("",)}, "other", "")
    with pytest.raises(GoldError, match="jsonl"):
        write_gold(tmp_path / "gold.csv", [row])
    write_gold(tmp_path / "gold.jsonl", [row])
    assert read_gold(tmp_path / "gold.jsonl") == [row]


def test_the_generated_gold_set_is_read_as_it_was_made(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "gold.csv", rows=300, seed=5)
    made = list(make_gold(rows=300, seed=5))
    assert [(r.raw[""], r.expected[""][0], r.language, r.kind) for r in read_gold(path)] == [
        (g.raw, g.expected, g.language, g.kind) for g in made
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("배송이 빨라요", "ko"),
        ("iPhone 케이스 좋아요", "ko"),
        ("It is good.", "en"),
        ("I love this 김치", "en"),
        ("とても良い", "other"),
        ("12,900", "other"),
        ("", "other"),
    ],
)
def test_a_language_is_guessed_by_its_script(text: str, language: str) -> None:
    assert language_of(text) == language
