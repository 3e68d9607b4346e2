"""Increments as a whole: any batches, kills, races, and what ten small appends write and ask."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.engine import materialize
from catalog.changes import plan_prune, prune
from tests.assets.conftest import Home
from tests.assets.test_faults import ROOT, python
from tests.assets.test_incremental import Feed, row, with_below
from tests.llm_server import Behaviour, LlmServer, corrected

ROWS = st.builds(row, st.integers(0, 6), st.sampled_from(["a", "b", None]))
BATCHES = st.lists(st.lists(ROWS, max_size=6), min_size=1, max_size=5)


def appended(state: dict[int, Any], batch: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Append to a plain dictionary; give how many rows are new, duplicates and set aside."""
    new = same = aside = 0
    for one in batch:
        if one["id"] not in state:
            state[one["id"]] = one["t"]
            new += 1
        elif state[one["id"]] == one["t"]:
            same += 1
        else:
            aside += 1
    return new, same, aside


def upserted(state: dict[int, Any], batch: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Upsert into a plain dictionary: the last row of a key counts."""
    last = {one["id"]: one["t"] for one in batch}
    new = {key: text for key, text in last.items() if key not in state or state[key] != text}
    state |= new
    return len(new), len(batch) - len(new), 0


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_any_batches_make_what_the_plain_model_makes(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, books and content, at every step, and in what is made row by row from it."""
    monkeypatch.setattr("assets.engine.merging.FANOUT", 2)
    on = ', on=["id"]' if mode == "upsert" else ""

    @settings(max_examples=8, deadline=None)
    @given(BATCHES)
    def hold(batches: list[list[dict[str, Any]]]) -> None:
        """Feed the batches one by one."""
        with tempfile.TemporaryDirectory() as folder:
            feed = Feed(Home(Path(folder)), f'mode="{mode}", max_quarantine=1.0{on}')
            with_below(feed)
            state: dict[int, Any] = {1: "x", 2: "x"}
            for batch in batches:
                expected = (appended if mode == "append" else upserted)(state, batch)
                made = feed.give(*batch)
                assert (made.added, made.duplicates, made.quarantined) == expected
                assert made.rows_in == sum(expected) == len(batch)
                assert feed.rows() == state
                feed.home.make("processed.b")
            doubled = {key: None if text is None else text * 2 for key, text in state.items()}
            assert feed.rows("processed.b") == doubled
            parts = made.data_version
            whole = feed.give(*[row(key, text) for key, text in state.items()], full=True)
            assert whole.data_version == parts

    hold()


COLLECTING = """
from typing import Annotated
from assets import Cursor, Schema, Unique, asset

class A(Schema):
    id: Annotated[int, Unique]
    {text}: str

@asset(schema=A, source="world.db", mode="append", chain={chain})
def a(cursor: Cursor):
    import sqlite3
    from contextlib import closing
    import pandas as pd
    start = -1 if cursor.value is None else cursor.value
    with closing(sqlite3.connect({world!r})) as world:
        rows = pd.read_sql_query(
            "SELECT * FROM t WHERE id > ? ORDER BY id", world, params=[start]
        )
    cursor.advance(rows["id"].max())
    return rows
"""


def test_a_database_source_picks_up_exactly_the_new_rows_whatever_is_killed(home: Home) -> None:
    """Ten runs, each with two collections killed at a random instant before."""
    world = str(home.root / "world.db")
    home.write("assets/raw/a.py", COLLECTING.format(world=world, text="text", chain=True))
    script = str(ROOT / "tests/assets/killing_appends.py")
    process = python(script, str(home.root), "10", "2", "0.4")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    seen = json.loads(out)
    assert seen["wrong"] == [], seen
    assert seen["in_work"] >= 1, seen  # the kills hit collections at work
    assert seen["added"] == seen["handed"] == seen["total"] == 760, seen
    assert seen["cursors"] == sorted(seen["cursors"])
    assert seen["cursors"][-1] == 759


READING = """
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated
from assets import Cursor, Schema, Source, Unique, asset
if TYPE_CHECKING:
    import pyarrow as pa

class A(Schema):
    id: Annotated[int, Unique]
    t: str

@asset(schema=A, source="world.db", mode="append", chain=False)
def a(source: Source, cursor: Cursor) -> Iterator["pa.RecordBatch"]:
    yield from source.read(table="t", by="id", since=cursor.value).batches()
    cursor.advance(source.last)
"""


def test_the_reader_of_databases_and_a_cursor_take_two_lines(home: Home) -> None:
    """A database file is handed over whenever it changed; the cursor says what of it is new."""
    world = World(home)
    home.write("assets/raw/a.py", READING)
    (home.root / "assets/processed/a_clean.py").unlink()
    for count, cursor in ((30, "29"), (5, "34")):
        world.add(count)
        made = home.make("raw.a").materialized
        assert made is not None
        assert (made.added, made.rows_in, made.cursor) == (count, count, cursor)
    assert home.make("raw.a").state == "fresh"
    with closing(sqlite3.connect(world.path)) as con, con:
        con.execute("CREATE TABLE other (id INTEGER)")
    assert home.make("raw.a").state == "unchanged"
    assert home.current("raw.a").cursor == "34"


def test_of_two_racing_appends_one_wins_and_the_other_looks_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without a key, no row comes twice; the loser's file is gone."""
    world = home.root / "world.db"
    text = COLLECTING.format(world=str(world), text="text", chain=False)
    home.write("assets/raw/a.py", text.replace("Annotated[int, Unique]", "int"))
    with closing(sqlite3.connect(world)) as con, con:
        con.execute("CREATE TABLE t (id INTEGER, text TEXT)")
        con.execute("INSERT INTO t VALUES (1, 'x')")
    home.make("raw.a")
    with closing(sqlite3.connect(world)) as con, con:
        con.execute("INSERT INTO t VALUES (2, 'x')")
    from assets.engine import make, publish

    original, states = publish.publish, list[str]()

    def overtaken(*words: Any) -> Any:
        """Let another process, which took the lease over, publish first."""
        monkeypatch.setattr(make, "publish", original)
        (home.data / "leases" / "raw.a.json").unlink()
        states.append(materialize(home.open(), "raw.a", run="other").state)
        return original(*words)

    monkeypatch.setattr(make, "publish", overtaken)
    states.append(home.make("raw.a").state)
    assert states == ["made", "fresh"]
    assert [r["id"] for r in home.rows("raw.a")] == [1, 2]
    assert len(list((home.data / "raw").iterdir())) == 2


CLEANED = """
from assets import Cleaner, Table, asset

@asset(upstream=["raw.a"], task="paid", mode="append", max_quarantine=0.9)
def a_clean(a: Table, llm: Cleaner) -> Table:
    return llm.clean(a)
"""


class World:
    """A project that collects from a database and cleans with a model, and that database."""

    def __init__(self, home: Home) -> None:
        """Declare the pipeline."""
        self.home, self.path, self.rows = home, home.root / "world.db", 0
        text = COLLECTING.format(world=str(self.path), text="t", chain=True)
        home.write("assets/raw/a.py", text)
        home.write("assets/processed/a_clean.py", CLEANED)
        home.write(
            "resources/tasks/paid.yaml",
            "prompt: 'Fix: {text}'\nmodel: test-model\ncolumns: [t]\nrows_per_request: 20\n",
        )
        with closing(sqlite3.connect(self.path)) as con, con:
            con.execute("CREATE TABLE t (id INTEGER, t TEXT)")

    def add(self, count: int) -> None:
        """Let the world have more rows."""
        texts = [(n, f"teh review number {n} is good") for n in range(self.rows, self.rows + count)]
        with closing(sqlite3.connect(self.path)) as con, con:
            con.executemany("INSERT INTO t VALUES (?, ?)", texts)
        self.rows += count

    def bytes(self) -> int:
        """Give what ever was written to data/raw and data/processed."""
        return sum(
            file.stat().st_size
            for layer in ("raw", "processed")
            for file in (self.home.data / layer).iterdir()
        )


@pytest.fixture
def world(home: Home, monkeypatch: pytest.MonkeyPatch) -> World:
    """Give such a project."""
    monkeypatch.setenv("DATAOPS_LLM_API_KEY", "sk-secret-canary")
    monkeypatch.setenv("DATAOPS_LLM_OUTAGE_SECONDS", "1")
    return World(home)


def test_ten_small_appends_write_what_is_new_and_ask_no_row_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raw, cleaned by a model, CSV: 1,000 rows, then ten times 1 %."""
    home = world.home
    with LlmServer(Behaviour()) as server:
        monkeypatch.setenv("DATAOPS_LLM_BASE_URL", server.url)
        world.add(1_000)
        home.run()
        written, first = world.bytes(), server.requests
        for _ in range(10):
            world.add(10)
            assert set(home.run().values()) == {"made"}
        versions = [home.current(key) for key in ("raw.a", "processed.a_clean")]
        new = sum(file.bytes for version in versions for file in version.files[1:])
        assert world.bytes() - written < 2 * new
        assert world.bytes() - written == new  # nothing at all was written twice
        assert [version.rows for version in versions] == [1_100, 1_100]
        assert [len(version.files) for version in versions] == [11, 11]
        assert server.requests - first == 10
        assert set(server.texts_seen.values()) == {1}
        assert len(server.texts_seen) == 1_100
    rows = home.rows("processed.a_clean")
    assert [r["t"] for r in rows] == [
        corrected(f"teh review number {n} is good") for n in range(1_100)
    ]
    project = home.open()
    project.catalog.fold()
    # How every row was made, over all versions that the current one was appended to.
    query = (
        "SELECT count(*), count(DISTINCT p.id), min(origin), max(origin) "
        "FROM parts_of('processed.a_clean', 11) JOIN materializations m USING (key, version) "
        "JOIN provenance p ON p.file = m.provenance"
    )
    assert project.catalog.query(query).rows == [(1_100, 1_100, "fresh", "fresh")]
    heads = project.catalog.heads(["raw.a", "processed.a_clean"])
    plan = plan_prune(project.data, project.events, heads, 1)
    assert len(plan.versions["processed.a_clean"]) == 10
    prune(project.data, project.events, heads, plan, by="me")
    assert project.catalog.query(query).rows == [(1_100, 1_100, "fresh", "fresh")]
    csv = (home.data / "output/current/a.csv").read_text(encoding="utf-8-sig")
    assert len(csv.splitlines()) == 1_101


def test_rows_to_retry_have_it_made_whole_and_are_paid_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows that were answered are known; those that were not are asked again."""
    home = world.home
    with LlmServer(Behaviour()) as server:
        monkeypatch.setenv("DATAOPS_LLM_BASE_URL", server.url)
        world.add(40)
        home.run()
        world.add(60)
        server.behaviour = Behaviour(outage=(server.requests + 2, 10_000))
        home.run()
        cleaned = home.current("processed.a_clean")
        assert cleaned.mode == "append"
        assert 0 < cleaned.retry_rows == cleaned.quarantined < 60
        assert home.reasons("processed.a_clean") == ["rows to retry"]
        world.add(5)
        server.behaviour = Behaviour()
        home.run()
        assert set(server.texts_seen.values()) == {1}
    cleaned = home.current("processed.a_clean")
    assert (cleaned.mode, cleaned.rows, cleaned.retry_rows) == ("replace", 105, 0)
    assert set(home.states().values()) == {"fresh"}


def test_too_many_rows_to_retry_wait_for_the_next_run_which_asks_only_for_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage does not have the whole made again: nothing is published, and new rows stay new."""
    home = world.home
    home.write("assets/processed/a_clean.py", CLEANED.replace(", max_quarantine=0.9", ""))
    with LlmServer(Behaviour()) as server:
        monkeypatch.setenv("DATAOPS_LLM_BASE_URL", server.url)
        world.add(600)
        home.run()
        world.add(5)
        server.behaviour = Behaviour(outage=(1, 10_000))
        assert "failed" in home.run()["processed.a_clean"]
        server.behaviour = Behaviour()
        home.run()
        assert set(server.texts_seen.values()) == {1}
    cleaned = home.current("processed.a_clean")
    assert (cleaned.mode, cleaned.rows, cleaned.added) == ("append", 605, 5)


def test_the_cost_before_counts_new_rows_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assets.engine.cost import costs_of

    home, key = world.home, "processed.a_clean"
    with LlmServer(Behaviour()) as server:
        monkeypatch.setenv("DATAOPS_LLM_BASE_URL", server.url)
        world.add(40)
        home.run()
        world.add(5)
        home.make("raw.a")
        (new,) = costs_of(home.open(), [key])
        (whole,) = costs_of(home.open(), [key], forced=frozenset([key]))
    assert (new.rows, new.requests, whole.rows, whole.cached) == (5, 1, 45, 40)
