"""Texts: the product's raw schema out of any columns."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from resources.columns import Column
from resources.errors import SourceError


def day(year: int, month: int, number: int) -> datetime:
    """Give a day's beginning in UTC, as tables hold it: without a zone."""
    return datetime(year, month, number, tzinfo=UTC).replace(tzinfo=None)


def rows(table: Any) -> list[dict[str, Any]]:
    """Read a table with plain date-times."""
    arrow = table.to_arrow()
    assert str(arrow.schema.field("created_at").type) == "timestamp[ns]"
    at = arrow.schema.names.index("created_at")
    found: list[dict[str, Any]] = arrow.set_column(
        at, "created_at", arrow["created_at"].cast("timestamp[us]", safe=False)
    ).to_pylist()
    return found


def test_columns_that_are_not_taken_become_metadata(reading: Any) -> None:
    reading.write("a.csv", "번호,리뷰,별점,지점,작성일\n7,좋아요,05,,2026-01-31\n")
    table = reading.source("a.csv").texts(id="번호", text="리뷰", created_at="작성일")
    assert table.columns == ["id", "source", "raw_text", "created_at", "metadata"]
    (row,) = rows(table)
    assert row | {"metadata": json.loads(row["metadata"])} == {
        "id": 7,
        "source": "reviews",
        "raw_text": "좋아요",
        "created_at": day(2026, 1, 31),
        "metadata": {"별점": "05", "지점": None},
    }
    assert table.volatile == frozenset()


def test_without_a_column_the_time_of_collection_is_filled_in_and_is_no_content(
    reading: Any,
) -> None:
    reading.write("a.csv", "id,text\n1,a\n2,b\n")
    table = reading.source("a.csv").texts(id="id", text="text")
    assert table.volatile == {"created_at"}
    first, second = rows(table)
    assert first["created_at"] == second["created_at"] == rows(table)[0]["created_at"]
    assert first["metadata"] is None


def test_a_column_may_say_the_source(reading: Any) -> None:
    reading.write("a.csv", "id,text,shop\n1,a,web\n")
    assert (
        rows(reading.source("a.csv").texts(id="id", text="text", source="shop"))[0]["source"]
        == "web"
    )


def test_json_keeps_its_types_in_the_metadata(reading: Any) -> None:
    reading.write(
        "a.jsonl", '{"id": "12", "text": "a", "stars": 5, "x": 1.50, "item": {"tags": ["b"]}}\n'
    )
    (row,) = rows(reading.source("a.jsonl").texts(id="id", text="text"))
    assert row["id"] == 12
    assert row["metadata"] == '{"stars": 5, "x": 1.50, "item": {"tags": ["b"]}}'


def test_ids_that_are_not_all_numbers_stay_text(reading: Any) -> None:
    reading.write("a.csv", "id,text\n1,a\nA-2,b\n")
    assert [r["id"] for r in rows(reading.source("a.csv").texts(id="id", text="text"))] == [
        "1",
        "A-2",
    ]


def test_with_declared_columns_ids_stay_as_written_for_the_caller_to_cast(reading: Any) -> None:
    reading.write("a.csv", "id,text\n01,a\n")
    source = reading.source("a.csv", columns=(Column("id", "int64"),))
    assert rows(source.texts(id="id", text="text"))[0]["id"] == "01"


def test_times_with_a_zone_become_utc(reading: Any) -> None:
    reading.write("a.csv", "id,text,at\n1,a,2026-01-31T09:00:00+09:00\n2,b,2026-01-31T00:00:00Z\n")
    table = reading.source("a.csv").texts(id="id", text="text", created_at="at")
    assert {row["created_at"] for row in rows(table)} == {day(2026, 1, 31)}


def test_nanoseconds_stay_where_other_rows_have_a_zone(reading: Any) -> None:
    times = ["2020-01-01 00:00:00.123456789", "2020-01-01T09:00:00.1234567+09:00", "2020-01-01"]
    reading.write("a.csv", "id,text,at\n" + "".join(f"1,a,{time}\n" for time in times))
    table = reading.source("a.csv").texts(id="id", text="text", created_at="at").to_arrow()
    midnight = 1_577_836_800_000_000_000
    assert table["created_at"].cast("int64").to_pylist() == [
        midnight + 123_456_789,
        midnight + 123_456_700,
        midnight,
    ]


def test_a_time_whose_zone_leads_out_of_all_years_sends_its_row_aside(reading: Any) -> None:
    times = ["0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00", "2020-01-01T00:00:00Z"]
    reading.write("a.csv", "id,text,at\n" + "".join(f"1,a,{time}\n" for time in times))
    table = reading.source("a.csv").texts(id="id", text="text", created_at="at")
    assert [row["created_at"] for row in rows(table)] == [day(2020, 1, 1)]
    assert [json.loads(reject.row)["at"] for reject in reading.set_aside()] == times[:2]


def test_a_time_that_cannot_be_read_sends_its_row_aside_once(reading: Any) -> None:
    path = reading.write("a.csv", "id,text,at\n1,a,14.01.31\n2,b,soon\n3,c,\n")
    table = reading.source("a.csv").texts(
        id="id", text="text", created_at="at", time_format="%y.%m.%d"
    )
    assert [row["created_at"] for row in rows(table)] == [day(2014, 1, 31), None]
    assert rows(table)[1]["id"] == 3
    (reject,) = reading.set_aside()
    assert (reject.rule, reject.column, reject.source) == ("type", "created_at", str(path))
    assert json.loads(reject.row)["text"] == "b"
    assert reject.reason == "'soon' is not a time written as %y.%m.%d"


def test_a_column_that_is_not_there_is_an_error_with_a_suggestion(reading: Any) -> None:
    reading.write("a.csv", "id,review\n1,a\n")
    with pytest.raises(
        SourceError, match=r"takes text from the column 'reviews'.* did you mean 'review'"
    ):
        reading.source("a.csv").texts(id="id", text="reviews").to_arrow()
