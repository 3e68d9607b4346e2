"""`format: xlsx`: an output's rows as a workbook beside its CSV, kept as well as the CSV is."""

from __future__ import annotations

import signal
from pathlib import Path

import openpyxl
import pytest

from assets.engine.deaths import settle_dead
from assets.engine.runs import finish_run, start_run
from assets.engine.verifying import verify_project
from catalog.changes import rollback
from catalog.prune import plan_prune, prune
from resources import workbooks
from tests.assets.conftest import Home
from tests.assets.test_faults import python

KEY = "output.shop"
PIPELINE = """
    source: shop.csv
    columns:
      id: text
      price: {type: "decimal(12,2)", optional: true}
      note: {type: text, optional: true}
    clean: false
    output: {FORMAT}
    """


def put_right(home: Home) -> None:
    """End a run, which brings the copies in line."""
    project = home.open()
    start_run(project, "later", trigger="cli", by="kim")
    finish_run(project, "later")


def declare(home: Home, how: str = "{format: xlsx}") -> None:
    """Declare the pipeline, its output written so."""
    home.write("resources/pipelines/shop.yaml", PIPELINE.replace("{FORMAT}", how))


@pytest.fixture
def shop(home: Home) -> Home:
    """Give a project whose output is a workbook, too."""
    declare(home)
    home.write("shop.csv", 'id,price,note\n00501,1.50,=1+1\n1234567890123456,,"a\nb"\n')
    assert set(home.run().values()) == {"made"}
    return home


def current(home: Home) -> Path:
    """Give the copy of the workbook that people open."""
    return home.data / "output" / "current" / "shop.xlsx"


def held(home: Home) -> list[Path]:
    """Give the workbooks that versions hold."""
    return sorted(home.data.glob(f"workbooks/{KEY}/*.xlsx"))


def rows(path: Path) -> list[tuple[object, ...]]:
    """Give what is in a workbook."""
    return [tuple(row) for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]


def test_the_workbook_holds_the_rows_of_the_csv_as_people_need_them(shop: Home) -> None:
    assert rows(current(shop)) == [
        ("id", "price", "note"),
        ("00501", 1.5, "=1+1"),
        ("1234567890123456", None, "a\nb"),
    ]
    cells = openpyxl.load_workbook(current(shop)).active[2]
    assert [(cell.data_type, cell.number_format) for cell in cells] == [
        ("s", "@"), ("n", "0.00"), ("s", "@")
    ]  # fmt: skip
    assert current(shop).with_suffix(".csv").is_file()
    assert shop.states()[KEY] == "fresh"


def test_an_asset_in_python_says_it_too(home: Home) -> None:
    home.write(
        "assets/raw/a.py",
        "from assets import asset\n@asset(chain=False)\ndef a():\n"
        "    import pandas as pd\n    return pd.DataFrame({'x': [1]})\n",
    )
    home.write(
        "assets/output/shop.py",
        "from assets import Table, asset\n"
        "@asset(upstream=['raw.a'], format='xlsx')\n"
        "def shop(a: Table) -> Table:\n    return a\n",
    )
    home.run()
    assert rows(current(home)) == [("x",), (1,)]


@pytest.mark.parametrize(
    ("layer", "option", "sentence"),
    [
        ("raw", "xlsx", "only outputs are files for people"),
        ("output", "xslx", "did you mean 'xlsx'"),
        ("output", "parquet", "Use one of csv, xlsx"),
    ],
)
def test_what_cannot_be_is_refused(home: Home, layer: str, option: str, sentence: str) -> None:
    argument, edge = ("b", ", upstream=['raw.b']") if layer == "output" else ("", "")
    home.write(
        f"assets/{layer}/a.py",
        f"from assets import asset\n@asset(format={option!r}{edge})\n"
        f"def a({argument}):\n    return []\n",
    )
    assert sentence in home.open().graph.broken[f"{layer}.a"].error


@pytest.mark.parametrize(
    ("how", "sentence"),
    [("{format: xls}", "xlsx"), ("{formats: xlsx}", "'format'"), ("xlsx", "{format: xlsx}")],
)
def test_a_pipeline_that_says_it_wrongly_is_told(home: Home, how: str, sentence: str) -> None:
    declare(home, how)
    assert sentence in home.open().graph.broken["raw.shop"].error


def test_a_copy_that_people_changed_or_lost_is_put_right(shop: Home) -> None:
    published = current(shop).read_bytes()
    current(shop).write_bytes(published + b"x")
    assert "output/current/shop.xlsx" in str(shop.line(KEY).reasons[0])
    shop.run()
    assert current(shop).read_bytes() == published
    current(shop).unlink()
    shop.run()
    assert current(shop).read_bytes() == published


def test_a_damaged_workbook_is_found_and_made_again(shop: Home) -> None:
    published = held(shop)[0].read_bytes()
    held(shop)[0].write_bytes(published[:-1] + b"!")
    found = verify_project(shop.open()).findings
    assert [one.path for one in found] == [f"workbooks/{KEY}/{held(shop)[0].name}"]
    shop.run()
    assert {path.read_bytes() for path in held(shop)} == {published}
    assert not verify_project(shop.open()).findings


def test_the_same_rows_keep_their_workbook(shop: Home) -> None:
    shop.make(KEY, force=True)
    assert len(held(shop)) == 1
    assert shop.states()[KEY] == "fresh"


def test_a_workbook_that_is_asked_for_later_comes_and_goes_with_its_declaration(shop: Home) -> None:
    declare(shop, "true")
    assert shop.reasons(KEY) == ["config changed"]
    shop.run()
    assert not current(shop).exists()
    declare(shop)
    shop.run()
    assert rows(current(shop))[1] == ("00501", 1.5, "=1+1")


def test_a_workbook_of_people_s_own_stays(shop: Home) -> None:
    declare(shop, "true")
    shop.run()
    current(shop).write_bytes(b"mine")
    shop.make(KEY, force=True)
    put_right(shop)
    assert current(shop).read_bytes() == b"mine"


def test_a_rollback_brings_the_workbook_of_its_version(shop: Home) -> None:
    shop.write("shop.csv", "id,price,note\n7,2.50,x\n")
    shop.run()
    assert len(rows(current(shop))) == 2
    project = shop.open()
    rollback(shop.data, project.events, project.catalog.heads([KEY])[KEY], 1, by="kim")
    put_right(shop)
    assert len(rows(current(shop))) == 3


def test_a_prune_ends_workbooks_with_their_versions(shop: Home) -> None:
    for number in range(2):
        shop.write("shop.csv", f"id,price,note\n{number},2.50,x\n")
        shop.run()
    assert len(held(shop)) == 3
    project = shop.open()
    heads = project.catalog.heads(["raw.shop", KEY])
    prune(shop.data, project.events, heads, plan_prune(shop.data, project.events, heads, 1), by="")
    assert len(held(shop)) == 1
    assert not verify_project(shop.open()).findings


def test_a_process_killed_while_it_writes_a_workbook_leaves_nothing(shop: Home) -> None:
    before = {path for path in (shop.data / "workbooks").rglob("*") if path.is_file()}
    script = shop.write(
        "kill.py",
        "import os, signal, sys\nfrom resources import workbooks\n"
        "workbooks._held = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from assets.engine import materialize, open_project\n"
        f"materialize(open_project(sys.argv[1]), {KEY!r}, run='x', force=True)\n",
    )
    declare(shop, "true")
    shop.run()
    declare(shop)
    killed = python(str(script), str(shop.root))
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert settle_dead(shop.open()) == 1
    assert {path for path in (shop.data / "workbooks").rglob("*") if path.is_file()} == before
    assert not list((shop.data / ".staging").rglob("*.xlsx*"))


def test_more_than_excel_holds_publishes_nothing_and_says_what_to_do(
    shop: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_ROWS", 3)
    shop.write("shop.csv", "id,price,note\n1,,x\n2,,x\n3,,x\n")
    said = shop.run()[KEY]
    assert f"{KEY} cannot be a workbook: there are more rows than the 3" in said
    assert "CSV has no such limit" in said
    assert len(held(shop)) == 1
    assert shop.line(KEY).reasons
