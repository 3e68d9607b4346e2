"""Options: objects or mappings, each field checked, and no secret among them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from resources.errors import SourceError
from resources.sources import Auth, Limits, Pages
from resources.sources.web.options import (
    WEB_OPTIONS,
    auth_of,
    check_web,
    headers_of,
    limits_of,
    pages_of,
    params_of,
    rate_of,
)


def test_objects_and_mappings_are_the_same() -> None:
    assert pages_of({"number": "page", "size": ["n", 5]}) == Pages(number="page", size=("n", 5))
    assert pages_of(Pages(cursor="next")) == pages_of({"cursor": "next", "into": None})
    assert auth_of({"header": "X-Key", "secret": "KEY"}) == Auth(header="X-Key", secret="KEY")
    assert limits_of({"seconds": 5}) == Limits(seconds=5)
    assert limits_of(None) == Limits()


@pytest.mark.parametrize(
    ("pages", "says"),
    [
        ({"numbr": "page"}, "pages= has 'numbr'; did you mean 'number'"),
        ({"number": 5}, r"pages\.number is int"),
        ({"number": "page", "cursor": "next"}, "says number and cursor to the next page"),
        ({}, "says no way to the next page"),
        ({"number": "page", "size": "n"}, r"pages\.size is no pair"),
        ({"number": "page", "size": ["n", 0]}, r"pages\.size is no pair"),
        ({"number": "page", "first": "1"}, r"pages\.first is str"),
        ({"link": "yes"}, r"pages\.link is str"),
        ({"into": "after", "number": "page"}, "into= without cursor="),
        ({"link": True, "total": "n"}, "total= without number= or offset="),
        ({"offset": "from"}, "offset= without size="),
        ("links", "pages= is str"),
        (5, "pages= is int"),
    ],
)
def test_pages_that_cannot_work_are_told(pages: Any, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        pages_of(pages)


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({"bearr": "TOKEN"}, "auth= has 'bearr'; did you mean 'bearer'"),
        ({"header": "X-Key"}, "header= without secret="),
        ({"bearer": "TOKEN", "basic": "shop"}, "says bearer and basic"),
        ({"bearer": "TOKEN", "secret": "KEY"}, "secret=, which bearer= does not take"),
        ({"oauth2": "https://h/token", "client_id": "ID"}, "oauth2= without client_secret="),
        ({"oauth2": "h/token", "client_id": "ID", "client_secret": "S_"}, "no web address"),
        ("TOKEN", "auth= is str"),
    ],
)
def test_auth_that_cannot_work_is_told(auth: Any, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        auth_of(auth)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-abc123",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "Hunter2",
        "pass word",
        "a1b2c3d4e5f6",
        "eyJhbGciOi.J9.x",
        "0123456789ABCDEF",
        "A" * 80,
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(SourceError, match=r"auth\.bearer looks like the secret itself") as caught:
        auth_of({"bearer": secret})
    assert secret not in str(caught.value)


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "cookie", "X-Auth-Token"])
def test_a_header_that_sounds_secret_is_refused(name: str) -> None:
    with pytest.raises(SourceError, match="sounds like a secret") as caught:
        headers_of({name: "v4lue"})
    assert "v4lue" not in str(caught.value)


@pytest.mark.parametrize("headers", [{"a\r\nb": "x"}, {"a": "x\r\ny: z"}, {"a": "가"}, {"": "x"}])
def test_a_header_that_cannot_be_sent_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="no header can hold"):
        headers_of(headers)
    with pytest.raises(SourceError, match="ours to set"):
        headers_of({"Host": "elsewhere"})


def test_parameters() -> None:
    given = {"a": 1, "b": None, "c": False, "d": "{since}", "page_token": "x"}
    assert params_of(given, None) == {"a": "1", "c": "false", "page_token": "x"}
    assert params_of(given, 7)["d"] == "7"
    with pytest.raises(SourceError, match="no parameter takes it"):
        params_of({"a": 1}, 7)
    with pytest.raises(SourceError, match="api_key, which sounds like a secret"):
        params_of({"api_key": "x"}, None)
    with pytest.raises(SourceError, match=r"params\.a is list"):
        params_of({"a": [1]}, None)


@pytest.mark.parametrize("rate", [0, -1, "5", True, 5_000])
def test_a_rate_that_is_none_is_told(rate: Any) -> None:
    with pytest.raises(SourceError, match="rate="):
        rate_of(rate)
    with pytest.raises(SourceError, match=r"limits\.seconds"):
        limits_of({"seconds": 0})


READS = ("source.read", "source.texts")


class Cursor:
    """A cursor that stands at its beginning."""

    value = None


def _documented() -> list[dict[str, Any]]:
    """Give the options in every example of the documentation."""
    root = Path(__file__).resolve().parents[4] / "docs"
    found: list[dict[str, Any]] = []
    text = (root / "sources.md").read_text(encoding="utf-8")
    text = text[text.index("## Web sources") :].partition("\n## ")[0]
    for kind, block in re.findall(r"```(python|yaml)\n(.*?)```", text, re.DOTALL):
        if kind == "yaml":
            found.append(yaml.safe_load(block).get("read", {}))
            continue
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in READS:
                made = {"Pages": Pages, "Auth": Auth, "Limits": Limits, "cursor": Cursor()}
                values = {k.arg: eval(ast.unparse(k.value), made) for k in node.keywords if k.arg}
                found.append(values)
    for inside in re.findall(r"`(\{\w+: .*?\})`", text):
        option = "pages" if re.search("number|offset|cursor|link", inside) else "auth"
        found.append({option: yaml.safe_load(inside)})
    return found


def test_every_documented_example_is_taken() -> None:
    examples = _documented()
    assert len(examples) > 12
    for options in examples:
        check_web(options)
        assert {*options} & {*WEB_OPTIONS, "records"}


def test_the_documented_defaults_are_the_defaults() -> None:
    (limits,) = [one["limits"] for one in _documented() if "limits" in one]
    assert limits_of(limits) == Limits()
