"""Incremental assets: new rows join what is there, by key; nothing that stands is written again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from assets.engine import CheckFailed, SchemaMismatch
from assets.engine.errors import FileDamaged, PassingFailure
from assets.engine.quarantine import open_rows
from assets.model.discover import discover
from catalog.changes import plan_prune, prune, release, rollback, versions_of
from catalog.records import Materialized
from resources.errors import SourceError
from tests.assets.conftest import Home
from tests.assets.test_cli import facts, run

COLLECTOR = """
from typing import Annotated
from assets import Cursor, Schema, Unique, asset

class A(Schema):
    {columns}

@asset(schema=A, chain=False, {options})
def a(cursor: Cursor):
    import json
    import pandas as pd
    with open({batch!r}) as file:
        rows = json.load(file)
    if rows and "boom" in rows[-1]:
        cursor.advance(10**9)
        raise RuntimeError("the source is gone")
    cursor.advance(max((row["id"] for row in rows), default=None))
    return pd.DataFrame(rows, columns=rows[0].keys()) if rows else None
"""
ID_TEXT = "id: Annotated[int, Unique]\n    t: str | None"
DOUBLED = """
from assets import Table, asset

@asset(upstream=["raw.a"], mode="append"{options})
def b(a: {form}):
    import json
    import pyarrow as pa
    frame = a.to_pandas()
    with open({seen!r}, "a") as file:
        file.write(json.dumps([int(v) for v in frame["id"]]) + "\\n")
    frame["t"] = frame["t"] * 2
    return frame
"""


class Feed:
    """A project with one incremental asset, fed batch by batch."""

    def __init__(self, home: Home, options: str = 'mode="append"', columns: str = ID_TEXT) -> None:
        """Declare raw.a."""
        self.home = home
        self.batch = home.root / "batch.json"
        self.declare(options, columns)

    def declare(self, options: str = 'mode="append"', columns: str = ID_TEXT) -> None:
        """Declare it another way."""
        text = COLLECTOR.format(options=options, columns=columns, batch=str(self.batch))
        self.home.write("assets/raw/a.py", text)

    def give(self, *rows: dict[str, Any], **options: Any) -> Materialized:
        """Collect a batch."""
        self.batch.write_text(json.dumps(rows))
        made = self.home.make("raw.a", force=True, **options).materialized
        assert made is not None
        return made

    def rows(self, key: str = "raw.a") -> dict[int, Any]:
        """Give the current rows, id -> text."""
        rows = self.home.rows(key)
        assert len({row["id"] for row in rows}) == len(rows)
        return {row["id"]: row["t"] for row in rows}

    def seen(self) -> list[list[int]]:
        """Give the ids that processed.b was handed, run by run."""
        return [json.loads(line) for line in (self.home.root / "seen").read_text().splitlines()]


def row(number: int, text: str | None = "x") -> dict[str, Any]:
    """Make a row."""
    return {"id": number, "t": text}


def names(files: Iterable[Any]) -> list[str]:
    """Give the paths of files."""
    return [file.path for file in files]


@pytest.fixture
def feed(home: Home) -> Feed:
    """Give a project whose raw.a appends."""
    return Feed(home, 'mode="append", max_quarantine=0.5')


def test_an_append_adds_one_file_and_leaves_the_others(feed: Feed) -> None:
    first = feed.give(row(1), row(2, None))
    second = feed.give(row(3), row(4))
    assert second.files[0] == first.files[0]
    assert [file.rows for file in second.files] == [2, 2]
    assert (second.rows, second.added, second.rows_in, second.base) == (4, 2, 2, 1)
    assert (first.mode, second.mode) == ("replace", "append")
    assert second.bytes == sum(file.bytes for file in second.files)
    assert feed.rows() == {1: "x", 2: None, 3: "x", 4: "x"}
    assert (first.cursor, second.cursor) == ("2", "4")


def test_a_version_is_the_same_data_however_it_came_to_be(feed: Feed, tmp_path: Path) -> None:
    """Content, missing values and checks are those of the whole."""
    feed.give(row(1), row(2, None))
    parts = feed.give(row(3, None))
    whole = Feed(Home(tmp_path / "other")).give(row(3, None), row(2, None), row(1))
    assert parts.data_version == whole.data_version
    assert [c for c in parts.checks if c.name == "missing values"] == [
        c for c in whole.checks if c.name == "missing values"
    ]
    assert [c.rows for c in parts.checks if (c.name, c.column) == ("missing values", "t")] == [2]


def test_what_came_before_is_a_duplicate_and_another_row_of_its_key_is_set_aside(
    feed: Feed,
) -> None:
    feed.give(row(1), row(2), row(3))
    made = feed.give(row(2), row(3, "other"), row(4), row(4), row(5))
    assert feed.rows() == {1: "x", 2: "x", 3: "x", 4: "x", 5: "x"}
    assert (made.rows_in, made.added, made.duplicates, made.quarantined) == (5, 2, 2, 1)
    assert made.rows_in == made.added + made.duplicates + made.quarantined
    rejects = feed.home.data / made.quarantine_file
    import pyarrow.parquet as pq

    (aside,) = pq.read_table(rejects).to_pylist()
    assert (aside["rule"], aside["column"]) == ("unique", "id")
    assert aside["reason"] == "id is '3', as in a row of version 1, which is otherwise different"
    assert {(c.name, c.column): c.rows for c in made.checks}["unique", "id"] == 1


def test_nothing_new_leaves_the_version_unchanged_and_may_move_the_cursor(feed: Feed) -> None:
    feed.give(row(1), row(9))
    again = feed.give(row(1))
    assert (again.unchanged, again.rows, again.duplicates, again.cursor) == (True, 2, 1, "9")
    nothing = feed.give()
    assert (nothing.unchanged, nothing.rows_in, nothing.files) == (True, 0, again.files)
    assert nothing.data_version == again.data_version
    assert feed.home.states() == {"raw.a": "fresh"}


def test_a_failed_run_does_not_move_the_cursor(feed: Feed) -> None:
    feed.give(row(1))
    with pytest.raises(PassingFailure, match="the source is gone"):
        feed.give(row(2), {"boom": 1}, tries=2)
    assert feed.home.current("raw.a").cursor == "1"
    with pytest.raises(CheckFailed):
        feed.give(row(9), *[row(1, str(n)) for n in range(20)])
    assert feed.home.current("raw.a").cursor == "1"
    assert feed.give(row(2)).cursor == "2"


def test_a_rollback_moves_the_cursor_back_and_a_release_lets_it_collect_again(feed: Feed) -> None:
    feed.declare('mode="append", schedule="hourly"')
    feed.give(row(1))
    feed.give(row(2))
    project = feed.home.open()
    rollback(project.data, project.events, project.catalog.heads(["raw.a"])["raw.a"], None, by="me")
    assert feed.home.current("raw.a").cursor == "1"
    feed.batch.write_text(json.dumps([row(3)]))
    assert feed.home.make("raw.a").state == "held"
    assert feed.rows() == {1: "x"}
    head = feed.home.open().catalog.heads(["raw.a"])["raw.a"]
    release(feed.home.open().events, head, by="me")
    made = feed.give(row(3))
    assert (made.base, made.cursor, feed.rows()) == (1, "3", {1: "x", 3: "x"})


def test_full_begins_anew(feed: Feed) -> None:
    feed.give(row(1), row(2))
    feed.give(row(3))
    made = feed.give(row(7), full=True)
    assert (made.mode, made.base, made.cursor, feed.rows()) == ("replace", 0, "7", {7: "x"})


def test_changed_code_goes_on_and_says_so(feed: Feed, edit: Any) -> None:
    feed.give(row(1))
    edit(
        feed.home.root / "assets/raw/a.py", "cursor.advance(max", "rows = rows; cursor.advance(max"
    )
    assert feed.home.reasons("raw.a") == ["code changed"]
    made = feed.give(row(2))
    assert "the 1 row of version 1 stays as they were collected" in made.warnings[0]
    assert "--full" in made.warnings[0]
    assert feed.give(row(3)).warnings == ()


def test_a_new_column_that_may_be_missing_joins_old_rows(feed: Feed) -> None:
    """Written once in the new form; everything below is made whole."""
    feed.give(row(1), row(2))
    feed.declare(columns=f"{ID_TEXT}\n    more: int | None")
    assert feed.home.reasons("raw.a") == ["schema changed"]
    made = feed.give({**row(3), "more": 5})
    assert [r["more"] for r in feed.home.rows("raw.a")] == [None, None, 5]
    assert (made.rows, len(made.files), made.base) == (3, 1, 0)
    assert {c.column: c.rows for c in made.checks if c.name == "missing values"} == {"more": 2}
    assert feed.give({**row(4), "more": 6}).base == made.number
    feed.declare(columns=f"{ID_TEXT}\n    more: int | None\n    even: int | None")
    nothing = feed.give()
    assert feed.home.states() == {"raw.a": "fresh"}
    assert [r["even"] for r in feed.home.rows("raw.a")] == [None] * nothing.rows


def test_a_schema_that_old_rows_break_blocks(feed: Feed) -> None:
    feed.give(row(1), row(2, None))
    feed.declare(columns="id: Annotated[int, Unique]\n    t: str")
    with pytest.raises(SchemaMismatch, match="1 of the 2 rows of version 1") as caught:
        feed.give(row(3))
    assert "not null of t: 1" in str(caught.value)
    assert "--full" in str(caught.value)
    assert feed.home.current("raw.a").number == 1


def test_a_key_that_old_rows_break_blocks(home: Home) -> None:
    feed = Feed(home, columns="id: int\n    t: str | None")
    feed.give(row(1, "x"), row(1, "y"))
    feed.declare('mode="append", on=["id"]', "id: int\n    t: str | None")
    with pytest.raises(SchemaMismatch, match="unique of id: 1"):
        feed.give(row(2))


def test_undeclared_columns_keep_their_types_and_new_ones_join(home: Home) -> None:
    feed = Feed(home)
    file = home.root / "assets/raw/a.py"
    file.write_text(file.read_text().replace("schema=A, ", ""))
    feed.give(row(1), row(2))
    made = feed.give({"id": 3.0, "t": "y"}, {"id": 4, "t": None})
    assert ([c.type for c in made.columns], made.base) == (["int64", "string"], 1)
    made = feed.give({"id": 5, "t": "z", "more": 1})
    assert [r["more"] for r in home.rows("raw.a")] == [None] * 4 + [1]
    assert feed.give({"id": 6}).base == made.number
    with pytest.raises(CheckFailed, match="'quarantined rows': 1 of 8"):
        feed.give({"id": 7, "more": "seven"}, {"id": 8, "more": "8"})


def test_a_text_joins_undeclared_columns_only_where_it_reads_the_same(home: Home) -> None:
    """Else its row is set aside with the reason; nothing is read as something else silently."""
    home.write(
        "resources/pipelines/jb.yaml",
        "source: in/*.csv\nmode: append\nclean: false\noutput: false\nmax_quarantine: 0.9\n",
    )
    home.write("in/1.csv", "d,f,p\n2020-01-01,1.5,10\n")
    home.run()
    home.write(
        "in/2.csv",
        "d,f,p\n2020-01-02,1.10,1\n2020-01-02,2.0,0010\n2020-01-02,1.0,0x10\nx,1.0,1\n"
        "2020-01-04,12345678901234567890.1,1\n2020-01-05,nan,1\n2020-01-06,7.0,\n,8,12\n",
    )
    home.run()
    assert [row["f"] for row in home.rows("raw.jb")] == [1.5, 7.0, 8.0]
    aside = open_rows(home.open(), "raw.jb")
    assert [row.reject.column for row in aside] == ["f", "p", "p", "d", "f", "f"]
    assert "'0010' is not int64, as the rows before are; declare" in aside[1].reject.reason


def test_what_only_arrow_reads_as_a_number_and_what_is_no_json_is_set_aside(home: Home) -> None:
    home.write(
        "resources/pipelines/t.yaml",
        "source: in/*.csv\nclean: false\noutput: false\nmax_quarantine: 0.9\n"
        "columns: {i: {type: integer, optional: true}, f: {type: number, optional: true}, "
        "j: {type: json, optional: true}}\n",
    )
    home.write("in/1.csv", 'i,f,j\n0x10,1,\n1,1e400,1\n2,inf,"{""a"": 1}"\n3,1e3,not json\n4,,\n')
    home.run()
    assert [row["i"] for row in home.rows("raw.t")] == [2, 4]
    aside = open_rows(home.open(), "raw.t")
    assert [row.reject.column for row in aside] == ["i", "f", "j"]
    assert aside[2].reject.reason == "j: 'not json' is not json"


def test_a_key_that_the_rows_lack_is_told(home: Home) -> None:
    feed = Feed(home, 'mode="append", on=["idd"]')
    file = home.root / "assets/raw/a.py"
    file.write_text(file.read_text().replace("schema=A, ", ""))
    with pytest.raises(SchemaMismatch, match="did you mean 'id'"):
        feed.give(row(1))


def test_a_few_bad_rows_of_a_small_batch_are_few_of_the_whole(home: Home) -> None:
    """The share in quarantine is that of all rows that ever came; a batch of bad ones stops."""
    feed = Feed(home, 'mode="append", max_quarantine=0.04')
    feed.give(*[row(n) for n in range(300)])
    assert feed.give(row(300), row(1, "other")).quarantined == 1
    with pytest.raises(CheckFailed, match="'quarantined new rows': 10 of 11 rows"):
        feed.give(row(301), *[row(n, "other") for n in range(10)])
    for batch in range(2):
        feed.give(row(400 + batch), *[row(n, "other") for n in range(4)])
    with pytest.raises(CheckFailed, match=r"'quarantined rows': 13 of 317 rows \(4.1%"):
        feed.give(row(500), *[row(n, "other") for n in range(4)])


def test_without_a_key_rows_are_just_added(home: Home) -> None:
    feed = Feed(home, columns="id: int\n    t: str | None")
    feed.give(row(1))
    assert feed.give(row(1)).rows == 2


def test_a_key_of_several_columns_is_one_key(home: Home) -> None:
    feed = Feed(home, 'mode="append", on=["id", "t"]', "id: int\n    t: str | None\n    n: int")
    feed.give({**row(1), "n": 1}, {**row(1, "y"), "n": 1})
    made = feed.give({**row(1), "n": 1}, {**row(1, "z"), "n": 1}, {**row(2), "n": 1})
    assert (made.rows, made.duplicates, made.quarantined) == (4, 1, 0)
    with pytest.raises(CheckFailed, match="unique of id, t: 1"):
        feed.give({**row(1), "n": 2})
    with pytest.raises(CheckFailed, match="not null of t: 1"):
        feed.give({**row(3, None), "n": 2})


def test_an_upsert_replaces_rows_and_writes_only_their_files_again(home: Home) -> None:
    feed = Feed(home, 'mode="upsert", on=["id"]')
    feed.give(row(1), row(2))
    second = feed.give(row(3), row(4, None))
    third = feed.give(row(4, "new"), row(3), row(5, "old"), row(5))
    assert feed.rows() == {1: "x", 2: "x", 3: "x", 4: "new", 5: "x"}
    assert names(third.files)[0] == names(second.files)[0]
    assert names(third.files)[1] not in names(second.files)
    assert (third.added, third.replaced, third.duplicates, third.base) == (2, 1, 2, 0)
    assert third.rows == second.rows + third.added - third.replaced
    assert [c for c in third.checks if c.name == "missing values" and c.rows] == []
    assert feed.give(row(6)).base == third.number
    same = feed.give(row(6), row(1))
    assert (same.unchanged, same.duplicates) == (True, 2)


def test_an_upsert_keeps_other_unique_columns_unique(home: Home) -> None:
    """A row that takes another row's value is set aside; values may be swapped in one batch."""
    columns = "id: int\n    t: Annotated[str, Unique]"
    feed = Feed(home, 'mode="upsert", on=["id"], max_quarantine=0.9', columns)
    feed.give(row(1, "a"), row(2, "b"), row(3, "c"))
    assert feed.give(row(1, "b"), row(2, "a")).quarantined == 0
    assert feed.rows() == {1: "b", 2: "a", 3: "c"}
    made = feed.give(row(1, "c"), row(2, "b"), row(4, "d"))
    assert (feed.rows(), made.quarantined) == ({1: "b", 2: "a", 3: "c", 4: "d"}, 2)


SOURCED = """
from typing import Annotated
from assets import Schema, Source, Unique, asset

class A(Schema):
    id: {kind}
    t: str

@asset(schema=A, chain=False, source="in/*.csv", mode="append")
def a(source: Source):
    with open({seen!r}, "a") as file:
        file.write(",".join(path.name for path in source.files) + "\\n")
    return source.read()
"""


def test_source_files_that_were_read_are_not_read_again(home: Home) -> None:
    """New ones and, with a key, changed ones; a renamed one is known."""
    seen = home.root / "read"
    home.write("assets/raw/a.py", SOURCED.format(kind="Annotated[int, Unique]", seen=str(seen)))
    home.write("in/1.csv", "id,t\n1,x\n")
    home.write("in/2.csv", "id,t\n2,x\n")
    home.make("raw.a")
    home.write("in/3.csv", "id,t\n3,x\n")
    assert home.reasons("raw.a") == ["source changed"]
    home.make("raw.a")
    (home.root / "in/1.csv").rename(home.root / "in/one.csv")
    assert home.make("raw.a").state == "unchanged"
    (home.root / "in/3.csv").write_text("id,t\n3,x\n4,x\n")
    made = home.make("raw.a").materialized
    assert made is not None
    assert (made.rows, made.added, made.duplicates) == (4, 1, 1)
    assert seen.read_text().splitlines() == ["1.csv,2.csv", "3.csv", "3.csv"]
    assert home.states() == {"raw.a": "fresh"}


def test_a_changed_file_whose_old_rows_cannot_be_told_apart_is_refused(home: Home) -> None:
    home.write("assets/raw/a.py", SOURCED.format(kind="int", seen=str(home.root / "read")))
    home.write("in/1.csv", "id,t\n1,x\n")
    home.make("raw.a")
    (home.root / "in/1.csv").write_text("id,t\n1,x\n2,x\n")
    with pytest.raises(SourceError, match="in/1.csv was read before") as caught:
        home.make("raw.a")
    assert 'on=["id"]' in str(caught.value)
    made = home.make("raw.a", full=True).materialized
    assert made is not None
    assert made.rows == 2


@pytest.fixture
def below(feed: Feed) -> Feed:
    """Give a project whose processed.b doubles texts row by row, with two rows made."""
    return with_below(feed)


def with_below(feed: Feed, form: str = "Table", options: str = "") -> Feed:
    """Declare and make processed.b."""
    seen = str(feed.home.root / "seen")
    feed.home.write("assets/processed/b.py", DOUBLED.format(seen=seen, form=form, options=options))
    feed.give(row(1), row(2))
    feed.home.make("processed.b")
    return feed


def test_a_row_wise_asset_is_handed_only_new_rows(below: Feed) -> None:
    for number in (3, 4):
        below.give(row(number))
        made = below.home.make("processed.b").materialized
        assert made is not None
        assert (made.mode, made.added, made.base) == ("append", 1, made.number - 1)
    below.give(row(5))
    below.give(row(6))  # two versions at once
    below.home.make("processed.b")
    assert below.seen() == [[1, 2], [3], [4], [5, 6]]
    assert below.rows("processed.b") == dict.fromkeys(range(1, 7), "xx")
    assert set(below.home.states().values()) == {"fresh"}


@pytest.mark.parametrize(
    "change",
    ["code", "upsert", "full", "rollback", "asked for", "corrupted"],
)
def test_it_is_made_whole_where_more_than_new_rows_is_the_reason(
    below: Feed, edit: Any, change: str
) -> None:
    if change == "code":
        below.give(row(3))
        edit(below.home.root / "assets/processed/b.py", "* 2", "* 3")
    elif change == "upsert":
        below.declare('mode="upsert", on=["id"]')
        below.give(row(1, "y"))
    elif change == "full":
        below.give(row(7), full=True)
    elif change == "rollback":
        below.give(row(3))
        below.home.make("processed.b")
        project = below.home.open()
        head = project.catalog.heads(["raw.a"])["raw.a"]
        rollback(project.data, project.events, head, 1, by="me")
    elif change == "corrupted":
        below.give(row(3))
        file = below.home.data / below.home.current("processed.b").files[0].path
        file.write_bytes(b"x" + file.read_bytes()[1:])
    below.home.make("processed.b", force=change == "asked for")
    assert sorted(below.seen()[-1]) == sorted(below.rows())
    assert sorted(below.rows("processed.b")) == sorted(below.rows())


@pytest.mark.parametrize("form", ["Table", "pd.DataFrame", "pa.Table", "duckdb.DuckDBPyRelation"])
def test_new_rows_are_handed_over_in_every_form_also_from_the_middle_of_a_file(
    feed: Feed, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small files become one now and then; what was read of it before is left out."""
    monkeypatch.setattr("assets.engine.merging.FANOUT", 3)
    path = with_below(feed).home.root / "assets/processed/b.py"
    text = path.read_text().replace("a: Table", f"a: '{form}'")
    frames = {"pd.DataFrame": "a", "duckdb.DuckDBPyRelation": "a.df()"}
    path.write_text(text.replace("a.to_pandas()", frames.get(form, "a.to_pandas()")))
    feed.home.make("processed.b")
    for number in range(3, 10):
        feed.give(row(number))
        feed.home.make("processed.b")
    assert feed.seen()[2:] == [[number] for number in range(3, 10)]
    assert len(feed.home.current("raw.a").files) < 6
    assert sorted(feed.rows("processed.b")) == list(range(1, 10))


def test_only_new_bytes_are_verified_and_read(below: Feed) -> None:
    """An old file that rots stops what reads it, and nothing else."""
    first = below.home.data / below.home.current("raw.a").files[0].path
    below.give(row(3))
    content, status = first.read_bytes(), first.stat()
    first.write_bytes(bytes(len(content)))
    import os

    os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert below.home.make("processed.b").state == "made"
    below.home.write(
        "assets/processed/c.py",
        "from assets import Table, asset\n\n@asset(upstream=['raw.a'])\ndef c(a: Table): return a\n",
    )
    with pytest.raises(FileDamaged, match="is not what was published"):
        below.home.make("processed.c")


def test_files_that_become_one_are_verified_first(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage is never copied under a new checksum."""
    monkeypatch.setattr("assets.engine.merging.FANOUT", 3)
    for number in range(3):
        feed.give(row(number))
    first = feed.home.data / feed.home.current("raw.a").files[0].path
    status = first.stat()
    content = bytearray(first.read_bytes())
    content[4] ^= 1
    first.write_bytes(content)
    import os

    os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(FileDamaged, match="is not what was published"):
        feed.give(row(9))


def test_rows_do_not_join_a_version_that_is_not_whole(feed: Feed) -> None:
    feed.give(row(1))
    (feed.home.data / feed.give(row(2)).files[0].path).unlink()
    with pytest.raises(FileDamaged, match="is gone") as caught:
        feed.give(row(3))
    assert "dataops rollback raw.a" in str(caught.value)
    assert feed.give(row(3), full=True).rows == 1


def test_many_small_files_become_few_and_rows_keep_their_order(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.engine.merging.FANOUT", 4)
    written = 0
    for number in range(30):
        made = feed.give(row(number), row(1000 + number))
        written += made.files[-1].rows
        assert len(made.files) <= 12
    assert [r["id"] % 1000 for r in feed.home.rows("raw.a")] == [n for n in range(30) for _ in "ab"]
    assert written < 60 * 4  # each row once, and once for each power of four that it rose by


def test_prune_spares_what_newer_versions_share(feed: Feed) -> None:
    for number in range(5):
        feed.give(row(number))
    project = feed.home.open()
    heads = project.catalog.heads(["raw.a"])
    plan = plan_prune(project.data, project.events, heads, 1)
    assert plan.versions == {"raw.a": (1, 2, 3, 4)}
    assert plan.files == {"raw.a": ()}
    prune(project.data, project.events, heads, plan, by="me")
    assert sorted(feed.rows()) == list(range(5))
    assert feed.give(row(5)).rows == 6


def test_readers_see_all_files(below: Feed) -> None:
    """SQL, pandas, the CSV, the paths."""
    below.home.write(
        "assets/output/c.py",
        "from assets import Table, asset\n\n@asset(upstream=['processed.b'])\ndef c(b: Table): return b\n",
    )
    below.give(row(3))
    below.home.run()
    project = below.home.open()
    project.catalog.fold()
    sql = project.catalog.query
    for key in ("raw.a", "processed.b", "output.c"):
        assert sql(f"SELECT count(*) FROM {key}").rows == [(3,)]
    assert sql(
        "SELECT mode, base, added, replaced, cursor FROM current WHERE key='raw.a'"
    ).rows == [("append", 1, 1, 0, "3")]
    assert sql("SELECT version FROM parts_of('raw.a', 2)").rows == [(2,), (1,)]
    assert sql("SELECT count(*) FROM files WHERE key = 'raw.a' AND version = 2").rows == [(2,)]
    books = "SELECT bool_and(rows_in = added + duplicates + quarantined) FROM materializations"
    assert sql(books).rows == [(True,)]
    csv = (below.home.data / "output/current/c.csv").read_text(encoding="utf-8-sig")
    assert csv.splitlines() == ["id,t", "1,xx", "2,xx", "3,xx"]


def test_reviews_and_experiments_draw_from_all_files(home: Home) -> None:
    """A row of a later file, beside the raw text that it was cleaned from."""
    from assets.engine.comparing import draw_rows
    from assets.engine.reviewing import items_at

    feed = Feed(home)
    file = home.root / "assets/raw/a.py"
    file.write_text(file.read_text().replace("chain=False, ", ""))
    for number in range(3):
        feed.give(row(number, f"a &amp;  {number}"))
        home.run()
    project = home.open()
    assert sorted(draw_rows(project, "raw.a", 3, 1).rows["id"].to_pylist()) == [0, 1, 2]
    (item,) = items_at(project, home.current("processed.a_clean"), [2])
    assert (item.raw, item.cleaned) == ({"t": "a &amp;  2"}, {"t": "a & 2"})


WRONG = {
    "mode='apend'": "did you mean 'append'",
    "mode='upsert'": 'on=["id"]',
    "on=['id']": 'dd mode="append"',
    "mode='append', on=['idd'], schema=A": "did you mean 'id'",
    "mode='append', ordered=True": "keeps no order",
}


@pytest.mark.parametrize("options", WRONG)
def test_a_mode_that_cannot_be_is_refused(home: Home, options: str) -> None:
    home.write(
        "assets/raw/a.py",
        f"from assets import Schema, asset\nclass A(Schema):\n    id: int\n@asset(chain=False, {options})\ndef a(): ...\n",
    )
    assert WRONG[options] in discover(home.root).broken["raw.a"].error


BELOW = {
    "mode='append', upstream=['raw.a', 'raw.b']": "it has 2 upstream",
    "mode='upsert', on=['id'], upstream=['raw.a']": "only raw assets collect rows that change",
}


@pytest.mark.parametrize("options", BELOW)
def test_a_processed_asset_s_mode_says_that_it_is_row_wise(home: Home, options: str) -> None:
    for name in "ab":
        home.write(
            f"assets/raw/{name}.py",
            f"from assets import asset\n@asset(chain=False)\ndef {name}(): ...\n",
        )
    arguments = "a, b" if "raw.b" in options else "a"
    home.write(
        "assets/processed/c.py",
        f"from assets import asset\n@asset({options})\ndef c({arguments}): ...\n",
    )
    assert BELOW[options] in discover(home.root).broken["processed.c"].error


def test_a_cursor_is_for_collectors(home: Home) -> None:
    home.write("assets/raw/a.py", "from assets import asset\n@asset(chain=False)\ndef a(): ...\n")
    home.write(
        "assets/processed/c.py",
        "from assets import Cursor, asset\n@asset(upstream=['raw.a'])\ndef c(a, cursor: Cursor): ...\n",
    )
    assert "only raw assets collect" in discover(home.root).broken["processed.c"].error


def test_every_version_names_what_it_was_made_of(feed: Feed) -> None:
    """Old events are never changed: each version can be read as a whole, by itself."""
    for number in range(4):
        feed.give(row(number))
    import pyarrow.parquet as pq

    for version in versions_of(feed.home.open().events, "raw.a"):
        read = [pq.read_table(feed.home.data / file.path).num_rows for file in version.files]
        assert sum(read) == version.rows == version.number


def test_the_command_line_says_mode_cursor_and_files(below: Feed) -> None:
    home = below.home
    below.give(row(3))
    shown = facts(home, "show", "raw.a")
    assert (shown["mode"], shown["current"]["cursor"], shown["current"]["added"]) == (
        "append",
        "3",
        1,
    )
    text = run(home, "show", "raw.a")
    assert "3 = 2 before + 1 in - 0 duplicates - 0 in quarantine" in text
    assert re.search(r"^cursor +3$", text, re.MULTILINE)
    assert re.search(r"2 +appended +.* +3 \(\+1\) .*\(cursor 3\)", run(home, "history", "raw.a"))
    assert re.search(r"processed.b .*appends what is new", run(home, "plan"))
    assert "version 2, 3 rows (1 new)" in run(home, "materialize", "processed.b")
    below.batch.write_text(json.dumps([row(9)]))
    assert "made" in run(home, "materialize", "raw.a", "--full")
    assert below.rows() == {9: "x"}
    assert "--full" in run(home, "materialize", "--full", code=2)
    assert len(facts(home, "verify", "--all")) == 7


def test_many_files_are_named_shortly(feed: Feed) -> None:
    for number in range(8):
        feed.give(row(number))
    assert "and 3 more" in run(feed.home, "show", "raw.a")
    assert len(run(feed.home, "path", "raw.a").splitlines()) == 8
