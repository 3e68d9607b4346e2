"""JSON Lines and arrays: streamed, typed as JSON says, bad lines set aside."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.columns import Column
from resources.errors import SourceError
from resources.sources import encoding


def test_columns_are_all_that_appear_anywhere(reading: Any) -> None:
    reading.write("a.jsonl", '{"id": 1}\n\n{"id": 2, "text": "b"}\n')
    assert reading.rows("a.jsonl") == [{"id": 1, "text": None}, {"id": 2, "text": "b"}]


def test_types_are_those_that_json_states(reading: Any) -> None:
    reading.write(
        "a.jsonl",
        '{"i": 1, "f": 1.5, "m": 1, "b": true, "s": "7", "x": 1, "n": null, "l": [{"가": 2.50}]}\n'
        '{"i": 2, "f": 2, "m": "a", "b": false, "s": "8", "x": 18446744073709551616}\n',
    )
    table = reading.source("a.jsonl").read().to_arrow()
    kinds = dict(zip(table.column_names, map(str, table.schema.types), strict=True))
    assert kinds == {
        "i": "int64", "f": "double", "m": "string", "b": "bool",
        "s": "string", "x": "string", "n": "string", "l": "string",
    }  # fmt: skip
    first, second = table.to_pylist()
    assert first["l"] == '[{"가": 2.50}]'
    assert (first["m"], second["m"]) == ("1", "a")
    assert second["x"] == "18446744073709551616"


def test_a_number_that_a_float_would_round_stays_text(reading: Any) -> None:
    reading.write("a.jsonl", '{"x": 0.12345678901234567890}\n{"x": 1.50}\n')
    assert [row["x"] for row in reading.rows("a.jsonl")] == ["0.12345678901234567890", "1.50"]


def test_nan_is_a_missing_value(reading: Any) -> None:
    reading.write("a.jsonl", '{"x": NaN}\n{"x": 1.5}\n')
    assert [row["x"] for row in reading.rows("a.jsonl")] == [None, 1.5]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{oops", "not JSON"),
        ("[1, 2]", "not an object but list"),
        ('{"a": 1, "a": 2}', "the key 'a' stands there twice"),
        ('{"a": "\\ud800"}', "half a character"),
        ('{"a": Infinity}', "Infinity is not a number"),
        ('{"a":' * 100_000, "not "),
        ('{"a":' + "[" * 3_000 + "]" * 3_000 + "}", "not usable JSON"),
        ('{"a": ' + "1" * 5_000 + "}", "not usable JSON"),
    ],
)
def test_a_line_without_a_record_goes_aside_with_its_number(
    reading: Any, line: str, reason: str
) -> None:
    path = reading.write("a.jsonl", f'{{"id": 1}}\n\n{line}\n{{"id": 2}}\n')
    assert [row["id"] for row in reading.rows("a.jsonl")] == [1, 2]
    (reject,) = reading.set_aside()
    assert reason in reject.reason
    assert (reject.source, reject.line) == (str(path), 3)
    assert json.loads(reject.row) == {"line": line}


def test_with_declared_columns_values_stay_as_written(reading: Any) -> None:
    reading.write("a.jsonl", '{"id": 7, "price": 1.50, "ok": true}\n')
    table = reading.source("a.jsonl", columns=(Column("id", "int64"),)).read()
    assert table.to_arrow().to_pylist() == [{"id": "7", "price": "1.50", "ok": "true"}]


def test_an_array_is_read_like_lines(reading: Any) -> None:
    records = [{"id": n, "text": f"가나다 {n}]," + '"', "deep": {"n": [n]}} for n in range(50)]
    reading.write("a.json", json.dumps(records, indent=2, ensure_ascii=False))
    reading.write("b.json", "".join(json.dumps(record) + "\n" for record in records))
    assert len(reading.rows("a.json")) == 50
    assert [r["text"] for r in reading.rows("a.json")] == [
        r["text"] for r in reading.rows("b.json")
    ]


@pytest.mark.parametrize("block", [1, 3, 7, 64])
def test_an_array_is_read_alike_however_it_is_cut(
    reading: Any, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", block)
    records = [{"id": n * 1_000, "text": '글 \\ " 😀'} for n in range(20)]
    reading.write("a.json", " \n" + json.dumps(records) + "\n ")
    assert reading.rows("a.json") == records


def test_elements_that_are_no_records_go_aside(reading: Any) -> None:
    reading.write("a.json", '[\n{"id": 1},\n7, 8,\n{"id": 2}\n]')
    assert len(reading.rows("a.json")) == 2
    assert [reject.line for reject in reading.set_aside()] == [3, 3]


@pytest.mark.parametrize(
    "text", ['[{"id": 1},\n{"id": ]', '[{"id": 1}\n', '[{"id": 1}]\nmore', "[1 2]", "[" * 100_000]
)
def test_an_array_that_is_not_json_is_an_error_that_names_the_line(reading: Any, text: str) -> None:
    reading.write("a.json", text)
    with pytest.raises(SourceError, match=r"is not a JSON array: .* on line \d"):
        reading.rows("a.json")


def test_one_object_over_several_lines_is_an_error_that_says_so(reading: Any) -> None:
    reading.write("a.json", json.dumps({"items": [1]}, indent=2))
    with pytest.raises(SourceError, match="one JSON object over several lines"):
        reading.rows("a.json")


def test_an_empty_array_has_no_columns_and_an_empty_file_is_an_error(reading: Any) -> None:
    reading.write("a.jsonl", " \n")
    with pytest.raises(SourceError, match="is empty"):
        reading.rows("a.jsonl")
    reading.write("b.json", "[]")
    with pytest.raises(SourceError, match="has no record"):
        reading.rows("b.json")


_VALUE = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), _VALUE, min_size=1), min_size=1, max_size=9)
)
def test_any_records_of_texts_come_back_equal(
    fresh: Callable[[], Any], records: list[dict[str, str | None]]
) -> None:
    reading = fresh()
    reading.write("a.jsonl", "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records))
    reading.write("b.json", json.dumps(records))
    names = list(dict.fromkeys(name for record in records for name in record))
    expected = [{name: record.get(name) for name in names} for record in records]
    assert reading.rows("a.jsonl") == expected
    assert reading.rows("b.json") == expected


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from('[]{}",:1a \n\\'), max_size=30))
def test_any_text_is_read_or_refused_with_a_sentence(fresh: Callable[[], Any], text: str) -> None:
    reading = fresh()
    reading.write("a.json", text)
    with suppress(SourceError):
        reading.rows("a.json")
