"""Experiments from the command line: evaluate and ab, with rules and with a model behind HTTP."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.assets.conftest import Home
from tests.assets.test_cli import run
from tests.llm_server import Behaviour, LlmServer, corrected

HOSTILE = (
    "<script>alert(1)</script> teh end",
    '"><img src=x onerror=alert(1)> teh',
    "&lt;b&gt; already escaped & not",
    "</td></tr></table><iframe src='https://example.org'>",
    "bidi \u202eesrever\u202c, zero\u200bwidth, bell\x07 and \x1b[31mred",
    "조아요 정말 조아요",
    "teh cat ]]> --> ${7*7} {{7*7}}",
)
GOLD = """id,raw,expected,expected_2,language,kind
1,teh cat sat.,the cat sat.,,en,spelling
2,조아요.,좋아요.,,ko,spelling
3,It is good.,It is good.,,en,plain
4,a &amp; b,a & b.,a & b,en,entities
5,Two  spaces.,Two spaces.,,en,spaces
6,poison teh row.,poison the row.,,en,spelling
"""


@pytest.fixture
def shop(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Give a project with hostile raw rows, an asset that a model cleans, and a gold set."""
    monkeypatch.setenv("DATAOPS_LLM_API_KEY", "sk-secret-canary")
    home.write(
        "assets/raw/r.py",
        f"from assets import asset\n\n@asset(chain=False)\ndef r():\n    import pandas as pd\n    t = {HOSTILE!r}\n    return pd.DataFrame({{'id': range(11, 11 + len(t)), 't': t}})\n",
    )
    for name, prompt in (("one", "Fix"), ("two", "Mend")):
        home.write(
            f"resources/tasks/{name}.yaml",
            f"task_name: {name}\nprompt: '{prompt}: {{text}}'\nmodel: test-model\ncolumns: [t]\n",
        )
    home.write("resources/tasks/plain.yaml", "task_name: Plain\nmodel: rules\nrules: [entities]\n")
    home.write(
        "assets/processed/c.py",
        "from assets import Cleaner, Table, asset\n\n@asset(upstream=['raw.r'], task='one')\ndef c(r: Table, llm: Cleaner) -> Table:\n    return llm.clean(r)\n",
    )
    home.write("gold.csv", GOLD)
    home.make("raw.r")
    return home


def facts(home: Home, *words: str, **environment: Any) -> Any:
    """Run `dataops ... --json`."""
    return json.loads(run(home, *words, "--json", code=0, **environment))


def gold(home: Home) -> str:
    """Give the gold set's path."""
    return str(home.root / "gold.csv")


def cleaners(found: Any) -> dict[str, Any]:
    """Give an evaluation's figures by cleaner."""
    return {each["cleaner"]: each for each in found["cleaners"]}


def test_a_task_of_rules_is_measured_beside_doing_nothing(shop: Home) -> None:
    """And it is said that no model answered."""
    found = cleaners(facts(shop, "evaluate", "plain", "--gold", gold(shop)))
    assert list(found) == ["do nothing", "rules", "plain.yaml"]
    assert [each["exactly_right"]["of"] for each in found.values()] == [5, 5, 5]
    assert [each["exactly_right"]["rows"] for each in found.values()] == [0, 2, 1]
    assert found["plain.yaml"]["by_kind"]["entities"]["exactly_right"]["rows"] == 1
    assert found["plain.yaml"]["models"] == []
    text = run(shop, "evaluate", "plain", "--gold", gold(shop))
    assert "No model answered: these are figures of the rules." in text
    assert "rules/3 6" in text


def test_a_model_is_named_and_what_it_refuses_counts_as_wrong(shop: Home) -> None:
    """Never dropped: six rows in, six counted, the quarantined one listed with its reason."""
    with LlmServer(Behaviour(poison="poison", answers_as="real-model-7")) as server:
        words = ("evaluate", "one", "--gold", gold(shop), "--yes")
        found = facts(shop, *words, DATAOPS_LLM_BASE_URL=server.url)
        sent = server.requests
        text = run(shop, *words, DATAOPS_LLM_BASE_URL=server.url)
    mine = cleaners(found)["one.yaml"]
    assert (mine["rows"], mine["quarantined"]) == (6, 1)
    assert mine["exactly_right"]["rows"] == 4  # all but the poisoned one
    assert mine["over_corrected"] == {
        "rows": 0,
        "of": 1,
        "share": 0.0,
        "low": 0.0,
        "high": pytest.approx(0.7935, abs=0.0001),
    }
    assert mine["models"] == ["real-model-7"]
    assert mine["requests"] == sent > 0
    assert mine["tokens"] > 0
    (wrong,) = found["wrong"]
    assert (wrong["id"], wrong["output"]) == ("6", None)
    assert wrong["quarantined"]
    assert "quarantined, so wrong:" in text
    assert "real-model-7" in text
    assert found["against_rules"] == {"only_task_right": 2, "only_rules_right": 0, "p": 0.5}


def test_a_paid_measurement_asks_first(shop: Home) -> None:
    """Without a terminal, --yes is the answer; nothing is sent before it."""
    with LlmServer() as server:
        for words in (
            ("evaluate", "one", "--gold", gold(shop)),
            ("ab", "one", "two", "--asset", "processed.c"),
        ):
            assert "--yes" in run(shop, *words, code=2, DATAOPS_LLM_BASE_URL=server.url)
        assert server.requests == 0


def test_a_gate_looks_at_the_intervals_lower_end(shop: Home) -> None:
    """Two of five rows right promise nothing."""
    words = ("evaluate", "rules", "--gold", gold(shop), "--at-least")
    assert "the interval begins at 11.8%" in run(shop, *words, "0.3", code=1)
    run(shop, *words, "0.1")
    run(shop, *words, "1.5", code=2)


def test_a_limit_takes_the_same_rows_every_time(shop: Home) -> None:
    """Not the first ones."""
    words = ("evaluate", "rules", "--gold", gold(shop), "--limit", "3")
    first, second = facts(shop, *words), facts(shop, *words)
    assert first == second
    assert cleaners(first)["rules"]["rows"] == 3


def test_normalise_forgives_white_space_and_unicode_forms(shop: Home) -> None:
    """Only where that is asked for."""
    shop.write("gold.csv", "id,raw,expected\n1,Two  spaces.,Two spaces.\n2,cafe\u0301,café\n")
    strict = cleaners(facts(shop, "evaluate", "rules", "--gold", gold(shop)))
    kind = cleaners(facts(shop, "evaluate", "rules", "--gold", gold(shop), "--normalise"))
    assert strict["do nothing"]["exactly_right"]["of"] == 2
    assert kind["do nothing"]["exactly_right"]["of"] == 0


def test_a_task_of_several_columns_is_measured_on_them(shop: Home) -> None:
    """A label counts as right or wrong like a text; what a gold set lacks is named."""
    shop.write(
        "resources/tasks/wide.yaml",
        "task_name: Wide\nprompt: 'Fix: {title} {body}'\nmodel: test-model\ncolumns: [title, body]\n",
    )
    shop.write(
        "wide.jsonl",
        '{"raw.title": "teh one.", "expected.title": "the one.", "raw.body": "조아요.", "expected.body": ["좋아요.", "좋아요!"]}\n'
        '{"raw.title": "fine.", "expected.title": "fine.", "raw.body": "teh.", "expected.body": "tea."}\n',
    )
    with LlmServer() as server:
        words = ("evaluate", "wide", "--yes", "--gold")
        found = facts(shop, *words, str(shop.root / "wide.jsonl"), DATAOPS_LLM_BASE_URL=server.url)
        said = run(shop, *words, gold(shop), code=1, DATAOPS_LLM_BASE_URL=server.url)
    assert cleaners(found)["wide.yaml"]["exactly_right"]["rows"] == 1
    columns = cleaners(found)["wide.yaml"]["by_column"]
    assert [columns[name]["exactly_right"]["of"] for name in ("title", "body")] == [1, 2]
    assert [columns[name]["exactly_right"]["rows"] for name in ("title", "body")] == [1, 1]
    assert found["wrong"][0]["output"] == {"title": "fine.", "body": "the."}
    assert "the gold set has no raw.title" in said


def test_a_model_is_asked_once_unless_it_has_to_be_asked_anew(shop: Home) -> None:
    """Two tasks that differ only in rows per request would else share their answers."""
    task = (shop.root / "resources/tasks/one.yaml").read_text()
    shop.write("resources/tasks/single.yaml", f"{task}rows_per_request: 1\n")
    with LlmServer() as server:
        words = ("evaluate", "one", "--gold", gold(shop), "--yes")
        found = [
            cleaners(facts(shop, *words, *more, DATAOPS_LLM_BASE_URL=server.url))["one.yaml"]
            for more in ((), (), ("--fresh",))
        ]
        both = ("ab", "one", "single", "--gold", gold(shop), "--yes")
        pair = facts(shop, *both, DATAOPS_LLM_BASE_URL=server.url)
    assert [each["requests"] for each in found] == [1, 0, 1]
    assert [each["known_already"] for each in found] == [0, 6, 0]
    assert [each["requests"] for each in pair["tasks"]] == [1, 6]


def test_of_a_wide_row_only_the_columns_that_somebody_changed_are_shown(shop: Home) -> None:
    """And a column of any name passes through."""
    shop.write(
        "assets/raw/w.py",
        "from assets import asset\n\n@asset(chain=False)\ndef w():\n    import pandas as pd\n    return pd.DataFrame({'_row': ['p', 'q'], 'a': ['x &amp; y', 'z'], 'b': ['same', 'same']})\n",
    )
    shop.make("raw.w")
    shop.write("resources/tasks/none.yaml", "task_name: None\nmodel: rules\nrules: []\n")
    (row,) = facts(shop, "ab", "none", "plain", "--asset", "raw.w")["differences"]
    assert (row["raw"], row["first"]) == ({"a": "x &amp; y"}, {"a": "x &amp; y"})
    assert row["second"] == {"a": "x & y"}


class Page(HTMLParser):
    """A page as a browser reads it: its tags, and the text of its cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_two_tasks_clean_the_same_rows_and_the_page_shows_what_differs(shop: Home) -> None:
    """Hostile rows are shown and do nothing; the rows are the upstream's, in their order."""
    page = shop.root / "page.html"
    words = ("ab", "rules", "one", "--asset", "processed.c", "--yes", "--html", str(page))
    with LlmServer() as server:
        found = facts(shop, *words, DATAOPS_LLM_BASE_URL=server.url)
        text = run(shop, *words, DATAOPS_LLM_BASE_URL=server.url)
    assert found["about"].startswith("7 of 7 rows of raw.r, version 1")
    assert found["same"] + found["different"] == 7
    by_id = {each["id"]: each for each in found["differences"]}
    assert by_id["16"]["second"]["t"] == corrected(HOSTILE[5])
    assert by_id["16"]["first"]["t"] == HOSTILE[5]
    assert [each["models"] for each in found["tasks"]] == [[], ["test-model"]]
    html = page.read_text()
    read = Page(html)
    assert read.tags <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "thead"),
        *("tbody", "tr", "th", "td", "span", "ins", "del", "b"),
    }
    assert read.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert "alert(1)" in read.text
    assert "default-src 'none'" in html
    assert not re.search(r"[\x00-\x08\x1b\u200b\u202a-\u202e]", html + text)
    assert "{+좋아요+}" in text or "{+좋+}" in text


def test_the_same_seed_draws_the_same_rows(shop: Home) -> None:
    """Another one others."""
    words = ("ab", "rules", "plain", "--asset", "raw.r", "--sample", "3", "--seed")
    assert facts(shop, *words, "5")["about"] == (
        "3 of 7 rows of raw.r, version 1, drawn with --seed 5"
    )
    one, same = (facts(shop, *words, "5")["differences"] for _ in range(2))
    assert one == same


def test_a_report_goes_to_data_experiments_unless_told_otherwise(shop: Home) -> None:
    """Named by the moment and both tasks; an earlier one stays."""
    for _ in range(2):
        assert "data/experiments/" in run(shop, "ab", "rules", "plain", "--asset", "raw.r")
    names = [path.name for path in (shop.data / "experiments").iterdir()]
    assert len(names) == 2
    assert all(re.fullmatch(r"\d{8}_\d{6}_rules_vs_plain(_2)?\.html", name) for name in names)


def test_on_gold_two_tasks_are_told_apart_by_mcnemar(shop: Home) -> None:
    """Both are judged on the same rows, beside the baselines."""
    with LlmServer() as server:
        words = ("ab", "plain", "one", "--gold", gold(shop), "--yes")
        found = facts(shop, *words, DATAOPS_LLM_BASE_URL=server.url)
        text = run(shop, *words, DATAOPS_LLM_BASE_URL=server.url)
    judged = found["gold"]
    assert [each["cleaner"] for each in judged["cleaners"]] == [
        "do nothing",
        "rules",
        "plain.yaml",
        "one.yaml",
    ]
    assert (judged["only_a_right"], judged["only_b_right"], judged["p"]) == (0, 4, 0.125)
    assert "exact McNemar p = 0.125" in text
    different = {each["id"] for each in found["differences"]}
    assert different == {"1", "2", "4", "5", "6"}


def test_rows_that_cannot_be_drawn_are_explained(shop: Home) -> None:
    """And what to name instead."""
    assert "--asset KEY, --gold FILE" in run(shop, "ab", "rules", "plain", code=2)
    assert "did you mean 'raw.r'" in run(shop, "ab", "rules", "plain", "--asset", "raw.x", code=2)
    said = run(shop, "ab", "rules", "nothing", "--asset", "raw.r", code=1)
    assert "no cleaning task 'nothing'" in said


def test_calls_of_experiments_are_logged_and_hold_no_key(shop: Home) -> None:
    """Beside those of assets; texts are not in them."""
    with LlmServer() as server:
        words = ("evaluate", "one", "--gold", gold(shop), "--yes")
        run(shop, *words, DATAOPS_LLM_BASE_URL=server.url)
    (log,) = (shop.data / "calls/experiments").iterdir()
    lines = [json.loads(line) for line in Path(log).read_text().splitlines()]
    assert {line["status"] for line in lines} == {200}
    assert "canary" not in log.read_text()
