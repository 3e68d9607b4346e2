"""Fetching: logins, redirects, retries, limits, time, and a log without secrets."""

from __future__ import annotations

import base64
import gzip
import time
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from resources.errors import DataOpsError, SettingError, SourceError, TransientError
from resources.sources import Auth
from tests.resources.sources.web.conftest import Reading
from tests.web_server import Reply, Request, WebServer

ROWS = [{"a": 1}]
SECRET = "s3cr3t/+ value"


def _guard(header: str, value: str) -> Any:
    """Answer those who know the secret, and repeat to the others what they sent."""

    def answer(request: Request) -> Any:
        if request.headers.get(header) == value:
            return ROWS
        return Reply({"error": f"wrong: {request.headers}"}, 401)

    return answer


def _never_written(web: Reading, caught: Any = None) -> None:
    """Hold the secret out of everything that is written or said."""
    text = web.written() + (str(caught.value) if caught is not None else "")
    packed = base64.b64encode(f"kim:{SECRET}".encode()).decode()
    assert SECRET not in text
    assert packed not in text
    assert "s3cr3t" not in text


def test_bearer(web: Reading) -> None:
    web.knows(REVIEWS_TOKEN=SECRET)
    url = web.server.on("/v1", _guard("authorization", f"Bearer {SECRET}"))
    assert web.rows(url, auth=Auth(bearer="REVIEWS_TOKEN")) == ROWS
    _never_written(web)


def test_a_header_of_its_own(web: Reading) -> None:
    web.knows(REVIEWS_KEY=SECRET)
    url = web.server.on("/v1", _guard("x-api-key", SECRET))
    assert web.rows(url, auth={"header": "X-Api-Key", "secret": "REVIEWS_KEY"}) == ROWS
    _never_written(web)


def test_a_query_parameter(web: Reading) -> None:
    web.knows(REVIEWS_KEY=SECRET)
    url = web.server.on("/v1", lambda r: ROWS if r.params.get("key") == SECRET else Reply("", 403))
    assert web.rows(f"{url}?n=1", auth={"query": "key", "secret": "REVIEWS_KEY"}) == ROWS
    assert web.server.requests[0].params == {"n": "1", "key": SECRET}
    assert web.calls()[0]["url"] == f"{url}?n=1&key=***"
    _never_written(web)


def test_a_secret_that_comes_back_in_the_next_address_is_not_shown(web: Reading) -> None:
    from urllib.parse import quote_plus

    web.knows(REVIEWS_KEY=SECRET)
    next_page = f"/v1?k={quote_plus(SECRET)}&p=2"
    url = web.server.script("/v1", {"items": ROWS, "next": next_page}, Reply("no", 403))
    with pytest.raises(SourceError, match=r"/v1\?p=2&k=\*\*\* does not allow") as caught:
        web.rows(
            url,
            auth={"query": "k", "secret": "REVIEWS_KEY"},
            records="items",
            pages={"cursor": "next"},
        )
    assert [call["url"] for call in web.calls()] == [f"{url}?k=***", f"{url}?p=2&k=***"]
    assert "s3cr3t" not in repr(caught.value.facts)
    text = "\n".join(path.read_text() for path in web.folder.glob("*.jsonl"))
    assert "s3cr3t" not in text + str(caught.value)


@pytest.mark.parametrize("to", ["http://[", "https://h:port/", "/a\tb", "https://\u00ff\u00fe.h/"])
def test_a_redirect_to_nowhere_is_told(web: Reading, to: str) -> None:
    url = web.server.on("/v1", Reply("", 302, {"location": to}))
    with pytest.raises(DataOpsError):
        web.rows(url)


@pytest.mark.parametrize(
    "auth",
    [{"basic": "reviews_api"}, {"user": "REVIEWS_USER", "password": "REVIEWS_PASSWORD"}],
)
def test_user_and_password(web: Reading, auth: dict[str, str]) -> None:
    from urllib.parse import quote

    web.knows(
        DATAOPS_CONNECTION_REVIEWS_API=f"http://kim:{quote(SECRET, safe='')}@127.0.0.1",
        REVIEWS_USER="kim",
        REVIEWS_PASSWORD=SECRET,
    )
    packed = base64.b64encode(f"kim:{SECRET}".encode()).decode()
    url = web.server.on("/v1", _guard("authorization", f"Basic {packed}"))
    assert web.rows(url, auth=auth) == ROWS
    _never_written(web)


def test_a_connection_may_hold_a_token(web: Reading) -> None:
    web.knows(DATAOPS_CONNECTION_REVIEWS_API="https://:t0ken-1@127.0.0.1")
    url = web.server.on("/v1", _guard("authorization", "Bearer t0ken-1"))
    assert web.rows(url, auth={"bearer": "reviews_api"}) == ROWS


def test_a_connection_of_another_host_is_not_used(web: Reading) -> None:
    web.knows(DATAOPS_CONNECTION_REVIEWS_API="https://kim:s3cr3t@api.example.com")
    url = web.server.on("/v1", ROWS)
    with pytest.raises(SourceError, match=r"is for api\.example\.com, but would be sent to 127"):
        web.rows(url, auth={"basic": "reviews_api"})
    assert web.server.requests == []


def test_a_secret_that_is_not_set_names_its_variable(web: Reading) -> None:
    url = web.server.on("/v1", ROWS)
    with pytest.raises(SettingError, match="REVIEWS_TOKEN is not set"):
        web.rows(url, auth={"bearer": "REVIEWS_TOKEN"})
    with pytest.raises(SettingError, match="DATAOPS_CONNECTION_REVIEWS_API"):
        web.rows(url, auth={"basic": "reviews_api"})
    web.knows(REVIEWS_TOKEN="line\nbreak")
    with pytest.raises(SettingError, match="characters that no secret has"):
        web.rows(url, auth={"bearer": "REVIEWS_TOKEN"})
    assert web.server.requests == []


def _tokens(web: Reading, *, seconds: int = 3_600) -> tuple[str, dict[str, str], list[str]]:
    """Run a token service and an API behind it; give the API, the auth, and the tokens given."""
    given: list[str] = []
    web.knows(CLIENT_ID="me", CLIENT_SECRET=SECRET)

    def token(request: Request) -> Any:
        from urllib.parse import quote_plus

        packed = base64.b64encode(f"me:{quote_plus(SECRET)}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {packed}":
            return Reply({"error": "invalid_client"}, 401)
        assert request.method == "POST"
        assert request.body == b"grant_type=client_credentials&scope=read"
        given.append(f"tok3n-{len(given) + 1}")
        return {"access_token": given[-1], "expires_in": seconds, "token_type": "Bearer"}

    def api(request: Request) -> Any:
        if not given or request.headers.get("authorization") != f"Bearer {given[-1]}":
            return Reply("expired", 401)
        page = int(request.params["page"])
        return [{"a": page}] if page < 4 else []

    auth = {
        "oauth2": web.server.on("/token", token),
        "client_id": "CLIENT_ID",
        "client_secret": "CLIENT_SECRET",
        "scope": "read",
    }
    return web.server.on("/v1", api), auth, given


def test_a_token_is_fetched_once_and_kept(web: Reading) -> None:
    url, auth, given = _tokens(web)
    assert len(web.rows(url, auth=auth, pages={"number": "page"})) == 3
    assert given == ["tok3n-1"]
    assert [call["kind"] for call in web.calls()] == ["token", "page", "page", "page", "page"]
    _never_written(web)
    assert "tok3n" not in web.written()


def test_a_token_that_is_refused_is_renewed_once(web: Reading) -> None:
    url, auth, given = _tokens(web)
    inner = web.server._answers["/v1"]

    def api(request: Request) -> Any:
        if request.params["page"] == "2" and len(given) == 1:
            return Reply("expired", 401)
        return inner(request)

    web.server.on("/v1", api)
    assert len(web.rows(url, auth=auth, pages={"number": "page"})) == 3
    assert len(given) == 2
    web.server.on("/v1", Reply("no", 401))
    with pytest.raises(SourceError, match="does not let us in.*CLIENT_SECRET"):
        web.rows(url, auth=auth)
    assert len(given) == 4


def test_a_token_is_renewed_when_it_ends(web: Reading) -> None:
    url, auth, given = _tokens(web, seconds=0)
    given_before = len(given)
    web.rows(url, auth=auth, pages={"number": "page"})
    assert len(given) > given_before


def test_wrong_client_credentials_are_told(web: Reading) -> None:
    url, auth, _ = _tokens(web)
    web.knows(CLIENT_ID="me", CLIENT_SECRET="wr0ng-s3cr3t")
    with pytest.raises(
        SourceError, match="/token does not let us in.*auth.client_secret"
    ) as caught:
        web.rows(url, auth=auth)
    _never_written(web, caught)
    web.server.on("/token", {"token": "x"})
    with pytest.raises(SourceError, match="answers without an access_token"):
        web.rows(url, auth=auth)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, r"does not let us in \(status 401.*REVIEWS_TOKEN"),
        (403, r"does not allow us to read this .*Ask its owner"),
        (404, r"is not there .*source="),
        (410, "is not there"),
        (400, "does not take the request .*params="),
        (422, "does not take the request"),
        (418, "answers with status 418"),
        (501, "answers with status 501"),
        (206, "answers with status 206"),
        (304, "answers with status 304"),
    ],
)
def test_what_stays_wrong_is_told_at_once(web: Reading, status: int, says: str) -> None:
    web.knows(REVIEWS_TOKEN=SECRET)
    url = web.server.on("/v1", lambda r: Reply({"sent": r.headers["authorization"]}, status))
    with pytest.raises(SourceError, match=says) as caught:
        web.rows(url, auth={"bearer": "REVIEWS_TOKEN"})
    assert len(web.server.requests) == 1
    assert [(c["status"], c["attempt"]) for c in web.calls()] == [(status, 1)]
    _never_written(web, caught)


@pytest.mark.parametrize(
    "failure",
    [
        Reply("busy", 429),
        Reply("later", 503, {"retry-after": "0"}),
        Reply("", 500),
        Reply("", 408),
        Reply(ROWS, cut=3),
        Reply(raw=b""),
        Reply(raw=b"nonsense\r\n\r\n"),
        Reply(raw=b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[{\"a\""),
        Reply(gzip.compress(b'[{"a": 1}]')[:-9], headers={"content-encoding": "gzip", "content-type": "application/json"}),
        Reply(b"no gzip", headers={"content-encoding": "gzip", "content-type": "application/json"}),
    ],
    ids=["429", "503", "500", "408", "reset", "closed", "nonsense", "torn", "torn-gzip", "no-gzip"],
)  # fmt: skip
def test_what_passes_is_tried_again_a_few_times(web: Reading, failure: Reply) -> None:
    url = web.server.script("/v1", failure, failure, ROWS)
    assert web.rows(url) == ROWS
    assert [call["attempt"] for call in web.calls()] == [1, 2, 3]
    web.server.on("/v1", failure)
    with pytest.raises(TransientError, match=r"gives no answer \(3 tries\)") as caught:
        web.rows(url)
    assert len(web.server.requests) == 6
    assert not caught.value.permanent


@pytest.mark.parametrize("how", ["seconds", "date"])
def test_the_wait_that_a_server_asks_for_is_kept(web: Reading, how: str) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    asked = Reply("slow down", 429, {"retry-after": "1" if how == "seconds" else soon})
    url = web.server.script("/v1", asked, ROWS)
    assert web.rows(url) == ROWS
    first, second = (request.at for request in web.server.requests)
    if how == "seconds":
        assert second - first > 0.99
    else:
        assert second > parsedate_to_datetime(soon).timestamp() - 0.01


def test_a_wait_that_is_too_long_is_left_to_a_later_run(web: Reading) -> None:
    url = web.server.on("/v1", Reply("", 429, {"retry-after": "3600"}))
    with pytest.raises(TransientError, match="asks to wait 3,600 s"):
        web.rows(url)
    assert len(web.server.requests) == 1


def test_requests_keep_their_distance(web: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock of who asks, which stands still but for what it sleeps."""
    slept: list[float] = []
    began = time.monotonic()
    clock = SimpleNamespace(monotonic=lambda: began + sum(slept), sleep=slept.append)
    monkeypatch.setattr("resources.sources.web.asking.time", clock)
    url = web.server.on("/v1", lambda r: [{"a": r.params["p"]}] if int(r.params["p"]) < 5 else [])
    web.rows(url, pages={"number": "p"}, rate=20)
    assert slept == pytest.approx([0.05] * 4)


@pytest.mark.parametrize("reply", [Reply(ROWS, hang=3_600), Reply(ROWS, drip=100)])
def test_a_server_that_hangs_or_drips_is_given_up(web: Reading, reply: Reply) -> None:
    # Who waits for it waits for an hour: the test then ends by its own limit.
    url = web.server.on("/v1", reply)
    with pytest.raises(DataOpsError, match="fell silent|more than 0.3 s"):
        web.rows(url, limits={"silence": 0.2, "seconds": 0.3, "tries": 1})


def test_a_collection_has_an_end(web: Reading) -> None:
    url = web.server.on("/v1", lambda r: Reply([{"a": r.params["p"]}], hang=0.1))
    with pytest.raises(SourceError, match="took more than 0.3 s.*limits="):
        web.rows(url, pages={"number": "p"}, limits={"seconds": 0.3})


def test_an_answer_has_a_largest_size(web: Reading) -> None:
    endless = b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\r\n" + b"[1," * 700_000
    url = web.server.on("/v1", Reply(raw=endless))
    with pytest.raises(SourceError, match="more than 1 MB"):
        web.rows(url, limits={"answer_mb": 1})
    assert len(web.server.requests) == 1
    url = web.server.on("/v2", lambda r: [{"a": r.params["p"] + "x" * 300_000}])
    with pytest.raises(SourceError, match="more than .* MB.*total_mb"):
        web.rows(url, pages={"number": "p"}, limits={"total_mb": 1})
    assert len(web.server.asked("/v2")) == 4


@pytest.mark.parametrize("packing", ["gzip", "deflate", "raw"])
def test_packed_answers(web: Reading, packing: str) -> None:
    text = b'[{"a": 1}]'
    raw = zlib.compressobj(wbits=-15)
    body = {
        "gzip": gzip.compress(text[:4]) + gzip.compress(text[4:]),
        "deflate": zlib.compress(text),
        "raw": raw.compress(text) + raw.flush(),
    }[packing]
    kind = {"content-type": "application/json"}
    encoding = "gzip" if packing == "gzip" else "deflate"
    url = web.server.on("/v1", Reply(body, headers={**kind, "content-encoding": encoding}))
    assert web.rows(url) == ROWS
    assert web.server.requests[0].headers["accept-encoding"] == "gzip, deflate"
    url = web.server.on("/v2", Reply(text, headers={**kind, "content-encoding": "br"}))
    with pytest.raises(SourceError, match="packed as 'br', which was not asked for"):
        web.rows(url)


def test_a_bomb_is_not_unpacked(web: Reading) -> None:
    bomb = gzip.compress(b" " * 300_000_000, 9)
    kind = {"content-type": "application/json", "content-encoding": "gzip"}
    url = web.server.on("/v1", Reply(bomb, headers=kind))
    with pytest.raises(SourceError, match="unpack to more than 200 times"):
        web.rows(url)
    with pytest.raises(SourceError, match="more than 10 MB"):
        web.rows(url, limits={"answer_mb": 10})
    assert max(call["bytes"] for call in web.calls()) < 70_000_000


def test_a_file_that_is_packed_twice_is_limited_too(web: Reading) -> None:
    bomb = gzip.compress(b"[" + b" " * 5_000_000 + b"]", 9)
    url = web.server.on("/x.json.gz", bomb)
    with pytest.raises(SourceError, match="more than 2 MB"):
        web.rows(url, limits={"answer_mb": 2})


def test_a_redirect_on_the_same_host_keeps_the_login(web: Reading) -> None:
    web.knows(REVIEWS_TOKEN=SECRET)
    web.server.on("/new", _guard("authorization", f"Bearer {SECRET}"))
    url = web.server.on("/v1", Reply("", 307, {"location": "/new"}))
    assert web.rows(url, auth={"bearer": "REVIEWS_TOKEN"}, headers={"x-mine": "1"}) == ROWS
    assert web.server.requests[1].headers["x-mine"] == "1"


def test_to_another_host_goes_no_login_and_no_header(web: Reading) -> None:
    from dataclasses import replace

    with WebServer() as other:
        web.knows(REVIEWS_TOKEN=SECRET)
        web.web = replace(web.web, allow=f"127.0.0.1:{web.server.port} 127.0.0.1:{other.port}")
        file = other.on("/file.json", ROWS)
        url = web.server.on("/v1", Reply("", 302, {"location": file}))
        rows = web.rows(url, auth={"bearer": "REVIEWS_TOKEN"}, headers={"x-mine": "1"})
        assert rows == ROWS
        (request,) = other.requests
        assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding"}


def test_redirects_end(web: Reading) -> None:
    url = web.server.on("/v1", Reply("", 301, {"location": "/v1"}))
    with pytest.raises(SourceError, match="sent on more than 5 times"):
        web.rows(url)
    url = web.server.on("/v2", Reply("", 301))
    with pytest.raises(SourceError, match="but not where to"):
        web.rows(url)


def test_no_cookie_is_kept(web: Reading) -> None:
    url = web.server.script(
        "/v1", Reply(ROWS, headers={"set-cookie": "a=b", "link": '</v1?p=2>; rel="next"'}), ROWS
    )
    web.rows(url, pages="link")
    assert all("cookie" not in request.headers for request in web.server.requests)


def test_one_login_is_for_one_host(web: Reading) -> None:
    with pytest.raises(SourceError, match="several hosts with one auth="):
        web.rows("https://a.example/", "https://b.example/", auth={"bearer": "TOKEN"})


def test_every_call_is_written_down(web: Reading) -> None:
    url = web.server.script("/v1", Reply("busy", 503), ROWS)
    web.rows(f"{url}?page=1")
    first, second = web.calls()
    assert list(first) == ["called_at", "method", "url", "kind", "attempt", "status", "bytes",
                           "seconds", "error"]  # fmt: skip
    assert (first["method"], first["url"], first["status"]) == ("GET", f"{url}?page=1", 503)
    assert first["error"] == "status 503: busy"
    assert (second["status"], second["bytes"], second["error"]) == (200, 10, "")
    assert web.web.calls is not None
    assert web.web.calls.stat().st_mode & 0o777 == 0o640
