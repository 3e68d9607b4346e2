"""Rows that are gone at their source: an upsert takes them away, counts and names them."""

from __future__ import annotations

from typing import Any

import pytest

from assets.engine.accept import accept
from assets.engine.errors import NothingAccepted
from assets.engine.quarantine import open_rows
from catalog.records import Materialized
from tests.assets.conftest import Home

DECLARED = """
    import json
    from pathlib import Path
    from typing import Annotated
    from assets import Schema, Unique, asset

    class Row(Schema):
        id: Annotated[int, Unique]
        v: int
        gone: bool | None

    @asset(schema=Row, mode="upsert", on=["id"], max_quarantine=1.0, {options})
    def a({cursor}):
        import pandas as pd
        rows = json.loads(Path({file!r}).read_text())
        return pd.DataFrame(rows, columns=["id", "v", "gone"]).astype(object)
    """
MISSING = 'full={"missing": "delete"}'


class Feed:
    """An upsert that is handed what a test says, and what is made below it."""

    def __init__(self, home: Home, options: str, cursor: str = "") -> None:
        """Declare it."""
        self.home, self.file = home, home.root / "rows.json"
        text = DECLARED.format(options=options, cursor=cursor, file=str(self.file))
        if cursor:
            text = text.replace("import Schema", "import Cursor, Schema")
        home.write("assets/raw/a.py", text)

    def give(self, *rows: Any, **options: Any) -> Materialized:
        """Hand rows over: (id, v, gone)."""
        import json

        self.file.write_text(json.dumps([list(row) + [None] * (3 - len(row)) for row in rows]))
        made = self.home.make("raw.a", force=True, **options).materialized
        assert made is not None
        assert made.rows_in == made.added + made.duplicates + made.quarantined + made.marks
        return made

    def rows(self, key: str = "raw.a") -> dict[Any, Any]:
        """Give the rows of an asset."""
        return {row["id"]: row["v"] for row in self.home.rows(key)}


def test_a_row_that_says_that_it_is_deleted_goes(home: Home) -> None:
    """Counted and named; it needs no more than a key; the last row of a key counts."""
    feed = Feed(home, 'deleted="gone"')
    feed.give((1, 10), (2, 20), (3, 30))
    made = feed.give((2, None, True), (4, 40), (4, 40, True), (5, 50, True), (5, 51))
    assert feed.rows() == {1: 10, 3: 30, 5: 51}
    assert (made.deleted, made.deleted_keys, made.marks) == (1, ("2",), 2)
    assert feed.give((2, 21, False)).rows == 4
    project = home.open()
    project.catalog.fold()
    asked = "SELECT version, deleted, deleted_keys FROM materializations WHERE deleted > 0"
    assert project.catalog.query(asked).rows == [(made.number, 1, ["2"])]


def test_a_condition_says_so(home: Home) -> None:
    """Any condition on the row."""
    feed = Feed(home, 'deleted="v < 0"')
    feed.give((1, 10), (2, 20))
    assert feed.give((1, -1)).deleted == 1
    assert feed.rows() == {2: 20}


@pytest.mark.parametrize("kept", ["delete", "keep"])
def test_what_a_load_of_everything_lacks(home: Home, kept: str) -> None:
    """It goes, or stays, as declared; what came and is bad is there all the same."""
    feed = Feed(home, f'full={{"missing": "{kept}"}}')
    feed.give((1, 10), (2, 20), (3, 30), (4, 40))
    made = feed.give((1, 10), (2, 21), (4, "bad"))
    left = {1: 10, 2: 21, 4: 40}
    assert feed.rows() == (left if kept == "delete" else {**left, 3: 30})
    assert (made.deleted, made.deleted_keys) == ((1, ("3",)) if kept == "delete" else (0, ()))
    assert made.quarantined == 1


def test_a_load_whose_rows_have_no_key_takes_nothing_away(home: Home) -> None:
    """Nobody knows which row is missing; a warning says so."""
    feed = Feed(home, MISSING)
    feed.give((1, 10), (2, 20))
    for bad in (None, "x"):
        made = feed.give((1, 10), (bad, 5))
        assert feed.rows() == {1: 10, 2: 20}
        assert made.quarantined == 1
        assert any("nobody knows which rows are missing" in one for one in made.warnings)


@pytest.mark.parametrize("kept", ["delete", "keep"])
def test_with_a_cursor_only_a_full_load_is_one(home: Home, kept: str) -> None:
    """`--full` collects everything, and joins what is there, so that it is known what went."""
    feed = Feed(home, f'full={{"missing": "{kept}"}}', "cursor: Cursor")
    feed.give((1, 10), (2, 20))
    assert feed.give((3, 30)).deleted == 0
    made = feed.give((1, 10), (3, 31), full=True)
    assert feed.rows() == ({1: 10, 3: 31} if kept == "delete" else {1: 10, 2: 20, 3: 31})
    assert made.deleted == (kept == "delete")


def test_what_is_made_below_loses_the_row_too(home: Home) -> None:
    """Row by row, and in the CSV."""
    feed = Feed(home, MISSING)
    feed.give((1, 10), (2, 20))
    home.write(
        "assets/processed/b.py",
        """
        from assets import Table, asset

        @asset(upstream=["raw.a"], mode="append")
        def b(a: Table) -> Table:
            return a
        """,
    )
    home.run()
    assert feed.rows("processed.b") == {1: 10, 2: 20}
    feed.give((2, 20), (3, 30))
    home.run()
    assert feed.rows("processed.b") == {2: 20, 3: 30}
    csv = (home.data / "output/current/a.csv").read_text(encoding="utf-8-sig")
    assert csv.split() == ["id,v,gone", "2,20,", "3,30,"]


@pytest.mark.parametrize("options", ['deleted="gone"', MISSING])
def test_accepting_a_row_does_not_bring_back_what_was_deleted(home: Home, options: str) -> None:
    """A row that was set aside, then deleted at its source, stays away."""
    feed = Feed(home, options)
    feed.give((1, 10), (2, "bad"))
    project = home.open()
    (row,) = open_rows(project, "raw.a", project.catalog.heads(["raw.a"])["raw.a"])
    feed.give((1, 10), *([(2, None, True)] if "gone" in options else []))
    project = home.open()
    still = open_rows(project, "raw.a", project.catalog.heads(["raw.a"])["raw.a"])
    if still:
        with pytest.raises(NothingAccepted, match="was deleted at the source"):
            accept(project, "raw.a", [(row, '{"id": 2, "v": 20, "gone": null}')], by="me")
    assert bool(still) == ("gone" in options)
    assert feed.rows() == {1: 10}


def test_a_correction_in_force_does_not_bring_back_a_row(home: Home) -> None:
    """The bad row comes again together with the word that it is deleted."""
    feed = Feed(home, 'deleted="gone"')
    feed.give((1, 10), (2, "bad"))
    project = home.open()
    (row,) = open_rows(project, "raw.a", project.catalog.heads(["raw.a"])["raw.a"])
    accept(project, "raw.a", [(row, '{"id": 2, "v": 20, "gone": null}')], by="me")
    assert feed.rows() == {1: 10, 2: 20}
    made = feed.give((2, "bad"), (2, None, True))
    assert (made.deleted, feed.rows()) == (1, {1: 10})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('deleted="gon"', "did you mean 'gone'"),
        ('deleted="id"', "a column of its key"),
        ('deleted="1; drop table x"', "no condition"),
        ('full={"missing": "delte"}', "did you mean 'delete'"),
        ('full={"mising": "delete"}', "write full="),
    ],
)
def test_what_cannot_be_meant_is_refused(home: Home, options: str, said: str) -> None:
    """When it is declared, with what to write."""
    Feed(home, options)
    (broken,) = [one for one in home.open().graph.broken.values() if one.key == "raw.a"]
    assert said.lower() in broken.error.lower()
