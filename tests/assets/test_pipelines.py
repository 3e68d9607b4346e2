"""Pipelines without Python: what a file may say, what it brings, and what an edit makes stale."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.model.declare import Asset, Broken
from assets.model.discover import discover
from assets.model.pipeline_columns import TYPES
from assets.model.pipeline_file import FIELDS, TEXTS, load_pipeline
from assets.model.pipelines import PIPELINE_VERSION, load_pipelines
from resources.sources import Source
from resources.sources.options import ReadOptions
from tests.assets.conftest import Home

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "resources/sources/pipeline.schema.json").read_text(encoding="utf-8"))
FILE = "resources/pipelines/orders.yaml"
ORDERS = """\
# yaml-language-server: $schema=../sources/pipeline.schema.json
description: Orders of the shop
source: incoming/orders*.csv
read: {encoding: cp949, delimiter: ";"}
columns:
  id: {type: integer, unique: true}
  note: {type: text, optional: true}
  rating: {type: integer, allowed: [1, 2, 3, 4, 5], optional: true}
clean: tidy
output: {columns: [note, id]}
schedule: yearly
owner: kim
tags: [shop]
max_quarantine: 0.5
"""
TIDY = "task_name: Tidy\nmodel: rules\nrules: [entities]\ncolumns: [note]\n"
ROWS = 'id;note;rating\n1;"좋아요 &amp; 최고";5\n2;별로;\n3;뭐지;9\n'


@pytest.fixture
def orders(home: Home) -> Home:
    """Give a project with one pipeline, nothing made."""
    home.write(FILE, ORDERS)
    home.write("resources/tasks/tidy.yaml", TIDY)
    home.write("incoming/orders_1.csv", "").write_bytes(ROWS.encode("cp949"))
    return home


def test_one_file_is_raw_processed_and_output(orders: Home) -> None:
    """With the file's words on each asset where they belong."""
    graph = discover(orders.root)
    assert graph.order == ("raw.orders", "processed.orders_clean", "output.orders")
    raw, cleaned, csv = (graph.assets[key] for key in graph.order)
    assert (raw.schedule, raw.source) == ("yearly", ("incoming/orders*.csv",))
    assert raw.description == "Orders of the shop"
    assert (cleaned.task, cleaned.columns) == ("tidy", raw.columns)
    assert {a.owner for a in (raw, cleaned, csv)} == {"kim"}
    assert {a.tags for a in (raw, cleaned, csv)} == {("shop",)}
    assert {a.engine_version for a in (raw, cleaned, csv)} == {PIPELINE_VERSION}
    assert (raw.file, raw.line, cleaned.line, csv.line) == (str(orders.root / FILE), 3, 9, 10)


def test_it_runs_to_a_csv(orders: Home) -> None:
    """Read as CP949 with `;`, checked, cleaned by its task, exported with the named columns."""
    assert set(orders.run().values()) == {"made"}
    raw = orders.current("raw.orders")
    assert (raw.rows, raw.quarantined) == (2, 1)
    assert [(c.name, c.type) for c in raw.columns] == [
        ("id", "int64"),
        ("note", "string"),
        ("rating", "int64"),
    ]
    text = (orders.data / "output/current/orders.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines() == ["note,id", "좋아요 & 최고,1", "별로,2"]
    assert set(orders.states().values()) == {"fresh"}


RAW, CLEAN, CSV = "raw.orders", "processed.orders_clean", "output.orders"


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("# yaml", "# a comment\n# yaml", {}),
        ("description: Orders of the shop", "description: Other words", {}),
        ("owner: kim", "owner: lee", {}),
        ("tags: [shop]", "tags: [shop, daily]", {}),
        ('{encoding: cp949, delimiter: ";"}', "{delimiter: ';', encoding: cp949}", {}),
        ("owner: kim\ntags: [shop]\n", "tags: [shop]\nowner: kim\n", {}),
        ("{type: text, optional: true}", "{optional: true, type: string}", {}),
        ("schedule: yearly", "schedule: '0 0 1 1 *'", {}),
        (
            "encoding: cp949",
            "encoding: euc-kr",
            {RAW: ['config changed: read.encoding "cp949" -> "euc-kr"']},
        ),
        ("encoding: cp949, ", "", {RAW: ['config changed: read.encoding "cp949" -> none']}),
        (
            "[note, id]",
            "[id]",
            {CSV: ['config changed: output.columns ["note", "id"] -> ["id"]']},
        ),
        (
            "clean: tidy",
            "clean: rules",
            {
                CLEAN: [
                    "config changed: task tidy -> default",
                    "config changed: task.columns note -> none",
                    "config changed: task.rules rules/3: entities -> rules/3: encoding, ent",
                ]
            },
        ),
        ("[1, 2, 3, 4, 5]", "[1, 2]", {RAW: ["schema changed"], CLEAN: ["schema changed"]}),
        (
            "orders*.csv",
            "more*.csv",
            {RAW: ["source changed: incoming/orders_1.csv there -> gone"]},
        ),
    ],
)
def test_an_edit_makes_stale_what_it_concerns(
    orders: Home,
    edit: Callable[[Path, str, str], None],
    old: str,
    new: str,
    stale: dict[str, list[str]],
) -> None:
    """Each with a reason that says what was and what is; words for people concern nobody."""
    orders.run()
    edit(orders.root / FILE, old, new)
    lines = orders.plan().lines
    found = {line.key: [str(r) for r in line.reasons] for line in lines if line.state == "stale"}
    assert set(found) == set(stale)
    for key, reasons in stale.items():
        for reason, said in zip(found[key], reasons, strict=True):
            assert reason.startswith(said)


def test_editing_the_task_concerns_the_cleaned_asset_alone(
    orders: Home, edit: Callable[[Path, str, str], None]
) -> None:
    """As for every asset that uses one."""
    orders.run()
    edit(orders.root / "resources/tasks/tidy.yaml", "[entities]", "[entities, tags]")
    stale = [line.key for line in orders.plan().lines if line.state == "stale"]
    assert stale == [CLEAN]


def test_left_out_a_field_means_what_it_means_in_python(home: Home) -> None:
    """Columns as they come, cleaned by rules, a CSV: as the default chain does."""
    home.write("resources/pipelines/notes.yaml", "source: notes.csv\n")
    home.write("notes.csv", "id,note\n1,a &amp; b\n")
    home.run()
    (row,) = home.rows("processed.notes_clean")
    assert row == {"id": 1, "note": "a & b"}
    assert (home.data / "output/current/notes.csv").is_file()
    home.write("resources/pipelines/notes.yaml", "source: notes.csv\nclean: rules\noutput: true\n")
    assert set(home.states().values()) == {"fresh"}


@pytest.mark.parametrize(
    ("fields", "keys", "made_from"),
    [
        ("clean: false", {"raw.x", "output.x"}, "raw.x"),
        ("output: false", {"raw.x", "processed.x_clean"}, ""),
        ("columns: {n: integer}", {"raw.x", "output.x"}, "raw.x"),
        (
            "columns: {n: integer}\nclean: rules",
            {"raw.x", "processed.x_clean", "output.x"},
            "processed.x_clean",
        ),
    ],
)
def test_cleaning_and_csv_can_be_turned_off(
    home: Home, fields: str, keys: set[str], made_from: str
) -> None:
    """Without a text column there is nothing to clean, unless the file says so."""
    home.write("resources/pipelines/x.yaml", f"source: x.csv\n{fields}\n")
    graph = discover(home.root)
    assert set(graph.order) == keys
    if made_from:
        assert graph.upstream("output.x") == (made_from,)


def test_texts_have_the_raw_schema_and_become_the_processed_one(home: Home) -> None:
    """A column of it can be declared otherwise: ids that are no numbers."""
    home.write(
        "resources/pipelines/talk.yaml",
        """\
        source: talk.csv
        texts: {id: 번호, text: 리뷰, created_at: 날짜, time_format: "%y.%m.%d"}
        columns: {id: {type: text, unique: true}}
        """,
    )
    home.write("talk.csv", "번호,리뷰,날짜,별점\na1,좋아 &amp; 굿,26.01.28,5\n")
    assert set(home.run().values()) == {"made"}
    (row,) = home.rows("processed.talk_clean")
    assert (row["id"], row["raw_text"], row["cleaned_text"]) == (
        "a1",
        "좋아 &amp; 굿",
        "좋아 & 굿",
    )
    assert str(row["created_at"])[:10] == "2026-01-28"
    assert list(row)[3] == "cleaned_text"
    unique = {c.name for c in home.current("processed.talk_clean").columns if c.unique}
    assert unique == {"id"}


def test_a_task_with_outputs_adds_its_columns(home: Home) -> None:
    """So they are not declared: they come as the task hands them over."""
    home.write("resources/pipelines/x.yaml", "source: x.csv\ncolumns: {t: text}\nclean: mood\n")
    task = "prompt: x\nmodel: m\noutputs: {mood: {values: [good, bad]}}\n"
    home.write("resources/tasks/mood.yaml", task)
    assert discover(home.root).assets["processed.x_clean"].columns is None
    home.write("resources/tasks/mood.yaml", "prompt: x\nmodel: m\n")
    assert discover(home.root).assets["processed.x_clean"].columns is not None


def test_a_task_that_is_not_there_is_told_by_the_plan(home: Home) -> None:
    """As for every asset."""
    home.write("resources/pipelines/x.yaml", "source: x.csv\nclean: tidyy\n")
    home.write("resources/tasks/tidy.yaml", TIDY)
    assert "did you mean 'tidy'" in home.line("processed.x_clean").note


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("source: a.csv\nclaen: x\n", 2, "did you mean 'clean'"),
        ("description: x\n", 1, "a pipeline needs one"),
        ("source:\n  files: a.csv\n  encoding: cp949\n", 1, "under `read:`"),
        ("source: https://api.example.com/x?token=abc\n", 1, "token"),
        ("source: [a.csv, a.csv]\n", 1, "twice"),
        ("source: a.csv\nsource: b.csv\n", 2, "twice"),
        ("source: a.csv\nread:\n  encodng: cp949\n", 3, "did you mean 'encoding'"),
        ("source: a.csv\nread: {delimiter: 1}\n", 2, "text (in quotes)"),
        ("source: a.parquet\nread: {delimiter: ','}\n", 2, "has no such option"),
        ("source: a.dat\nread: {format: cvs}\n", 2, "did you mean 'csv'"),
        ("source: a.csv\nread: cp949\n", 2, "not fields"),
        ("source: a.csv\nwritten: {dates: dmy}\n", 2, "`read: {written: ...}`"),
        ("source: a.csv\nencoding: cp949\n", 2, "`read: {encoding: ...}`"),
        ("source: a.csv\nformat: xlsx\n", 2, "`output: {format: xlsx}`"),
        ("source: a.csv\ntexts: {text: t}\n", 2, "texts need one"),
        (
            "source: a.csv\ntexts:\n  id: i\n  text: t\n  create_at: x\n",
            5,
            "did you mean 'created_at'",
        ),
        ("source: a.csv\ntexts: {id: i, text: t}\ncolumns:\n  idd: text\n", 4, "did you mean 'id'"),
        ("source: a.csv\ncolumns:\n  a: intger\n", 3, "did you mean 'integer'"),
        ("source: a.csv\ncolumns:\n  a:\n    type: integer\n    uniqe: true\n", 5, "'unique'"),
        ("source: a.csv\ncolumns:\n  a: {optional: true}\n", 3, "needs a type"),
        ("source: a.csv\ncolumns:\n  a: {allowed: [yes, no, maybe]}\n", 3, "in quotes"),
        ("source: a.csv\ncolumns:\n  a: {type: text, allowed: [1, 2]}\n", 3, "`type: integer`"),
        ("source: a.csv\ncolumns:\n  a: decimal(2,4)\n", 3, "no type"),
        ("source: a.csv\ncolumns:\n  a: {type: decimal(4,2)}\n", 3, "in quotes"),
        ("source: a.csv\ncolumns:\n  a: {type: text, max_missing: 2}\n", 3, "from 0 to 1"),
        ("source: a.csv\ncolumns:\n  1: text\n", 3, "name in quotes"),
        ("source: a.csv\ncolumns:\n  Id: text\n  id: text\n", 4, "SQL cannot tell it"),
        ("source: a.csv\ncolumns: [a, b]\n", 2, "no columns"),
        ("source: a.csv\nschedule: dayly\n", 2, "did you mean 'daily'"),
        ("source: a.csv\nfresh_for: soon\n", 2, "6h"),
        ("source: a.csv\nfresh_for: 6\n", 2, "6h"),
        ("source: a.csv\ncolumns:\n  a: {type: text, allowed: [yes, no]}\n", 3, "true and false"),
        ("source: a.csv\nmode: apend\n", 2, "did you mean 'append'"),
        ("source: a.csv\ncolumns: {a: text}\nmode: upsert\non: b\n", 4, "no column of its schema"),
        ("source: a.csv\nmode: upsert\n", 2, "without a key"),
        ("source: a.csv\non: [a]\n", 2, "everything it has is replaced"),
        ("source: a.csv\nmode: append\ncursor: a\n", 3, "files cannot be asked"),
        ("source: sql:shop\ncursor: a\n", 2, "`mode: append`"),
        ("source: a.csv\nclean: [x]\n", 2, "rules or false"),
        ("source: a.csv\noutput: {column: [a]}\n", 2, "did you mean 'columns'"),
        ("source: a.csv\ncolumns: {a: text}\noutput:\n  columns: [b]\n", 4, "no column 'b'"),
        ("source: a.csv\nmax_quarantine: 2\n", 2, "from 0 to 1"),
        ("source: a.csv\nchecks: {a: b}\n", 2, "no list"),
        ("source: a.csv\nchecks:\n  - a\n  - typ: x\n", 4, "not an expectation"),
        ("source: a.csv\nchecks:\n  - type: expect_column_to_exits\n", 3, "expect_column_to_exist"),
        (
            "source: a.csv\ncolumns: {a: text}\nchecks:\n- short\n- type: expect_column_values_to_be_unique\n  kwargs: {column: b}\n",
            5,
            "about the column 'b'",
        ),
        (
            "source: a.csv\nchecks:\n- type: expect_column_to_exist\n  kwargs: {column: a}\n  notes: 5\n",
            5,
            "5 is not text",
        ),
        ("source: a.csv\nordered: sometimes\n", 2, "true or false"),
        ("name: Orders\nsource: a.csv\n", 1, "no key can hold"),
        ("source: a.csv\nfresh_for: [x\n", 3, "not YAML"),
        ("- a\n", 1, "does not hold fields"),
        ("", 1, "no fields"),
        ("source: !!python/object/apply:os.system [ls]\n", 1, "not YAML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_fix(
    home: Home, text: str, line: int, said: str
) -> None:
    """And breaks the assets of its file, no others."""
    home.write("resources/pipelines/good.yaml", "source: g.csv\n")
    path = home.write("resources/pipelines/bad.yaml", text)
    graph = discover(home.root)
    broken = graph.broken["raw.bad"]
    assert f"{path}, line {line}" in broken.error
    assert said in broken.error
    assert (broken.file, broken.line) == (str(path), line)
    assert set(graph.assets) == {"raw.good", "processed.good_clean", "output.good"}


@pytest.mark.parametrize("odd", ["5", "true", ".nan", "[5]", "{a: 5}", "[[1]]", "!!int x", "''"])
def test_a_value_of_any_kind_stops_no_other_pipeline(home: Home, odd: str) -> None:
    """In every field, and in those within fields."""
    for place, field in enumerate(FIELDS):
        start = "" if field == "source" else "source: a.csv\n"
        home.write(f"resources/pipelines/p{place}.yaml", f"{start}{field}: {odd}\n")
    for place, name in enumerate(ReadOptions.__annotations__):
        text = f"source: a.csv\nread: {{{name}: {odd}}}\n"
        home.write(f"resources/pipelines/r{place}.yaml", text)
    for field in ("type", "optional", "unique", "allowed", "max_missing", "volatile"):
        text = f"source: a.csv\ncolumns: {{a: {{type: text, {field}: {odd}}}}}\n"
        text = text.replace("type: text, type", "type")
        home.write(f"resources/pipelines/c_{field}.yaml", text)
    home.write("resources/pipelines/good.yaml", "source: g.csv\n")
    assert "raw.good" in discover(home.root).assets
    home.states()


def test_everything_below_a_broken_file_stays_in_the_graph(home: Home) -> None:
    """What is made from it stops; it is not told that something is not declared."""
    home.write("resources/pipelines/bad.yaml", "source: a.csv\nread: {enc: x}\noutput: false\n")
    home.write(
        "assets/processed/more.py",
        "from assets import asset\n\n@asset(upstream=['processed.bad_clean'])\ndef more(bad_clean): ...\n",
    )
    graph = discover(home.root)
    assert set(graph.broken) == {"raw.bad", "processed.bad_clean"}
    assert graph.upstream("processed.bad_clean") == ("raw.bad",)
    assert set(graph.assets) == {"processed.more"}
    assert home.line("processed.more").action == "stopped"


@pytest.mark.parametrize("name", ["my orders.yaml", "주문.yaml", "9.yml", "UPPER.json"])
def test_a_file_name_that_is_no_key_is_told(home: Home, name: str) -> None:
    """Its key holds only what Airflow can carry; with `name:` any file name will do."""
    text = '{"source": "a.csv"}' if name.endswith("json") else "source: a.csv\n"
    home.write(f"resources/pipelines/{name}", text)
    broken = discover(home.root).broken
    assert all("Write `name:`" in one.error for one in broken.values())
    assert all(" " not in key for key in broken)
    home.write(f"resources/pipelines/{name}", json.dumps({"source": "a.csv", "name": "orders"}))
    assert set(discover(home.root).assets) == {RAW, CLEAN, CSV}


def test_hidden_files_and_those_with_an_underscore_are_no_pipelines(home: Home) -> None:
    """Nor is anything that is neither YAML nor JSON."""
    for name in ("_draft.yaml", ".#x.yaml", "README.md", "x.csv"):
        home.write(f"resources/pipelines/{name}", "no pipeline")
    assert discover(home.root).order == ()


CHECKED = """\
    source: x.csv
    columns: {id: integer, t: text}
    checks:
      - type: expect_column_values_to_be_between
        kwargs: {column: id, min_value: 1}
      - short
    """


def test_checks_are_expectations_and_suites_of_the_raw_asset(
    home: Home, edit: Callable[[Path, str, str], None]
) -> None:
    """An edited one is told with what was and what is; a suite that is not there, by the plan."""
    path = home.write("resources/pipelines/x.yaml", CHECKED)
    graph = discover(home.root)
    between, short = graph.assets["raw.x"].checks
    assert (between.name, between.severity, short) == (  # type: ignore[union-attr]
        "expect_column_values_to_be_between",
        "critical",
        "short",
    )
    assert graph.assets["processed.x_clean"].checks == ()
    assert "resources/expectations/short.yaml" in home.line("raw.x").note
    edit(path, "  - short\n", "")
    from assets.engine.config import config_of

    config = config_of(home.open(), discover(home.root).assets["raw.x"])
    assert config["checks.expect_column_values_to_be_between(id)"] == (
        'critical {"column": "id", "min_value": 1}'
    )


@pytest.mark.slow
def test_a_check_that_is_not_met_stops_the_pipeline(home: Home) -> None:
    """Before anything is cleaned; the old version stays current."""
    home.write("resources/pipelines/x.yaml", CHECKED.replace("      - short\n", ""))
    home.write("x.csv", "id,t\n1,a\n")
    assert set(home.run().values()) == {"made"}
    home.write("x.csv", "id,t\n0,b\n")
    came = home.run()
    assert "expect_column_values_to_be_between" in came["raw.x"]
    assert home.rows("processed.x_clean") == [{"id": 1, "t": "a"}]


PYTHON = "from assets import asset\n\n@asset({options})\ndef {name}({argument}): ...\n"


def test_a_key_declared_by_python_too_names_both_files(orders: Home) -> None:
    """Neither wins."""
    orders.write("assets/raw/orders.py", PYTHON.format(options="", name="orders", argument=""))
    graph = discover(orders.root)
    assert str(orders.root / "assets/raw/orders.py") in graph.broken[RAW].error
    assert str(orders.root / FILE) in graph.broken[RAW].error
    orders.write("resources/pipelines/other.yaml", "name: bills\nsource: a.csv\n")
    orders.write("resources/pipelines/third.yaml", "name: bills\nsource: b.csv\n")
    error = discover(orders.root).broken["raw.bills"].error
    assert "other.yaml" in error
    assert "third.yaml" in error


def test_python_replaces_what_the_file_does_not_ask_for(orders: Home) -> None:
    """As it replaces the default chain's assets; what the file asks for in words is a conflict."""
    own = PYTHON.format(options="upstream=['raw.orders']", name="orders_clean", argument="orders")
    orders.write("assets/processed/orders_clean.py", own)
    assert "declared twice" in discover(orders.root).broken[CLEAN].error
    orders.write(FILE, "source: incoming/orders*.csv\n")
    graph = discover(orders.root)
    assert graph.broken == {}
    assert graph.assets[CLEAN].file.endswith("orders_clean.py")
    assert graph.upstream(CSV) == (CLEAN,)


def test_loading_imports_nothing_heavy(orders: Home) -> None:
    """Airflow reads the declarations again for every task."""
    orders.write("resources/pipelines/talk.yaml", "source: a.csv\ntexts: {id: a, text: b}\n")
    script = (
        "import sys; from pathlib import Path; from assets.model.discover import discover;"
        "graph = discover(Path(sys.argv[1])); assert len(graph.assets) == 6, graph.broken;"
        "heavy = {'duckdb', 'pandas', 'pyarrow', 'great_expectations', 'openai', 'airflow',"
        " 'numpy', 'jinja2', 'sqlalchemy'}; print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(orders.root)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "[]"


def test_the_schema_for_editors_knows_every_field() -> None:
    """Those of the file, of texts and columns, and the options of Source.read."""
    fields = SCHEMA["properties"]
    assert set(fields) == set(FIELDS)
    assert set(ReadOptions.__annotations__) <= set(fields["read"]["properties"])
    assert set(TEXTS) == set(fields["texts"]["properties"])
    assert set(TYPES) == set(SCHEMA["$defs"]["type"]["anyOf"][0]["enum"])
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(yaml.safe_load(ORDERS), SCHEMA)


def test_the_examples_in_the_docs_load(home: Home) -> None:
    """Every block that is a pipeline."""
    pages = sorted((ROOT / "docs").glob("*.md"))
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    blocks = [
        b for b in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "\nsource: " in f"\n{b}"
    ]
    assert len(blocks) >= 2
    for block in blocks:
        path = home.write("resources/pipelines/x.yaml", block)
        assert discover(home.root).broken == {}
        jsonschema.validate(load_pipeline(path).document.values, SCHEMA)


@pytest.mark.parametrize(
    ("read", "options"),
    [
        ("{delimiter: \\t}", {"delimiter": "\t"}),
        ('{delimiter: "\\t"}', {"delimiter": "\t"}),
        ("{encoding: cp949, delimiter: }", {"encoding": "cp949"}),
    ],
)
def test_options_of_reading_are_handed_over(home: Home, read: str, options: Any) -> None:
    """A tab may be written with a backslash, in quotes or not."""
    path = home.write("resources/pipelines/x.yaml", f"source: a.csv\nread: {read}\n")
    assert load_pipeline(path).read == options


@pytest.mark.parametrize(
    ("words", "hours"),
    [("6h", 6), ("30 min", 0.5), ("2 days", 48), ("1 Day", 24), ("90 minutes", 1.5)],
)
def test_a_length_of_time_is_a_number_and_a_unit(home: Home, words: str, hours: float) -> None:
    """As people write it."""
    path = home.write("resources/pipelines/x.yaml", f"source: a.csv\nfresh_for: {words}\n")
    assert load_pipeline(path).fresh_for == timedelta(hours=hours)


def test_texts_takes_what_the_collectors_method_takes() -> None:
    """The same words."""
    given = [p.name for p in inspect.signature(Source.texts).parameters.values()]
    assert set(TEXTS) == set(given) - {"self", "options"}


def test_new_files_join_what_is_there(home: Home) -> None:
    """Only they are read, cleaned and written."""
    home.write("resources/pipelines/x.yaml", "source: in/*.csv\nmode: append\non: id\n")
    home.write("in/1.csv", "id,t\n1,a &amp; b\n")
    home.run()
    home.write("in/2.csv", "id,t\n1,a &amp; b\n2,c\n")
    assert set(home.run().values()) == {"made"}
    raw, cleaned = home.current("raw.x"), home.current("processed.x_clean")
    assert (raw.mode, raw.rows, raw.added, len(raw.files)) == ("append", 2, 1, 2)
    assert (cleaned.mode, cleaned.rows, cleaned.added) == ("append", 2, 1)
    text = (home.data / "output/current/x.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines() == ["id,t", "1,a & b", "2,c"]


@pytest.mark.parametrize("texts", ["", "texts: {id: id, text: note, created_at: changed}\n"])
def test_a_cursor_asks_a_database_for_what_is_new(home: Home, texts: str) -> None:
    """It is where the last version left it; changed rows replace themselves."""
    import sqlite3

    fields = f"mode: upsert\non: [id]\ncursor: changed\nread: {{table: orders}}\n{texts}"
    home.write("resources/pipelines/x.yaml", f"source: shop.db\n{fields}")
    with closing(sqlite3.connect(home.root / "shop.db")) as shop, shop:
        shop.execute("create table orders (id integer, note text, changed text)")
        shop.execute("insert into orders values (1, 'one', '2026-01-01'), (2, 'two', '2026-01-02')")
    home.run()
    assert home.current("raw.x").cursor == '"2026-01-02"'
    with closing(sqlite3.connect(home.root / "shop.db")) as shop, shop:
        shop.execute("insert into orders values (3, 'three', '2026-01-03')")
        shop.execute("update orders set note = 'ONE', changed = '2026-01-04' where id = 1")
    assert home.run()["raw.x"] == "made"
    raw = home.current("raw.x")
    assert (raw.rows_in, raw.rows, raw.added, raw.replaced) == (2, 3, 2, 1)
    assert raw.cursor == '"2026-01-04"'
    column = "raw_text" if texts else "note"
    assert {row["id"]: row[column] for row in home.rows("processed.x_clean")} == {
        1: "ONE",
        2: "two",
        3: "three",
    }


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=5,
)
_NAMES = st.sampled_from(["id", "text", "created_at", "note", "별점", "Id"])
_COLUMN = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*TYPES, "decimal(12,2)", "int32", "intger", "binary"]),
        "optional": st.booleans(),
        "unique": st.booleans(),
        "allowed": st.lists(st.integers(0, 5) | st.text(max_size=2), max_size=3),
        "max_missing": st.floats(0, 1),
    },
)
_GOOD = {
    "name": st.sampled_from(["orders", "b2"]),
    "source": st.sampled_from(["a.csv", "sql:shop", "https://x.example/y.json", ["a.csv"]]),
    "read": st.fixed_dictionaries({}, optional={"encoding": st.just("cp949")}),
    "texts": st.fixed_dictionaries({"id": _NAMES, "text": _NAMES}),
    "columns": st.dictionaries(_NAMES, _COLUMN | st.sampled_from([*TYPES]), max_size=3),
    "schedule": st.sampled_from(["daily", "@hourly", "*/5 * * * *", "no"]),
    "fresh_for": st.sampled_from(["6h", "2 days", "1 year"]),
    "mode": st.sampled_from(["replace", "append", "upsert"]),
    "on": st.lists(_NAMES),
    "cursor": _NAMES,
    "clean": st.booleans() | st.just("rules"),
    "output": st.booleans() | st.fixed_dictionaries({"columns": st.lists(_NAMES)}),
    "tags": st.lists(_NAMES),
    "max_quarantine": st.floats(0, 1),
    "anomalies": st.sampled_from(["warn", "block", "off", False]),
}


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries({}, optional=_GOOD),
    st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), _ANY, max_size=2),
)
def test_any_fields_load_or_are_told(
    tmp_path_factory: pytest.TempPathFactory, good: dict[str, Any], odd: dict[str, Any]
) -> None:
    """A sentence with file and line, never a traceback; what loads, the editors' schema takes."""
    root = tmp_path_factory.getbasetemp() / "any"
    path = root / "resources/pipelines/orders.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(good | odd, allow_unicode=True), encoding="utf-8")
    found = list(load_pipelines(root, ()))
    broken = [one for one in found if isinstance(one, Broken)]
    assert all(f"{path}, line {one.line}" in one.error and one.line > 0 for one in broken)
    assert broken == [] or len(broken) == len(found)
    if not broken:
        assert all(isinstance(one, Asset) for one in found)
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        jsonschema.validate(values, SCHEMA)
        assert load_pipeline(path).name == (values.get("name") or "orders")


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_load_or_are_told(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever somebody saves under that name."""
    root = tmp_path_factory.getbasetemp() / "bytes"
    for suffix in ("yaml", "json"):
        path = root / f"resources/pipelines/orders.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for one in load_pipelines(root, ()):
        assert isinstance(one, Broken)
        assert one.file in one.error
