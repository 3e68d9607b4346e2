"""Data Docs: every schema's expectations, as pages that need no network."""

from __future__ import annotations

import json
import re

import pytest

from resources.columns import Column
from resources.expectations import suite_of
from tests.assets.conftest import Home
from tests.assets.test_cli import facts, run

ASSET = """
from typing import Annotated, Literal
from assets import MaxMissing, Schema, Unique, asset

class A(Schema):
    id: Annotated[int, Unique]
    kind: Literal["a", "b"]
    text: Annotated[str | None, MaxMissing(0.25)]

@asset(schema=A, chain=False)
def a():
    import pandas as pd
    return pd.DataFrame({"id": [1, 2, 3], "kind": list("aba"), "text": ["<b>x</b>", TEXT, TEXT]})
"""


def test_a_suite_says_what_the_schema_says() -> None:
    """In Great Expectations' own names, warnings as warnings."""
    columns = [
        Column("id", "int64", nullable=False, unique=True),
        Column("kind", "string", allowed=("a",), max_missing=0.25),
    ]
    assert [(e.name, e.arguments.get("column"), e.severity) for e in suite_of(columns)] == [
        ("expect_table_columns_to_match_ordered_list", None, "critical"),
        ("expect_column_values_to_not_be_null", "id", "critical"),
        ("expect_column_values_to_be_unique", "id", "critical"),
        ("expect_column_values_to_not_be_null", "kind", "warning"),
        ("expect_column_values_to_be_in_set", "kind", "critical"),
    ]
    assert suite_of(columns)[3].arguments["mostly"] == pytest.approx(0.75)


@pytest.mark.slow
def test_docs_are_written_for_every_schema_and_fetch_nothing(home: Home) -> None:
    """An index, a page per asset; no page asks for anything beyond this machine."""
    home.write("assets/raw/a.py", ASSET.replace("TEXT", "'y'"))
    run(home, "materialize")
    answer = facts(home, "docs")
    (one,) = answer["assets"]
    assert (one["name"], one["passed"], one["rows"], one["expectations"]) == ("raw.a", True, 3, 6)
    index = home.data / "docs" / "index.html"
    assert answer["index"] == str(index)
    assert f"href='{one['page']}'" in index.read_text()
    page = home.data / "docs" / one["page"]
    assert "Succeeded" in page.read_text()
    for html in (home.data / "docs").rglob("*.html"):
        fetched = re.findall(
            r"<(?:script|link|img)\b[^>]*(?:src|href)=[\"']https?:", html.read_text()
        )
        assert fetched == []


@pytest.mark.slow
def test_an_expectation_that_fails_is_named_and_the_exit_code_says_so(home: Home) -> None:
    """More values missing than the schema says: published with a warning, shown in the docs."""
    home.write("assets/raw/a.py", ASSET.replace("TEXT", "None"))
    run(home, "materialize")
    said = json.loads(run(home, "docs", "raw.a", "--json", code=1))
    assert said["assets"][0]["failed"] == ["expect_column_values_to_not_be_null text"]
