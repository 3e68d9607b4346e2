"""The options that say how delimited text is laid out: obeyed, and checked by name and value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.errors import SourceError


def test_header_rows_are_joined_as_many_as_are_said(reading: Any) -> None:
    reading.write("a.csv", "control,,fire,\nX,Y,X,Y\na,b,c,d\n")
    rows = reading.rows("a.csv", header_rows=2)
    assert rows == [{"control X": "a", "control Y": "b", "fire X": "c", "fire Y": "d"}]
    assert reading.rejects.warnings == ()
    assert list(reading.rows("a.csv", header_rows=1)[0]) == [
        "control",
        "column_2",
        "fire",
        "column_4",
    ]


def test_fields_beyond_the_header_become_what_is_said(reading: Any) -> None:
    reading.write("a.csv", "a,b\n1,2,3\n1,5,6\n")
    assert list(reading.rows("a.csv", trailing="index")[0]) == ["column_1", "a", "b"]
    assert list(reading.rows("a.csv", trailing="keep")[0]) == ["a", "b", "column_3"]
    assert reading.rejects.warnings == ()
    with pytest.raises(SourceError, match="not one row of"):
        reading.rows("a.csv", trailing="drop")  # they are not empty


def test_some_rows_may_lack_fields_or_have_empty_ones_more(reading: Any) -> None:
    reading.write("a.csv", 'a,b,c\n1,2,3\n4\n"5, 6",7\n8,9,10,,\n')
    assert [tuple(row.values()) for row in reading.rows("a.csv", trailing="fill")] == [
        ("1", 2, 3),
        ("4", None, None),
        ("5, 6", 7, None),
    ]
    assert [reject.line for reject in reading.set_aside()] == [5]
    reading.write("b.csv", 'a,b\n1,"x, y",,\n2,z\n3,"w",\n4,v,5\n')
    assert [tuple(row.values()) for row in reading.rows("b.csv", trailing="drop")] == [
        (1, "x, y"),
        (2, "z"),
        (3, "w"),
    ]


def test_lines_at_the_end_are_no_rows_where_that_is_said(reading: Any) -> None:
    reading.write("a.csv", "a,b\n1,2\n3,4\nTotal,6\n\nmade by, Kim\n")
    assert reading.rows("a.csv", trailing=2) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert [reject.rule for reject in reading.set_aside()] == []
    assert "the last 2 lines passed over" in "\n".join(reading.rejects.warnings)


def test_what_is_said_is_not_found_out(reading: Any) -> None:
    reading.write("a.csv", "1,2\n3,4\n5,6\n")
    assert reading.rows("a.csv", header=True) == [{"1": 3, "2": 4}, {"1": 5, "2": 6}]
    reading.write("b.csv", "Title,,\nid,name,n\n1,x,3\n")
    assert next(tuple(r.values()) for r in reading.rows("b.csv", header=False)) == (
        "Title",
        None,
        None,
    )
    assert list(reading.rows("b.csv", skip=0)[0]) == ["Title", "column_2", "column_3"]
    reading.write("c.csv", 'id,text\n1,"a"b\n2,c\n')
    assert [row["text"] for row in reading.rows("c.csv", quote="")] == ['"a"b', "c"]
    assert reading.set_aside() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trailing": "dorp"}, "did you mean 'drop'"),
        ({"trailing": -1}, "number of lines at the end"),
        ({"trailing": True}, "number of lines at the end"),
        ({"header": "no"}, "say True where the first row"),
        ({"header_rows": 0}, "or say header=False"),
        ({"header_rows": "two"}, "number of rows"),
        ({"header": False, "header_rows": 2}, "leave one of them out"),
        ({"skip": True}, "number of lines before"),
        ({"heder": False}, "did you mean 'header'"),
        ({"trailling": "drop"}, "did you mean 'trailing'"),
        ({"comment": 5}, "such as '#'"),
    ],
)
def test_an_option_that_cannot_be_obeyed_is_refused(
    reading: Any, options: dict[str, Any], said: str
) -> None:
    reading.write("a.csv", "a,b\n1,2\n")
    with pytest.raises(SourceError, match=f"(?i){said}"):
        reading.rows("a.csv", **options)


_CELL = st.text(st.sampled_from("ab가 5"), min_size=1, max_size=4).map(lambda t: f"x{t}y")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(_CELL, st.integers(0, 99), _CELL), min_size=2, max_size=9, unique=True),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(0, 2),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", ".csv comes first", "# made by tool"]),
)
def test_a_table_comes_out_whole_whatever_stands_around_it(
    fresh: Any,
    table: list[tuple[str, int, str]],
    sign: str,
    end: str,
    blank: int,
    trailing: bool,
    sep: bool,
    above: str,
) -> None:
    """Title, sep=, empty rows, trailing delimiters, Ctrl-Z: each row once, and no other."""
    reading = fresh()
    lines = [f"sep={sign}"] * sep + [above] * bool(above)
    lines += [sign.join(("name", "count", "note"))]
    for name, count, note in table:
        lines.append(sign.join((name, str(count), note)) + sign * trailing)
        lines += [sign * 2] * blank
    reading.write("a.csv", end.join([*lines, ""]) + "\x1a" * sep)
    rows = reading.source("a.csv", columns=()).read().to_arrow().to_pylist()
    assert [tuple(row.values()) for row in rows] == [(n, str(c), t) for n, c, t in table]
    assert list(rows[0]) == ["name", "count", "note"]
    assert reading.set_aside() == []
    assert bool(reading.rejects.warnings) == bool(blank or trailing or sep or above)
