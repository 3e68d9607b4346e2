"""Ties of servers: dates, whole seconds, numbers without a scale, and texts in their collation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from resources.errors import SourceError
from tests import mariadb, postgresql
from tests.assets.conftest import Home
from tests.assets.test_ties import PIPELINE, WAYS

sa = pytest.importorskip("sqlalchemy")
ICU = "CREATE COLLATION IF NOT EXISTS people (provider = icu, locale = 'en')"
POSTGRESQL = [
    ("date", ["2024-01-01", "2024-01-02"]),
    ("timestamp(0)", ["2024-01-01 00:00:00", "2024-01-02 10:00:00"]),
    ("timestamptz", ["2024-01-01 00:00:00+09", "2024-01-02 10:00:00.5+09"]),
    ("real", ["0.1", "0.7"]),
    ("double precision", ["-0.5", "0.1"]),
    ("numeric", ["9", "10.0"]),
    ("numeric(8,2)", ["-1.50", "0"]),
    ('varchar(20) COLLATE "people"', ["a", "B"]),
]
MARIADB = [
    ("date", ["2024-01-01", "2024-01-02"]),
    ("timestamp NULL", ["2024-01-01 00:00:00", "2024-01-02 10:00:00"]),
    ("double", ["0.1", "0.7"]),
    ("varchar(20)", ["a", "B"]),
]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """Give a PostgreSQL."""
    with postgresql.running() as url:
        yield url, url.replace("postgresql://", "postgresql+psycopg2://")


@pytest.fixture(scope="module")
def maria() -> Iterator[Any]:
    """Give a MariaDB."""
    with mariadb.running() as url:
        engine = sa.create_engine(url.replace("mysql://", "mysql+pymysql://"))
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE DATABASE shop CHARACTER SET utf8mb4"))
        yield f"{url}shop", f"{url}shop".replace("mysql://", "mysql+pymysql://")


def hold(home: Home, urls: Any, kind: str, values: list[str], mode: str, on: str) -> None:
    """Two rows with the last value come late, one further; a last run finds nothing new."""
    engine = sa.create_engine(urls[1])

    def add(*rows: tuple[int, str]) -> None:
        """Add rows."""
        with engine.begin() as connection:
            for n, value in rows:
                connection.execute(sa.text(f"INSERT INTO ev VALUES ({n}, '{value}', 'x')"))

    def collect() -> list[int]:
        """Collect, and give the ids of the version."""
        home.make("raw.ev", force=True)
        return sorted(row["id"] for row in home.rows("raw.ev"))

    with engine.begin() as connection:
        if "people" in kind:
            connection.execute(sa.text(ICU))
        connection.execute(sa.text("DROP TABLE IF EXISTS ev"))
        connection.execute(sa.text(f"CREATE TABLE ev (id int, day {kind}, v varchar(9))"))
    text = PIPELINE.format(mode=mode, on=on).replace("shop.sqlite", "sql:shop")
    home.write("resources/pipelines/ev.yaml", text)
    add((1, values[0]), (2, values[1]))
    assert collect() == [1, 2]
    add((3, values[1]), (4, values[1]))
    assert [collect() for _ in range(2)] == [[1, 2, 3, 4]] * 2
    if "char" in kind:  # as people sort, B and b are before C
        add((5, "b"), (6, "C"), (7, "D"))
        last = [1, 2, 3, 4, 6, 7] if "people" in kind else [1, 2, 3, 4, 5, 6, 7]
        found = collect()
        assert [n for n in found if n != 5] == [n for n in last if n != 5]
        assert collect() == found


@pytest.mark.parametrize(("mode", "on"), WAYS)
@pytest.mark.parametrize(("kind", "values"), POSTGRESQL)
def test_postgresql(
    home: Home,
    postgres: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    values: list[str],
    mode: str,
    on: str,
) -> None:
    """Of each type, in each way."""
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", postgres[0])
    hold(home, postgres, kind, values, mode, on)


@pytest.mark.parametrize(("mode", "on"), WAYS)
@pytest.mark.parametrize(("kind", "values"), MARIADB)
def test_mariadb(
    home: Home,
    maria: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    values: list[str],
    mode: str,
    on: str,
) -> None:
    """Of each type, in each way."""
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", maria[0])
    hold(home, maria, kind, values, mode, on)


def test_a_float_of_mariadb_is_refused(
    home: Home, maria: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server shows it rounded, and so cannot be asked for it."""
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", maria[0])
    with pytest.raises(SourceError, match="shows rounded"):
        hold(home, maria, "float", ["0.1", "0.7"], "append", "")
