"""One new file under assets/raw, no other edit: raw, cleaned and CSV, whatever the table's shape."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.assets.conftest import Home
from tests.shared_data import shared

ROOT = Path(__file__).parents[2]
PLAIN = """
from assets import Source, Table, asset

@asset(source={source!r})
def dropped(source: Source) -> Table:
    return source.read()
"""
TEXTS = """
from assets import Source, Table, asset
from assets.schemas import RawText

@asset(source={source!r}, schema=RawText)
def dropped(source: Source) -> Table:
    return source.read()
"""


def drop(home: Home, source: Path | str, text: str = PLAIN) -> list[dict[str, Any]]:
    """Drop one file and run; give the rows of the CSV."""
    home.write("assets/raw/dropped.py", text.format(source=str(source)))
    came = home.run()
    assert came == {
        "raw.dropped": "made",
        "processed.dropped_clean": "made",
        "output.dropped": "made",
    }
    project = home.open()
    project.catalog.fold()
    names = project.catalog.connect().execute("select key from current order by key").fetchall()
    assert [name for (name,) in names] == [
        "output.dropped",
        "processed.dropped_clean",
        "raw.dropped",
    ]
    with (home.data / "output/current/dropped.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_raw_columns_give_the_nine_processed_ones(home: Home) -> None:
    """id, source, raw_text, created_at, metadata."""
    home.write(
        "in.csv",
        "id,source,raw_text,created_at,metadata\n"
        '1,shop,"좋아요 &amp; <올드보이>",2026-01-02 03:04:05,"{""stars"": 5}"\n',
    )
    (row,) = drop(home, "in.csv", TEXTS)
    assert list(row) == [
        "id",
        "source",
        "raw_text",
        "cleaned_text",
        "llm_model",
        "cleaning_task",
        "created_at",
        "processed_at",
        "metadata",
    ]
    assert row["cleaned_text"] == "좋아요 & <올드보이>"
    assert json.loads(row["metadata"]) == {"stars": 5}


def test_a_real_csv_as_it_is(home: Home) -> None:
    """2,527 Korean film reviews, with newlines inside fields."""
    rows = drop(home, shared("reviews_ko/reviews_utf8.csv"))
    assert len(rows) == 2527
    assert list(rows[0]) == ["review_id", "movie_id", "date", "rating", "review"]


def test_a_table_of_nineteen_columns(home: Home) -> None:
    """1,000 hospitals."""
    rows = drop(home, shared("hospital_pair/hospital.csv"))
    assert (len(rows), len(rows[0])) == (1000, 19)
    assert rows[0]["ZipCode"] == "35233"


def test_a_table_without_text(home: Home) -> None:
    """Numbers and dates pass as they are."""
    home.write("in.csv", "day,n,share\n2026-01-02,1,0.5\n2026-01-03,2,\n")
    assert drop(home, "in.csv") == [
        {"day": "2026-01-02", "n": "1", "share": "0.5"},
        {"day": "2026-01-03", "n": "2", "share": ""},
    ]


def test_korean_headers(home: Home) -> None:
    """Also with spaces, quotes and signs in them; SQL can read them."""
    home.write("in.csv", '번호,리뷰 내용,"별점(1~5) ""점"""\n1,재미 &lt;있다&gt;,5\n')
    (row,) = drop(home, "in.csv")
    assert list(row) == ["번호", "리뷰 내용", '별점(1~5) "점"']
    con = home.open().catalog.connect()
    assert con.execute('select "리뷰 내용" from output.dropped').fetchall() == [(row["리뷰 내용"],)]


@pytest.mark.slow
def test_618324_reviews_in_little_memory(home: Home) -> None:
    """Raw -> clean -> CSV: every row, less than 1 GB at the peak."""
    source = shared("bench/reviews_618k.csv.gz")
    home.write("assets/raw/dropped.py", PLAIN.format(source=str(source)))
    script = (
        "import sys; from pathlib import Path; from assets.engine import make_plan, open_project\n"
        "from assets.engine.runs import materialize_all\n"
        "project = open_project(sys.argv[1])\n"
        "assert not materialize_all(project, make_plan(project).to_make(), run='r', by='')\n"
        "lines = Path('/proc/self/status').read_text().splitlines()\n"
        # Not ru_maxrss: a child begins with its parent's.
        "print(next(int(line.split()[1]) // 1024 for line in lines if line.startswith('VmHWM')))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, str(home.root)],
        env={**os.environ, "DATAOPS_SOURCES_ALLOW": str(source.parent)},
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) < 1000
    assert home.current("output.dropped").rows == 618_324
