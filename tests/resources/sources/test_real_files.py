"""Real files, every one through `Source`: all rows, and every text as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.shared_data import shared

pytestmark = pytest.mark.shared_data

FILES = [
    ("reviews_ko/reviews_utf8.csv", 2_527, {}),
    ("reviews_ko/reviews_utf8_bom.csv", 2_500, {}),
    ("reviews_ko/reviews_cp949.csv", 2_520, {}),
    ("reviews_ko/reviews_cp949.csv", 2_520, {"encoding": "euc-kr"}),
    ("reviews_ko/reviews.jsonl", 2_500, {}),
    ("tweets_en/tweets_800.csv", 800, {}),
    ("bills_ko/bills_1500_cp949.csv", 1_500, {}),
    ("hospital_pair/hospital.csv", 1_000, {}),
    ("hospital_pair/hospital_clean.csv", 19_000, {}),
    ("flights_nyc/nycflights13_airlines.csv", 16, {}),
    ("flights_nyc/nycflights13_airports.csv", 1_458, {}),
    ("flights_nyc/nycflights13_planes.csv", 3_322, {}),
]


@pytest.mark.parametrize(("name", "count", "options"), FILES)
def test_every_row_of_a_real_file_is_read(
    reading: Any, name: str, count: int, options: dict[str, Any]
) -> None:
    assert len(reading.rows(shared(name), **options)) == count
    assert reading.set_aside() == []


def test_the_pages_of_an_api_are_one_table(reading: Any) -> None:
    pages = [shared(f"reviews_ko/api_pages/page_{n}.json") for n in range(1, 6)]
    rows = reading.rows(*pages, records="items")
    assert len(rows) == len({row["review_id"] for row in rows}) == 1_000


def test_the_same_reviews_come_out_of_every_format(reading: Any) -> None:
    """20 ids of the CP949 file and 100 of the JSON lines are in the first file too."""
    every: dict[int, set[str]] = {}
    for name in ("utf8.csv", "utf8_bom.csv", "cp949.csv", "jsonl"):
        file = shared("reviews_ko/reviews" + ("." if name == "jsonl" else "_") + name)
        for row in reading.rows(file):
            every.setdefault(int(row["review_id"]), set()).add(row["review"] or "")
    assert len(every) == 2_527 + 2_500 + 2_520 + 2_500 - 20 - 100
    assert all(len(texts) == 1 for texts in every.values())
    for title in ("<터미네이터2>", "<거짓말의 탄생>", "<낮술>"):
        assert any(title in text for texts in every.values() for text in texts)


def test_line_ends_inside_real_reviews_stay_as_they_are(reading: Any) -> None:
    texts = [row["review"] or "" for row in reading.rows(shared("reviews_ko/reviews_utf8.csv"))]
    assert sum(text.count("\r\n") for text in texts) == 25


def test_rules_in_a_text_file_are_lines(reading: Any) -> None:
    file = shared("hospital_pair/hospital_constraints.txt")
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    assert [row["text"] for row in reading.rows(file, format="text")] == lines


@pytest.mark.slow
def test_618324_reviews_in_gzip_are_read(reading: Any) -> None:
    table = reading.source(shared("bench/reviews_618k.csv.gz")).read()
    assert sum(batch.num_rows for batch in table.batches()) == 618_324
    assert reading.set_aside() == []
