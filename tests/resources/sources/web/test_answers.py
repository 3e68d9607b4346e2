"""Answers: what they may hold, where their records are, and what is no record."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.errors import SourceError, TransientError
from resources.sources.web.document import Wanted, extract
from resources.sources.web.walk import CutOff
from tests.resources.sources.web.conftest import Reading
from tests.web_server import Reply

ROWS = [{"id": 1, "text": "<올드보이>"}, {"id": 2, "text": 'a "b"\nc'}]


def test_a_list_of_records(web: Reading) -> None:
    assert web.rows(web.server.on("/v1", ROWS)) == ROWS


def test_json_lines_also_where_they_are_called_json(web: Reading) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    for kind in ("application/json", "application/x-ndjson"):
        url = web.server.on("/v1", Reply(lines, headers={"content-type": kind}))
        assert web.rows(url) == ROWS


def test_records_below_a_dotted_path(web: Reading) -> None:
    url = web.server.on("/v1", {"a": [1], "data": {"x": {"items": []}, "items": ROWS, "n": 2}})
    assert web.rows(url, records="data.items") == ROWS


def test_an_object_that_is_itself_the_record(web: Reading) -> None:
    assert web.rows(web.server.on("/v1", ROWS[0]), records=".") == [ROWS[0]]


def test_an_object_without_records_names_its_lists(web: Reading) -> None:
    url = web.server.on("/v1", {"items": ROWS, "errors": [], "n": 1})
    with pytest.raises(SourceError, match=r"records='items'.*its lists are items, errors"):
        web.rows(url)


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ("item", "no 'item'; did you mean 'items'"),
        ("data.item", "no 'data.item'; did you mean 'items'.*there it has items"),
        ("data", "no list at records='data', but"),
        ("count", "no list at records='count', but 5"),
    ],
)
def test_a_wrong_path_is_told_with_what_is_there(web: Reading, records: str, says: str) -> None:
    url = web.server.on("/v1", {"items": ROWS, "data": {"items": ROWS}, "count": 5})
    with pytest.raises(SourceError, match=says):
        web.rows(url, records=records)


def test_null_in_place_of_the_list_is_an_empty_page(web: Reading) -> None:
    pages = [{"items": ROWS, "next": "/v1?p=2"}, {"items": None, "next": None}]
    url = web.server.script("/v1", *pages)
    assert web.rows(url, records="items", pages={"cursor": "next"}) == ROWS


def test_what_is_no_object_goes_aside_with_its_place(web: Reading) -> None:
    pages = [
        {"items": [ROWS[0], 7, "x"], "next": "/v1?page=2&api_key=s3cret"},
        {"items": [[1, 2], ROWS[1], '{"a": 1}', {"a": 1e999}], "next": None},
    ]
    url = web.server.script(
        "/v1", *(json.dumps(page).replace("Infinity", "1e999") for page in pages)
    )
    web.server.on("/v1", _as_json(web.server._answers["/v1"]))
    rows = web.rows(url, records="items", pages={"cursor": "next"})
    assert [row["id"] for row in rows][:2] == [1, 2]
    found = {(r.source.removeprefix(web.server.url), r.line): r.reason for r in web.set_aside()}
    assert found == {
        ("/v1 (page 1)", 2): "not an object but a number",
        ("/v1 (page 1)", 3): "not an object but text",
        ("/v1?page=2&api_key=*** (page 2)", 1): "not an object but a list",
        ("/v1?page=2&api_key=*** (page 2)", 3): "not an object but text",
    }


def _as_json(answer: Any) -> Any:
    """Answer texts as JSON."""
    return lambda r: Reply(answer(r), headers={"content-type": "application/json"})


def test_a_record_with_two_values_for_one_key_goes_aside_with_its_place(web: Reading) -> None:
    text = '{"items": [{"a": 1},\n {"a": 1,\r\n "a": 2}, {"a":\n3}]}'
    url = web.server.on("/v1", Reply(text, headers={"content-type": "application/json"}))
    assert web.rows(url, records="items") == [{"a": 1}, {"a": 3}]
    (reject,) = web.set_aside()
    assert (reject.source, reject.line) == (url, 2)
    assert "twice" in reject.reason


def test_numbers_stay_as_they_are_written(web: Reading) -> None:
    text = '{"items": [{"a": 0.10, "b": 12345678901234567890, "c": 1.50}], "next": 1e3}'
    url = web.server.on("/v1", Reply(text, headers={"content-type": "application/json"}))
    (row,) = web.rows(url, records="items")
    assert row["b"] == "12345678901234567890"


@pytest.mark.parametrize("cut", ['{"items": [{"a": 1}, {"a', '{"items": [{"a": 1}', '{"items": tr'])
def test_json_that_ends_in_the_middle_is_asked_for_again_once(web: Reading, cut: str) -> None:
    torn = Reply(cut, headers={"content-type": "application/json"})
    url = web.server.script("/v1", torn, {"items": [{"a": 1}]})
    assert web.rows(url, records="items") == [{"a": 1}]
    url = web.server.on("/v2", torn)
    with pytest.raises(TransientError, match="does not answer whole"):
        web.rows(url, records="items")
    assert len(web.server.asked("/v2")) == 2


@pytest.mark.parametrize("text", ["{items: 1}", '{"items": [1 2]}', '{"items": []} x', "nonsense"])
def test_what_is_no_json_is_told(web: Reading, text: str) -> None:
    url = web.server.on("/v1", Reply(text, headers={"content-type": "application/json"}))
    with pytest.raises(SourceError, match="does not answer with JSON that can be read") as caught:
        web.rows(url, records="items")
    assert str(web.folder) not in str(caught.value)


def test_csv_behind_an_address(web: Reading) -> None:
    text = 'id,text\n1,<올드보이>\n2,"a\nb"\n3,x,y\n4,정말 재미있는 영화였어요\n'
    url = web.server.on("/x", Reply(text.encode("cp949"), headers={"content-type": "text/csv"}))
    assert web.rows(url)[:2] == [{"id": 1, "text": "<올드보이>"}, {"id": 2, "text": "a\nb"}]
    (reject,) = web.set_aside()
    assert (reject.source, reject.line) == (url, 5)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/export.csv", {"content-type": "application/octet-stream"}),
        ("/export.csv.gz", {}),
        ("/export", {"content-disposition": 'attachment; filename="r e.csv"'}),
        ("/export", {"content-type": "text/csv; charset=euc-kr"}),
    ],
)
def test_the_name_says_the_format_where_the_content_type_does_not(
    web: Reading, path: str, headers: dict[str, str]
) -> None:
    body = "id,text\n1,정말 재미있는 영화였어요\n".encode("cp949")
    body = gzip.compress(body) if path.endswith(".gz") else body
    url = web.server.on(path, Reply(body, headers=headers))
    assert web.rows(url) == [{"id": 1, "text": "정말 재미있는 영화였어요"}]


def test_format_says_it_where_nothing_else_does(web: Reading) -> None:
    url = web.server.on("/x", Reply(b"a;b\n1;2\n", headers={"content-type": "text/html"}))
    with pytest.raises(SourceError, match="a web page, not with data"):
        web.rows(url)
    assert web.rows(url, format="csv", delimiter=";") == [{"a": 1, "b": 2}]
    url = web.server.on("/y", Reply(b"[]", headers={"content-type": ""}))
    with pytest.raises(SourceError, match="no content type, which says no format"):
        web.rows(url)


def test_parquet_behind_an_address(web: Reading) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    url = web.server.on("/files/reviews.parquet?version=3".partition("?")[0], sink.getvalue())
    assert web.rows(f"{url}?version=3") == ROWS
    url = web.server.on("/broken.parquet", b"PAR1 and no more")
    with pytest.raises(SourceError, match="/broken.parquet is not a Parquet file") as caught:
        web.rows(url)
    assert str(web.folder) not in str(caught.value)


def test_csv_in_pages(web: Reading) -> None:
    def answer(request: Any) -> Reply:
        rows = {"1": "1\n2\n", "2": "3\n", "3": ""}[request.params["page"]]
        return Reply(f"id\n{rows}", headers={"content-type": "text/csv"})

    url = web.server.on("/x", answer)
    assert [row["id"] for row in web.rows(url, pages={"number": "page"})] == [1, 2, 3]


def test_pages_of_two_formats_are_refused(web: Reading) -> None:
    csv = Reply("a\n1\n", headers={"content-type": "text/csv"})
    url = web.server.script("/x", Reply([{"a": 1}], headers={"link": '</x>; rel="next"'}), csv)
    with pytest.raises(SourceError, match="already|answers before"):
        web.rows(url, pages="link")


def test_an_option_is_checked_before_anything_is_fetched(web: Reading) -> None:
    url = web.server.on("/v1", ROWS)
    with pytest.raises(SourceError, match="page=.*did you mean 'pages'"):
        web.source(url).read(page={"number": "page"})  # type: ignore[call-arg]
    with pytest.raises(SourceError, match="limits= has 'answer_md'; did you mean 'answer_mb'"):
        web.rows(url, limits={"answer_md": 5})
    assert web.server.requests == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    before=st.dictionaries(st.text(max_size=4), VALUES, max_size=3),
    records=st.lists(VALUES, max_size=5),
    after=VALUES,
    indent=st.sampled_from([None, 1, "\t"]),
)
def test_any_document_gives_its_records_and_values(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, Any],
    records: list[Any],
    after: Any,
    indent: Any,
) -> None:
    folder = tmp_path_factory.mktemp("document")
    document = {**before, "some": {"list": records, "next": after}}
    text = json.dumps(document, ensure_ascii=bool(indent), indent=indent)
    (folder / "body").write_bytes(text.encode("utf-8", "surrogatepass"))
    if "\\ud" in ascii(text):  # half a character is no UTF-8
        return
    found = extract(folder / "body", folder / "out", Wanted("some.list", ("some.next",)))
    lines = (folder / "out").read_text(encoding="utf-8").split("\n")[:-1]
    assert [json.loads(line) for line in lines if line] == [
        r for r in records if isinstance(r, dict)
    ]
    assert [position for position, _ in found.others] == [
        position for position, r in enumerate(records, 1) if not isinstance(r, dict)
    ]
    noted = json.loads(json.dumps(after), parse_int=str)
    assert found.values == {"some.next": noted}


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(max_size=30) | st.text(alphabet='{}[]:,"\\ a1e-\n', max_size=40),
    records=st.sampled_from(["", ".", "a", "a.b"]),
)
def test_no_text_crashes_it(
    tmp_path_factory: pytest.TempPathFactory, text: str, records: str
) -> None:
    folder = tmp_path_factory.mktemp("text")
    (folder / "body").write_bytes(text.encode("utf-8", "replace"))
    with suppress(SourceError, CutOff):
        extract(folder / "body", folder / "out", Wanted(records, ("a.c",)))
