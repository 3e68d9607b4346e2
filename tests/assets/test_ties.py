"""Rows that share the cursor's last value: none is lost, none is there twice."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import pytest

from resources.errors import SourceError
from tests.assets.conftest import Home

PIPELINE = """
    source: shop.sqlite
    read: {{table: ev}}
    mode: {mode}
    cursor: day
    {on}
    clean: false
    output: false
    """
WAYS = [("append", ""), ("append", "on: [id]"), ("upsert", "on: [id]")]


class Shop:
    """A database with one table, and the pipeline that collects it."""

    def __init__(self, home: Home, kind: str, mode: str, on: str) -> None:
        """Make both."""
        self.home, self.file = home, home.root / "shop.sqlite"
        self.run(f"CREATE TABLE ev (id INTEGER, day {kind}, v TEXT)")
        home.write("resources/pipelines/ev.yaml", PIPELINE.format(mode=mode, on=on))

    def run(self, statement: str, *rows: Any) -> None:
        """Change the table."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.executemany(statement, rows) if rows else connection.execute(statement)

    def add(self, *rows: Any) -> None:
        """Add rows."""
        self.run("INSERT INTO ev VALUES (?, ?, ?)", *rows)

    def collect(self) -> list[tuple[Any, ...]]:
        """Collect, and give the rows of the version."""
        self.home.make("raw.ev", force=True)
        return sorted(
            (tuple(str(v) if v is not None else "" for v in row.values()))
            for row in self.home.rows("raw.ev")
        )


@pytest.mark.parametrize(("mode", "on"), WAYS)
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("DATE", ["2024-01-01", "2024-01-02"]),
        ("DATETIME", ["2024-01-01 00:00:00", "2024-01-02 10:00:00"]),
        ("REAL", [0.1, 0.7]),
        ("REAL", [-0.5, 0.0]),
        ("INTEGER", [-7, -3]),
        ("INTEGER", [-1, 0]),
        ("TEXT COLLATE NOCASE", ["a", "B"]),
        ("TEXT", ["B", "a"]),
    ],
)
def test_rows_that_come_later_with_the_last_value_are_taken(
    home: Home, kind: str, values: list[Any], mode: str, on: str
) -> None:
    """Two rows with the last value come late; a third run finds nothing new."""
    shop = Shop(home, kind, mode, on)
    shop.add((1, values[0], "a"), (2, values[1], "b"))
    assert len(shop.collect()) == 2
    shop.add((3, values[1], "c"), (4, values[1], "d"))
    for _ in range(2):
        assert [row[0] for row in shop.collect()] == ["1", "2", "3", "4"]
    assert home.current("raw.ev").unchanged


def test_equal_rows_are_counted(home: Home) -> None:
    """Two truly identical rows at the boundary are two rows, and a third one is new."""
    shop = Shop(home, "DATE", "append", "")
    shop.add((1, "2024-01-02", "a"), (1, "2024-01-02", "a"))
    assert len(shop.collect()) == 2
    shop.add((1, "2024-01-02", "a"))
    assert [len(shop.collect()) for _ in range(2)] == [3, 3]
    shop.run("DELETE FROM ev")
    assert len(shop.collect()) == 3
    shop.add((1, "2024-01-02", "a"), (2, "2024-01-02", "b"))
    assert Counter(row[0] for row in shop.collect()) == {"1": 3, "2": 1}


@pytest.mark.parametrize(("mode", "on"), WAYS)
def test_a_row_without_a_value_is_there_once_when_it_gets_one(
    home: Home, mode: str, on: str
) -> None:
    """An append waits for the value, and says so; an upsert replaces."""
    shop = Shop(home, "DATE", mode, on)
    shop.add((1, "2024-01-01", "a"), (2, None, "b"))
    there = shop.collect()
    assert [row[0] for row in there] == (["1"] if mode == "append" else ["1", "2"])
    if mode == "append":
        assert "1 row of" in home.current("raw.ev").warnings[0]
    shop.add((3, None, "c"))
    assert len(shop.collect()) == (1 if mode == "append" else 3)
    shop.run("UPDATE ev SET day = '2024-01-03' WHERE id > 1")
    assert shop.collect() == [
        ("1", "2024-01-01", "a"),
        ("2", "2024-01-03", "b"),
        ("3", "2024-01-03", "c"),
    ]


@pytest.mark.parametrize(("mode", "on"), WAYS)
def test_a_version_of_an_earlier_release_goes_on(
    home: Home, mode: str, on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own rows tell what is there; nothing is lost, and nothing is there twice."""
    shop = Shop(home, "DATE", mode, on)
    shop.add((1, "2024-01-01", "a"), (2, "2024-01-02", "b"), (2, "2024-01-02", "b"))
    with monkeypatch.context() as before:
        before.setattr("assets.engine.publish.inline", lambda _: "")
        shop.collect()
    assert home.current("raw.ev").boundary == ""
    shop.add((3, "2024-01-02", "c"))
    ids = ["1", "2", "3"] if on else ["1", "2", "2", "3"]
    assert [[row[0] for row in shop.collect()] for _ in range(2)] == [ids, ids]


def test_what_an_earlier_release_left_and_nobody_knows_is_said(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts: read strictly, with a warning. A row that is another now: an error with the ways on."""
    shop = Shop(home, "TEXT", "append", "")
    shop.add((1, "a", "a"), (2, "b", "b"))
    monkeypatch.setattr("assets.engine.publish.inline", lambda _: "")
    shop.collect()
    shop.add((3, "c", "c"))
    assert [row[0] for row in shop.collect()] == ["1", "2", "3"]
    assert "kept nothing" in home.current("raw.ev").warnings[0]
    shop.run("DROP TABLE ev")
    shop.run("CREATE TABLE ev (id INTEGER, day DATE, v TEXT)")
    shop.add((1, "2024-01-01", "a"))
    home.make("raw.ev", force=True, full=True)
    shop.run("UPDATE ev SET v = 'other'")
    with pytest.raises(SourceError, match="could be there twice"):
        shop.collect()


def test_too_many_rows_of_one_value_need_a_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many are a file beside the event; too many are refused, or left to the key."""
    monkeypatch.setattr("resources.sources.onward.trail.MOST", 300)
    shop = Shop(home, "DATE", "append", "")
    shop.add(*[(n, "2024-01-02", "a") for n in range(200)])
    assert len(shop.collect()) == 200
    assert home.current("raw.ev").boundary_file in home.current("raw.ev").checksums
    shop.add((200, "2024-01-02", "a"))
    assert [len(shop.collect()) for _ in range(2)] == [201, 201]
    shop.add(*[(n, "2024-01-02", "a") for n in range(201, 400)])
    with pytest.raises(SourceError, match="more than .* rows with the last value"):
        shop.collect()
    home.write("resources/pipelines/ev.yaml", PIPELINE.format(mode="append", on="on: [id]"))
    assert [len(shop.collect()) for _ in range(2)] == [400, 400]
