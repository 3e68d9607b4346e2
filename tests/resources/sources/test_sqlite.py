"""SQLite files: opened so that they stay as they are, with the types that all values fit."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.columns import Column
from resources.errors import SettingError, SourceError, TransientError
from resources.sources import Source
from tests.resources.sources.conftest import Reading
from tests.shared_data import shared


def make(reading: Reading, name: str, *statements: str) -> Path:
    """Write a database."""
    file = reading.folder / name
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return file


def typed(reading: Reading, declared: str, *values: str) -> tuple[str, list[Any]]:
    """Give the type and the values of a column that is declared like this."""
    inserts = [f"INSERT INTO t VALUES ({value})" for value in values]
    make(reading, f"{abs(hash((declared, values)))}.db", f"CREATE TABLE t (x {declared})", *inserts)
    file = f"{abs(hash((declared, values)))}.db"
    table = reading.source(file).read()
    return str(table.schema.field("x").type), [row["x"] for row in reading.rows(file)]


def test_the_reviews_are_all_there(tmp_path: Path) -> None:
    """2,500 of them, as texts too."""
    reading = Reading(tmp_path)
    source = reading.source(shared("reviews_ko/reviews.sqlite"))
    assert source.read().to_arrow().num_rows == 2500
    table = source.texts(id="review_id", text="review", created_at="date", time_format="%y.%m.%d")
    texts = table.to_arrow()
    assert texts.num_rows == 2500
    assert len(set(texts["id"].to_pylist())) == 2500
    assert reading.set_aside() == []


@pytest.mark.parametrize(
    ("declared", "value"), [("DATE", "0000-01-01"), ("DATETIME", "0000-01-01 00:00:00")]
)
def test_the_year_0_stays_text(reading: Reading, declared: str, value: str) -> None:
    assert typed(reading, declared, f"'{value}'") == ("string", [value])


def test_the_only_table_needs_no_name(reading: Reading) -> None:
    make(reading, "a.sqlite", "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (1, 'x')")
    assert reading.rows("a.sqlite") == [{"a": 1, "b": "x"}]
    make(
        reading,
        "b.sqlite3",
        "CREATE TABLE t (a)",
        "CREATE VIEW v AS SELECT a + 1 AS b FROM t",
        "INSERT INTO t VALUES (1)",
    )
    with pytest.raises(SourceError, match=r"holds 2 tables: t, v. Say which one: table='...'"):
        reading.rows("b.sqlite3")
    assert reading.rows("b.sqlite3", table="v") == [{"b": 2}]
    assert reading.rows(
        "b.sqlite3", query='select a * 1.5 as "c.d" from t where a = :a', parameters={"a": 1}
    ) == [{"c.d": 1.5}]


@pytest.mark.parametrize(
    ("declared", "values", "kind", "read"),
    [
        ("INTEGER", ["1", "-9223372036854775808"], "int64", [1, -(1 << 63)]),
        ("INTEGER", ["1", "'many'"], "string", ["1", "many"]),
        ("INTEGER", ["1", "2.5"], "double", [1.0, 2.5]),
        ("", ["9007199254740993", "0.5"], "string", ["9007199254740993", "0.5"]),
        ("DECIMAL(10,2)", ["1", "2"], "double", [1.0, 2.0]),
        ("REAL", ["1", "NULL"], "double", [1.0, None]),
        ("TEXT", ["'한국어 🙂'", "7"], "string", ["한국어 🙂", "7"]),
        ("BLOB", ["x'00ff'"], "binary", [b"\x00\xff"]),
        ("BLOB", ["x'00ff'", "'text'"], "string", ["00ff", "text"]),
        ("BOOLEAN", ["1", "0", "NULL"], "bool", [True, False, None]),
        ("BOOLEAN", ["1", "2"], "int64", [1, 2]),
        ("DATE", ["'2026-01-31'"], "date32[day]", [date(2026, 1, 31)]),
        ("DATE", ["'2026-02-30'"], "string", ["2026-02-30"]),
        ("DATE", ["1769817600"], "int64", [1769817600]),
        (
            "DATETIME",
            ["'2026-01-31T10:00:00.5'"],
            "timestamp[us]",
            [datetime(2026, 1, 31, 10, 0, 0, 500_000)],  # noqa: DTZ001
        ),
        (
            "DATETIME",
            ["'2026-01-31 10:00:00'", "'soon'"],
            "string",
            ["2026-01-31 10:00:00", "soon"],
        ),
        ("DATETIME", [], "timestamp[us]", []),
        ("BOOLEAN", [], "bool", []),
        ("VARCHAR(10)", [], "string", []),
    ],
)
def test_a_column_is_what_it_is_declared_as_if_all_values_fit(
    reading: Reading, declared: str, values: list[str], kind: str, read: list[Any]
) -> None:
    """Else what all values are, else text: no row is lost over it."""
    assert typed(reading, declared, *values) == (kind, read)
    assert reading.set_aside() == []


def test_with_declared_columns_values_come_as_they_are_kept(reading: Reading) -> None:
    make(
        reading,
        "a.db",
        "CREATE TABLE t (id INTEGER, at DATETIME, ok BOOLEAN)",
        "INSERT INTO t VALUES (1, '2026-01-31T10:00:00', 1)",
    )
    table = reading.source("a.db", columns=(Column("at", "string"),)).read()
    assert table.to_arrow().to_pylist() == [{"id": 1, "at": "2026-01-31T10:00:00", "ok": 1}]


def test_text_that_is_not_utf8_goes_aside_with_its_row(reading: Reading) -> None:
    make(
        reading,
        "a.db",
        "CREATE TABLE t (id INTEGER, x TEXT)",
        "INSERT INTO t VALUES (1, CAST(x'ff41' AS TEXT)), (2, 'good')",
    )
    assert reading.rows("a.db") == [{"id": 2, "x": "good"}]
    (aside,) = reading.set_aside()
    assert json.loads(aside.row) == {"id": 1, "x": "\\xffA"}
    assert (aside.rule, aside.column, aside.source) == ("type", "x", str(reading.folder / "a.db"))


def test_rows_after_a_value_whatever_form_times_have(reading: Reading) -> None:
    """Compared as times, not letter by letter: `T` or a space, with or without fractions."""
    times = (
        "2026-01-31T10:00:00",
        "2026-01-31 10:00:00.25",
        "2026-01-31T10:00:01.000",
        "2026-01-31 10:00:02",
    )
    make(
        reading,
        "a.db",
        "CREATE TABLE t (id INTEGER, at DATETIME)",
        *(f"INSERT INTO t VALUES ({n}, '{t}')" for n, t in enumerate(times)),
    )

    def after(since: Any, **options: Any) -> list[int]:
        """Read the ids after a value."""
        return [row["id"] for row in reading.rows("a.db", by="at", since=since, **options)]

    assert after(None) == [0, 1, 2, 3]
    assert after("2026-01-31 10:00:00") == [1, 2, 3]
    assert after("2026-01-31T10:00:00.250000+00:00") == [2, 3]
    assert after(datetime(2026, 1, 31, 10, 0, 1, tzinfo=UTC)) == [3]
    assert after("2026-01-31 10:00:02", overlap="1 second") == [2, 3]
    assert after("2026-01-31 10:00:02", overlap=timedelta(days=9_999_999)) == [0, 1, 2, 3]
    source = reading.source("a.db", columns=(Column("at", "string"),))
    source.read(by="at", since="2026-01-31 10:00:00").to_arrow()
    assert source.last == "2026-01-31 10:00:02"


def test_several_files_are_one_table(reading: Reading) -> None:
    for name, value in (("1.db", "1"), ("2.db", "2")):
        make(reading, name, "CREATE TABLE t (x INTEGER)", f"INSERT INTO t VALUES ({value})")
    assert [row["x"] for row in reading.rows("1.db", "2.db")] == [1, 2]
    make(reading, "3.db", "CREATE TABLE t (x TEXT)", "INSERT INTO t VALUES ('a')")
    with pytest.raises(
        SourceError, match=r"3.db holds \(x string\) where .*1.db holds \(x int64\)"
    ):
        reading.rows("1.db", "3.db")


# --- The file stays as it is ------------------------------------------------------------------------


def test_reading_changes_nothing_and_leaves_nothing(reading: Reading) -> None:
    """Also in WAL mode, where SQLite itself would write files beside it."""
    file = make(
        reading,
        "a.db",
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE t (x)",
        "INSERT INTO t VALUES (1)",
    )
    before = (file.read_bytes(), sorted(reading.folder.iterdir()))
    assert reading.rows("a.db") == [{"x": 1}]
    assert (file.read_bytes(), sorted(reading.folder.iterdir())) == before
    for query in (
        "select 1; select 2",
        "insert into t values (2)",
        "with a as (select 1) insert into t values (2)",
    ):
        with pytest.raises(SourceError):
            reading.rows("a.db", query=query)
    assert file.read_bytes() == before[0]


def test_what_is_written_but_not_yet_in_the_file_is_read_too(reading: Reading) -> None:
    """A log beside the file belongs to it."""
    file = make(reading, "a.db", "PRAGMA journal_mode = WAL", "CREATE TABLE t (x)")
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        writer.commit()
        assert reading.rows("a.db") == [{"x": 1}]


def test_a_file_left_in_the_middle_of_a_write_is_not_read_as_if_it_were_whole(
    reading: Reading,
) -> None:
    """Its journal would have to be undone first, and a source is only read."""
    file = make(reading, "a.db", "CREATE TABLE t (x)", "INSERT INTO t VALUES ('before')")
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.executemany("INSERT INTO t VALUES (?)", [("y" * 900,)] * 100)
        for name in ("a.db", "a.db-journal"):
            copy = reading.folder / name.replace("a.db", "b.db")
            copy.write_bytes((reading.folder / name).read_bytes())
        writer.rollback()
    with pytest.raises(SourceError, match=r"b.db was left in the middle of a write. Open it once"):
        reading.rows("b.db")


def test_moments_are_parameters_as_sqlite_writes_them(reading: Reading) -> None:
    make(
        reading,
        "a.db",
        "CREATE TABLE t (at DATETIME)",
        "INSERT INTO t VALUES ('2026-01-31 10:00:00')",
    )
    for value in (datetime(2026, 1, 31, 10), date(2026, 1, 31)):  # noqa: DTZ001
        query = "select count(*) as n from t where at >= :since"
        assert reading.rows("a.db", query=query, parameters={"since": value}) == [{"n": 1}]


def test_a_file_that_changes_while_it_is_read_is_a_passing_failure(reading: Reading) -> None:
    file = make(reading, "a.db", "CREATE TABLE t (x)", "INSERT INTO t VALUES (1), (2), (3)")
    batches = reading.source("a.db").read().batches(1)
    next(batches)
    time.sleep(0.01)
    file.touch()
    with pytest.raises(TransientError, match="was written to while it was read"):
        list(batches)


def test_what_is_no_database_is_said_at_once(reading: Reading) -> None:
    reading.write("a.sqlite", "id,text\n1,a\n")
    reading.write("b.db", b"")
    file = make(
        reading,
        "c.db",
        "CREATE TABLE t (x)",
        *(f"INSERT INTO t VALUES ('{'y' * 900}')" for _ in range(20)),
    )
    reading.write("d.db", file.read_bytes()[:5000])
    for name, sentence in (
        ("a.sqlite", "is not an SQLite file"),
        ("b.db", "holds 0 tables"),
        ("d.db", r"is cut off: it has 5,000 of [\d,]+ bytes"),
    ):
        with pytest.raises(SourceError, match=sentence):
            reading.rows(name)


def test_a_file_behind_a_connection(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    file = make(reading, "a.db", "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)")
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", f"sqlite:///{file}")
    source = Source(("sql:shop",), name="x", columns=None, rejects=reading.rejects)
    assert source.read(table="t").to_arrow().to_pylist() == [{"x": 1}]
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", f"sqlite:///{file}x")
    with pytest.raises(SettingError, match="Correct DATAOPS_CONNECTION_SHOP"):
        Source(("sql:shop",), name="x", columns=None, rejects=reading.rejects).read(
            table="t"
        ).to_arrow()
    assert not Path(f"{file}x").exists()


# --- Properties --------------------------------------------------------------------------------------

_VALUES = st.one_of(
    st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.binary(),
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(_VALUES, max_size=6),
    st.sampled_from(
        ["", "INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "DATETIME", "DATE", "BOOLEAN"]
    ),
)
def test_no_row_is_lost_whatever_a_column_holds(
    fresh: Callable[[], Reading], values: list[Any], declared: str
) -> None:
    """And a column of one kind comes back as it was kept."""
    reading = fresh()
    with closing(sqlite3.connect(reading.folder / "a.db")) as connection:
        connection.execute(f"CREATE TABLE t (x {declared})")
        connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
        connection.commit()
        kept = [value for (value,) in connection.execute("SELECT x FROM t ORDER BY rowid")]
    read = [row["x"] for row in reading.rows("a.db")]
    assert len(read) == len(kept)
    assert reading.set_aside() == []
    if len({type(value) for value in kept if value is not None}) == 1 and declared in (
        "",
        "TEXT",
        "BLOB",
    ):
        assert read == kept


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=3000), st.integers(0, 8191), st.binary(min_size=1, max_size=40))
def test_damaged_files_are_read_or_refused_with_a_sentence(
    fresh: Callable[[], Reading], junk: bytes, at: int, change: bytes
) -> None:
    reading = fresh()
    file = make(
        reading, "a.db", "CREATE TABLE t (x, y TEXT)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"
    )
    good = file.read_bytes()
    reading.write("b.db", good[:at] + change + good[at + len(change) :])
    reading.write("c.db", b"SQLite format 3\0" + junk)
    for name in ("b.db", "c.db"):
        with suppress(SourceError, TransientError, SettingError):
            reading.rows(name)
