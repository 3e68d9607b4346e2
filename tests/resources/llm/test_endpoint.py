"""Where the model is: what is refused before a single row leaves the machine."""

from __future__ import annotations

import pytest

from resources.errors import SettingError
from resources.llm.endpoint import endpoint_of

KEY = "sk-very-secret-key"


def test_openai_is_the_default_and_takes_its_usual_key() -> None:
    endpoint = endpoint_of({"OPENAI_API_KEY": KEY})
    assert (endpoint.url, endpoint.key) == ("https://api.openai.com/v1", KEY)
    assert (endpoint.rate, endpoint.timeout) == (10, 60)


def test_our_own_key_wins() -> None:
    assert endpoint_of({"DATAOPS_LLM_API_KEY": "ours", "OPENAI_API_KEY": KEY}).key == "ours"


def test_without_a_key_the_setting_is_named() -> None:
    with pytest.raises(SettingError, match="DATAOPS_LLM_API_KEY"):
        endpoint_of({})


def test_the_openai_key_is_never_sent_elsewhere() -> None:
    elsewhere = {"DATAOPS_LLM_BASE_URL": "https://llm.example/v1", "OPENAI_API_KEY": KEY}
    with pytest.raises(SettingError, match=r"Set DATAOPS_LLM_API_KEY in"):
        endpoint_of(elsewhere)
    local = {"DATAOPS_LLM_BASE_URL": "http://127.0.0.1:8000/v1", "OPENAI_API_KEY": KEY}
    assert endpoint_of(local).key != KEY


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:80", "127.8.8.8"])
def test_this_machine_may_be_spoken_to_in_the_clear_and_without_a_key(host: str) -> None:
    assert endpoint_of({"DATAOPS_LLM_BASE_URL": f"http://{host}/v1"}).local


@pytest.mark.parametrize("host", ["10.0.0.5", "llm.internal", "127.0.0.1.evil.example", "0x7f.1"])
def test_plain_http_beyond_this_machine_is_refused_unless_allowed(host: str) -> None:
    there = {"DATAOPS_LLM_BASE_URL": f"http://{host}/v1", "DATAOPS_LLM_API_KEY": KEY}
    with pytest.raises(SettingError, match="DATAOPS_LLM_ALLOW_HTTP"):
        endpoint_of(there)
    assert not endpoint_of({**there, "DATAOPS_LLM_ALLOW_HTTP": "1"}).local


@pytest.mark.parametrize("url", ["ftp://a/v1", "api.openai.com", "https://", "http://[::1", "x:y"])
def test_what_is_not_a_web_address_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="DATAOPS_LLM_BASE_URL"):
        endpoint_of({"DATAOPS_LLM_BASE_URL": url, "DATAOPS_LLM_API_KEY": KEY})


@pytest.mark.parametrize("name", ["DATAOPS_LLM_REQUESTS_PER_SECOND", "DATAOPS_LLM_TIMEOUT_SECONDS"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "nan", "inf"])
def test_a_limit_that_is_no_number_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        endpoint_of({"OPENAI_API_KEY": KEY, name: value})


def test_secrets_are_never_shown() -> None:
    url = "https://user:hunter22@llm.example/v1?token=abc"
    endpoint = endpoint_of({"DATAOPS_LLM_BASE_URL": url, "DATAOPS_LLM_API_KEY": KEY})
    assert KEY not in repr(endpoint)
    assert endpoint.shown == "https://llm.example/v1"
    assert endpoint.scrub(f"bad key {KEY} for hunter22") == "bad key *** for ***"


def test_a_key_with_a_line_end_is_told_without_being_shown() -> None:
    with pytest.raises(SettingError, match="Copy the key again") as told:
        endpoint_of({"DATAOPS_LLM_API_KEY": "sk-한글"})
    assert "sk-" not in str(told.value)
