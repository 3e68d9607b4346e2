"""Other people's words never act on a terminal, whichever command shows them."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cli import main
from resources.export import neutral
from resources.terminal import visible
from tests.assets.conftest import Home

EVIL = "a\x1b]0;owned\x07\x1b[31mred\u202egnp.exe\x9b2J\r\u2066x"
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def command(words: list[str]) -> None:
    """Run a command, however it ends."""
    with suppress(SystemExit):
        main(words)


@pytest.fixture
def evil(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Give a project whose rows, errors and names are hostile."""
    home.write(
        "assets/raw/a.py",
        f"""
        from assets import asset

        @asset(chain=False)
        def a():
            '''It does {EVIL!a} things.'''
            import pandas as pd
            return pd.DataFrame({{"t": [{EVIL!r}, "=1+1"], {EVIL!r}: [1, 2]}})
        """,
    )
    home.write(
        "assets/raw/b.py",
        f"""
        from assets import asset

        @asset(chain=False, source="b.csv")
        def b():
            raise ValueError({EVIL!r})
        """,
    )
    home.write("b.csv", "x\n1\n")
    monkeypatch.setenv("DATAOPS_ROOT", str(home.root))
    monkeypatch.setenv("DATAOPS_RETRY_SECONDS", "0")
    home.run()
    return home


@pytest.mark.parametrize(
    "words",
    [
        "list",
        "plan",
        "status",
        "materialize",
        "show raw.a",
        "show raw.b",
        "history raw.b",
        "logs raw.b",
        "schema raw.a",
        "sql|from raw.a",
        "sql|from attempts",
        "sql|--json|from raw.a",
        "sql|select nonsense \x1b[31m",
        "show raw.\x1b[31mx",
        "quarantine show raw.a",
        "lineage raw.a",
    ],
)
def test_no_command_lets_a_word_act(
    evil: Home, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    """Neither its answer nor its errors."""
    given = words.split("|") if "|" in words else words.split(" ")
    command(given)
    out = capsys.readouterr()
    assert evil.data.is_dir()
    assert ACTS.search(out.out + out.err) is None, (out.out + out.err).encode()


@pytest.mark.usefixtures("evil")
def test_json_says_exactly_what_the_row_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """Spelled out as JSON spells it, so programs lose nothing."""
    command(["sql", "--json", "select t from raw.a"])
    assert json.loads(capsys.readouterr().out)[0]["t"] == EVIL


@pytest.mark.usefixtures("evil")
def test_csv_runs_nothing_and_keeps_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    """Formulas begin with an ', as in outputs."""
    command(["sql", "--csv", "select t from raw.a"])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[2] == ["'=1+1"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *[
            ("=1", "'=1"),
            (" \u200b+x", "' \u200b+x"),
            ("-12.5", "-12.5"),
            ("\tx", "'\tx"),
            (-3, -3),
        ],
        *[("＝x", "'＝x"), ("", ""), ("a=1", "a=1"), ("@x", "'@x"), (None, None)],
    ],
)
def test_what_a_spreadsheet_would_run_is_neutral(value: object, written: object) -> None:
    """As the outputs do."""
    assert neutral(value) == written


@given(st.text())
def test_whatever_a_text_holds_nothing_of_it_acts(text: str) -> None:
    """And a text of plain letters stays as it is."""
    shown = visible(text)
    assert ACTS.search(shown) is None
    assert visible(shown) == shown
    if text.isascii() and text.isprintable():
        assert shown == text


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize(
    "query",
    ["select now() as t", "select [now()] as t", "select timestamptz '2024-01-01 09:00+09' as t"],
)
def test_moments_with_a_zone_are_read(capsys: pytest.CaptureFixture[str], query: str) -> None:
    """In UTC, without another library."""
    command(["sql", "--json", query])
    text = capsys.readouterr().out
    assert "+00" in text
    assert "2024" not in query or "2024-01-01 00:00:00+00:00" in text
