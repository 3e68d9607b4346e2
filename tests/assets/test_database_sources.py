"""Assets that are collected from a database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resources.errors import SettingError
from tests.assets.conftest import Home

DECLARED = """
    from datetime import timedelta
    from assets import Source, Table, asset

    @asset(source="sql:{0}", fresh_for=timedelta(hours=1), chain=False, max_quarantine=0.5)
    def reviews(source: Source) -> Table:
        return source.read(table="reviews")
    """


@pytest.fixture
def shop(home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a database with three reviews, one of them damaged, declared as a source."""
    file = home.root / "shop.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE reviews (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute(
            "INSERT INTO reviews VALUES (1, 'a'), (2, CAST(x'ff' AS TEXT)), (3, 'c')"
        )
        connection.commit()
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", f"sqlite:///{file}")
    home.write("assets/raw/reviews.py", DECLARED.format("shop"))
    return file


def test_a_database_is_collected_and_fresh_until_it_is_due(home: Home, shop: Path) -> None:
    """What it holds by then is not looked at: a clock says when to ask."""
    made = home.make("raw.reviews").materialized
    assert made is not None
    assert (made.rows, made.quarantined) == (2, 1)
    assert home.rows("raw.reviews") == [{"id": 1, "text": "a"}, {"id": 3, "text": "c"}]
    shop.touch()
    assert home.states() == {"raw.reviews": "fresh"}
    assert home.reasons("raw.reviews", datetime.now(UTC) + timedelta(hours=2)) == ["due"]


@pytest.mark.usefixtures("shop")
def test_another_connection_is_another_source(home: Home) -> None:
    """The declaration counts, not what it leads to."""
    home.make("raw.reviews")
    home.write("assets/raw/reviews.py", DECLARED.format("other"))
    assert home.reasons("raw.reviews") == ["source changed", "source changed"]
    with pytest.raises(SettingError, match="Set DATAOPS_CONNECTION_OTHER to its URL"):
        home.make("raw.reviews")
    assert home.current("raw.reviews").number == 1


def test_a_file_is_a_source_by_its_bytes(home: Home, shop: Path) -> None:
    """As every other file is."""
    home.write("assets/raw/reviews.py", DECLARED.replace("sql:{0}", "shop.sqlite"))
    home.make("raw.reviews")
    assert home.states() == {"raw.reviews": "fresh"}
    with closing(sqlite3.connect(shop)) as connection:
        connection.execute("INSERT INTO reviews VALUES (4, 'd')")
        connection.commit()
    assert home.reasons("raw.reviews") == ["source changed"]
    assert home.make("raw.reviews").state == "made"
    assert len(home.rows("raw.reviews")) == 3
