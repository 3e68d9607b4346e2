"""Layouts that fit and are not believed: the file stops, and the option that says it is named."""

from __future__ import annotations

from typing import Any

import pytest

from resources.errors import SourceError

CITIES = "city,population,area\nseoul,9000000,605\nbusan,3300000,770\ndaegu,2300000,884\n"
TWO = f"id,name\n1,kim\n2,lee\n\n{CITIES}ulsan,1100000,1062\n"
SAME = "id,name\n1,kim\n2,lee\n\nno,city\n7,seoul\n8,busan\n"


@pytest.mark.parametrize(
    ("content", "said", "option"),
    [
        (TWO, "holds two tables: one begins with 'id' and has 2 columns", "skip=4"),
        (SAME, "after a gap 'no' and 'city' look like the names", "skip=0"),
        ("id||name||note\n1||kim||x\n2||lee||y\n", "'||' between its fields", "delimiter='|'"),
        ("1;2.5;2024-01-01\n", "a single line, and '1' in it", "header=False"),
        ("kim,3\n", "a single line, and '3' in it", "header=False"),
    ],
)
def test_what_is_not_to_be_believed_is_refused_with_its_option(
    reading: Any, content: str, said: str, option: str
) -> None:
    reading.write("a.csv", content)
    with pytest.raises(SourceError) as error:
        reading.rows("a.csv")
    assert said in str(error.value)
    assert option in str(error.value)


def test_once_it_is_said_it_is_read(reading: Any) -> None:
    reading.write("two.csv", TWO)
    assert [row["city"] for row in reading.rows("two.csv", skip=4)][-1] == "ulsan"
    reading.write("same.csv", SAME)
    assert len(reading.rows("same.csv", skip=0)) == 5
    reading.write("doubled.csv", "id||name\n1||kim\n")
    assert reading.rows("doubled.csv", delimiter="|")[0]["id"] == 1
    reading.write("lone.csv", "kim,3\n")
    assert len(reading.rows("lone.csv", header=False)) == 1
    assert reading.rows("lone.csv", header=True) == []


@pytest.mark.parametrize(
    "content",
    [
        "Report\nMade by Kim\n\nid,name\n1,a\n2,b\n",
        "id,name\n1,a\n\n2,b\n3,c\n",
        "id,name\n1,a\n\nid,name\n2,b\n",
        "name\n",
        "id,name\n",
    ],
)
def test_titles_gaps_and_a_header_alone_are_no_doubts(reading: Any, content: str) -> None:
    reading.write("a.csv", content)
    reading.rows("a.csv")
