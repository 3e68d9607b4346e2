"""A message reaches a real mail server and a real HTTP endpoint, and tells no secret."""

from __future__ import annotations

import pytest

from resources.alerts import deliver, harmless
from resources.alerts.delivery import without_secrets
from tests.resources.alerts.places import hook, mail_server


def test_an_e_mail_arrives_with_title_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server() as (url, box):
        monkeypatch.setenv("DATAOPS_CONNECTION_TEAM", url)
        assert deliver("team", "DataOps: raw.orders failed", "리뷰 <올드보이> is not there.") == ""
    (message,) = box.messages
    assert message["Subject"] == "DataOps: raw.orders failed"
    assert box.to == [["team@example.org"]]
    assert "리뷰" in box.texts[0]
    assert "올드보이" in box.texts[0]


def test_a_webhook_is_posted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with hook() as found:
        monkeypatch.setenv("DATAOPS_CONNECTION_TEAM", found.url)
        assert deliver("team", "a title", "a text") == ""
    assert found.sent[0]["title"] == "a title"
    assert found.sent[0]["message"] == "a text"


def test_a_title_of_several_lines_adds_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server() as (url, box):
        monkeypatch.setenv("DATAOPS_CONNECTION_TEAM", url)
        assert deliver("team", "one\r\nBcc: thief@example.org", "text") == ""
    assert box.to == [["team@example.org"]]
    assert box.messages[0]["Bcc"] is None


def test_what_is_not_taken_is_told_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    with hook() as found:
        found.status = 500
        monkeypatch.setenv("DATAOPS_CONNECTION_TEAM", found.url)
        problem = deliver("team", "title", "text")
    assert problem.startswith("team (json): ")
    assert "secret" not in problem


def test_a_place_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "DATAOPS_CONNECTION_TEAM", "mailto://127.0.0.1:9?from=a@example.org&to=b@example.org"
    )
    assert deliver("team", "title", "text").startswith("team (mailto): ")


@pytest.mark.parametrize("url", ["nonsense", "nosuch://token-of-mine/x", "slack://"])
def test_an_address_that_is_none_is_told_without_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAOPS_CONNECTION_TEAM", url)
    problem = deliver("team", "title", "text")
    assert "team" in problem
    assert "token-of-mine" not in problem


def test_a_connection_that_is_not_there_names_its_variable() -> None:
    assert "DATAOPS_CONNECTION_NOBODY" in deliver("nobody", "title", "text")


@pytest.mark.parametrize("text", ["<!channel> look", "@everyone look", "<@U123> look", "@here x"])
def test_a_text_from_outside_calls_nobody(text: str) -> None:
    said = harmless(text)
    assert not any(call in said for call in ("<!", "<@", "@everyone", "@here", "@channel"))


def test_logins_in_a_text_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "a1b2c3d4")
    said = without_secrets(
        "no postgresql://kim:PW-1@h/db, Authorization: Bearer abc.def, password=hunter2; a1b2c3d4"
    )
    assert said == ("no postgresql://kim:***@h/db, Authorization: Bearer ***, password=***; ***")


def test_what_cannot_be_seen_is_taken_out_and_length_ends() -> None:
    assert harmless("a\x00b\u202ec") == "a b c"
    assert len(harmless("x" * 10_000)) == 3_000
