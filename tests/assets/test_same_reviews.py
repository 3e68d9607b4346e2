"""The same 16,427 reviews come out whichever format they came from: one pool, split over formats."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.assets.conftest import Home
from tests.shared_data import shared
from tests.web_server import Request, WebServer


@dataclass(frozen=True, slots=True)
class Origin:
    """A part of the pool: its file (an API's: its path), its records, what its collector returns."""

    file: str
    records: int
    read: str


def texts(**options: str) -> str:
    """Say how the reviews are read: dates are YY.MM.DD everywhere."""
    known = {"id": "review_id", "text": "review", "created_at": "date", "time_format": "%y.%m.%d"}
    return f"source.texts(**{known | options})"


ORIGINS: Final = {
    "csv_utf8": Origin("reviews_utf8.csv", 2_527, texts()),
    "csv_bom": Origin("reviews_utf8_bom.csv", 2_500, texts()),
    "csv_cp949": Origin("reviews_cp949.csv", 2_520, texts()),
    "jsonl": Origin("reviews.jsonl", 2_500, texts()),
    "xml": Origin("reviews.xml", 1_500, texts(id="id", text="text")),
    "xlsx": Origin("reviews.xlsx", 1_500, texts()),
    "sqlite": Origin("reviews.sqlite", 2_500, texts(table="reviews")),
}
API: Final = Origin(
    "/v1/reviews",
    1_000,
    "source.texts(id='review_id', text='review', created_at='date', time_format='%y.%m.%d', "
    "records='items', pages={'number': 'page', 'total': 'total_pages'}, rate=1000)",
)
RECORDS: Final = 16_547
TWICE: Final = 120
"""Reviews that stand in reviews_utf8.csv and again in reviews_cp949.csv (20) or reviews.jsonl (100)."""
TITLE: Final = re.compile(r"<[^<>\n]{2,30}>")


@pytest.fixture
def api(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run the paged API; give its address."""
    pages = [
        json.loads(shared(f"reviews_ko/api_pages/page_{n}.json").read_bytes()) for n in range(1, 6)
    ]

    def page(request: Request) -> object:
        """Give a page."""
        return pages[int(request.params["page"]) - 1]

    with WebServer() as server:
        server.on(API.file, page)
        plain = home.open
        allow = f"127.0.0.1:{server.port}"
        monkeypatch.setattr(home, "open", lambda **env: plain(DATAOPS_HTTP_ALLOW=allow, **env))
        yield f"{server.url}{API.file}"


@pytest.fixture
def pool(home: Home, api: str) -> Home:
    """Give a project with one raw asset per origin, their union by id, its cleaning and its CSV."""
    sources = {name: str(shared(f"reviews_ko/{origin.file}")) for name, origin in ORIGINS.items()}
    for name, source in {**sources, "api": api}.items():
        home.write(
            f"assets/raw/{name}.py",
            f"""
            from assets import Source, Table, asset
            from assets.schemas import RawText

            @asset(source={source!r}, schema=RawText, chain=False)
            def {name}(source: Source) -> Table:
                return {(ORIGINS | {"api": API})[name].read}
            """,
        )
    home.write("assets/processed/reviews.py", united([*ORIGINS, "api"]))
    home.write(
        "assets/processed/reviews_clean.py",
        """
        from assets import Cleaner, Table, asset

        @asset(upstream=["processed.reviews"])
        def reviews_clean(reviews: Table, llm: Cleaner) -> Table:
            return llm.clean(reviews)
        """,
    )
    home.write(
        "assets/output/reviews.py",
        """
        from assets import Table, asset

        @asset(upstream=["processed.reviews_clean"])
        def reviews(reviews_clean: Table) -> Table:
            return reviews_clean
        """,
    )
    return home


def united(names: list[str]) -> str:
    """Declare the asset that holds each review of these raw assets once."""
    columns = "id, source, raw_text, created_at"
    union = " UNION ALL ".join(f"SELECT {columns} FROM {name}" for name in names)
    return f"""
import duckdb
from assets import Table, asset

@asset(upstream={[f"raw.{name}" for name in names]})
def reviews({", ".join(f"{name}: Table" for name in names)}) -> object:
    con = duckdb.connect()
    for name, table in {{{", ".join(f"{name!r}: {name}" for name in names)}}}.items():
        con.register(name, table.to_arrow())
    return con.sql(
        "SELECT id, min(source) AS source, raw_text, created_at, count(*) AS seen "
        "FROM ({union}) GROUP BY id, raw_text, created_at ORDER BY id"
    ).to_arrow_table()
"""


def test_all_formats_give_the_same_reviews(pool: Home) -> None:
    assert set(pool.run().values()) == {"made"}

    every = ORIGINS | {"api": API}
    collected = {name: pool.current(f"raw.{name}").rows for name in every}
    assert collected == {name: origin.records for name, origin in every.items()}
    assert sum(collected.values()) == RECORDS

    rows = pool.rows("processed.reviews")
    # One row for each id: who stands in two files has the same text and the same day in both.
    assert len(rows) == len({row["id"] for row in rows})
    assert len(rows) == RECORDS - TWICE
    assert sum(row["seen"] == 2 for row in rows) == TWICE
    assert {row["source"] for row in rows} == set(every)
    assert {row["created_at"].year for row in rows} <= set(range(2003, 2018))

    with (pool.data / "output/current/reviews.csv").open(encoding="utf-8-sig", newline="") as file:
        cleaned = {int(row["id"]): row["raw_text"] for row in csv.DictReader(file)}
    assert cleaned.keys() == {row["id"] for row in rows}
    titles = [(row["id"], title) for row in rows for title in TITLE.findall(row["raw_text"] or "")]
    assert len(titles) > 50
    lost = [title for id_, title in titles if " ".join(title.split()) not in cleaned[id_]]
    assert lost == []
