"""JSON Lines and arrays: streamed, typed as JSON says, bad lines set aside."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources import limits
from resources.columns import Column
from resources.errors import SourceError
from resources.sources import decoding


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


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("1.50", "1.50"),
        ("0e99999999999999999999", "0e99999999999999999999"),
        ("1e-99999999999999999999999", "1e-99999999999999999999999"),
        ("1e400", "1e400"),
        ("1e5", "1e5"),
        ("1e-7", 1e-7),
        ("1.5", 1.5),
    ],
)
def test_a_number_stays_as_it_is_written(reading: Any, number: str, expected: object) -> None:
    reading.write("a.jsonl", f'{{"x": {number}}}\n')
    assert reading.rows("a.jsonl") == [{"x": expected}]


def test_minus_zero_is_not_zero(reading: Any) -> None:
    reading.write("a.jsonl", '{"x": -0, "y": {"z": [-0]}, "big": -0}\n{"big": 9007199254740993}\n')
    first, second = reading.rows("a.jsonl")
    assert (str(first["x"]), first["y"]) == ("-0.0", '{"z": [-0]}')
    assert (first["big"], second["big"]) == ("-0", "9007199254740993")


def test_nan_is_a_missing_value(reading: Any) -> None:
    reading.write("a.jsonl", '{"x": NaN}\n{"x": 1.5}\n')
    assert [row["x"] for row in reading.rows("a.jsonl")] == [None, 1.5]


@pytest.mark.parametrize("text", ['{"a":1,\n"b":[1,2]}', "[[1],[2]]"])
def test_a_file_without_any_record_says_what_to_write(reading: Any, text: str) -> None:
    reading.write("a.json", text)
    with pytest.raises(SourceError, match=r"no line that holds a record: 2 are .*records='items'"):
        reading.rows("a.json")


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
    monkeypatch.setattr(decoding, "BLOCK", block)
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
    with pytest.raises(SourceError, match=r"is not JSON that can be read: .* on line \d"):
        reading.rows("a.json")


def test_records_are_taken_from_below_a_path(reading: Any) -> None:
    page = {"page": 1, "more": [[1], {"items": [{"id": 9}]}], "items": [{"id": 1}, {"id": 2}]}
    reading.write("a.json", json.dumps(page, indent=2))
    reading.write("b.json", json.dumps([page, page]))
    reading.write("c.jsonl", json.dumps(page) + "\n" + json.dumps(page) + "\n")
    reading.write("d.json", json.dumps({"data": [{"list": page}, {"list": page}]}))
    for name, path, ids in (
        ("a.json", "items", [1, 2]),
        ("b.json", "items", [1, 2, 1, 2]),
        ("c.jsonl", "items", [1, 2, 1, 2]),
        ("d.json", "data.list.items", [1, 2, 1, 2]),
    ):
        assert [row["id"] for row in reading.rows(name, records=path)] == ids, name
    assert reading.rows("d.json", records="data.list")[0]["page"] == 1


def test_a_path_that_is_not_there_is_an_error_or_a_line_set_aside(reading: Any) -> None:
    reading.write("a.json", '{"page": 1,\n"rows": []}')
    with pytest.raises(SourceError, match=r"has no 'items'; it has page, rows"):
        reading.rows("a.json", records="items")
    reading.write("b.jsonl", '{"items": [{"id": 1}, 7, null]}\n{"page": 2}\n{"items": null}\n')
    assert reading.rows("b.jsonl", records="items") == [{"id": 1}]
    assert [(r.line, r.reason) for r in reading.set_aside()] == [
        (1, "not an object but int"),
        (2, "no 'items' in it (records='items')"),
    ]
    for wrong in ("a..b", ".", 7):
        with pytest.raises(SourceError, match="records="):
            reading.rows("b.jsonl", records=wrong)


def test_an_empty_list_below_a_path_adds_no_records(reading: Any) -> None:
    reading.write("a.json", '{"items": []}')
    reading.write("b.json", '{"items": [{"id": 1}]}')
    assert reading.rows("*.json", records="items") == [{"id": 1}]


@pytest.mark.parametrize("block", [1, 3, 7, 64])
def test_a_path_is_followed_alike_however_the_text_is_cut(
    reading: Any, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", block)
    items = [{"id": n, "text": '글 \\ "] 😀'} for n in range(9)]
    text = json.dumps({"no": {"items": [0]}, "a": {"x": [1, "]"], "items": items}, "z": [[]]})
    reading.write("a.json", text)
    assert reading.rows("a.json", records="a.items") == items


@pytest.mark.parametrize(
    "text", ['{"items": [{"id": 1}', '{"items": [{"id": 1}] "b": 1}', '{"items"', "{items: []}"]
)
def test_a_document_that_breaks_off_is_an_error(reading: Any, text: str) -> None:
    reading.write("a.json", text)
    with pytest.raises(SourceError, match="is not JSON that can be read: .* on line 1"):
        reading.rows("a.json", records="items")


def test_nested_objects_become_columns_if_asked_as_deep_as_asked(reading: Any) -> None:
    reading.write(
        "a.jsonl",
        '{"id": 1, "by": {"name": "가", "at": {"city": "서울"}}, "tags": ["x"], "no": {}}\n'
        '{"id": 2, "by": null}\n',
    )
    assert reading.rows("a.jsonl", flatten=True) == [
        {"id": 1, "by.name": "가", "by.at.city": "서울", "tags": '["x"]', "no": "{}"},
        {"id": 2, "by.name": None, "by.at.city": None, "tags": None, "no": None},
    ]
    first = reading.rows("a.jsonl", flatten=1)[0]
    assert (first["by.name"], first["by.at"]) == ("가", '{"city": "서울"}')
    with pytest.raises(SourceError, match="flatten='yes'"):
        reading.rows("a.jsonl", flatten="yes")


def test_two_values_for_one_flattened_name_set_the_record_aside(reading: Any) -> None:
    reading.write("a.jsonl", '{"id": 1}\n{"id": 2, "a": {"b": 1}, "a.b": 2}\n')
    assert reading.rows("a.jsonl", flatten=True) == [{"id": 1}]
    assert "two values for 'a.b'" in reading.set_aside()[0].reason


def test_records_keyed_by_data_are_an_error_and_not_all_memory(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_COLUMNS", 50)
    reading.write("a.jsonl", "".join(f'{{"u": {{"user{n}": 1}}}}\n' for n in range(60)))
    with pytest.raises(SourceError, match="more than 50 different fields, such as .*'u.user50'"):
        reading.rows("a.jsonl", flatten=True)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_record_that_is_not_text_goes_aside_and_the_others_are_read(
    reading: Any, name: str
) -> None:
    lines = [f'{{"id": {n}, "text": "글"}}'.encode() for n in range(40)]
    lines[20] = b'{"id": 20, "text": "\xea\xff"}'
    whole = b"[" + b",\n".join(lines) + b"]" if name == "a.json" else b"\n".join(lines)
    reading.write(name, whole)
    assert [row["id"] for row in reading.rows(name)] == [*range(20), *range(21, 40)]
    (reject,) = reading.set_aside()
    assert (reject.rule, reject.line) == ("encoding", 21)
    assert "\\xea\\xff" in json.loads(reject.row)["line"]


@pytest.mark.parametrize("path", ["", "data.items"])
def test_one_huge_array_takes_little_memory(
    reading: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", 1 << 16)
    record = json.dumps({"id": 1, "text": "글" * 1_000}, ensure_ascii=False)
    with (reading.folder / "a.json").open("w", encoding="utf-8") as file:
        file.write('{"data": {"items": [' if path else "[")
        file.writelines(record + "," for _ in range(5_000))
        file.write(record + ("]}}" if path else "]"))
    tracemalloc.start()
    table = reading.source("a.json").read(records=path or None)
    assert sum(batch.num_rows for batch in table.batches(100)) == 5_001
    assert tracemalloc.get_traced_memory()[1] < 5 << 20  # of 15 MB
    tracemalloc.stop()


def test_one_object_over_several_lines_is_an_error_that_says_so(reading: Any) -> None:
    reading.write("a.json", json.dumps({"items": [1]}, indent=2))
    with pytest.raises(SourceError, match="one JSON object over several lines.*records='items'"):
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
    for options in ({}, {"records": "a"}, {"records": "a.a", "flatten": True}):
        with suppress(SourceError):
            reading.rows("a.json", **options)


_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab가", max_size=2), inner),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), _ANY, min_size=1), min_size=1, max_size=6))
def test_any_json_comes_back_as_the_text_that_python_writes(
    fresh: Callable[[], Any], records: list[dict[str, Any]]
) -> None:
    """All but the difference between null and nothing, which columns cannot carry."""
    reading = fresh()
    reading.write("a.json", json.dumps({"in": records}))
    table = reading.source("a.json", columns=()).read(records="in").to_arrow().to_pylist()
    names = list(dict.fromkeys(name for record in records for name in record))
    assert table == [{name: _written(record.get(name)) for name in names} for record in records]
    typed = reading.rows("a.json", records="in")
    for got, record in zip(typed, records, strict=True):
        assert [v if isinstance(v, str | None) else v == record[n] for n, v in got.items()] == [
            v if isinstance(v, str | None) else True for v in got.values()
        ]


def _written(value: Any) -> str | None:
    """Write a value as a text column holds it."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=100), st.sampled_from(["a.json", "a.jsonl"]))
def test_any_bytes_are_read_or_refused_with_a_sentence(
    fresh: Callable[[], Any], content: bytes, name: str
) -> None:
    reading = fresh()
    reading.write(name, b"[" * (name == "a.json") + content)
    with suppress(SourceError):
        reading.rows(name)
