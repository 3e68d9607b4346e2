"""Assets that are collected from web addresses: plan, publication, record, and the real pages."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.engine.errors import CheckFailed, PassingFailure
from assets.model.discover import discover
from resources.errors import SourceError
from tests.assets.conftest import Home
from tests.shared_data import shared
from tests.web_server import Reply, Request, WebServer

ASSET = """
    from datetime import timedelta
    from assets import Source, Table, asset

    @asset(source={url!r}, fresh_for=timedelta(hours=1), chain=False)
    def reviews(source: Source) -> Table:
        return source.{read}
    """


class Shop:
    """A project whose one asset reads a server."""

    def __init__(self, home: Home, server: WebServer) -> None:
        self.home = home
        self.server = server

    def declare(self, path: str = "/v1", read: str = "read(records='items', rate=1000)") -> None:
        """Declare the asset."""
        text = ASSET.format(url=f"{self.server.url}{path}", read=read)
        self.home.write("assets/raw/reviews.py", text)

    def sql(self, query: str) -> list[Any]:
        """Ask the catalog."""
        project = self.home.open()
        project.catalog.fold()
        return project.catalog.query(query).rows


@pytest.fixture
def shop(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Give a project and a server; the server may be read."""
    with WebServer() as server:
        inner = home.open
        setting = {"DATAOPS_HTTP_ALLOW": f"127.0.0.1:{server.port}"}
        monkeypatch.setattr(home, "open", lambda **env: inner(**setting, **env))
        shop = Shop(home, server)
        shop.declare()
        yield shop


def test_a_thousand_real_reviews_in_five_pages(shop: Shop) -> None:
    pages = {
        str(n): json.loads(shared(f"reviews_ko/api_pages/page_{n}.json").read_bytes())
        for n in range(1, 6)
    }
    shop.server.on("/v1", lambda r: pages[r.params["page"]])
    shop.declare(
        read="read(records='items', pages={'number': 'page', 'total': 'total_pages'}, rate=1000)"
    )
    assert shop.home.make("raw.reviews").materialized.rows == 1_000  # type: ignore[union-attr]
    rows = shop.home.rows("raw.reviews")
    items = [item for page in pages.values() for item in page["items"]]
    assert len(items) == pages["1"]["total"] == 1_000
    assert [str(row["review_id"]) for row in rows] == [item["review_id"] for item in items]
    assert [row["review"] for row in rows] == [item["review"] for item in items]
    found = shop.sql(
        "SELECT key, method, status, count(*), sum(bytes) > 100000 FROM source_calls GROUP BY ALL"
    )
    assert found == [("raw.reviews", "GET", 200, 5, True)]
    assert not list((shop.home.data / ".staging").iterdir())


def test_the_plan_never_asks_the_network(shop: Shop) -> None:
    shop.server.on("/v1", {"items": [{"a": 1}]})
    assert shop.home.states() == {"raw.reviews": "missing"}
    shop.home.make("raw.reviews")
    shop.server.on("/v1", {"items": [{"a": 2}]})
    asked = len(shop.server.requests)
    assert shop.home.states() == {"raw.reviews": "fresh"}
    later = datetime.now(UTC) + timedelta(hours=2)
    assert shop.home.reasons("raw.reviews", later) == ["due"]
    assert len(shop.server.requests) == asked == 1


def test_another_address_is_a_reason(shop: Shop) -> None:
    shop.server.on("/v1", {"items": [{"a": 1}]})
    shop.server.on("/v2", {"items": [{"a": 1}]})
    shop.home.make("raw.reviews")
    shop.declare("/v2")
    said = [str(reason) for reason in shop.home.line("raw.reviews").reasons]
    assert f"source changed: {shop.server.url}/v1 there -> gone" in said
    assert f"source changed: {shop.server.url}/v2 not there -> new" in said
    shop.home.make("raw.reviews")
    assert shop.home.states() == {"raw.reviews": "fresh"}
    assert shop.sql("SELECT path FROM sources WHERE version = 2") == [(f"{shop.server.url}/v2",)]


def test_the_same_answer_is_the_same_content(shop: Shop) -> None:
    shop.server.on("/v1", {"items": [{"a": 1}]})
    assert shop.home.make("raw.reviews").state == "made"
    assert shop.home.make("raw.reviews", force=True).state == "unchanged"


def test_an_outage_is_tried_three_times_in_all_and_recorded(shop: Shop) -> None:
    shop.server.on("/v1", Reply("down", 503))
    shop.declare(read="read(records='items', rate=1000, limits={'tries': 2})")
    with pytest.raises(PassingFailure, match="gives no answer .2 tries.: status 503: down"):
        shop.home.make("raw.reviews")
    assert len(shop.server.requests) == 6
    calls = shop.sql(
        "SELECT count(*), count(DISTINCT file), max(attempt), any_value(error) FROM source_calls"
    )
    assert calls == [(6, 3, 2, "status 503: down")]
    assert shop.sql("SELECT count(*) FROM attempts") == [(3,)]


def test_what_stays_wrong_is_tried_once(shop: Shop) -> None:
    shop.server.on("/v1", Reply("no", 404))
    with pytest.raises(SourceError, match="raw.reviews: .*/v1 is not there"):
        shop.home.make("raw.reviews")
    assert len(shop.server.requests) == 1


def test_a_blocked_collection_may_be_tried_again(shop: Shop) -> None:
    shop.server.script("/v1", {"items": [1, {"a": 1}]}, {"items": [{"a": 1}]})
    with pytest.raises(CheckFailed):
        shop.home.make("raw.reviews")
    rejects = shop.sql("SELECT source, line, reason FROM quarantined_rows")
    assert rejects == [(f"{shop.server.url}/v1", 1, "not an object but a number")]
    assert shop.home.make("raw.reviews").state == "made"


def test_secrets_stay_out_of_everything(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "v3ry-s3cr3t-t0ken"
    monkeypatch.setenv("REVIEWS_TOKEN", secret)
    read = "read(records='items', auth={'bearer': 'REVIEWS_TOKEN'}, rate=1000, limits={'tries': 1})"
    shop.declare(read=read)

    def answer(request: Request) -> Any:
        if len(shop.server.requests) == 1:
            return Reply({"you sent": request.headers}, 500)
        return {"items": [{"a": 1}]}

    shop.server.on("/v1", answer)
    shop.home.make("raw.reviews")
    assert shop.server.requests[0].headers["authorization"] == f"Bearer {secret}"
    shop.sql("FROM source_calls")
    files = [path for path in shop.home.root.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_an_attempt_that_was_cut_off_leaves_its_calls(shop: Shop) -> None:
    shop.server.on("/v1", {"items": [{"a": 1}]})
    shop.home.make("raw.reviews")
    folder = shop.home.data / "source_calls" / "raw.reviews"
    (folder / "killed.jsonl").write_text(
        '{"called_at": "2026-01-31T00:00:00.0Z", "status": 200}\n{"ca'
    )
    assert shop.sql("SELECT count(*) FROM source_calls") == [(2,)]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("https://kim:pass@h/x", "has a user or password in it"),
        ("https://h/x?api_key=abc123", "sounds like a secret"),
        ("htps://h/x", "did you mean 'https'"),
        ("ftp://h/x", "of a kind that cannot be read"),
        ("https://", "no web address"),
    ],
)
def test_an_address_is_checked_where_it_is_declared(home: Home, source: str, says: str) -> None:
    home.write(
        "assets/raw/x.py",
        f"from assets import asset\n\n@asset(source={source!r}, chain=False)\ndef x(): ...\n",
    )
    broken = discover(home.root).broken["raw.x"]
    assert says in broken.error
    assert "pass@" not in broken.error
    assert "abc123" not in broken.error


def test_files_and_addresses_do_not_mix(shop: Shop) -> None:
    shop.home.write("in.csv", "a\n1\n")
    text = ASSET.format(url=["in.csv", f"{shop.server.url}/v1"], read="read()")
    shop.home.write("assets/raw/reviews.py", text)
    with pytest.raises(SourceError, match="reads web addresses and something else"):
        shop.home.make("raw.reviews")


def test_an_interrupted_collection_closes_what_it_opened(shop: Shop) -> None:
    shop.server.script("/v1", {"items": [{"a": 1}], "next": "?p=2"}, Reply("no", 404))
    shop.declare(read="read(records='items', pages={'cursor': 'next'}, rate=1000)")
    before = threading.active_count()
    with pytest.raises(SourceError):
        shop.home.make("raw.reviews")
    assert threading.active_count() == before
    assert not list((shop.home.data / ".staging").iterdir())


NEW = """
    from collections.abc import Iterator
    import pyarrow as pa
    from assets import Cursor, Schema, Source, Table, asset

    class Review(Schema):
        id: int
        updated_at: str
        text: str

    @asset(source={url!r}, schema=Review, mode="upsert", on=["id"], chain=False)
    def reviews(source: Source, cursor: Cursor) -> Iterator[pa.RecordBatch]:
        yield from source.read(
            records="items",
            params={{"after": "{{since}}"}},
            since=cursor.value,
            by="updated_at",
            pages={{"cursor": "next"}},
            rate=1000,
            limits={{"tries": 1}},
        ).batches()
        cursor.advance(source.last)
    """


def test_a_cursor_asks_only_for_what_is_new(shop: Shop) -> None:
    """Ten reviews, two new ones and one changed; an outage in between moves nothing."""
    rows: list[dict[str, Any]] = [
        {"id": n, "updated_at": f"2026-01-{n:02}", "text": f"t{n}"} for n in range(1, 11)
    ]
    broken = False

    def answer(request: Request) -> Any:
        after, page = request.params.get("after", ""), int(request.params.get("page", "0"))
        found = sorted((r for r in rows if r["updated_at"] > after), key=lambda r: r["updated_at"])
        if broken and page:
            return Reply("down", 503)
        more = f"?after={after}&page={page + 1}" if len(found) > (page + 1) * 2 else None
        return {"items": found[page * 2 :][:2], "next": more}

    shop.server.on("/v1", answer)
    shop.home.write("assets/raw/reviews.py", NEW.format(url=f"{shop.server.url}/v1"))
    assert shop.home.make("raw.reviews").state == "made"
    assert "after" not in shop.server.requests[0].params
    rows += [{"id": n, "updated_at": f"2026-02-{n:02}", "text": f"t{n}"} for n in (11, 12)]
    rows[0] = {"id": 1, "updated_at": "2026-03-01", "text": "changed"}
    broken = True
    with pytest.raises(PassingFailure):
        shop.home.make("raw.reviews", force=True)
    broken = False
    asked = len(shop.server.requests)
    assert shop.home.make("raw.reviews", force=True).state == "made"
    assert [r.params["after"] for r in shop.server.requests[asked:]] == ["2026-01-10"] * 2
    current = shop.home.current("raw.reviews")
    assert (current.rows, current.added, current.replaced) == (12, 3, 1)
    found = {row["id"]: row["text"] for row in shop.home.rows("raw.reviews")}
    assert len(found) == 12
    assert shop.home.make("raw.reviews", force=True).state == "unchanged"
    assert shop.server.requests[-1].params == {"after": "2026-03-01"}
