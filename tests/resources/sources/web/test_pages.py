"""Pages: by number, offset, cursor and link; where they end, and where they go round."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from resources.columns import Column
from resources.errors import SourceError
from resources.sources import Pages
from tests.resources.sources.web.conftest import Reading
from tests.web_server import Reply, Request

ROWS = [{"id": number, "text": f"text {number}"} for number in range(1, 24)]


def numbered(request: Request, *, named: str = "page") -> Any:
    """Answer a page of ten records."""
    page, size = int(request.params[named]), int(request.params.get("per_page", "10"))
    return {"items": ROWS[(page - 1) * size : page * size], "meta": {"pages": -(-23 // size)}}


def test_pages_by_number_end_at_the_total_that_the_answers_say(web: Reading) -> None:
    url = web.server.on("/v1", numbered)
    pages = Pages(number="page", size=("per_page", 5), total="meta.pages")
    assert web.rows(url, pages=pages, records="items") == ROWS
    assert [r.params for r in web.server.requests] == [
        {"per_page": "5", "page": str(page)} for page in range(1, 6)
    ]


def test_pages_by_number_without_a_total_end_at_an_empty_page(web: Reading) -> None:
    url = web.server.on("/v1", numbered)
    assert web.rows(url, pages={"number": "page"}, records="items") == ROWS
    assert len(web.server.requests) == 4


def test_pages_may_be_counted_from_zero(web: Reading) -> None:
    url = web.server.on("/v1", lambda r: {"items": ROWS[int(r.params["p"]) * 9 :][:9], "pages": 3})
    pages = {"number": "p", "first": 0, "total": "pages"}
    assert web.rows(url, pages=pages, records="items") == ROWS
    assert [r.params["p"] for r in web.server.requests] == ["0", "1", "2"]


@pytest.mark.parametrize("total", ["", "count"])
def test_pages_by_offset(web: Reading, total: str) -> None:
    url = web.server.on(
        "/v1",
        lambda r: {"rows": ROWS[int(r.params["from"]) :][: int(r.params["n"])], "count": 23},
    )
    pages = {"offset": "from", "size": {"n": 8}, "total": total}
    assert web.rows(url, pages=pages, records="rows") == ROWS
    asked = [r.params["from"] for r in web.server.requests]
    assert asked == ["0", "8", "16"] + ([] if total else ["24"])


@pytest.mark.parametrize("last", [None, "", False, "absent"])
def test_pages_by_cursor_in_a_parameter(web: Reading, last: Any) -> None:
    def answer(request: Request) -> Any:
        at = int(request.params.get("after", "0"))
        end = {} if last == "absent" else {"next": last}
        after = {"next": at + 10} if at < 20 else end
        return {"data": {"list": ROWS[at : at + 10], **after}}

    url = web.server.on("/v1", answer)
    pages = {"cursor": "data.next", "into": "after", "size": ["limit", 10]}
    assert web.rows(url + "?kind=short", pages=pages, records="data.list") == ROWS
    assert web.server.requests[2].params == {"kind": "short", "limit": "10", "after": "20"}


def test_pages_by_cursor_that_is_an_address(web: Reading) -> None:
    def answer(request: Request) -> Any:
        at = int(request.params.get("at", "0"))
        after = {0: f"{web.server.url}/v1?at=10", 10: "?at=20"}.get(at)
        return {"next": after, "items": ROWS[at : at + 10]}

    url = web.server.on("/v1", answer)
    assert web.rows(url, pages={"cursor": "next"}, records="items") == ROWS


def test_pages_by_link_header(web: Reading) -> None:
    def answer(request: Request) -> Any:
        at = int(request.params.get("at", "0"))
        link = f'</first>; rel="first", </v1?at={at + 10},x>; title="a, b"; rel="last next"'
        return Reply(ROWS[at : at + 10], headers={"link": link if at < 20 else ""})

    url = web.server.on("/v1", lambda r: answer(_without_x(r)))
    assert web.rows(url, pages="link") == ROWS
    assert web.rows(url, pages={"link": True}) == ROWS


def _without_x(request: Request) -> Request:
    """Take off the end of the parameter, which holds a comma to look at."""
    at = request.params.get("at", "0").removesuffix(",x")
    return replace(request, params={"at": at})


def test_a_server_that_does_not_know_the_parameter_is_noticed(web: Reading) -> None:
    url = web.server.on("/v1", lambda _: {"items": ROWS})
    with pytest.raises(SourceError, match="the page before once more.*'pages'"):
        web.rows(url, pages={"number": "pages"}, records="items")
    assert len(web.server.requests) == 2


def test_a_cursor_that_goes_round_is_noticed(web: Reading) -> None:
    url = web.server.on(
        "/v1",
        lambda r: {"items": ROWS, "next": {"0": "1", "1": "2", "2": "1"}[r.params.get("c", "0")]},
    )
    with pytest.raises(SourceError, match="c=1, which was read already"):
        web.rows(url, pages={"cursor": "next", "into": "c"}, records="items")
    assert len(web.server.requests) == 3


def test_a_total_that_grows_or_shrinks_is_followed(web: Reading) -> None:
    totals = {1: 2, 2: 4, 3: 3}
    url = web.server.on(
        "/v1",
        lambda r: {"items": [{"p": r.params["page"]}], "total": totals[int(r.params["page"])]},
    )
    pages = {"number": "page", "total": "total"}
    assert [row["p"] for row in web.rows(url, pages=pages, records="items")] == ["1", "2", "3"]


def test_more_pages_than_allowed_are_an_error_not_an_end(web: Reading) -> None:
    url = web.server.on("/v1", lambda r: {"items": [{"page": r.params["page"]}]})
    with pytest.raises(SourceError, match="more than 3 pages"):
        web.rows(url, pages={"number": "page"}, records="items", limits={"pages": 3})
    assert len(web.server.requests) == 3


def test_a_next_page_on_another_host_is_refused(web: Reading) -> None:
    url = web.server.on("/v1", {"items": ROWS, "next": "https://elsewhere.example/v1?token=abc"})
    with pytest.raises(SourceError, match="on another host, https://elsewhere.example") as caught:
        web.rows(url, pages={"cursor": "next"}, records="items")
    assert "abc" not in str(caught.value)


def test_the_first_rows_need_only_the_first_page(web: Reading) -> None:
    url = web.server.on("/v1", numbered)
    source = web.source(url)
    options: dict[str, Any] = {"pages": {"number": "page"}, "records": "items", "rate": 1_000}
    assert source.first(10, **options) == ROWS[:10]
    assert len(web.server.requests) == 1
    assert source.first(11, **options) == ROWS[:11]
    assert len(web.server.requests) == 3


def test_everything_is_fetched_once_however_often_it_is_read(web: Reading) -> None:
    url = web.server.on("/v1", numbered)
    table = web.source(url).read(pages={"number": "page"}, records="items", rate=1_000)
    assert table.to_arrow() == table.to_arrow()
    assert table.columns == ["id", "text"]
    assert len(web.server.requests) == 4


def test_several_addresses_are_one_table(web: Reading) -> None:
    urls = [web.server.on("/a", ROWS[:3]), web.server.on("/b", ROWS[3:5])]
    assert web.rows(*urls) == ROWS[:5]


def test_an_answer_without_a_record_needs_declared_columns(web: Reading) -> None:
    url = web.server.on("/v1", {"items": []})
    with pytest.raises(SourceError, match="no record"):
        web.rows(url, records="items")
    columns = (Column("id", "int64"), Column("text", "string"))
    table = web.source(url, columns=columns).read(records="items")
    assert table.to_arrow().to_pylist() == []
    assert table.columns == ["id", "text"]
    texts = web.source(url).texts(id="id", text="text", records="items")
    assert texts.to_arrow().num_rows == 0


def test_records_as_texts(web: Reading) -> None:
    url = web.server.on("/v1", numbered)
    pages = {"number": "page"}
    table = web.source(url).texts(id="id", text="text", pages=pages, records="items", rate=1_000)
    assert table.to_arrow().column("raw_text").to_pylist() == [row["text"] for row in ROWS]
    assert len(web.server.requests) == 4


def test_since_goes_where_the_parameters_say_and_is_left_out_at_first(web: Reading) -> None:
    url = web.server.on("/v1", ROWS)
    params = {"updated_after": "{since}", "kind": "short", "none": None, "open": True}
    web.rows(url, params=params, since=None)
    web.rows(url, params=params, since="2026-01-31T00:00:00+09:00")
    first, second = (request.params for request in web.server.requests)
    assert first == {"kind": "short", "open": "true"}
    assert second == {**first, "updated_after": "2026-01-31T00:00:00+09:00"}


def test_a_misspelt_cursor_is_not_taken_for_the_only_page(web: Reading) -> None:
    url = web.server.on("/v1", {"items": ROWS, "meta": {"next_cursor": "5"}, "text": "next"})
    with pytest.raises(SourceError, match=r"cursor='meta.next_curser'; did you mean 'next_cursor'"):
        web.rows(url, records="items", pages={"cursor": "meta.next_curser", "into": "c"})
    with pytest.raises(SourceError, match="cursor='metas.next'; did you mean 'meta'"):
        web.rows(url, records="items", pages={"cursor": "metas.next", "into": "c"})
    assert web.rows(url, records="items", pages={"cursor": "next", "into": "c"}) == ROWS


def test_a_cursor_needs_a_document(web: Reading) -> None:
    lines = Reply('{"a": 1}\n', headers={"content-type": "application/x-ndjson"})
    with pytest.raises(SourceError, match="is no JSON document"):
        web.rows(web.server.on("/v1", lines), pages={"cursor": "next"})


@pytest.mark.parametrize("to", ["http://[", "http://h:port/", "/a b", "https://h/\x00", "\ud800"])
def test_a_next_page_that_is_no_address_is_told(web: Reading, to: str) -> None:
    url = web.server.on("/v1", Reply(json.dumps({"items": ROWS, "next": to}).encode(),
                                     headers={"content-type": "application/json"}))  # fmt: skip
    with pytest.raises(SourceError):
        web.rows(url, records="items", pages={"cursor": "next"} if to[0] in "h/" else
                 {"cursor": "next", "into": "c"})  # fmt: skip


def test_the_greatest_value_says_where_to_go_on(web: Reading) -> None:
    url = web.server.on("/v1", numbered)
    options: dict[str, Any] = {"pages": {"number": "page"}, "records": "items", "rate": 1_000}
    source = web.source(url)
    table = source.read(**options, by="id")
    with pytest.raises(SourceError, match="source.last before any row was read"):
        _ = source.last
    table.to_arrow()
    found: list[Any] = [source.last]
    source.texts(id="id", text="text", **options, by="text").to_arrow()
    assert [*found, source.last] == [23, "text 9"]
    with pytest.raises(SourceError, match="no column 'idd' for by=; did you mean 'id'"):
        source.read(**options, by="idd").to_arrow()


@pytest.mark.parametrize(
    ("values", "greatest"),
    [
        (["2026-01-31T09:00:00Z", "2026-02-01T00:00:00Z", None], "2026-02-01T00:00:00Z"),
        ([1, None, 2.5], 2.5),
        ([None], None),
    ],
)
def test_what_can_be_ordered(web: Reading, values: list[Any], greatest: Any) -> None:
    url = web.server.on("/v1", [{"at": value, "id": 1, "text": "x"} for value in values])
    for read in ("read", "texts"):
        source = web.source(url)
        columns = {"id": "id", "text": "text"} if read == "texts" else {}
        getattr(source, read)(by="at", **columns).to_arrow()
        assert source.last == greatest


@pytest.mark.parametrize("values", [[True, False], [1, "a"], [{"a": 1}]])
def test_what_cannot_be_ordered_is_told(web: Reading, values: list[Any]) -> None:
    url = web.server.on("/v1", [{"at": value, "id": 1, "text": "x"} for value in values])
    with pytest.raises(SourceError, match="by= finds no greatest value"):
        web.source(url).texts(id="id", text="text", by="at").to_arrow()


def test_days_in_csv_are_ordered(web: Reading) -> None:
    csv = Reply("at\n2026-01-31\n2026-02-01\n", headers={"content-type": "text/csv"})
    source = web.source(web.server.on("/v1", csv))
    source.read(by="at").to_arrow()
    assert source.last == "2026-02-01"
