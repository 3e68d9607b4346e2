"""How values are written: what is said is read exactly, what is not is set aside and named."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.engine.accept import accept
from assets.engine.casting import cast_array
from assets.engine.quarantine import open_rows
from resources.columns import Column, arrow_type
from resources.rejects import read_rejects
from resources.values import Written
from resources.values.proposing import looks_like
from resources.values.reading import in_plain
from resources.values.written import NotationError
from tests.assets.conftest import Home
from tests.shared_data import FOLDER
from tests.web_server import Reply, WebServer

D = date
T = datetime
EURO = "id;price;date\n1;1.234,56;31.12.2024\n2;0,50;01.01.2025\n"
THOUSANDS = 'text,number\nab,"100,000.00"\ncd,"1,234"\n'
KR_DATES = "id,d\n1,2024-01-31\n2,2024.01.31\n3,2024. 1. 31.\n4,2024년 1월 31일\n5,20240131\n"
KR_AMPM = "id,t\n1,2024-01-31 오후 3:05:00\n2,2024-01-31 오전 12:10:00\n"
KR_BOOL = "id,ok\n1,Y\n2,N\n3,예\n4,true\n5,1\n"
ZONES = "id,t\n1,2024-01-01T00:00:00Z\n2,2024-01-01T09:00:00+09:00\n3,2024-01-01 05:00:00-05\n"


def read(texts: list[str | None], kind: str, **said: Any) -> list[Any]:
    """Read texts as a type by a notation; "set aside" for what is not written so."""
    target = arrow_type(Column("c", kind))
    plain, odd = in_plain(pa.array(texts, pa.string()), target, Written(**said))
    found: list[Any] = []
    for text, wrong in zip(plain, odd.to_pylist(), strict=True):
        try:
            value = cast_array(pa.array([text.as_py()], pa.string()), target)[0].as_py()
        except pa.ArrowInvalid:
            value = "set aside"
        found.append("set aside" if wrong else value)
    return found


NUMBERS = [
    ({"thousands": ","}, "100,000.00", 100000.0),
    ({"thousands": ","}, "1,234,567", 1234567.0),
    ({"thousands": ","}, "12,34", "set aside"),
    ({"thousands": ","}, "0,123", "set aside"),
    ({"thousands": "."}, "1.234,56", 1234.56),
    ({"thousands": "."}, "1.5", "set aside"),
    ({"decimal": ","}, "0,50", 0.5),
    ({"decimal": ","}, "1.234", "set aside"),
    ({"decimal": ",", "thousands": " ", "unit": "€"}, "1 200,5 €", 1200.5),
    ({"decimal": ",", "thousands": " "}, "1\u00a0200,5", 1200.5),
    ({"decimal": ",", "thousands": " "}, "1\u202f200,5", 1200.5),
    ({"thousands": ",", "unit": "$"}, "$1,200.50", 1200.5),
    ({"thousands": ",", "unit": "$"}, "-$1,200.50", -1200.5),
    ({"thousands": ",", "unit": "$"}, "€1,200.50", "set aside"),
    ({"thousands": ",", "unit": "원"}, "12,000원", 12000.0),
    ({"thousands": "'"}, "1’234.5", 1234.5),
    ({"percent": True}, "12.3%", 0.123),
    ({"percent": True}, "0.5", "set aside"),
    ({"minus": "after", "thousands": "."}, "1.234,56-", -1234.56),
    ({"minus": "parentheses", "thousands": ","}, "(1,234)", -1234.0),
    ({"thousands": ","}, "\u22125", -5.0),
    ({"thousands": ","}, "--5", "set aside"),
    ({"missing": ["-", "N/A"]}, " N/A ", None),
    ({"missing": ["-"]}, "-1", -1.0),
]


@pytest.mark.parametrize(("said", "text", "value"), NUMBERS)
def test_a_number_is_read_as_it_is_said_or_set_aside(said: Any, text: str, value: Any) -> None:
    """Never as another number."""
    assert read([text], "float64", **said) == [value]


DATES = [
    ("ymd", "2024.01.31", D(2024, 1, 31)),
    ("ymd", "2024. 1. 31.", D(2024, 1, 31)),
    ("ymd", "2024년 1월 31일", D(2024, 1, 31)),
    ("ymd", "2024年1月31日", D(2024, 1, 31)),
    ("ymd", "2024.01.31(수)", D(2024, 1, 31)),
    ("ymd", "20240131", D(2024, 1, 31)),
    ("ymd", "2024/1/31", D(2024, 1, 31)),
    ("ymd", "24.1.31", "set aside"),
    ("ymd", "2024.02.30", "set aside"),
    ("ymd", "2024.01.31 10:00", "set aside"),
    ("ymd", "31.01.2024", "set aside"),
    ("dmy", "31/01/2024", D(2024, 1, 31)),
    ("dmy", "31.01.2024", D(2024, 1, 31)),
    ("dmy", "01/02/2024", D(2024, 2, 1)),
    ("dmy", "31 Jan 2024", D(2024, 1, 31)),
    ("dmy", "31-January-2024", D(2024, 1, 31)),
    ("dmy", "2024-01-31", D(2024, 1, 31)),
    ("dmy", "11121212", "set aside"),
    ("mdy", "01/02/2024", D(2024, 1, 2)),
    ("mdy", "Jan 31, 2024", D(2024, 1, 31)),
    ("mdy", "31/01/2024", "set aside"),
]


@pytest.mark.parametrize(("order", "text", "value"), DATES)
def test_a_date_is_read_in_the_order_that_is_said(order: str, text: str, value: Any) -> None:
    """Whatever stands between its parts; a day that no calendar has is set aside."""
    assert read([text], "date", dates=order) == [value]


def test_two_digits_are_a_year_only_by_a_pivot() -> None:
    """It says the first year that they may mean."""
    texts: list[str | None] = ["1/31/24", "1/31/69", "1/31/70", "1/31/2024"]
    years = [value.year for value in read(texts, "date", dates="mdy", pivot=1970)]
    assert years == [2024, 2069, 1970, 2024]
    assert read(["1/31/24"], "date", dates="mdy") == ["set aside"]
    assert read(["1/31/95"], "date", dates="mdy", pivot=1995)[0].year == 1995
    assert read(["1/31/94"], "date", dates="mdy", pivot=1995)[0].year == 2094


TIMES = [
    ("2024-01-31 오후 3:05:00", T(2024, 1, 31, 15, 5)),
    ("2024-01-31 오전 12:10:00", T(2024, 1, 31, 0, 10)),
    ("2024-01-31 3:05 PM", T(2024, 1, 31, 15, 5)),
    ("2024-01-31 12:00 p.m.", T(2024, 1, 31, 12)),
    ("2024-01-31 13:05 PM", "set aside"),
    ("2024년 1월 31일 오후 3시 5분 7초", T(2024, 1, 31, 15, 5, 7)),
    ("2024.01.31 15:05:07.25", T(2024, 1, 31, 15, 5, 7, 250_000)),
    ("2024-01-31T03:05:00+09:00", T(2024, 1, 30, 18, 5)),
    ("20240131150507", T(2024, 1, 31, 15, 5, 7)),
    ("2024-01-31 25:00", "set aside"),
    ("2024.01.31", T(2024, 1, 31)),
]


@pytest.mark.parametrize(("text", "value"), TIMES)
def test_times_of_12_hours_and_others_behind_a_date(text: str, value: Any) -> None:
    """Also in Korean."""
    assert read([text], "timestamp[us]", dates="ymd") == [value]


def test_words_for_true_false_and_missing() -> None:
    """Capitals and spaces around them do not matter; what is none of them is set aside."""
    said = {"true_words": ["Y", "예"], "false_words": ["N", "아니오"], "missing": ["-"]}
    texts: list[str | None] = ["Y", " n ", "예", "true", "1", "아니오", "-", None, "maybe"]
    found = read(texts, "bool", **said)
    assert found == [True, False, True, True, True, False, None, None, "set aside"]
    assert read(["-", "a-"], "string", missing="-") == [None, "a-"]


MARKS = st.sampled_from(
    [(".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", ""), (".", "_"), (".", "")]
)


@given(
    st.decimals(min_value=-(10**15), max_value=10**15, places=4, allow_nan=False),
    MARKS,
    st.sampled_from(["", "원", "€"]),
)
def test_every_number_comes_back_from_every_notation(
    number: Decimal, marks: tuple[str, str], unit: str
) -> None:
    """What people write by a notation is read by it exactly, digit by digit."""
    point, mark = marks
    plain = f"{number:,.4f}".replace(",", "T").replace(".", point).replace("T", mark)
    kept = {"decimal": point, "thousands": mark, "unit": unit or ()}
    found = read([plain + unit], "decimal(38,4)", **kept)
    assert found == [number]


@given(st.text(alphabet="0123456789.,- '%()원eE", max_size=12), MARKS)
def test_no_text_is_read_as_another_number(text: str, marks: tuple[str, str]) -> None:
    """What is read has, without marks, the digits of the text."""
    value = read([text], "decimal(38,10)", decimal=marks[0], thousands=marks[1])[0]
    if value in ("set aside", None):
        return
    bare = text.strip().replace(" ", "").replace(marks[1] or "\0", "").replace(marks[0], ".")
    assert Decimal(bare) == value


@given(st.dates(), st.sampled_from(["ymd", "dmy", "mdy"]), st.sampled_from(["-", ".", "/", ". "]))
def test_every_date_comes_back_from_every_order(day: date, order: str, sign: str) -> None:
    """With all separators."""
    parts = {"y": f"{day.year:04}", "m": str(day.month), "d": str(day.day)}
    assert read([sign.join(parts[one] for one in order)], "date", dates=order) == [day]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"decimal": ";"}, "decimal"),
    ({"thousands": ",", "decimal": ","}, "thousands"),
    ({"dates": "dym"}, "dates"),
    ({"pivot": 1970}, "pivot"),
    ({"dates": "dmy", "pivot": 0}, "pivot"),
    ({"true_words": [True]}, "true_words"),
    ({"true_words": ["a"], "false_words": ["A"]}, "false_words"),
    ({"unit": "k."}, "unit"),
    ({"missing": [""]}, "missing"),
]


@pytest.mark.parametrize(("said", "option"), MISTAKES)
def test_a_notation_that_cannot_be_meant_is_refused(said: dict[str, Any], option: str) -> None:
    """With the field's name."""
    with pytest.raises(NotationError) as told:
        Written(**said)
    assert told.value.facts["option"] == option


def pipeline(home: Home, columns: str, text: str, read_as: str = "", suffix: str = "csv") -> None:
    """Declare one source in YAML."""
    home.write(f"incoming/x.{suffix}", text)
    home.write(
        "resources/pipelines/x.yaml",
        f"source: incoming/x.{suffix}\n{read_as}columns:\n{columns}clean: false\noutput: false\n",
    )


def rows(home: Home, key: str = "raw.x") -> list[dict[str, Any]]:
    """Give the rows of an asset's current version."""
    current = home.current(key)
    return [
        row for file in current.files for row in pq.read_table(home.data / file.path).to_pylist()
    ]


CASES: dict[str, tuple[str, str, str, list[Any]]] = {
    "thousands.csv": (THOUSANDS, "number: number", '{thousands: ","}', [100000.0, 1234.0]),
    "kr_dates.csv": (KR_DATES, "d: date", "{dates: ymd}", [D(2024, 1, 31)] * 5),
    "kr_ampm.csv": (
        KR_AMPM,
        "t: timestamp",
        "{dates: ymd}",
        [T(2024, 1, 31, 15, 5), T(2024, 1, 31, 0, 10)],
    ),
    "kr_bool.csv": (
        KR_BOOL,
        "ok: boolean",
        '{true_words: ["Y", "예"], false_words: ["N"]}',
        [True, False, True, True, True],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_with_the_option_it_is_read_without_it_is_named_once(home: Home, name: str) -> None:
    """In the error, with the count and one example."""
    text, column, said, values = CASES[name]
    last, kind = column.split(": ")
    first = text.partition(",")[0]
    pipeline(home, f"  {first}: text\n  {column}\n", text)
    came = home.run()["raw.x"]
    assert "written:" in came, came
    assert came.count("set aside, such as") == 1
    pipeline(home, f"  {first}: text\n  {last}: {{type: {kind}, written: {said}}}\n", text)
    assert home.reasons("raw.x")[0] in ("config changed", "never materialized")
    assert home.run()["raw.x"] == "made"
    assert [row[last] for row in rows(home)] == values


def test_a_source_says_it_once_for_all_columns(home: Home) -> None:
    """Under `read:`; each column takes what concerns its type, and may say otherwise."""
    columns = '  id: integer\n  price: "decimal(12,2)"\n  date: date\n'
    said = 'read: {written: {thousands: ".", dates: dmy}}\n'
    pipeline(home, columns, EURO, said)
    assert home.run()["raw.x"] == "made"
    assert [(row["price"], row["date"]) for row in rows(home)] == [
        (Decimal("1234.56"), D(2024, 12, 31)),
        (Decimal("0.50"), D(2025, 1, 1)),
    ]


def test_the_same_in_python(home: Home) -> None:
    """As an option of the schema class, or of a column."""
    home.write("incoming/x.csv", EURO)
    home.write(
        "assets/raw/x.py",
        """
        from datetime import date
        from typing import Annotated
        from assets import Schema, Source, Table, Written, asset

        class Row(Schema, written=Written(decimal=",", thousands=".")):
            id: int
            price: float
            date: Annotated[date, Written(dates="dmy")]

        @asset(source="incoming/x.csv", schema=Row, chain=False)
        def x(source: Source) -> Table:
            return source.read()
        """,
    )
    assert home.run() == {"raw.x": "made"}
    assert [tuple(row.values()) for row in rows(home)] == [
        (1, 1234.56, D(2024, 12, 31)),
        (2, 0.5, D(2025, 1, 1)),
    ]


@pytest.mark.parametrize(
    ("columns", "read_as", "told"),
    [
        ("  a: {type: text, written: {dates: ymd}}\n", "", "says nothing about"),
        ("  a: {type: number, written: {decimel: ','}}\n", "", "did you mean 'decimal'"),
        ("  a: {type: boolean, written: {true_words: [yes]}}\n", "", "in quotes"),
        ("  a: {type: date, written: {dates: ydm}}\n", "", "cannot be 'ydm'"),
        ("  a: text\n", "read: {written: {pivot: 1}}\n", "order of dates"),
    ],
)
def test_a_mistake_in_the_file_names_line_and_field(
    home: Home, columns: str, read_as: str, told: str
) -> None:
    """The asset is broken, with what to write."""
    pipeline(home, columns, "a\n1\n", read_as)
    broken = home.open().graph.broken["raw.x"]
    assert told in broken.error
    assert "x.yaml, line" in broken.error


def test_times_with_a_zone_become_utc_in_every_format(home: Home) -> None:
    """`Z`, an offset with and without minutes; a time that says none is UTC."""
    expected = [T(2024, 1, 1), T(2024, 1, 1), T(2024, 1, 1, 10)]
    texts = ["2024-01-01T00:00:00Z", "2024-01-01T09:00:00+09:00", "2024-01-01 05:00:00-05"]
    formats = {
        "csv": ZONES,
        "jsonl": "".join(json.dumps({"id": n, "t": t}) + "\n" for n, t in enumerate(texts)),
        "xml": "<r>" + "".join(f"<i><id>1</id><t>{t}</t></i>" for t in texts) + "</r>",
    }
    for suffix, text in formats.items():
        pipeline(home, "  id: integer\n  t: timestamp\n", text, suffix=suffix)
        assert home.run()["raw.x"] == "made"
        assert [row["t"] for row in rows(home)] == expected


def test_nanoseconds_are_kept_or_said(home: Home) -> None:
    """A column of microseconds sets the row aside and names the type that keeps it."""
    text = (
        '{"id": 1, "t": "2024-01-01T00:00:00Z"}\n{"id": 2, "t": "2024-01-01T00:00:00.123456789Z"}\n'
    )
    pipeline(home, "  id: integer\n  t: timestamp\n", text, suffix="jsonl")
    assert "needs the type timestamp[ns]" in home.run()["raw.x"]
    pipeline(home, "  id: integer\n  t: timestamp[ns]\n", text, suffix="jsonl")
    assert home.run()["raw.x"] == "made"
    table = pq.read_table(home.data / home.current("raw.x").files[0].path)
    assert table["t"].cast(pa.int64()).to_pylist()[1] % 1_000_000_000 == 123_456_789


def test_a_moment_keeps_its_zone_everywhere(home: Home) -> None:
    """In Parquet, the schema version, the CSV and the content's sum; without one it is none."""
    home.write("incoming/x.csv", ZONES + "4,2024-01-01 00:00:00\n")
    home.write(
        "resources/pipelines/x.yaml",
        "source: incoming/x.csv\ncolumns:\n  id: integer\n  t: timestamp with time zone\n"
        "clean: false\nmax_quarantine: 0.5\n",
    )
    assert set(home.run().values()) == {"made"}
    current = home.current("raw.x")
    assert [column.type for column in current.columns] == ["int64", "timestamp[us,UTC]"]
    table = pq.read_table(home.data / current.files[0].path)
    assert table.schema.field("t").type == pa.timestamp("us", "UTC")
    assert table["t"].to_pylist()[2] == datetime(2024, 1, 1, 10, tzinfo=UTC)
    (aside,) = read_rejects(home.data / current.quarantine_file)
    assert json.loads(aside.row)["t"] == "2024-01-01 00:00:00"
    assert any("without a zone is no moment" in warning for warning in current.warnings)
    csv = (home.data / home.current("output.x").files[0].path).read_text("utf-8-sig")
    assert "3,2024-01-01 10:00:00+00:00\n" in csv


def test_rows_in_quarantine_come_back_as_their_source_writes_them(home: Home) -> None:
    """A corrected cell and its neighbours are read by the notation; what is not so is refused."""
    text = "id;price;date\n" + "".join(f"{n};1.234,5{n};31.12.2024\n" for n in range(1, 9))
    columns = "  id: integer\n  price: number\n  date: date\n"
    said = 'read: {written: {thousands: ".", dates: dmy}}\nmax_quarantine: 0.5\n'
    pipeline(home, columns, text + "9;1.234,56;31.13.2024\n10;oops;31.12.2024\n", said)
    assert home.run()["raw.x"] == "made"
    first, second = open_rows(home.open(), "raw.x")
    better = [
        (first, json.dumps(json.loads(first.reject.row) | {"date": "31.12.2024"})),
        (second, json.dumps(json.loads(second.reject.row) | {"price": "1.5"})),
    ]
    done = accept(home.open(), "raw.x", better, by="kim")
    assert (done.accepted, len(done.refused)) == (1, 1)
    assert rows(home)[-1] == {"id": 9, "price": 1234.56, "date": D(2024, 12, 31)}


@pytest.mark.parametrize("kind", ["number", "decimal(12,3)"])
def test_thousands_are_not_published_as_fractions_because_others_are_set_aside(
    home: Home, kind: str
) -> None:
    """1.234 beside 1.234,56: only the file's owner knows, however few are set aside."""
    text = "id;price\n" + "".join(f"{n};1.23{n}\n" for n in range(1, 9)) + "9;1.234,56\n"
    columns = f"  id: integer\n  price: {kind}\n"
    pipeline(home, columns, text, "max_quarantine: 0.5\n")
    said = home.run()["raw.x"]
    assert "'1.231' would be read as a fraction" in said
    assert '`written: {thousands: "."}`' in said
    assert '`written: {decimal: "."}`' in said
    fraction = 'read: {written: {decimal: "."}}\nmax_quarantine: 0.5\n'
    pipeline(home, columns, text, fraction)
    assert home.run()["raw.x"] == "made"
    assert float(rows(home)[0]["price"]) == 1.231
    pipeline(home, columns, text, 'read: {written: {thousands: "."}}\n')
    assert home.run()["raw.x"] == "made"
    assert [float(row["price"]) for row in rows(home)][-2:] == [1238.0, 1234.56]


@pytest.mark.parametrize(
    "others", [["1.234.567"], ["oops"] * 10_001 + ["1.234,56"], ["1,234.56"] * 3 + ["1.234,56"]]
)
def test_one_text_that_speaks_of_thousands_is_enough_wherever_it_stands(
    home: Home, others: list[str]
) -> None:
    """With points alone, behind more misfits than are kept, or fewer than those of another kind."""
    texts = ["1.234", *others]
    text = "id;price\n" + "".join(f"{at};{one}\n" for at, one in enumerate(texts))
    pipeline(home, "  id: integer\n  price: number\n", text, "max_quarantine: 1\n")
    said = home.run()["raw.x"]
    assert "'1.234' would be read as a fraction" in said
    assert f"such as {others[-1]!r}" in said


def test_fractions_of_three_digits_stay_what_they_are_where_nothing_speaks_against_it(
    home: Home,
) -> None:
    """A row that no notation reads says nothing of thousands."""
    text = "id;price\n" + "".join(f"{n};1.23{n}\n" for n in range(1, 9)) + "9;oops\n"
    pipeline(home, "  id: integer\n  price: number\n", text, "max_quarantine: 0.5\n")
    assert home.run()["raw.x"] == "made"
    assert rows(home)[0]["price"] == 1.231


PROPOSALS = [
    (["100,000.00", "1,234"], "float64", {"thousands": ","}),
    (["12,000원", "1,234,500원"], "int64", {"thousands": ",", "unit": ["원"]}),
    (["1.234,56", "0,50"], "float64", {"thousands": "."}),
    (["12.5%", "7%"], "float64", {"percent": True}),
    (["31.12.2024", "01.01.2025"], "date", {"dates": "dmy"}),
    (["2024.01.31", "2024. 2. 1."], "date", {"dates": "ymd"}),
    (["2024-01-31 오후 3:05"], "timestamp[us]", {"dates": "ymd"}),
    (["Y", "N", "Y"], "bool", {"true_words": ["Y"], "false_words": ["N"]}),
    (["1,234", "-", "1,234,567"], "int64", {"thousands": ",", "missing": ["-"]}),
    (["12,000원", "900원"], "int64", {"thousands": ",", "unit": ["원"]}),
    (["₩12,000", "-₩3,500"], "int64", {"thousands": ",", "unit": ["₩"]}),
    (["1", "N/A", "3"], "int64", {"missing": ["N/A"]}),
    (["1.5", "없음", "2"], "float64", {"missing": ["없음"]}),
]


@pytest.mark.parametrize(("texts", "kind", "said"), PROPOSALS)
def test_what_can_be_read_in_one_way_is_proposed(texts: list[str], kind: str, said: Any) -> None:
    """With its notation."""
    found = looks_like(texts)
    assert (found.type, found.written and found.written.said()) == (kind, said)


@pytest.mark.parametrize("texts", [["01/02/2024"], ["1,234"], ["1,234", "5,678"], ["1/2/24"]])
def test_what_can_be_read_in_several_ways_stays_text_and_says_them(texts: list[str]) -> None:
    """Nobody guesses a month or a thousand."""
    found = looks_like(texts)
    assert found.type == ""
    assert " or written: " in found.note


@pytest.mark.parametrize("texts", [["1.200", "3.400"], ["1.500", "-", "12.250"]])
def test_a_number_as_it_stands_is_one_of_the_ways(texts: list[str]) -> None:
    """1.200 is never made 1200 because its zeros keep it text."""
    found = looks_like(texts)
    assert found.type == ""
    assert 'written: {thousands: "."' in found.note


@pytest.mark.parametrize("texts", [["x", "y"], ["x", "n"], ["x", "y", "n"], ["1.50", "N/A"]])
def test_halves_of_pairs_are_no_yes_and_no(texts: list[str]) -> None:
    """And a number with a zero too many stays text beside a word for missing."""
    assert looks_like(texts).type == ""


@pytest.mark.parametrize("texts", [["00501", "10001"], ["Y", "maybe"], ["-"], ["a1"], ["Y"], []])
def test_codes_and_words_stay_text(texts: list[str]) -> None:
    """No number, and no yes, is made of them."""
    assert looks_like(texts).type == ""


SHARED = FOLDER.parent / "cases"


@pytest.mark.parametrize("name", CASES)
def test_the_shared_case(home: Home, name: str) -> None:
    """The files themselves, where they lie beside the project."""
    file: Path = SHARED / "notation" / name
    if not file.is_file():
        pytest.skip("no shared cases here")
    text, column, said, values = CASES[name]
    last, kind = column.split(": ")
    first = text.partition(",")[0]
    columns = f"  {first}: text\n  {last}: {{type: {kind}, written: {said}}}\n"
    pipeline(home, columns, file.read_text("utf-8"))
    assert home.run()["raw.x"] == "made"
    assert [row[last] for row in rows(home)] == values


PLACED = """
columns: {id: integer, price: number, day: date, at: timestamp with time zone}
clean: false
"""
WRITTEN_THERE = "written: {decimal: ',', thousands: '.', dates: dmy}"
PLACED_ROWS = [
    (1, "1.234,56", "31.12.2024", "2024-01-01T09:00:00.5+09:00"),
    (2, "0,50", "01.02.2025", "2024-01-01T00:00:00Z"),
]


def assert_placed(home: Home) -> None:
    """Hold what a source that is no file of text gave."""
    came = home.run()
    assert set(came.values()) == {"made"}, home.plan().lines
    assert not home.current("raw.x").quarantined
    found = [(row["price"], row["day"], row["at"]) for row in rows(home)]
    assert found == [
        (1234.56, D(2024, 12, 31), datetime(2024, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        (0.5, D(2025, 2, 1), datetime(2024, 1, 1, tzinfo=UTC)),
    ]
    text = (home.data / home.current("output.x").files[0].path).read_text("utf-8-sig")
    assert text.splitlines()[1] == "1,1234.56,2024-12-31,2024-01-01 00:00:00.5+00:00"


def test_a_database_is_read_as_its_texts_are_written(home: Home) -> None:
    """Numbers and dates that a SQLite file holds as text; a moment with its zone."""
    with closing(sqlite3.connect(home.root / "x.db")) as shop, shop:
        shop.execute("create table t (id integer, price text, day text, at text)")
        shop.executemany("insert into t values (?, ?, ?, ?)", PLACED_ROWS)
    said = f"source: x.db\nread: {{table: t, {WRITTEN_THERE}}}"
    home.write("resources/pipelines/x.yaml", said + PLACED)
    assert_placed(home)


def test_a_web_source_is_read_as_its_texts_are_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an API answers in JSON."""
    names = ("id", "price", "day", "at")
    with WebServer() as server:
        inner, allowed = home.open, {"DATAOPS_HTTP_ALLOW": f"127.0.0.1:{server.port}"}
        monkeypatch.setattr(home, "open", lambda **env: inner(**allowed, **env))
        url = server.on("/x", Reply([dict(zip(names, row, strict=True)) for row in PLACED_ROWS]))
        said = f"source: {url}\nread: {{{WRITTEN_THERE}}}"
        home.write("resources/pipelines/x.yaml", said + PLACED)
        assert_placed(home)
