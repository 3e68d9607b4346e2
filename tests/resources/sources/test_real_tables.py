"""Real workbooks and XML: exactly the rows that the writers' own libraries see in them."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import openpyxl

from tests.shared_data import shared

READ = {"created_at": "date", "time_format": "%y.%m.%d"}


def test_a_real_workbook_gives_exactly_its_rows(reading: Any) -> None:
    file = shared("reviews_ko/reviews.xlsx")
    names, *rows = openpyxl.load_workbook(file, read_only=True).active.iter_rows(values_only=True)
    found = reading.rows(file)
    assert len(found) == 1_500
    assert found == [dict(zip(names, row, strict=True)) for row in rows]
    texts = reading.source(file).texts(id="review_id", text="review", **READ).to_arrow()
    assert texts["raw_text"].to_pylist() == [row["review"] for row in found]
    check_days(texts, [row["date"] for row in found])


def test_a_real_xml_file_gives_exactly_its_rows(reading: Any) -> None:
    file = shared("reviews_ko/reviews.xml")
    rows = [
        {name: int(value) for name, value in element.attrib.items()}
        | {child.tag: child.text or "" for child in element}
        for element in ET.parse(file).getroot()
    ]
    found = reading.rows(file)
    assert len(found) == 1_500
    assert found == rows
    texts = reading.source(file).texts(id="id", text="text", **READ).to_arrow()
    assert texts["raw_text"].to_pylist() == [row["text"] for row in found]
    check_days(texts, [row["date"] for row in found])
    assert sum("<" in text for text in texts["raw_text"].to_pylist()) == 5


def check_days(texts: Any, written: list[str]) -> None:
    """Hold times to the days that they were written as."""
    days = texts["created_at"].cast("timestamp[us]").to_pylist()
    assert [f"{day:%y.%m.%d}" for day in days] == written
    assert all(2003 <= day.year <= 2017 for day in days)
