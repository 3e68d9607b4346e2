"""Plain text: lines, paragraphs or whole files; and .txt files that are tables."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.errors import SourceError
from resources.sources import decoding, plain_files


def test_a_line_is_a_row_with_its_file_and_number(reading: Any) -> None:
    reading.write("a.log", "\ufeffone\r\n\ntwo,\r three")
    reading.write("b.log", "four\n")
    assert reading.rows("*.log") == [
        {"id": 1, "file": "a.log", "line": 1, "text": "one"},
        {"id": 2, "file": "a.log", "line": 2, "text": ""},
        {"id": 3, "file": "a.log", "line": 3, "text": "two,\r three"},
        {"id": 4, "file": "b.log", "line": 1, "text": "four"},
    ]


def test_paragraphs_lie_between_empty_lines_and_keep_their_line_ends(reading: Any) -> None:
    reading.write("a.md", "\n# 제목\n\n one\r\ntwo\r\n \t\r\n\nthree\n")
    rows = reading.rows("a.md", split="paragraph")
    assert [(row["line"], row["text"]) for row in rows] == [
        (2, "# 제목"),
        (4, " one\r\ntwo"),
        (8, "three"),
    ]


def test_a_file_may_be_one_row(reading: Any) -> None:
    reading.write("a.md", "one\n\ntwo\r\n")
    (row,) = reading.rows("a.md", split="file")
    assert (row["line"], row["text"]) == (1, "one\n\ntwo\r\n")
    with pytest.raises(SourceError, match="split='lines'; did you mean 'line'"):
        reading.rows("a.md", split="lines")


def test_texts_of_lines_are_the_raw_schema(reading: Any) -> None:
    reading.write("a.log", "one\ntwo\n")
    rows = reading.source("a.log").texts(id="id", text="text").to_arrow().to_pylist()
    assert [(row["id"], row["raw_text"]) for row in rows] == [(1, "one"), (2, "two")]
    assert rows[1]["metadata"] == '{"file": "a.log", "line": 2}'


def test_a_line_that_is_not_text_goes_aside_and_keeps_its_number(reading: Any) -> None:
    reading.write("a.log", "가\n".encode() * 30 + b"x\xff\n" + "나\n".encode())
    rows = reading.rows("a.log")
    assert (len(rows), rows[-1]["id"], rows[-1]["line"]) == (31, 32, 32)
    (reject,) = reading.set_aside()
    assert (reject.rule, reject.line, reject.row) == ("encoding", 31, '{"line": "x\\\\xff"}')


def test_a_row_longer_than_the_limit_is_an_error_that_offers_another_split(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_files, "LONGEST", 1000)
    monkeypatch.setattr(decoding, "BLOCK", 100)
    reading.write("a.log", "short\n" * 400 + "x" * 2000)
    for split in ("line", "paragraph", "file"):
        with pytest.raises(SourceError, match=f"a {split} of more than .* on line .*more finely"):
            reading.rows("a.log", split=split)


@pytest.mark.parametrize(
    ("content", "table"),
    [
        ("id\tdocument\tlabel\n1\t좋아요, 정말\t1\n", True),
        ("id\tdocument\tlabel\n", True),
        ("id|text\n1|a,b\n", True),
        ("id;text\n1;a\n", True),
        ("id,text\n1,a\n2,b\n", True),
        ("Dear all, hello\nit is late, but fine, really\n", False),
        ("one, two\n", False),
        ("just lines\nof text\n", False),
        ("", False),
    ],
)
def test_a_txt_file_is_a_table_where_its_first_lines_have_as_many_fields(
    reading: Any, content: str, table: bool
) -> None:
    for codec in ("utf-8", "cp949", "utf-16"):
        path = reading.write("a.txt", content.encode(codec))
        assert plain_files.is_table(path) is table, codec
    reading.write("a.txt", content)
    if content:
        columns = reading.source("a.txt").read().columns
        assert (columns != ["id", "file", "line", "text"]) is table
        asked = reading.source("a.txt").read(format="text").columns
        assert asked == ["id", "file", "line", "text"]


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(["utf-8", "utf-16", "cp949"]),
    st.sampled_from(["line", "file"]),
)
def test_any_text_comes_back_equal(
    fresh: Callable[[], Any], text: str, codec: str, split: str
) -> None:
    """All but whether lines end with LF or CRLF, and whether the last one ends."""
    text = text.encode(codec, "ignore").decode(codec).removeprefix("\ufeff")
    reading = fresh()
    reading.write("a.log", text.encode(codec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK", 5)
        rows = reading.rows("a.log", split=split, encoding=codec)
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    expected = (lines if lines[-1] or not text.endswith("\n") else lines[:-1]) if text else []
    if not text.endswith("\n") and text and text.split("\n")[-1] == "":
        expected = expected[:-1]
    assert [row["text"] for row in rows] == ([text] if split == "file" else expected)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=100), st.sampled_from(["line", "paragraph", "file"]))
def test_any_bytes_are_read_or_refused_with_a_sentence(
    fresh: Callable[[], Any], content: bytes, split: str
) -> None:
    reading = fresh()
    reading.write("a.log", content)
    reading.write("a.txt", content)
    with suppress(SourceError):
        reading.rows("a.log", split=split)
    with suppress(SourceError):
        reading.rows("a.txt")
