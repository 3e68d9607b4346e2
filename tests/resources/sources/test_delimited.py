"""CSV and TSV: every value as it was written, every row that does not fit set aside."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.columns import Column
from resources.errors import SourceError
from resources.sources import decoding, header, records


def test_nothing_and_an_empty_text_are_told_apart(reading: Any) -> None:
    reading.write("a.csv", 'id,text\n1,\n2,""\n')
    assert reading.rows("a.csv") == [{"id": 1, "text": None}, {"id": 2, "text": ""}]


def test_line_breaks_inside_a_field_stay_as_they_are(reading: Any) -> None:
    reading.write("a.csv", 'id,text\n1,"one\r\ntwo"\n2,"one\ntwo\rthree"\n')
    assert [row["text"] for row in reading.rows("a.csv")] == ["one\r\ntwo", "one\ntwo\rthree"]


def test_line_breaks_inside_fields_of_a_windows_file_stay_as_they_are(reading: Any) -> None:
    reading.write("a.csv", 'id,text\r\n1,"one\ntwo"\r\n2,x\r\n')
    assert [row["text"] for row in reading.rows("a.csv")] == ["one\ntwo", "x"]


def test_quotation_marks_inside_a_field_stay_as_they_are(reading: Any) -> None:
    reading.write("a.csv", 'id,text\n1,"say ""yes"""\n2,a 5" disk\n3,say "hi"\n')
    assert [row["text"] for row in reading.rows("a.csv")] == ['say "yes"', 'a 5" disk', 'say "hi"']
    assert reading.set_aside() == []


def test_a_nul_byte_is_a_character_like_others(reading: Any) -> None:
    reading.write("a.csv", b"id,text\n1,a\x00b\n")
    assert reading.rows("a.csv")[0]["text"] == "a\x00b"


def test_a_row_with_too_few_or_too_many_fields_goes_aside_with_its_line(reading: Any) -> None:
    path = reading.write("a.csv", 'id,text\n1,"two\nlines"\n\n2\n3,fine\n4,a,b\n')
    assert [row["id"] for row in reading.rows("a.csv")] == [1, 3]
    first, second = reading.set_aside()
    assert (first.line, json.loads(first.row)) == (5, {"line": "2"})
    assert (second.line, json.loads(second.row)) == (7, {"line": "4,a,b"})
    assert second.reason == "3 fields where the header has 2"
    assert second.source == str(path)


@pytest.mark.parametrize("value", ["0000-01-01", "0000-12-31 23:59:59", "0000-12-31T23:59:59.123"])
def test_the_year_0_stays_text(reading: Any, value: str) -> None:
    reading.write("a.csv", f"a\n{value}\n")
    assert reading.rows("a.csv") == [{"a": value}]


def test_a_row_that_never_ends_is_not_called_a_quotation_mark(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LONGEST", 2 << 20)
    reading.write("a.csv", b"id,text\n1," + b"x" * (5 << 20) + b"\n")
    with pytest.raises(SourceError, match="a row of more than 2 MB on line 2"):
        reading.rows("a.csv")


def test_zeros_in_a_small_file_are_text_and_not_utf_16(reading: Any) -> None:
    reading.write("a.csv", b"a,b\n1,\x00\n\x00,2\n")
    assert reading.rows("a.csv") == [{"a": "1", "b": "\x00"}, {"a": "\x00", "b": "2"}]


def test_more_columns_than_a_table_has_are_refused(reading: Any) -> None:
    reading.write("a.csv", ",".join(f"c{n}" for n in range(5_001)) + "\n")
    with pytest.raises(SourceError, match="has 5,001 columns; .* up to 5,000"):
        reading.rows("a.csv")


@pytest.mark.parametrize("block", [4, 1 << 20])
def test_a_byte_order_mark_at_the_beginning_of_a_row_is_no_text(
    reading: Any, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(records, "BLOCK", block)
    monkeypatch.setattr(decoding, "BLOCK", block)
    reading.write("a.csv", '\ufeffa,b\n\ufeffx,1\n\ufeff\ufeff"y,z",2\n\ufefflonely\nin\ufeff,3\n')
    assert [row["a"] for row in reading.rows("a.csv")] == ["x", "y,z", "in\ufeff"]
    assert [(r.line, json.loads(r.row)) for r in reading.set_aside()] == [(4, {"line": "lonely"})]
    assert "a byte order mark taken off the beginning of 3 rows" in reading.rejects.warnings[0]
    reading.write("b.csv", "a\n\ufeff\nx\n\n\ufeffy\n")
    assert [row["a"] for row in reading.rows("b.csv")] == [None, "x", None, "y"]


def test_a_row_goes_aside_once_however_often_the_table_is_read(reading: Any) -> None:
    reading.write("a.csv", "id,text\n1\n2,b\n")
    table = reading.source("a.csv").read()
    assert table.to_arrow() == table.to_arrow()
    assert len(reading.set_aside()) == 1


def test_the_line_of_a_row_is_right_beyond_the_first_block(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK", 64)
    body = "".join(f'{n},"some\ntext"\n' for n in range(500))
    reading.write("a.csv", "id,text\n" + body + "lonely\n")
    assert len(reading.rows("a.csv")) == 500
    assert reading.set_aside()[0].line == 1002


def test_a_quotation_mark_that_nobody_closes_is_an_error_that_names_its_line(reading: Any) -> None:
    reading.write("a.csv", 'id,text\n1,a\n2,"open\n3,c\n')
    with pytest.raises(SourceError, match=r"in the row on line 3 that is not closed"):
        reading.rows("a.csv")


def test_a_record_longer_than_the_limit_is_an_error_and_not_all_memory(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK", 1 << 10)
    monkeypatch.setattr(records, "LONGEST", 1 << 20)
    reading.write("a.csv", 'id,text\n1,"' + "x" * (4 << 20))
    with pytest.raises(SourceError, match="line 2 that is not closed"):
        reading.rows("a.csv")


def test_a_field_of_many_megabytes_is_read(reading: Any) -> None:
    long = "긴 글\n" * 1_000_000
    reading.write("a.csv", f'id,text\n1,a\n2,"{long}"\n3,c\n')
    assert [row["text"] for row in reading.rows("a.csv")] == ["a", long, "c"]


def test_a_missing_last_line_end_loses_nothing(reading: Any) -> None:
    reading.write("a.csv", "id,text\n1,a\n2,b")
    assert len(reading.rows("a.csv")) == 2


def test_old_line_ends_are_line_ends(reading: Any) -> None:
    reading.write("a.csv", "id,text\r1,a\r2,b\r")
    assert [row["text"] for row in reading.rows("a.csv")] == ["a", "b"]


def test_an_empty_line_is_a_missing_value_in_a_single_column_and_no_row_in_several(
    reading: Any,
) -> None:
    reading.write("one.csv", 'text\na\n\n""\n')
    reading.write("two.csv", "id,text\n\n1,a\n\n")
    assert [row["text"] for row in reading.rows("one.csv")] == ["a", None, ""]
    assert len(reading.rows("two.csv")) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.tsv", "id\ttext\n1\ta,b\n"), ("a.csv", "id;text\n1;a,b\n"), ("a.txt", "id|text\n1|a,b\n")],
)
def test_the_delimiter_is_told_by_name_and_header(reading: Any, name: str, content: str) -> None:
    reading.write(name, content)
    assert reading.rows(name) == [{"id": 1, "text": "a,b"}]


def test_a_delimiter_that_is_asked_for_wins(reading: Any) -> None:
    reading.write("a.csv", "id,x;text\n1;a\n")
    assert reading.rows("a.csv", delimiter=";") == [{"id,x": 1, "text": "a"}]
    with pytest.raises(SourceError, match="with the delimiter '::'"):
        reading.rows("a.csv", delimiter="::")


def test_header_names_are_trimmed_and_made_different() -> None:
    names = header.column_names(["\ufeffid ", "", "ID", "id", "리뷰 내용"])
    assert names == ("id", "column_2", "ID_2", "id_3", "리뷰 내용")


def test_a_header_without_rows_gives_the_columns_and_no_rows(reading: Any) -> None:
    reading.write("a.csv", "id,text\n")
    table = reading.source("a.csv").read().to_arrow()
    assert (table.column_names, table.num_rows) == (["id", "text"], 0)


@pytest.mark.parametrize("content", [b"", b"\n\r\n", b"\xef\xbb\xbf", b"   \n"])
def test_an_empty_file_is_an_error(reading: Any, content: bytes) -> None:
    reading.write("a.csv", content)
    with pytest.raises(SourceError, match=r"a\.csv is empty"):
        reading.rows("a.csv")


def test_packed_files_are_unpacked_and_damaged_ones_named(reading: Any) -> None:
    packed = gzip.compress(b"id,text\n" + b"1,a\n" * 199)
    reading.write("a.csv.gz", packed)
    reading.write("b.csv.gz", packed[:-20])
    assert len(reading.rows("a.csv.gz")) == 199
    with pytest.raises(SourceError, match=r"b\.csv\.gz is a damaged gzip file"):
        reading.rows("b.csv.gz")


def test_several_files_are_one_table_in_name_order(reading: Any) -> None:
    reading.write("b.csv", "text,id\nsecond,2\n")
    reading.write("a.csv", "id,text\n1,first\n")
    assert reading.rows("*.csv") == [{"id": 1, "text": "first"}, {"id": 2, "text": "second"}]


def test_files_with_other_columns_are_an_error_that_names_them(reading: Any) -> None:
    reading.write("a.csv", "id,text\n1,a\n")
    reading.write("b.csv", "id,note\n1,a\n")
    with pytest.raises(SourceError, match=r"b\.csv .* lacks 'text' and has 'note' beside"):
        reading.rows("*.csv")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-20", "9223372036854775807"], "int64"),
        (["00501", "12"], "string"),
        (["9223372036854775808"], "string"),
        (["+5"], "string"),
        (["-0", "1"], "double"),
        (["-00"], "string"),
        (["1.5", "2"], "double"),
        (["1.5", "2.0"], "double"),
        (["2", "2.0"], "string"),
        (["1.50"], "string"),
        (["0.1234567890123456789"], "string"),
        (["nan", "inf"], "string"),
        (["1e5"], "string"),
        (["2026-01-31"], "date32[day]"),
        (["2026-02-31"], "string"),
        (["0000-01-31"], "string"),
        (["0001-01-31", "9999-12-31"], "date32[day]"),
        (["2026-1-31"], "string"),
        (["2026-01-31 09:00:00"], "timestamp[us]"),
        (["2026-01-31T09:00:00", "2026-01-31T09:00:01"], "timestamp[us]"),
        (["2026-01-31 09:00:00", "2026-01-31T09:00:00"], "string"),
        (["2026-01-31 09:00:00.123"], "timestamp[us]"),
        (["2026-01-31 09:00:00.123456789"], "timestamp[ns]"),
        (["2026-01-31T09:00:00Z"], "string"),
        (["1", ""], "int64"),
        (["", ""], "string"),
        (["true"], "string"),
    ],
)
def test_a_type_is_taken_only_where_every_value_reads_back_as_written(
    reading: Any, values: list[str], kind: str
) -> None:
    reading.write("a.csv", "id,value\n" + "".join(f"x,{value}\n" for value in values))
    assert str(reading.source("a.csv").read().schema.field("value").type) == kind


def test_one_odd_value_at_the_very_end_keeps_a_column_text(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK", 1 << 10)
    reading.write("a.csv", "id,x\n" + "".join(f"{n},1\n" for n in range(5_000)) + "007,1\n")
    schema = reading.source("a.csv").read().schema
    assert [str(kind) for kind in schema.types] == ["string", "int64"]


def test_with_declared_columns_values_stay_text(reading: Any) -> None:
    reading.write("a.csv", "id,text\n007,a\n")
    table = reading.source("a.csv", columns=(Column("id", "int64"),)).read()
    assert table.to_arrow().to_pylist() == [{"id": "007", "text": "a"}]


def test_batches_are_as_small_as_asked(reading: Any) -> None:
    reading.write("a.csv", "id,text\n" + "1,a\n" * 25)
    sizes = [batch.num_rows for batch in reading.source("a.csv").read().batches(10)]
    assert sizes == [10, 10, 5]


_CELL = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_CELL, _CELL, _CELL), max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_any_table_of_texts_comes_back_equal(
    fresh: Callable[[], Any], table: list[tuple[str | None, ...]], end: str
) -> None:
    reading = fresh()
    lines = [("a", "b", "c"), *table]
    reading.write("a.csv", "".join(",".join(map(_quoted, line)) + end for line in lines))
    rows = reading.source("a.csv", columns=()).read(**_PLAIN).to_arrow().to_pylist()
    assert [tuple(row.values()) for row in rows] == [row for row in table if any_cell(row)]
    assert reading.set_aside() == []


@pytest.mark.parametrize("before", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("after", ["\n", "\r\n", "\r"])
def test_a_line_of_delimiters_is_no_row_however_it_and_its_neighbours_end(
    reading: Any, before: str, after: str
) -> None:
    reading.write("a.csv", f"a,b\nx,y{before},{after}q,r\n")
    assert reading.rows("a.csv", **_PLAIN) == [{"a": "x", "b": "y"}, {"a": "q", "b": "r"}]


_PLAIN: dict[str, Any] = {"delimiter": ",", "escape": "", "skip": 0, "header": True, "trailing": 0}
"""A layout of which nothing is left to find out."""


def any_cell(row: tuple[str | None, ...]) -> bool:
    """Tell a row from a line of nothing but delimiters, which is passed over and said."""
    return any(cell is not None for cell in row) and row != ("a", "b", "c")


def _quoted(cell: str | None) -> str:
    """Write a cell so that nothing and an empty text differ."""
    return "" if cell is None else '"' + cell.replace('"', '""') + '"'


_LINE = st.lists(st.text(st.sampled_from('ab," \n\r가'), max_size=6), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(st.lists(_LINE, max_size=12), st.sampled_from([3, 16, 1 << 20]))
def test_rows_of_any_width_are_read_or_set_aside_as_python_counts_them(
    fresh: Callable[[], Any], lines: list[list[str]], block: int
) -> None:
    reading = fresh()
    text = io.StringIO(newline="")
    # Python 3.11 leaves a bare carriage return without quotation marks: a line's end, then.
    csv.writer(text, lineterminator="\n").writerows([["a", "b"], *lines])
    reading.write("a.csv", text.getvalue())
    python = list(numbered(text.getvalue()))[1:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", block)
        patch.setattr(decoding, "BLOCK", block)
        table = reading.source("a.csv", columns=()).read(**_PLAIN)
        expected = [tuple(row) for _, row in python if len(row) == 2 and any(row)]
        expected = [row for row in expected if row != ("a", "b")]
        once_more = ["a", "b"]
        blank = [row for _, row in python if len(row) > 1 and not any(row)]
        odd = [(n, row) for n, row in python if len(row) not in {0, 2} and row not in blank]
        ragged = [n for n, row in python if row == once_more or (n, row) in odd]
        if odd and not expected:
            with pytest.raises(SourceError, match="not one row of"):
                table.to_arrow()
            return
        rows = table.to_arrow().to_pylist()
    assert [tuple(v or "" for v in row.values()) for row in rows] == expected
    assert [reject.line for reject in reading.set_aside()] == ragged


def numbered(text: str) -> Iterator[tuple[int, list[str]]]:
    """Read with Python's reader: each row with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""))
    line = 1
    for row in reader:
        yield line, row
        line = reader.line_num + 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(st.sampled_from('",;\n\r\x00ab\ufeff'), max_size=60))
def test_any_bytes_are_read_or_refused_with_a_sentence(
    fresh: Callable[[], Any], content: bytes | str
) -> None:
    reading = fresh()
    reading.write("a.csv", content)
    with suppress(SourceError):
        reading.rows("a.csv")
