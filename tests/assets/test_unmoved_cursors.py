"""A cursor that does not move with the rows: nothing is appended twice, whoever forgot what."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from assets.model.errors import CursorError
from resources.errors import DataOpsError, SourceError
from tests.assets.conftest import Home

COLLECTOR = """
from assets import Cursor, Source, asset

@asset(source="world.db", {options}, chain=False)
def a(source: Source, cursor: Cursor):
{body}
"""


class Collected:
    """A project that collects from a database file, five rows to begin with."""

    def __init__(self, home: Home, body: str, options: str = 'mode="append"') -> None:
        """Declare raw.a with this function body."""
        self.home, self.path = home, home.root / "world.db"
        indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
        home.write("assets/raw/a.py", COLLECTOR.format(options=options, body=indented))
        with closing(sqlite3.connect(self.path)) as con, con:
            con.execute("CREATE TABLE t (id INTEGER, t TEXT)")
        self.add(*range(5))

    def add(self, *ids: int) -> None:
        """Let the world have more rows."""
        with closing(sqlite3.connect(self.path)) as con, con:
            con.executemany("INSERT INTO t VALUES (?, 'x')", [(n,) for n in ids])

    def ids(self) -> list[int]:
        """Give what is published."""
        return sorted(row["id"] for row in self.home.rows("raw.a"))


def test_the_last_value_is_refused_before_a_row_was_read(home: Home) -> None:
    """Reads are lazy: here the last value would be None, and each run would append all again."""
    Collected(
        home,
        """
rows = source.read(table="t", by="id", since=cursor.value)
cursor.advance(source.last)
return rows
""",
    )
    with pytest.raises(SourceError, match="before any row was read.*yield from"):
        home.make("raw.a")
    assert home.states()["raw.a"] != "fresh"


def test_the_last_value_is_refused_where_no_read_says_by(home: Home) -> None:
    Collected(home, 'yield from source.read(table="t").batches()\ncursor.advance(source.last)')
    with pytest.raises(SourceError, match="no read says by which column.*by='id'"):
        home.make("raw.a")


@pytest.mark.parametrize(
    "body",
    [
        'return source.read(table="t", by="id", since=cursor.value)',
        'yield from source.read(table="t", by="id", since=cursor.value).batches()',
        'return source.read(table="t")',
        'yield source.read(table="t").to_pandas()',
    ],
)
def test_an_append_whose_cursor_never_moves_is_refused(home: Home, body: str) -> None:
    Collected(home, body)
    with pytest.raises(CursorError, match="5 rows, but its cursor is None.*on=\\['id'\\]"):
        home.make("raw.a")


def test_a_cursor_that_is_forgotten_later_is_refused_and_nothing_doubles(home: Home) -> None:
    body = """
yield from source.read(table="t", by="id", since=cursor.value).batches()
if cursor.value is None:
    cursor.advance(source.last)
"""
    world = Collected(home, body)
    home.make("raw.a")
    world.add(5)
    with pytest.raises(CursorError, match="1 row, but its cursor stays at 4"):
        home.make("raw.a")
    assert world.ids() == [0, 1, 2, 3, 4]


def test_a_last_value_of_the_middle_is_refused(home: Home) -> None:
    """The cursor is left at the first batch's end, while all rows are handed over."""
    body = """
batches = source.read(table="t", by="id", since=cursor.value).batches(2)
yield next(batches)
cursor.advance(source.last)
yield from batches
"""
    Collected(home, body)
    with pytest.raises(CursorError, match="5 rows, but its cursor stays at 1"):
        home.make("raw.a")


def test_asking_on_the_way_is_fine_as_long_as_the_last_time_is_the_end(home: Home) -> None:
    body = """
for batch in source.read(table="t", by="id", since=cursor.value).batches(2):
    yield batch
    cursor.advance(source.last)
"""
    world = Collected(home, body)
    home.make("raw.a")
    world.add(5, 6)
    assert home.make("raw.a").state == "made"
    assert world.ids() == list(range(7))


def test_a_function_that_reads_all_before_may_ask_at_once(home: Home) -> None:
    body = """
rows = source.read(table="t", by="id", since=cursor.value).to_arrow()
cursor.advance(source.last)
return rows
"""
    world = Collected(home, body)
    home.make("raw.a")
    world.add(5)
    home.make("raw.a")
    assert world.ids() == list(range(6))
    assert home.make("raw.a", force=True).state == "unchanged"  # no new row: nothing to move for


def test_with_a_key_an_unmoved_cursor_is_only_warned_of(home: Home) -> None:
    body = 'return source.read(table="t", by="id", since=cursor.value)'
    world = Collected(home, body, 'mode="upsert", on=["id"]')
    made = home.make("raw.a").materialized
    assert made is not None
    assert any("takes them again" in warning for warning in made.warnings)
    world.add(5)
    home.make("raw.a")
    assert world.ids() == list(range(6))


def test_all_errors_of_a_cursor_say_what_to_do(home: Home) -> None:
    Collected(home, 'return source.read(table="t")')
    with pytest.raises(DataOpsError) as caught:
        home.make("raw.a")
    assert "cursor.advance(source.last)" in caught.value.fix
