"""The cache: what a server says is unchanged is taken from it, and nothing else ever is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.resources.sources.web.conftest import Reading
from tests.web_server import Reply, Request

ROWS = [{"a": 1}, {"a": 2}]


def _versioned(rows: Any = ROWS, etag: str = '"v1"') -> Any:
    """Answer with a version, and 304 to those who have it."""

    def answer(request: Request) -> Any:
        if request.headers.get("if-none-match") == etag:
            return Reply(b"", 304, {"etag": etag, "content-type": ""})
        return Reply(rows, headers={"etag": etag, "link": '</b>; rel="next"'})

    return answer


def test_what_did_not_change_is_not_sent_again(web: Reading) -> None:
    url = web.server.on("/v1", _versioned())
    assert web.rows(url) == web.rows(url) == ROWS
    first, second = web.calls()
    assert (first["kind"], first["status"], first["bytes"]) == ("page", 200, 20)
    assert (second["kind"], second["status"], second["bytes"]) == ("unchanged", 304, 0)


def test_what_changed_is_sent(web: Reading) -> None:
    url = web.server.on("/v1", _versioned())
    web.rows(url)
    web.server.on("/v1", _versioned([{"a": 3}], '"v2"'))
    assert web.rows(url) == [{"a": 3}]
    assert web.rows(url) == [{"a": 3}]
    assert [call["status"] for call in web.calls()] == [200, 200, 304]


def test_last_modified_is_as_good(web: Reading) -> None:
    moment = "Fri, 30 Jan 2026 09:00:00 GMT"

    def answer(request: Request) -> Any:
        if request.headers.get("if-modified-since") == moment:
            return Reply(b"", 304)
        return Reply(ROWS, headers={"last-modified": moment})

    url = web.server.on("/v1", answer)
    assert web.rows(url) == web.rows(url) == ROWS
    assert [call["status"] for call in web.calls()] == [200, 304]


def test_pages_go_on_from_a_kept_answer(web: Reading) -> None:
    url = web.server.on("/a", _versioned())
    web.server.on("/b", [{"a": 3}])
    for _ in range(2):
        assert web.rows(url, pages="link") == [*ROWS, {"a": 3}]
    assert [call["status"] for call in web.calls()] == [200, 200, 304, 200]


@pytest.mark.parametrize("damage", [b"", b'[{"a": 9}, {"a": 2}]'])
def test_a_damaged_body_is_asked_for_again(web: Reading, damage: bytes) -> None:
    url = web.server.on("/v1", _versioned())
    web.rows(url)
    (body,) = (web.folder / "cache").glob("*.body")
    body.write_bytes(damage)
    assert web.rows(url) == ROWS
    assert web.rows(url) == ROWS
    assert web.calls()[-1]["status"] == 304


def test_other_parameters_headers_and_logins_are_other_answers(web: Reading) -> None:
    web.knows(ONE_TOKEN="1", OTHER_TOKEN="2")
    url = web.server.on("/v1", _versioned())
    options: list[dict[str, Any]] = [
        {},
        {"params": {"a": 1}},
        {"headers": {"accept-language": "ko"}},
        {"auth": {"bearer": "ONE_TOKEN"}},
        {"auth": {"bearer": "OTHER_TOKEN"}},
    ]
    for one in options:
        web.rows(url, **one)
    assert [call["status"] for call in web.calls()] == [200] * 5


@pytest.mark.parametrize("headers", [{}, {"etag": '"v1"', "cache-control": "private, no-store"}])
def test_what_has_no_version_or_must_not_be_kept_is_not(
    web: Reading, headers: dict[str, str]
) -> None:
    web.rows(web.server.on("/v1", Reply(ROWS, headers=headers)))
    assert not list(web.folder.glob("cache/*"))


def test_an_answer_to_a_secret_in_the_address_is_not_kept(web: Reading) -> None:
    web.knows(REVIEWS_KEY="s3cr3t")
    url = web.server.on("/v1", _versioned())
    web.rows(url, auth={"query": "k", "secret": "REVIEWS_KEY"})
    assert not list(web.folder.glob("cache/*"))


def test_the_cache_is_bounded_private_and_may_be_deleted(web: Reading) -> None:
    web.web = replace(web.web, cache_bytes=5_000)
    for number in range(6):
        big = [{"a": number, "text": "x" * 1_000}]
        web.rows(web.server.on(f"/{number}", Reply(big, headers={"etag": f'"{number}"'})))
    bodies = list((web.folder / "cache").glob("*.body"))
    assert len(bodies) == 4
    assert len(list((web.folder / "cache").iterdir())) == 8
    assert {file.stat().st_mode & 0o777 for file in (web.folder / "cache").iterdir()} == {0o640}
    huge = Reply([{"a": "x" * 4_000}], headers={"etag": '"h"'})
    web.rows(web.server.on("/huge", huge))
    assert len(list((web.folder / "cache").glob("*.body"))) == 4
    for file in (web.folder / "cache").iterdir():
        file.unlink()
    url = web.server.on("/v1", _versioned())
    assert web.rows(url) == ROWS


def test_without_a_cache_nothing_is_conditional(web: Reading) -> None:
    web.web = replace(web.web, cache=None)
    url = web.server.on("/v1", _versioned())
    assert web.rows(url) == web.rows(url) == ROWS
    assert [call["status"] for call in web.calls()] == [200, 200]


def test_a_disk_that_does_not_take_it_costs_only_the_cache(web: Reading, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    web.web = replace(web.web, cache=tmp_path / "file" / "cache")
    url = web.server.on("/v1", _versioned())
    assert web.rows(url) == ROWS
