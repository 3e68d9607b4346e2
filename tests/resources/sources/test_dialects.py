"""Delimited text however it is laid out: signs, lines before the header, no header."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.errors import SourceError
from resources.sources import decoding, records


def test_another_quotation_mark_and_an_escape_sign(reading: Any) -> None:
    reading.write("a.csv", "id;text\n1;'a; ''b'''\n2;'c \\' d\ne'\n3;f\\;g\n")
    rows = reading.rows("a.csv", quote="'", escape="\\")
    assert [row["text"] for row in rows] == ["a; 'b'", "c ' d\ne", "f;g"]


def test_without_a_quotation_mark_it_is_text_like_any_other(reading: Any) -> None:
    reading.write("a.tsv", 'id\ttext\n1\t"open\n2\t5\n3\t""\n')
    with pytest.raises(SourceError, match="or say quote=''"):
        reading.rows("a.tsv")
    assert [row["text"] for row in reading.rows("a.tsv", quote="")] == ['"open', "5", '""']


def test_lines_before_the_header_are_passed_over(reading: Any) -> None:
    reading.write("a.csv", 'Report "of\n\nall\nid,text\n1,a\n2\n')
    assert reading.rows("a.csv", skip=3) == [{"id": 1, "text": "a"}]
    assert reading.set_aside()[0].line == 6
    with pytest.raises(SourceError, match="fewer lines than skip=9"):
        reading.rows("a.csv", skip=9)


def test_comment_lines_are_passed_over_and_lines_still_counted(reading: Any) -> None:
    reading.write("a.csv", '# "made\nid,text\n# by\n1,"a\n# no comment"\n2\n#')
    assert reading.rows("a.csv", comment="#") == [{"id": 1, "text": "a\n# no comment"}]
    assert reading.set_aside()[0].line == 6


def test_a_file_without_a_header_takes_the_names_that_are_given(reading: Any) -> None:
    reading.write("a.csv", "1,a\n2,b\n")
    rows = reading.rows("a.csv", header=False, names=["id", "text"])
    assert rows == [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]
    assert list(reading.rows("a.csv", header=False)[0]) == ["column_1", "column_2"]
    with pytest.raises(SourceError, match=r"2 columns, but names= has 1.*Name all of them"):
        reading.rows("a.csv", header=False, names=["id"])


def test_names_may_replace_those_of_the_header(reading: Any) -> None:
    reading.write("a.csv", "x,x\n1,a\n")
    assert reading.rows("a.csv", names=["id", "text"]) == [{"id": 1, "text": "a"}]


def test_a_first_empty_line_is_a_value_of_a_single_column_without_a_header(reading: Any) -> None:
    reading.write("a.csv", "\na\n")
    rows = reading.rows("a.csv", header=False, names=["text"])
    assert [row["text"] for row in rows] == [None, "a"]


@pytest.mark.parametrize(
    "options",
    [
        {"quote": "''"},
        {"delimiter": "가"},
        {"quote": ","},
        {"escape": '"'},
        {"comment": "\n"},
        {"comment": '"x'},
        {"skip": -1},
        {"skip": "two"},
        {"names": "id"},
        {"names": ["id", "ID"]},
        {"names": ["id", ""]},
    ],
)
def test_a_layout_that_cannot_be_is_an_error_that_says_what_can(
    reading: Any, options: dict[str, Any]
) -> None:
    reading.write("a.csv", "id,text\n1,a\n")
    with pytest.raises(SourceError, match="cannot be read with"):
        reading.rows("a.csv", delimiter=options.pop("delimiter", ","), **options)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_KOREAN = st.text(st.sampled_from("가힣뷁쀍ab,;'\"\\\n\r\t# |"), max_size=8)
_DIALECTS = [
    {"delimiter": ","},
    {"delimiter": "\t"},
    {"delimiter": ";", "quote": "'"},
    {"delimiter": "|", "escape": "\\"},
    {"delimiter": ",", "quote": "", "escape": "\\"},
]


@settings(max_examples=250, deadline=None)
@given(
    st.lists(st.tuples(_KOREAN | _TEXT, _KOREAN | _TEXT), min_size=1, max_size=8),
    st.sampled_from(_DIALECTS),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp949"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_that_python_writes_comes_back_equal(
    fresh: Callable[[], Any],
    table: list[tuple[str, str]],
    dialect: dict[str, str],
    codec: str,
    end: str,
) -> None:
    """All but what CSV has no form for: Python writes nothing and an empty text alike."""
    kept = [tuple(cell.encode(codec, "ignore").decode(codec) for cell in row) for row in table]
    lost = "\ufeff" if dialect.get("quote", '"') else "\ufeff\r"  # older Pythons write \r bare
    kept = [tuple(c.translate(dict.fromkeys(map(ord, lost))) for c in row) for row in kept]
    text = io.StringIO(newline="")
    csv.writer(
        text,
        delimiter=dialect["delimiter"],
        quotechar=dialect.get("quote", '"') or None,
        escapechar=dialect.get("escape"),
        quoting=csv.QUOTE_ALL if dialect.get("quote", '"') else csv.QUOTE_NONE,
        doublequote="escape" not in dialect,
        lineterminator=end,
    ).writerows([("a", "b"), *kept])
    reading = fresh()
    reading.write("a.csv", text.getvalue().encode(codec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", 16)
        patch.setattr(decoding, "BLOCK", 16)
        source = reading.source("a.csv", columns=())
        layout = {"escape": "", "skip": 0, "header": True, "trailing": 0, **dialect}
        rows = source.read(encoding=codec, **layout).to_arrow().to_pylist()
    blank = dialect.get("quote", '"') == ""  # without marks such a row is nothing but a delimiter
    kept = [row for row in kept if row != ("a", "b") and (any(row) or not blank)]
    assert [tuple(v or "" for v in row.values()) for row in rows] == kept
    assert reading.set_aside() == []


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=120) | st.text(st.sampled_from("',;\\\n\r\x00a#가"), max_size=60),
    st.sampled_from(_DIALECTS),
    st.fixed_dictionaries(
        {},
        optional={
            "comment": st.just("#"),
            "skip": st.integers(0, 3),
            "header": st.just(False),
            "encoding": st.sampled_from(["utf-8", "utf-16", "cp949", "latin-1", "shift_jis"]),
        },
    ),
)
def test_any_bytes_are_read_or_refused_in_any_layout(
    fresh: Callable[[], Any], content: bytes | str, dialect: Any, options: dict[str, Any]
) -> None:
    reading = fresh()
    reading.write("a.csv", content)
    with suppress(SourceError):
        rows = reading.rows("a.csv", **dialect, **options)
        assert all(isinstance(value, object) for row in rows for value in row.values())
