"""What may be asked of a database, told before any database is asked."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.errors import DataOpsError, SettingError, SourceError, TransientError
from resources.rejects import Rejects
from resources.sources import Source
from resources.sources.database_errors import Speaker
from resources.sources.database_query import one_select
from resources.sources.database_request import request_of
from resources.sources.database_since import first_value, remembered
from resources.sources.database_values import array_json


def read(*places: str, **options: Any) -> Any:
    """Read a place."""
    source = Source(places, name="x", columns=None, rejects=Rejects(Path("none")))
    return source.read(**options).to_arrow()


# --- Connections ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind", "sentence"),
    [
        (
            "oracle://ann:s3cret-word@db/x",
            SettingError,
            "the URL of 'oracle', which is no database that can be read here",
        ),
        ("postgressql://ann:s3cret-word@db/x", SettingError, "did you mean 'postgresql'?"),
        (
            "nonsense s3cret-word",
            SettingError,
            "DATAOPS_CONNECTION_SHOP is no URL. Write it as postgresql://",
        ),
        (
            "postgresql://ann:s3cret-word@db:port/x",
            SettingError,
            "DATAOPS_CONNECTION_SHOP is no URL",
        ),
        (
            "postgresql+asyncpg://ann:s3cret-word@db/x",
            SettingError,
            "asks for the driver 'asyncpg'",
        ),
        (
            "mysql://ann:s3cret-word@db/x?statement_timeout=soon",
            SettingError,
            "statement_timeout=soon. Give a number",
        ),
        ("mysql://ann:s3cret-word@127.0.0.1:1/x?nosuch=1", SettingError, "'nosuch'"),
        ("postgresql://ann:s3cret-word@127.0.0.1:1/x?nosuch=1", SettingError, '"nosuch"'),
        ("sqlite://", SettingError, "names no file. Write sqlite:////the/whole/path.db"),
        (
            "postgresql://ann:s3cret-word@127.0.0.1:1/x",
            TransientError,
            "sql:shop: 127.0.0.1:1 cannot be reached",
        ),
        (
            "mariadb://ann:s3cret-word@127.0.0.1:1/x",
            TransientError,
            "sql:shop: 127.0.0.1:1 cannot be reached",
        ),
    ],
)
def test_a_connection_that_cannot_be_used_is_said_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, url: str, kind: type[DataOpsError], sentence: str
) -> None:
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", url)
    with pytest.raises(kind) as told:
        read("sql:shop", table="reviews")
    assert sentence in str(told.value)
    assert "DATAOPS_CONNECTION_SHOP" in str(told.value)
    assert "s3cret-word" not in str(told.value)


def test_a_connection_that_nobody_made_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATAOPS_CONNECTION_SHOP", raising=False)
    with pytest.raises(SettingError, match="Set DATAOPS_CONNECTION_SHOP to its URL"):
        read("sql:shop", table="reviews")


def test_a_missing_driver_is_said_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", "mysql://db/x")
    monkeypatch.setattr("resources.sources.database_connect.find_spec", lambda _: None)
    with pytest.raises(SettingError, match="Install it: python -m pip install PyMySQL"):
        read("sql:shop", table="reviews")


def test_one_asset_reads_one_connection() -> None:
    with pytest.raises(SourceError, match="sql:shop, sql:other are several connections"):
        read("sql:shop", "sql:other", table="reviews")
    with pytest.raises(SourceError, match="different formats: sql:shop is sql, a.csv is csv"):
        read("sql:shop", str(_csv("a.csv")))


def _csv(name: str) -> Path:
    """Write a small file."""
    import tempfile

    file = Path(tempfile.mkdtemp()) / name
    file.write_text("a\n1\n")
    return file


# A real name server is not at hand: these are the words of the drivers.
@pytest.mark.parametrize(
    ("dialect", "text", "permanent"),
    [
        (
            "postgresql",
            'could not translate host name "db" to address: Name or service not known',
            True,
        ),
        (
            "postgresql",
            'could not translate host name "db" to address: Temporary failure in name resolution',
            False,
        ),
        ("postgresql", 'FATAL:  password authentication failed for user "ann"', True),
        ("postgresql", 'FATAL:  database "shop" does not exist', True),
        ("postgresql", "FATAL:  the database system is starting up", False),
        ("postgresql", "FATAL:  sorry, too many clients already", False),
        ("postgresql", "timeout expired", False),
        (
            "mysql",
            "Can't connect to MySQL server on 'db' ([Errno -2] Name or service not known)",
            True,
        ),
        ("mysql", "Can't connect to MySQL server on 'db' (timed out)", False),
    ],
)
def test_which_failures_to_connect_pass(dialect: str, text: str, *, permanent: bool) -> None:
    speaker = Speaker("sql:shop", "DATAOPS_CONNECTION_SHOP", dialect, server="db")
    assert speaker.connecting(RuntimeError(text)).permanent == permanent


def test_secrets_and_values_are_taken_out_of_what_drivers_say() -> None:
    speaker = Speaker(
        "sql:shop", "X", "mysql", secrets=("p/ss wörd",), values={"name": "Ann Example", "n": 1}
    )
    text = "p/ss wörd p%2Fss%20w%C3%B6rd p%2Fss+w%C3%B6rd near 'Ann Example' 1"
    assert speaker.scrub(text) == "*** *** *** near ':name' 1"


# --- Options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"table": "t", "query": "select 1"}, "table= and query= are both given"),
        ({"table": "t", "parameters": {"a": 1}}, "parameters= is given without query="),
        ({"table": "t", "columns": "id"}, "columns='id' is no list of names"),
        ({"table": "t", "columns": []}, "is no list of names"),
        ({"query": "select 1", "columns": ["id"]}, "columns= goes with table="),
        ({"query": "select 1", "by": "id"}, "by= goes with table="),
        ({"query": "select 1", "since": 1}, "where updated_at > :since"),
        ({"table": "t", "since": 1}, "since= is given without by="),
        ({"table": "t", "overlap": 1}, "overlap= is given without by="),
        ({"table": "t", "by": "at", "columns": ["id"]}, "leaves out 'at'"),
        ({"table": "t", "by": "at", "overlap": "soon"}, "overlap='soon' is no amount"),
        ({"table": "t", "by": "at", "overlap": -1}, "overlap=-1 is no amount"),
        ({"table": "t", "by": "at", "overlap": True}, "overlap=True is no amount"),
    ],
)
def test_options_that_do_not_go_together_are_said(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence.replace("[", r"\[")):
        request_of("sql:shop", **options)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("30 seconds", timedelta(seconds=30)),
        ("1 minute", timedelta(minutes=1)),
        ("1.5 hours", timedelta(minutes=90)),
        ("2days", timedelta(days=2)),
        ("1 Week", timedelta(weeks=1)),
        (100, 100),
    ],
)
def test_overlaps_are_written_as_people_say_them(written: Any, meant: Any) -> None:
    assert request_of("sql:shop", table="t", by="at", overlap=written).overlap == meant


def test_a_digest_tells_requests_apart_and_not_their_values() -> None:
    first, second = (request_of("x", table="t", by="id", since=n) for n in (1, 2))
    assert first.digest == second.digest
    assert first.digest != request_of("x", table="u", by="id").digest


# --- Queries --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "query"),
    [
        ("postgresql", "select ';' as a, \"x;y\", $$a;b$$, $q$ ; $q$, E'it\\'s ;' from t -- ; end"),
        ("postgresql", "/* ; /* nested ; */ ; */ (select 1) union select 2;"),
        ("postgresql", "WITH a AS (SELECT 1) TABLE a"),
        ("mysql", "select 'it\\'s ;', \"a;\", `x;y` from t # ;"),
        ("mysql", "select 1 -- ;\n;  "),
        ("sqlite", "select ';', [x;y], `a;b` from t"),
        ("sqlite", "values (1), (2)"),
    ],
)
def test_one_select_is_let_through_as_it_is(dialect: str, query: str) -> None:
    kept = one_select("sql:shop", query, dialect)
    assert query.startswith(kept)
    assert not kept.endswith(";")


@pytest.mark.parametrize(
    ("dialect", "query"),
    [
        ("postgresql", ""),
        ("postgresql", "-- nothing"),
        ("postgresql", "insert into t values (1)"),
        ("postgresql", "select 1; drop table t"),
        ("postgresql", "select '\\'; drop table t --'"),
        ("postgresql", "select $$ a $$; drop table t; select $$ b $$"),
        ("postgresql", "select 1 /* open"),
        ("mysql", "select 1 /*! ; drop table t */"),
        ("mysql", "select 1 /*M!100000 union select 2 */"),
        ("mysql", "select 1 -- '\n; drop table t; -- '"),
        ("mysql", "select * from t into outfile '/tmp/x'"),
        ("mysql", "select 1 INTO @x"),
        ("sqlite", "pragma writable_schema = 1"),
        ("sqlite", "attach 'x' as y"),
    ],
)
def test_anything_else_is_refused(dialect: str, query: str) -> None:
    with pytest.raises(SourceError, match="one SELECT"):
        one_select("sql:shop", query, dialect)


@settings(deadline=None)
@given(
    st.text(alphabet="ab'\"`$;-#/*\\ \n[]E", max_size=40),
    st.sampled_from(["postgresql", "mysql", "sqlite"]),
)
def test_any_text_is_let_through_or_refused_with_a_sentence(text: str, dialect: str) -> None:
    try:
        kept = one_select("sql:shop", f"select {text}", dialect)
    except SourceError:
        return
    assert f"select {text}".startswith(kept)


# --- Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "since", "overlap", "first"),
    [
        (pa.int64(), "41", None, 41),
        (pa.int64(), 41.0, 1, 40),
        (pa.uint64(), 1 << 63, None, 1 << 63),
        (pa.decimal128(10, 2), "1.50", 0.5, Decimal("1.00")),
        (pa.float64(), "1.5", 1, 0.5),
        (pa.date32(), "2026-01-31T10:00:00", timedelta(hours=1), date(2026, 1, 30)),
        (pa.date32(), date(2026, 1, 31), None, date(2026, 1, 31)),
        (pa.timestamp("us"), "2026-01-31", None, datetime(2026, 1, 31)),  # noqa: DTZ001
        (
            pa.timestamp("us"),
            date(2026, 1, 31),
            timedelta(hours=1),
            datetime(2026, 1, 30, 23),  # noqa: DTZ001
        ),
        (
            pa.timestamp("us"),
            datetime(2026, 1, 31, tzinfo=UTC),
            None,
            datetime(2026, 1, 31),  # noqa: DTZ001
        ),
        (pa.string(), 7, None, "7"),
    ],
)
def test_a_value_is_taken_as_one_of_its_column(
    kind: Any, since: Any, overlap: Any, first: Any
) -> None:
    found = first_value("sql:shop", "x", kind, since, overlap)
    assert found == first
    assert type(found) is type(first)


@pytest.mark.parametrize(
    ("kind", "since"),
    [
        (pa.int64(), "1; drop"),
        (pa.int64(), 1.5),
        (pa.int64(), True),
        (pa.decimal128(5, 2), "x"),
        (pa.timestamp("us"), "soon"),
        (pa.bool_(), 1),
    ],
)
def test_a_value_of_another_kind_is_refused(kind: Any, since: Any) -> None:
    with pytest.raises(SourceError, match="is not a value of 'x'"):
        first_value("sql:shop", "x", kind, since, None)


def test_what_is_remembered_leads_back_to_the_value() -> None:
    """Cursors hold texts and numbers."""
    moment = datetime(2026, 1, 31, 10, 0, 0, 5)  # noqa: DTZ001
    for kind, value in (
        (pa.timestamp("us"), moment),
        (pa.decimal128(5, 2), Decimal("1.50")),
        (pa.date32(), date(2026, 1, 31)),
        (pa.int64(), 5),
        (pa.string(), "x"),
    ):
        assert first_value("sql:shop", "x", kind, remembered(value), None) == value


_ELEMENTS = st.recursive(
    st.lists(
        st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))),
        min_size=1,
        max_size=4,
    ),
    lambda inner: st.lists(inner, min_size=1, max_size=3),
    max_leaves=6,
)


def _literal(value: Any) -> str:
    """Write an array as PostgreSQL does."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(map(_literal, value)) + "}"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


@settings(deadline=None)
@given(_ELEMENTS)
def test_arrays_of_any_texts_become_json(value: Any) -> None:
    assert json.loads(array_json(_literal(value), ",", "S")) == value


@pytest.mark.parametrize(
    ("literal", "element", "written"),
    [
        ("{}", "N", "[]"),
        ("{1,-2.50,NaN}", "N", '[1, -2.50, "NaN"]'),
        ("[2:3]={7,8}", "N", "[7, 8]"),
        ("{t,f,NULL}", "B", "[true, false, null]"),
        ('{"{\\"a\\": 1}"}', "J", '[{"a": 1}]'),
        ("{a b,NULL}", "S", '["a b", null]'),
    ],
)
def test_arrays_keep_what_their_elements_are(literal: str, element: str, written: str) -> None:
    assert array_json(literal, ",", element) == written


@settings(deadline=None)
@given(st.text(max_size=20))
def test_what_is_no_array_is_no_crash(text: str) -> None:
    try:
        json.loads(array_json(text, ",", "S"))
    except ValueError:
        return
