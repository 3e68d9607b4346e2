"""Rows in quarantine of assets whose new rows join old ones: accepting adds, and rewrites nothing."""

from __future__ import annotations

import json

import pytest

from assets.engine.accept import accept
from assets.engine.errors import CheckFailed, NothingAccepted, SchemaMismatch
from assets.engine.quarantine import OpenRow, discard, open_rows
from tests.assets.conftest import Home

RAW = """
    from typing import Annotated, Literal
    from assets import Cursor, Schema, Source, Unique, asset

    class R(Schema):
        id: Annotated[int, Unique]
        stars: Literal[1, 2, 3, 4, 5]

    @asset(schema=R, source="in/*.csv", mode="{mode}", on=["id"], chain=False, max_quarantine=0.5)
    def r(source: Source):
        return source.read()
    """
CLEAN = """
    from assets import Table, asset

    @asset(upstream=["raw.r"], mode="append")
    def clean(r: Table) -> Table:
        return r
    """


@pytest.fixture(params=["append", "upsert"])
def grown(home: Home, request: pytest.FixtureRequest) -> Home:
    """Give an asset that two files were added to, each with a bad row."""
    home.write("assets/raw/r.py", RAW.replace("{mode}", request.param))
    home.write("assets/processed/clean.py", CLEAN)
    home.write("in/1.csv", "id,stars\n1,1\n2,2\n3,9\n")
    home.run()
    home.write("in/2.csv", "id,stars\n4,4\n5,0\n6,5\n")
    home.run()
    return home


def opened(home: Home) -> list[OpenRow]:
    """Give the open rows."""
    return open_rows(home.open(), "raw.r")


def bring_back(home: Home, stars: int, *rows: OpenRow) -> None:
    """Accept rows."""
    values = [(row, json.dumps(json.loads(row.reject.row) | {"stars": stars})) for row in rows]
    accept(home.open(), "raw.r", values, by="kim")


def test_rows_of_all_that_was_added_are_open(grown: Home) -> None:
    assert [json.loads(row.reject.row)["id"] for row in opened(grown)] == [5, 3]


def test_accepted_rows_are_added_and_nothing_is_written_again(grown: Home) -> None:
    before = grown.current("raw.r")
    bring_back(grown, 3, opened(grown)[1])
    made = grown.current("raw.r")
    assert made.files[:-1] == before.files
    assert (made.rows, made.added, made.quarantined, made.cursor) == (5, 1, 1, before.cursor)
    assert made.rows_in == made.added + made.duplicates + made.quarantined
    assert [json.loads(row.reject.row)["id"] for row in opened(grown)] == [5]
    assert grown.states() == {"raw.r": "fresh", "processed.clean": "stale"}
    grown.run()
    assert (grown.current("processed.clean").added, grown.current("processed.clean").rows) == (1, 5)


def test_what_is_added_afterwards_keeps_them(grown: Home) -> None:
    bring_back(grown, 3, *opened(grown))
    grown.write("in/3.csv", "id,stars\n7,1\n8,8\n")
    grown.make("raw.r")
    assert sorted(row["id"] for row in grown.rows("raw.r")) == [1, 2, 3, 4, 5, 6, 7]
    assert [json.loads(row.reject.row)["id"] for row in opened(grown)] == [8]


@pytest.mark.parametrize("grown", ["upsert"], indirect=True)
def test_a_correction_takes_the_place_of_its_row_and_the_last_of_a_batch_counts(
    grown: Home,
) -> None:
    """Of an upsert's rows with one key: what comes after the bad row is newer than it."""
    bring_back(grown, 3, opened(grown)[1])  # 3,9
    grown.write("in/3.csv", "id,stars\n7,7\n3,9\n3,5\n8,1\n")
    grown.make("raw.r")
    assert {row["id"]: row["stars"] for row in grown.rows("raw.r")}[3] == 5
    grown.write("in/4.csv", "id,stars\n3,4\nx,1\n9,1\n9,2\n3,9\n")
    grown.make("raw.r")
    found = {row["id"]: row["stars"] for row in grown.rows("raw.r")}
    assert (found[3], found[9]) == (3, 2)


@pytest.mark.parametrize("grown", ["upsert"], indirect=True)
def test_a_rejected_row_does_not_replace_a_newer_one_of_its_key(grown: Home) -> None:
    """It stays in quarantine with that reason; one that is newer than what is there may."""
    grown.write("in/3.csv", "id,stars\n3,5\n1,7\n4,7\n4,2\n")
    grown.make("raw.r")
    rows = {json.loads(row.reject.row)["id"]: row for row in opened(grown)}
    with pytest.raises(NothingAccepted, match="a newer row of this key is there already"):
        bring_back(grown, 1, rows[3])
    with pytest.raises(NothingAccepted, match="a newer row of this key is there already"):
        bring_back(grown, 1, rows[4])
    bring_back(grown, 3, rows[5], rows[3])
    with pytest.raises(NothingAccepted, match="a newer row of this key is there already"):
        bring_back(grown, 1, {json.loads(r.reject.row)["id"]: r for r in opened(grown)}[3])
    reasons = {json.loads(r.reject.row)["id"]: r.reject.reason for r in opened(grown)}
    assert reasons[3] == "corrected, but a newer row of this key is there already"
    bring_back(grown, 4, {json.loads(r.reject.row)["id"]: r for r in opened(grown)}[1])
    found = {row["id"]: row["stars"] for row in grown.rows("raw.r")}
    assert (found[1], found[3], found[4], found[5]) == (4, 5, 2, 3)


def test_made_anew_from_the_beginning_the_corrections_are_used_again(grown: Home) -> None:
    bring_back(grown, 3, *opened(grown))
    grown.make("raw.r", full=True)
    made = grown.current("raw.r")
    assert (made.rows, made.accepted, made.quarantined) == (6, 2, 0)


def test_a_blocked_attempt_from_the_beginning_is_accepted_as_one(home: Home) -> None:
    plain = RAW.replace("{mode}", "append").replace('on=["id"], ', "").replace("0.5", "0.1")
    home.write("assets/raw/r.py", plain.replace("schema=R, ", ""))
    home.write("in/1.csv", "id,stars\n1,1\n2,2\n3,9\n")
    home.make("raw.r")
    home.write("assets/raw/r.py", plain)
    with pytest.raises(SchemaMismatch, match="break what is declared now"):
        home.make("raw.r")
    with pytest.raises(CheckFailed, match="1 of 3 rows") as caught:
        home.make("raw.r", full=True)
    assert "dataops materialize raw.r --full" in str(caught.value)
    bring_back(home, 5, *opened(home))
    assert [row["stars"] for row in home.rows("raw.r")] == [1, 2, 5]
    assert opened(home) == []


def test_discarded_rows_of_all_that_was_added_do_not_count_towards_the_limit(grown: Home) -> None:
    def counted() -> int:
        (check,) = (c for c in grown.current("raw.r").checks if c.name == "quarantined rows")
        return check.rows

    assert counted() == 2
    discard(grown.open(), "raw.r", opened(grown)[1:], by="kim", why="")
    grown.write("in/3.csv", "id,stars\n7,7\n8,5\n")
    grown.make("raw.r")
    assert (counted(), len(opened(grown))) == (2, 2)
    discard(grown.open(), "raw.r", opened(grown), by="kim", why="")
    grown.write("in/4.csv", "id,stars\n9,5\n")
    grown.make("raw.r")
    assert counted() == 0
