"""Tables and queries of real PostgreSQL and MariaDB servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from resources.columns import Column
from resources.errors import DataOpsError, SettingError, SourceError, TransientError
from resources.sources import Source
from tests import mariadb, postgresql
from tests.resources.sources.conftest import Reading

HOSTILE = 'it\'s "odd"; `x` %s :y drop table 리뷰 --'


@dataclass(frozen=True)
class Server:
    """A server that runs, as its owner sees it."""

    name: str
    url: str
    admin: sa.Engine

    def run(self, *statements: str) -> None:
        """Run statements as the owner."""
        with self.admin.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def count(self, query: str) -> int:
        """Ask for a number as the owner."""
        with self.admin.connect() as connection:
            return int(connection.exec_driver_sql(query).scalar() or 0)

    def sessions(self) -> int:
        """Count the sessions that read as a source does."""
        if self.name == "postgresql":
            return self.count(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dataops'"
            )
        return self.count(
            "SELECT count(*) - 1 FROM information_schema.processlist WHERE db = 'shop'"
        )

    def end_sessions(self) -> None:
        """Kill them."""
        if self.name == "postgresql":
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dataops'"
            )
            return
        mine = self.admin.connect()
        ids = mine.exec_driver_sql(
            "SELECT id FROM information_schema.processlist WHERE db = 'shop' AND id <> connection_id()"
        )
        for (number,) in ids.fetchall():
            mine.exec_driver_sql(f"KILL {number}")
        mine.close()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    """Give a PostgreSQL."""
    with postgresql.running() as url:
        admin = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))
        yield Server("postgresql", url, admin)
        admin.dispose()


@pytest.fixture(scope="module")
def maria() -> Iterator[Server]:
    """Give a MariaDB with the database `shop`."""
    with mariadb.running() as url:
        root = sa.create_engine(url.replace("mysql:", "mysql+pymysql:"))
        with root.begin() as connection:
            connection.exec_driver_sql("CREATE DATABASE shop CHARACTER SET utf8mb4")
        root.dispose()
        admin = sa.create_engine(f"{url.replace('mysql:', 'mysql+pymysql:')}shop")
        yield Server("mariadb", f"{url}shop", admin)
        admin.dispose()


@pytest.fixture(params=["postgres", "maria"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Give each server, which is the connection `shop`."""
    found: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", found.url)
    return found


@pytest.fixture
def reviews(server: Server) -> Iterator[Server]:
    """Give a server with the table `reviews`: ids 1 to 5, a minute apart."""
    server.run(
        "CREATE TABLE reviews (id bigint PRIMARY KEY, text varchar(200), updated_at timestamp NULL)",
        *(
            f"INSERT INTO reviews VALUES ({n}, 'review {n}', '2026-01-31 10:0{n}:00')"
            for n in range(1, 6)
        ),
    )
    yield server
    server.run("DROP TABLE reviews")


@pytest.fixture
def shop(reading: Reading) -> Callable[..., Source]:
    """Give a function that makes the source `sql:shop`."""

    def make(columns: tuple[Column, ...] | None = None) -> Source:
        """Make it."""
        return Source(("sql:shop",), name="reviews", columns=columns, rejects=reading.rejects)

    return make


def rows(table: Any) -> list[dict[str, Any]]:
    """Read all rows."""
    found: list[dict[str, Any]] = table.to_arrow().to_pylist()
    return found


def ids(table: Any) -> list[int]:
    """Read all ids."""
    return [row["id"] for row in rows(table)]


def moment(*parts: int) -> datetime:
    """Give a time as tables hold it."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[arg-type,misc]


# --- Tables and queries -----------------------------------------------------------------------------


@pytest.mark.usefixtures("reviews")
def test_a_table_is_read_with_the_types_that_it_states(shop: Any) -> None:
    table = shop().read(table="reviews")
    assert [str(field.type) for field in table.schema] == ["int64", "string", "timestamp[us]"]
    found = rows(table)
    assert len(found) == 5
    assert found[0] == {"id": 1, "text": "review 1", "updated_at": moment(2026, 1, 31, 10, 1)}


@pytest.mark.usefixtures("reviews")
def test_columns_come_in_the_order_in_which_they_are_asked_for(shop: Any) -> None:
    assert shop().read(table="reviews", columns=["text", "id"]).columns == ["text", "id"]


@pytest.mark.usefixtures("reviews")
def test_a_query_is_read_with_its_parameters(shop: Any) -> None:
    query = "select id, text from reviews where updated_at >= :since and text like '%view%' -- new ones\n;"
    assert ids(shop().read(query=query, parameters={"since": "2026-01-31 10:04:00"})) == [4, 5]
    signs = "select id from reviews where id = 1 and text like '%' and 'a:b' = 'a:b' and '12:30' <> '%s'"
    assert ids(shop().read(query=signs)) == [1]
    wanted = {"ids": [1, 3]}
    assert ids(shop().read(query="select id from reviews where id in :ids", parameters=wanted)) == [
        1,
        3,
    ]


@pytest.mark.usefixtures("reviews")
def test_a_table_without_rows_has_its_columns_all_the_same(shop: Any) -> None:
    """Collectors that hand batches on need one to know the columns by."""
    batches = list(shop().read(query="select * from reviews where id > 99").batches())
    assert [batch.num_rows for batch in batches] == [0]
    assert batches[0].schema.names == ["id", "text", "updated_at"]


@pytest.mark.usefixtures("reviews")
def test_texts_are_taken_from_a_table(shop: Any) -> None:
    table = shop().texts(table="reviews", id="id", text="text", created_at="updated_at")
    found = table.to_arrow().select(["id", "raw_text", "metadata"]).to_pylist()
    assert found[4] == {"id": 5, "raw_text": "review 5", "metadata": None}


@pytest.mark.usefixtures("reviews")
def test_declared_columns_can_be_cast_from_what_is_read(shop: Any) -> None:
    columns = (Column("id", "string"), Column("updated_at", "timestamp[ns]"))
    table = shop(columns).read(table="reviews").to_arrow()
    assert table["id"].cast("string")[0].as_py() == "1"
    assert str(table["updated_at"].cast("timestamp[ns]")[0]) == "2026-01-31 10:01:00"


def test_hostile_names_are_names_and_nothing_else(server: Server, shop: Any) -> None:
    """Looked up, and quoted by SQLAlchemy."""
    quote = server.admin.dialect.identifier_preparer.quote_identifier
    table, column = quote(HOSTILE), quote(f"column {HOSTILE}")
    server.run(
        f"CREATE TABLE {table} ({column} int, id int)", f"INSERT INTO {table} VALUES (7, 1), (8, 2)"
    )
    try:
        read = shop().read(table=HOSTILE, by=f"column {HOSTILE}", since=7)
        assert rows(read) == [{f"column {HOSTILE}": 8, "id": 2}]
    finally:
        server.run(f"DROP TABLE {table}")


def test_a_table_of_another_schema_is_named_with_it(reviews: Server, shop: Any) -> None:
    other = "other" if reviews.name == "postgresql" else "elsewhere"
    kind = "SCHEMA" if reviews.name == "postgresql" else "DATABASE"
    reviews.run(
        f"CREATE {kind} {other}",
        f"CREATE TABLE {other}.things (id int)",
        f"INSERT INTO {other}.things VALUES (1)",
    )
    try:
        assert ids(shop().read(table=f"{other}.things")) == [1]
        with pytest.raises(SourceError, match=f"did you mean '{other}.things'"):
            rows(shop().read(table=f"{other}.thing"))
    finally:
        reviews.run(f"DROP {kind} {other}{' CASCADE' if kind == 'SCHEMA' else ''}")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"table": "review"}, "has no table 'review'; did you mean 'reviews'?"),
        ({"table": "reviews; drop table reviews"}, "has no table 'reviews; drop table reviews'"),
        (
            {"table": "reviews", "columns": ["txt"]},
            "'txt', a column that is not in reviews; did you mean 'text'?",
        ),
        ({"table": "reviews", "by": "id) --"}, "'id) --', a column that is not in reviews"),
        ({"query": "select txt from reviews"}, "txt"),
        (
            {"query": "select * from reviews where id = :id"},
            "asks for :id, which parameters= does not have",
        ),
        (
            {"query": "select 1 as a", "parameters": {"b": 1}},
            "'b', which the query does not ask for",
        ),
        ({"query": "select 1 as a, 2 as a"}, "'a'"),
        ({"query": "delete from reviews"}, "begins with 'delete'. Write one SELECT"),
        ({"query": "select 1; delete from reviews"}, "more than one statement"),
        ({"query": "select 1 /* ; */; delete from reviews"}, "more than one statement"),
        ({"query": ""}, "nothing says what to read"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    reviews: Server, shop: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SourceError) as told:
        rows(shop().read(**options))
    assert sentence in str(told.value)
    assert "sql:shop" in str(told.value)
    assert told.value.permanent
    assert reviews.count("SELECT count(*) FROM reviews") == 5


def test_a_source_is_only_read_whatever_the_query_says(
    reviews: Server, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction refuses it, should our look at the text miss it."""
    monkeypatch.setattr("resources.sources.database_select.one_select", lambda _, query, __: query)
    for query in (
        "delete from reviews",
        "with a as (select 1) delete from reviews",
        "select 1; delete from reviews",
    ):
        with pytest.raises(DataOpsError):
            rows(shop().read(query=query))
    if reviews.name == "postgresql":
        reviews.run(
            "CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'delete from reviews; select 1'"
        )
        with pytest.raises(SourceError, match="would write"):
            rows(shop().read(query="select wipe() as x"))
        reviews.run("DROP FUNCTION wipe")
    assert reviews.count("SELECT count(*) FROM reviews") == 5


@pytest.mark.parametrize(
    "attack",
    [
        "' or '1'='1",
        "1; delete from reviews; --",
        "\\' or 1=1 -- ",
        "%s",
        "한국어'; drop table reviews; --",
    ],
)
def test_values_are_values_and_never_sql(reviews: Server, shop: Any, attack: str) -> None:
    query = "select id from reviews where text = :text"
    assert ids(shop().read(query=query, parameters={"text": attack})) == []
    reviews.run("INSERT INTO reviews VALUES (9, '힣', NULL)")
    assert ids(shop().read(table="reviews", by="text", since=attack)).count(9) == 1
    for by in ("id", "updated_at"):
        with pytest.raises(SourceError, match="is not a value of"):
            rows(shop().read(table="reviews", by=by, since=attack))
    assert reviews.count("SELECT count(*) FROM reviews") == 6
    reviews.run("DELETE FROM reviews WHERE id = 9")


# --- Incremental --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("reviews")
def test_rows_after_a_value_come_in_its_order(shop: Any) -> None:
    source = shop()
    assert ids(source.read(table="reviews", by="updated_at", since=None)) == [1, 2, 3, 4, 5]
    assert source.last == "2026-01-31 10:05:00"
    assert ids(
        shop().read(table="reviews", by="updated_at", since="2026-01-31T10:03:00+00:00")
    ) == [4, 5]
    assert ids(shop().read(table="reviews", by="updated_at", since=moment(2026, 1, 31, 10, 4))) == [
        5
    ]
    source = shop()
    assert ids(source.read(table="reviews", by="id", since="5")) == []
    assert source.last is None


@pytest.mark.usefixtures("reviews")
def test_late_rows_are_read_once_more_within_the_overlap(shop: Any) -> None:
    last = "2026-01-31 10:05:00"
    for overlap in ("2 minutes", timedelta(minutes=2)):
        read = shop().read(table="reviews", by="updated_at", since=last, overlap=overlap)
        assert ids(read) == [3, 4, 5]
    assert ids(shop().read(table="reviews", by="id", since=5, overlap=2)) == [3, 4, 5]
    with pytest.raises(SourceError, match="is no amount of 'id'"):
        rows(shop().read(table="reviews", by="id", since=5, overlap="2 minutes"))


def test_ten_runs_pick_up_exactly_the_new_rows_also_after_a_crash(
    reviews: Server, shop: Any
) -> None:
    """A run that dies keeps nothing, and its value is where it was."""
    kept: list[int] = []
    since: Any = None
    for run in range(10):
        first = 100 + run * 10
        reviews.run(
            *(
                f"INSERT INTO reviews VALUES ({n}, 'x', '2026-02-01 00:{run:02d}:{n % 10:02d}')"
                for n in range(first, first + 10)
            )
        )
        source = shop()
        batches = source.read(table="reviews", by="updated_at", since=since).batches(3)
        if run % 3 == 1:
            next(batches)
            batches.close()  # the crash: what was read is dropped
            continue
        kept += [n for batch in batches for n in batch.column("id").to_pylist()]
        since = source.last
    assert kept == [1, 2, 3, 4, 5, *range(100, 200)]


def test_a_read_sees_one_moment(reviews: Server, shop: Any) -> None:
    batches = shop().read(table="reviews").batches(1)
    first = next(batches)
    reviews.run("INSERT INTO reviews VALUES (6, 'late', NULL)")
    assert first.num_rows + sum(batch.num_rows for batch in batches) == 5


# --- What goes wrong --------------------------------------------------------------------------------


def test_a_connection_that_is_lost_is_a_passing_failure(server: Server, shop: Any) -> None:
    number = (
        "generate_series(1, 300000) g"
        if server.name == "postgresql"
        else "(select seq g from seq_1_to_300000) s"
    )
    batches = shop().read(query=f"select g, repeat('x', 300) as t from {number}").batches(1000)
    next(batches)
    server.end_sessions()
    with pytest.raises(
        TransientError, match=r"sql:shop: the connection was lost after [\d,]+ rows"
    ):
        list(batches)


def test_a_read_that_is_given_up_leaves_no_session_behind(reviews: Server, shop: Any) -> None:
    batches = shop().read(table="reviews").batches(1)
    next(batches)
    assert reviews.sessions() == 1
    batches.close()
    while reviews.sessions():  # the test's own limit ends a wait for nothing
        time.sleep(0.05)


def test_a_query_that_takes_too_long_is_a_passing_failure(
    server: Server, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = "&" if "?" in server.url else "?"
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", f"{server.url}{sign}statement_timeout=0.2")
    sleep = "pg_sleep(20)" if server.name == "postgresql" else "sleep(20)"
    with pytest.raises(
        TransientError,
        match=r"longer than 0.2 s .* \?statement_timeout=SECONDS into DATAOPS_CONNECTION_SHOP",
    ):
        rows(
            shop().read(
                query=(
                    f"select '' || {sleep} as x"
                    if server.name == "postgresql"
                    else f"select {sleep} as x from seq_1_to_10"
                )
            )
        )


def test_a_wrong_password_is_no_passing_failure_and_is_not_shown(
    server: Server, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "wrong%2Fsecret-한"
    if server.name == "postgresql":
        server.run("CREATE ROLE clerk LOGIN PASSWORD 'right'")
        hba = Path(str(_value(server, "SHOW hba_file")))
        before = hba.read_text()
        hba.write_text(f"local all clerk scram-sha-256\n{before}")
        server.run("SELECT pg_reload_conf()")
        url = server.url.replace("dataops@", f"clerk:{wrong}@")
    else:
        server.run("CREATE USER clerk IDENTIFIED BY 'right'")
        url = server.url.replace("root@", f"clerk:{wrong}@")
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", url)
    time.sleep(0.2)
    with pytest.raises(SettingError) as told:
        rows(shop().read(table="reviews"))
    assert told.value.permanent
    assert "Correct DATAOPS_CONNECTION_SHOP." in str(told.value)
    assert told.value.__suppress_context__
    assert not any(part in str(told.value) for part in ("secret", "%2F"))


def _value(server: Server, query: str) -> Any:
    """Ask for one value as the owner."""
    with server.admin.connect() as connection:
        return connection.exec_driver_sql(query).scalar()


def test_a_user_without_rights_is_told_to_get_them(
    reviews: Server, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reviews.name == "postgresql":
        reviews.run("CREATE ROLE guest LOGIN")
        url = reviews.url.replace("dataops@", "guest@")
    else:
        reviews.run(
            "CREATE USER guest",
            "CREATE VIEW open_one AS SELECT 1 AS id",
            "GRANT SELECT ON shop.open_one TO guest",
        )
        url = reviews.url.replace("root@", "guest@")
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", url)
    with pytest.raises(SourceError, match="may not be read by this user"):
        rows(shop().read(query="select * from reviews"))


# --- Types -----------------------------------------------------------------------------------------


def test_postgresql_types_are_kept_exactly(
    postgres: Server, shop: Any, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", postgres.url)
    postgres.run(
        "CREATE TYPE mood AS ENUM ('ok', 'so so')",
        """CREATE TABLE types (id int, n numeric(12,2), free numeric, r real, d double precision, b boolean,
            t text, c char(4), raw bytea, day date, at timestamp, zoned timestamptz, span interval, j json,
            jb jsonb, u uuid, ints int[], texts text[], moods mood[], mood mood)""",
        """INSERT INTO types VALUES (1, -1234567890.10, 1e30, 0.1, 0.1, true, '한국어 🙂', 'ab', '\\x00ff',
            '2026-01-31', '2026-01-31 10:00:00.5', '2026-01-31 10:00:00+09', '1 month 2 days', '{"a":  1.10}',
            '{"a":  1.10}', '00000000-0000-0000-0000-000000000001', '{{1,NULL},{3,4}}', '{"a b","q\\"",NULL,"NULL"}',
            '{ok,"so so"}', 'so so')""",
        "INSERT INTO types (id, day) VALUES (2, 'infinity')",
        "INSERT INTO types (id, at) VALUES (3, '0044-03-15 00:00:00 BC')",
        "INSERT INTO types (id, n) VALUES (4, 'NaN')",
        "INSERT INTO types (id) VALUES (5)",
    )
    table = shop().read(table="types")
    first, last = rows(table)
    assert first == {
        "id": 1,
        "n": Decimal("-1234567890.10"),
        "free": "1" + "0" * 30,
        "r": 0.1,
        "d": 0.1,
        "b": True,
        "t": "한국어 🙂",
        "c": "ab  ",
        "raw": b"\x00\xff",
        "day": date(2026, 1, 31),
        "at": moment(2026, 1, 31, 10, 0, 0, 500_000),
        "zoned": moment(2026, 1, 31, 1),
        "span": "1 mon 2 days",
        "j": '{"a":  1.10}',
        "jb": '{"a": 1.10}',
        "u": "00000000-0000-0000-0000-000000000001",
        "ints": "[[1, null], [3, 4]]",
        "texts": '["a b", "q\\"", null, "NULL"]',
        "moods": '["ok", "so so"]',
        "mood": "so so",
    }
    assert last == {name: 5 if name == "id" else None for name in table.columns}
    aside = reading.set_aside()
    assert [(json.loads(one.row)["id"], one.column, one.rule, one.source) for one in aside] == [
        (2, "day", "type", "sql:shop"),
        (3, "at", "type", "sql:shop"),
        (4, "n", "type", "sql:shop"),
    ]
    assert aside[0].reason == "day: 'infinity' is not a date of the years 1 to 9999"


def test_mysql_types_are_kept_exactly(
    maria: Server, shop: Any, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the one name that PyMySQL keeps to itself, and that database_mysql.py reads."""
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", maria.url)
    maria.run(
        """CREATE TABLE types (id bigint unsigned, tiny tinyint(1), part int unsigned, n decimal(12,2), d double,
            t varchar(50), long_t longtext, raw blob, day date, at datetime(6), zoned timestamp NULL, span time,
            y year, e enum('a','b'), s set('x','y'), j json, bit1 bit(1), bits bit(9)) CHARACTER SET utf8mb4""",
        """INSERT INTO types VALUES (18446744073709551615, 1, 4000000000, -1234567890.10, 0.1, '한국어 🙂', 'long',
            x'00ff', '2026-01-31', '2026-01-31 10:00:00.123456', NULL, '-100:30:00', 2026, 'b', 'x,y', '{"a": 1.10}',
            1, b'100000001')""",
        ["SET sql_mode = ''", " "][0],
        "INSERT INTO types (id, day) VALUES (2, '0000-00-00')",
        "INSERT INTO types (id, at) VALUES (3, '2026-00-10 00:00:00')",
        "INSERT INTO types (id) VALUES (4)",
    )
    want = {
        "id": 18446744073709551615,
        "tiny": 1,
        "part": 4_000_000_000,
        "n": Decimal("-1234567890.10"),
        "d": 0.1,
        "t": "한국어 🙂",
        "long_t": "long",
        "raw": b"\x00\xff",
        "day": date(2026, 1, 31),
        "at": moment(2026, 1, 31, 10, 0, 0, 123_456),
        "zoned": None,
        "span": "-100:30:00",
        "y": 2026,
        "e": "b",
        "s": "x,y",
        "j": '{"a": 1.10}',
        "bit1": True,
        "bits": 257,
    }
    by_name, by_query = shop(), shop()
    table = by_name.read(table="types")
    assert rows(table) == [want, {name: 4 if name == "id" else None for name in want}]
    assert rows(by_query.read(query="select * from types where id > 1000")) == [want]
    assert by_query.read(query="select * from types").schema == table.schema
    aside = {json.loads(one.row)["id"]: one.reason for one in reading.set_aside()}
    assert aside == {
        "2": "day: '0000-00-00' is not a date of the years 1 to 9999",
        "3": "at: '2026-00-10 00:00:00.000000' is not a time of the years 1 to 9999",
    }


def test_what_cannot_be_carried_goes_aside_once_however_often_it_is_read(
    postgres: Server, shop: Any, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", postgres.url)
    query = "select g as id, case when g % 2 = 0 then 'infinity'::date else '2026-01-31' end as day from generate_series(1, 10) g"
    source = shop()
    table = source.read(query=query)
    assert len(rows(table)) == len(rows(table)) == 5
    assert len(reading.set_aside()) == 5
    assert [(read.rows, read.complete) for read in source.readers[0].reads] == [(10, True)] * 2


# --- Size ------------------------------------------------------------------------------------------

_MEASURE = """
import sys
from pathlib import Path
from resources.rejects import Rejects
from resources.sources import Source

def read(query):
    source = Source(("sql:shop",), name="x", columns=None, rejects=Rejects(Path("none")))
    rows = sum(batch.num_rows for batch in source.read(query=query).batches(10_000))
    lines = Path("/proc/self/status").read_text().splitlines()  # ru_maxrss begins with the parent's
    return rows, next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))

few, before = read(sys.argv[1])
many, after = read(sys.argv[2])
print(few, many, after - before)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(server: Server) -> None:
    """A cursor on the server: 1,000,000 rows (200,000 of MariaDB) in the memory of 50,000."""
    if server.name == "postgresql":
        many, text, rows_of = 1_000_000, "'review number ' || g", "generate_series(1, {}) g"
    else:
        many, text, rows_of = (
            200_000,
            "concat('review number ', g)",
            "(select seq g from seq_1_to_{}) s",
        )
    query = f"select g as id, {text} as text, 1.25 * g as amount from {rows_of}"
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, query.format(50_000), query.format(many)],
        env={**os.environ, "DATAOPS_CONNECTION_SHOP": server.url},
        capture_output=True,
        text=True,
        check=True,
    )
    few, all_of_them, grown = map(int, done.stdout.split())
    assert (few, all_of_them) == (50_000, many)
    assert grown < 20, f"{grown} MB more"


def test_wide_rows_come_in_smaller_batches(
    postgres: Server, shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", postgres.url)
    query = "select g, repeat('x', 100000) as t from generate_series(1, 600) g"
    sizes = [batch.nbytes for batch in shop().read(query=query).batches(10_000)]
    assert len(sizes) > 3
    assert max(sizes) < 32 << 20
