"""Collecting anew: a damaged file comes back from its source, and no row is lost by advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.engine import materialize
from assets.engine.errors import FileDamaged, SourceGone
from tests.assets.conftest import Home
from tests.assets.test_new_source import cli

COLLECTOR = """
from assets import Schema, Source, Table, asset

class A(Schema):
    id: int

@asset(source="incoming/*.csv", schema=A, mode="append", chain=False)
def a(source: Source) -> Table:
    return source.read()
"""


@pytest.fixture
def three(home: Home) -> Home:
    """Give a project that appended three files of one row."""
    home.write("assets/raw/a.py", COLLECTOR)
    for n in (1, 2, 3):
        home.write(f"incoming/{n}.csv", f"id\n{n}\n")
        home.make("raw.a")
    return home


def ids(home: Home) -> list[int]:
    """Give what is published."""
    return sorted(row["id"] for row in home.rows("raw.a"))


def damage(home: Home) -> Path:
    """Damage the first file of the version."""
    path = home.data / home.current("raw.a").files[0].path
    path.write_bytes(path.read_bytes()[:-40])
    return path


def test_a_damaged_file_comes_back_from_its_source_by_the_next_run(three: Home) -> None:
    damage(three)
    assert three.run() == {"raw.a": "made"}
    assert ids(three) == [1, 2, 3]
    assert three.current("raw.a").warnings == ()
    assert three.run() == {}


def test_a_file_that_got_another_name_is_there(three: Home) -> None:
    damage(three)
    (three.root / "incoming/1.csv").rename(three.root / "incoming/one.csv")
    three.run()
    assert ids(three) == [1, 2, 3]


def test_where_source_files_are_gone_nothing_is_advised_that_loses_rows(three: Home) -> None:
    damage(three)
    (three.root / "incoming/1.csv").unlink()
    with pytest.raises(FileDamaged, match=r"put back incoming/1\.csv.* is gone, and collect") as at:
        three.make("raw.a")
    assert "or collect everything anew" not in str(at.value)
    with pytest.raises(SourceGone, match=r"incoming/1\.csv, from which the 3 rows of version 3"):
        three.make("raw.a", full=True)
    three.write("incoming/back.csv", "id\n1\n")
    assert three.make("raw.a", full=True).state == "made"
    assert ids(three) == [1, 2, 3]


def test_collecting_anew_refuses_to_lose_rows_until_it_is_forced(three: Home) -> None:
    for n in (1, 2):
        (three.root / f"incoming/{n}.csv").unlink()
    with pytest.raises(SourceGone, match=r"1\.csv, incoming/2\.csv.*--full --force"):
        three.make("raw.a", full=True)
    assert ids(three) == [1, 2, 3]
    made = three.make("raw.a", full=True, force=True).materialized
    assert made is not None
    assert ids(three) == [3]
    assert "2 rows fewer than version 3 (1 of 3)" in made.warnings[0]
    assert "dataops rollback raw.a" in made.warnings[0]


def test_files_taken_away_before_count_too(three: Home) -> None:
    """The last version's list of files does not name them; its rows came from them all the same."""
    (three.root / "incoming/1.csv").unlink()
    three.write("incoming/4.csv", "id\n4\n")
    three.make("raw.a")
    with pytest.raises(SourceGone, match=r"incoming/1\.csv"):
        three.make("raw.a", full=True)


def test_the_command_line_says_it_and_takes_force(three: Home) -> None:
    (three.root / "incoming/1.csv").unlink()
    assert "--full --force" in cli(three, "materialize", "raw.a", "--full", code=1)
    assert ids(three) == [1, 2, 3]
    said = cli(three, "materialize", "raw.a", "--full", "--force")
    assert "1 row fewer than version 3" in said
    assert ids(three) == [2, 3]


def test_a_source_that_gives_fewer_rows_anew_is_warned_of(home: Home) -> None:
    """A collector that asks by itself: nobody knows before what it has no more."""
    home.write(
        "assets/raw/a.py",
        """
        from pathlib import Path
        from assets import Cursor, asset

        @asset(mode="append", chain=False)
        def a(cursor: Cursor):
            import pandas as pd
            ids = [int(n) for n in Path("world").read_text().split()]
            new = [n for n in ids if n > (cursor.value or 0)]
            cursor.advance(max(new, default=None))
            return pd.DataFrame({"id": new})
        """,
    )
    home.write("world", "1 2 3")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home.root)
        home.make("raw.a")
        home.write("world", "3")
        made = materialize(home.open(), "raw.a", run="r", full=True).materialized
    assert made is not None
    assert "2 rows fewer than version 1" in made.warnings[0]
