"""Suites: what is declared, what makes stale, what blocks, and what goes to quarantine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assets.engine import CheckFailed
from catalog.records import Check, Materialized
from resources.errors import DataOpsError
from resources.rejects import read_rejects
from tests.assets.conftest import Home
from tests.assets.test_cli import ROOT, facts, run

SUITE = "resources/expectations/stars.yaml"
STARS = """
    asset: processed.b
    expectations:
      - type: expect_column_values_to_be_between
        kwargs: {column: x, max_value: 4}
        severity: critical
      - type: expect_column_values_to_match_regex
        kwargs: {column: y, regex: "^[a-z]+$"}
        severity: warning
    """


def check(version: Materialized, name: str) -> Check:
    """Give a version's check."""
    return next(one for one in version.checks if one.name == name)


def test_a_suite_makes_its_asset_stale_and_no_other(chain: Home) -> None:
    """By its content: notes and other suites do not count."""
    chain.write(SUITE, STARS)
    assert chain.states() == {"raw.a": "fresh", "processed.b": "stale", "processed.c": "waiting"}
    first, _ = chain.line("processed.b").reasons
    assert str(first) == (
        "config changed: checks.expect_column_values_to_be_between(x) none -> "
        'critical {"column": "x", "max_value": 4}'
    )


@pytest.mark.slow
def test_a_suite_that_holds_publishes_and_records_each_expectation(chain: Home) -> None:
    """Same rows: what is below stays fresh. Edited again: stale again."""
    path = chain.write(SUITE, STARS)
    assert chain.run() == {"processed.b": "unchanged", "processed.c": "fresh"}
    version = chain.current("processed.b")
    one = check(version, "expect_column_values_to_be_between")
    assert (one.column, one.severity, one.passed, one.value, one.threshold) == (
        "x",
        "block",
        True,
        1.0,
        1.0,
    )
    assert one.detail == "x values must be less than or equal to 4."
    assert (chain.data / version.validation_file).is_file()
    assert set(chain.states().values()) == {"fresh"}
    path.write_text(path.read_text().replace("severity: warning", "notes: letters"))
    assert chain.reasons("processed.b") == ["config changed"]


@pytest.mark.slow
def test_a_blocking_expectation_keeps_the_old_version_and_sets_the_rows_aside(chain: Home) -> None:
    """What is below stops, nothing else does; mending the data goes on by itself."""
    chain.write(SUITE, STARS)
    chain.write(
        "assets/processed/side.py",
        "from assets import Table, asset\n\n@asset(upstream=['raw.a'])\ndef side(a: Table) -> Table:\n    return a\n",
    )
    chain.write("in.csv", "x,y\n1,one\n5,five\n6,SIX\n7,\n")
    came = chain.run()
    assert {key: text.split(":")[0] for key, text in came.items()} == {
        "raw.a": "made",
        "processed.b": "failed",
        "processed.c": "failed",
        "processed.side": "made",
    }
    assert "Found: 75% unexpected. Such as 5, 6, 7" in came["processed.b"]
    assert came["processed.c"] == "failed: something above it failed"
    assert [row["x"] for row in chain.rows("processed.b")] == [1, 2]
    last = chain.open().catalog.heads(["processed.b"])["processed.b"].last_attempt
    assert last is not None
    assert (last.state, last.rows, last.quarantined) == ("blocked", 4, 3)
    aside = list(read_rejects(chain.data / last.quarantine_file))
    assert [json.loads(reject.row)["x"] for reject in aside] == [5, 6, 7]
    assert (aside[0].rule, aside[0].column) == ("expect_column_values_to_be_between", "x")
    assert aside[0].reason == "x is '5': x values must be less than or equal to 4."
    project = chain.open()
    project.catalog.fold()
    sql = "SELECT key, rule, count(*) FROM quarantined_rows q JOIN quarantine USING (file) GROUP BY ALL"
    rule = "expect_column_values_to_be_between"
    assert project.catalog.query(sql).rows == [("processed.b", rule, 3)]
    assert chain.line("processed.b").action == "blocked"
    chain.write("in.csv", "x,y\n1,one\n3,THREE\n")
    assert chain.run()["processed.b"] == "made"
    warned = check(chain.current("processed.b"), "expect_column_values_to_match_regex")
    assert (warned.severity, warned.passed, warned.rows) == ("warn", False, 1)
    assert chain.states()["processed.c"] == "fresh"


CHECKED = """
from typing import Annotated
from assets import Expectation, Schema, Unique, asset

class A(Schema):
    id: Annotated[int, Unique]
    n: int

@asset(schema=A, chain=False, checks=[
    Expectation("expect_column_values_to_not_be_null", {"column": "n"}), EXPECTED
])
def a():
    import sys
    import pandas as pd
    return pd.DataFrame({"id": [1, 2, 2, 3], "n": [1, 2, 9, 3]})
"""


def test_what_the_schema_promises_already_needs_no_great_expectations(home: Home) -> None:
    """The check is there all the same."""
    home.write(
        "assets/raw/a.py", CHECKED.replace("EXPECTED", "").replace("[1, 2, 2, 3]", "[1, 2, 4, 3]")
    )
    script = (
        "import sys\nfrom assets.engine import materialize, open_project\n"
        "materialize(open_project(sys.argv[1]), 'raw.a', run='r')\n"
        "assert 'great_expectations' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, str(home.root)], check=True, cwd=ROOT)
    one = check(home.current("raw.a"), "expect_column_values_to_not_be_null")
    assert (one.passed, one.detail) == (
        True,
        "n: column values to not be null (held by the schema).",
    )


@pytest.mark.slow
def test_the_suite_looks_at_the_rows_that_stayed(home: Home) -> None:
    """Rows that break the schema are set aside before; the books balance."""
    text = CHECKED.replace("chain=False", "chain=False, max_quarantine=0.5")
    home.write(
        "assets/raw/a.py",
        text.replace(
            "EXPECTED",
            "Expectation('expect_column_max_to_be_between', {'column': 'n', 'max_value': 5})",
        ),
    )
    version = home.make("raw.a").materialized
    assert version is not None
    assert (version.rows, version.quarantined) == (3, 1)
    assert check(version, "expect_column_max_to_be_between").value == 3


@pytest.mark.slow
def test_an_expectation_that_cannot_be_computed_blocks_with_the_reason(home: Home) -> None:
    """Without a schema, a column that is gone is found in the data."""
    home.write(
        "assets/raw/a.py",
        "from assets import Expectation, asset\n\n@asset(chain=False, checks=[Expectation('expect_column_max_to_be_between', {'column': 'gone', 'max_value': 5})])\ndef a():\n    import pandas as pd\n    return pd.DataFrame({'n': [1]})\n",
    )
    with pytest.raises(CheckFailed, match='Could not be computed: .*"gone"'):
        home.make("raw.a")


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("Expectation('expect_column_max_to_be_betwen', {'column': 'n'})", "did you mean"),
        ("Expectation('expect_column_to_exist', {'column': 'n'}, 'hard')", "'hard' is no severity"),
        (
            "Expectation('expect_column_max_to_be_between', {'column': 'm'})",
            "the column 'm', which raw.a does not have",
        ),
        ("{'a': 1}", "which is no expectation"),
        ("'shape'", "names the suite 'shape', which is not there"),
    ],
)
def test_mistakes_are_found_when_the_project_is_planned(
    home: Home, expected: str, said: str
) -> None:
    """They break the asset they are about, and nothing else."""
    home.write("assets/raw/a.py", CHECKED.replace("EXPECTED", expected))
    home.write(
        "assets/raw/b.py", "from assets import asset\n\n@asset(chain=False)\ndef b():\n    pass\n"
    )
    lines = home.plan()
    assert lines["raw.a"].state == "broken"
    assert said in lines["raw.a"].note
    assert lines["raw.b"].state == "missing"


def test_a_suite_about_nothing_is_a_warning_of_the_plan(chain: Home) -> None:
    chain.write(SUITE, STARS.replace("processed.b", "output.report"))
    assert "no asset is called 'output.report'" in run(chain, "plan")
    assert set(chain.states().values()) == {"fresh"}


def test_a_wrong_suite_in_a_command(chain: Home) -> None:
    """File, line, field, what is meant, what to do; nothing is made."""
    chain.write(SUITE, STARS.replace("max_value", "max_valeu"))
    (line,) = facts(chain, "plan", "processed.b")["assets"]
    assert line["note"] == (
        "resources/expectations/stars.yaml, line 5, field 'expectations[1].kwargs.max_valeu': "
        "expect_column_values_to_be_between has no argument 'max_valeu'; did you mean "
        "'max_value'? It has column, min_value, max_value, strict_min, strict_max, mostly, "
        "row_condition, condition_parser."
    )
    with pytest.raises(DataOpsError, match="max_valeu"):
        chain.make("processed.b", force=True)


def test_masks_of_the_cleaning_task_hold_for_examples(home: Home) -> None:
    """All personal data is hidden, unless the asset's task says otherwise."""
    from assets.engine.make import Attempt
    from assets.engine.suites import hider

    home.write("resources/tasks/open.yaml", "rules: [whitespace]\nmask: [email]\n")
    home.write(
        "assets/raw/a.py", "from assets import asset\n\n@asset(chain=False)\ndef a():\n    pass\n"
    )
    home.write(
        "assets/processed/b.py",
        "from assets import Cleaner, Table, asset\n\n@asset(upstream=['raw.a'], task='open')\ndef b(a: Table, llm: Cleaner) -> Table:\n    return llm.clean(a)\n",
    )
    project = home.open()

    def hidden(key: str) -> str:
        """Hide what an asset's examples hide."""
        attempt = Attempt.__new__(Attempt)
        attempt.asset, attempt.task = project.graph.assets[key], None
        return hider(project, attempt)("a@b.kr, 010-1234-5678")

    assert hidden("raw.a") == "⟦email-1⟧, ⟦phone-2⟧"
    assert hidden("processed.b") == "⟦email-1⟧, 010-1234-5678"


def test_a_file_that_is_not_there_is_not_read(tmp_path: Path) -> None:
    from resources.expectations.found import read_found

    assert read_found(tmp_path / "none.json") == []


@pytest.mark.slow
def test_a_version_that_grows_is_validated_whole(home: Home) -> None:
    """Old rows and new ones together, as they would be published; the old version stays if not."""
    home.write(
        "assets/raw/a.py",
        "from assets import Cursor, Expectation, asset\n\n@asset(chain=False, mode='append', checks=[Expectation('expect_column_values_to_be_unique', {'column': 'n'}), Expectation('expect_table_row_count_to_be_between', {'max_value': 5})])\ndef a(cursor: Cursor):\n    import pandas as pd\n    at = cursor.value or 0\n    cursor.advance(at + 2)\n    return pd.DataFrame({'n': [at, at + 1]})\n",
    )
    for rows in (2, 4):
        version = home.make("raw.a", force=True).materialized
        assert version is not None
        assert check(version, "expect_table_row_count_to_be_between").value == rows == version.rows
    with pytest.raises(CheckFailed, match="Must have less than or equal to 5 rows. Found: 6"):
        home.make("raw.a", force=True)
    assert home.current("raw.a").rows == 4
