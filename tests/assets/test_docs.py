"""Data Docs: every asset's checks, as pages that need no network and no second validation."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from assets.engine.docs import build_docs
from assets.engine.plan import heads_of
from assets.engine.runs import finish_run
from resources.columns import Column
from resources.expectations import suite_of
from tests.assets.conftest import Home
from tests.assets.test_cli import ROOT, facts, run

ASSET = """
from typing import Annotated, Literal
from assets import MaxMissing, Schema, Unique, asset

class A(Schema):
    id: Annotated[int, Unique]
    kind: Literal["a", "b"]
    text: Annotated[str | None, MaxMissing(0.25)]

@asset(schema=A, chain=False)
def a():
    "Things <b>to</b> check."
    import pandas as pd
    return pd.DataFrame({"id": IDS, "kind": list("aba"), "text": ["<b>x</b>", TEXT, TEXT]})
"""


def declare(home: Home, text: str = "'y'", ids: str = "[1, 2, 3]") -> None:
    """Declare raw.a."""
    home.write("assets/raw/a.py", ASSET.replace("TEXT", text).replace("IDS", ids))


def pages(home: Home) -> dict[str, float]:
    """Give the pages and when each was written."""
    folder = home.data / "docs"
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*.html")}


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


def test_a_run_leaves_pages_that_fetch_nothing(home: Home) -> None:
    """An index, a page an asset, a page a version; what a page needs is in it, texts are escaped."""
    declare(home)
    run(home, "materialize")
    assert set(pages(home)) == {"index.html", "raw.a/index.html", "raw.a/1.html"}
    answer = facts(home, "docs")
    (one,) = answer["assets"]
    assert (one["name"], one["version"], one["result"], one["rows"]) == ("raw.a", 1, "ok", 3)
    assert answer["index"] == str(home.data / "docs" / "index.html")
    page = (home.data / "docs" / one["page"]).read_text()
    assert "kind values must belong to this set: a, b." in page
    assert "Things &lt;b&gt;to&lt;/b&gt; check." in (home.data / "docs/index.html").read_text()
    for html in (home.data / "docs").rglob("*.html"):
        text = html.read_text()
        assert re.findall(r"(?:src|href)=[\"']?(?:https?:)?//|url\(|@import", text) == []
        assert "default-src 'none'" in text
        for link in re.findall(r'href="([^"#]+)"', text):
            assert (html.parent / link).is_file(), (html, link)
        for anchor in re.findall(r'href="#([a-z0-9]+)"', text):
            assert f'id="{anchor}"' in text


def test_building_them_imports_no_great_expectations(home: Home) -> None:
    """Nor pandas: they are made from what was found."""
    declare(home)
    run(home, "materialize")
    (home.data / "docs" / "state.json").unlink()
    script = (
        "import sys\nfrom assets.engine import open_project\n"
        "from assets.engine.docs import build_docs\nfrom assets.engine.plan import heads_of\n"
        "project = open_project(sys.argv[1])\nassert build_docs(project, heads_of(project))\n"
        "print(sorted({'great_expectations', 'pandas', 'duckdb', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(home.root)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "[]"


def test_only_touched_pages_are_written(home: Home) -> None:
    """And where nothing is new, nothing is."""
    declare(home)
    home.write(
        "assets/raw/b.py",
        "from assets import asset\n\n@asset(chain=False)\ndef b():\n    import pandas as pd\n    return pd.DataFrame({'x': [1]})\n",
    )
    run(home, "materialize")
    before = pages(home)
    run(home, "materialize")
    assert pages(home) == before
    declare(home, ids="[1, 2, 4]")
    run(home, "materialize")
    after = pages(home)
    assert {name for name in after if after[name] != before.get(name)} == {
        "index.html",
        "raw.a/index.html",
        "raw.a/2.html",
    }


def test_what_is_kept_is_capped_but_for_the_current_version(home: Home) -> None:
    """A version that was made current again keeps its page."""
    declare(home)
    project = home.open(DATAOPS_DOCS_KEEP="2")
    for number in range(1, 6):
        home.make("raw.a", force=True)
        if number in (3, 5):
            build_docs(project, heads_of(project))
    assert set(pages(home)) == {"index.html", "raw.a/index.html", "raw.a/4.html", "raw.a/5.html"}
    run(home, "rollback", "raw.a", "--to", "2")
    lines = build_docs(project, heads_of(project))
    entry = lines["raw.a"].entry
    assert entry is not None
    assert entry.title == "version 2"
    assert "raw.a/2.html" in pages(home)
    assert len(pages(home)) == 5


def test_a_blocked_attempt_has_a_page_and_stands_beside_the_current_version(home: Home) -> None:
    """Also in the catalog, where each version's page is named; mended, it is history."""
    declare(home)
    run(home, "materialize")
    declare(home, ids="[1, 2, None]")
    assert "Data Docs: " in run(home, "materialize", code=1)
    (one,) = facts(home, "docs", code=1)["assets"]
    assert (one["version"], one["result"], one["page"]) == (1, "blocked", "raw.a/attempt-1.html")
    assert one["failed"] == ["quarantined rows", "not null id"]
    page = (home.data / "docs" / one["page"]).read_text()
    assert "Blocked: nothing was published." in page
    assert "1 row set aside" in page
    sql = "SELECT version, page FROM data_docs WHERE key = 'raw.a' ORDER BY created_at"
    assert home.open().catalog.query(sql).rows == [
        (1, "docs/raw.a/1.html"),
        (None, "docs/raw.a/attempt-1.html"),
    ]
    declare(home, ids="[1, 2, 3]")
    run(home, "materialize", "--force", "raw.a")
    assert facts(home, "docs")["assets"][0]["result"] == "ok"
    assert "blocked attempt 1" in (home.data / "docs/raw.a/index.html").read_text()


def test_a_warning_is_named_and_the_exit_code_says_so(home: Home) -> None:
    """More values missing than the schema says: published with a warning, shown in the docs."""
    declare(home, text="None")
    run(home, "materialize")
    (one,) = facts(home, "docs", "raw.a", code=1)["assets"]
    assert (one["result"], one["failed"]) == ("failed", ["missing values text"])
    page = (home.data / "docs" / one["page"]).read_text()
    assert "text values may be missing in at most 25.00% of the rows." in page
    assert "66.67%" in page


def test_docs_that_cannot_be_written_do_not_fail_the_run(home: Home) -> None:
    """Nor does a state that cannot be read: all is made anew."""
    declare(home)
    run(home, "materialize")
    (home.data / "docs" / "state.json").write_text("{")
    project = home.open()
    assert build_docs(project, heads_of(project))["raw.a"].entry is not None
    for page in [*(home.data / "docs").rglob("*")]:
        if page.is_file():
            page.unlink()
    for folder in sorted((home.data / "docs").rglob("*"), reverse=True):
        folder.rmdir()
    (home.data / "docs").rmdir()
    (home.data / "docs").write_text("in the way")
    assert finish_run(home.open(), "r")["state"] == "done"


@pytest.mark.slow
def test_what_great_expectations_found_is_shown_in_full(chain: Home) -> None:
    """In its own words, with examples, personal data hidden."""
    chain.write(
        "resources/expectations/y.yaml",
        """
        asset: processed.b
        expectations:
          - type: expect_column_values_to_match_regex
            kwargs: {column: y, regex: "^[a-z]+$", mostly: 0.9}
            severity: warning
            notes: Lower case.
        """,
    )
    chain.write("in.csv", "x,y\n1,one\n2,Call 010-1234-5678 <now>\n")
    run(chain, "materialize")
    page = (chain.data / "docs/processed.b/2.html").read_text()
    assert (
        "y values must match this regular expression: ^[a-z]+$, at least 90% of the time." in page
    )
    assert "50% unexpected" in page
    assert "1 of 2 rows do not meet it." in page
    assert "<td>Call ⟦phone-1⟧ &lt;now&gt;</td>" in page
    assert "Lower case." in page
    assert "expect_column_values_to_match_regex · warning" in page
