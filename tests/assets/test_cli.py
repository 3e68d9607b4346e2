"""The command line: what a person types, sees, and what its exit code says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.assets.conftest import Home

ROOT = Path(__file__).parents[2]


def run(home: Home, *words: str, code: int = 0, **environment: str) -> str:
    """Run `dataops`; give its output. The exit code must be `code`."""
    env = {**os.environ, "DATAOPS_ROOT": str(home.root), "PYTHONPATH": str(ROOT), **environment}
    answer = subprocess.run(
        [sys.executable, "-c", "from assets.cli import main; main()", *words],
        capture_output=True,
        text=True,
        env=env,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert answer.returncode == code, answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    return answer.stdout + answer.stderr


def facts(home: Home, *words: str, code: int = 0) -> Any:
    """Run `dataops ... --json`."""
    return json.loads(run(home, *words, "--json", code=code))


def test_list_reads_project_files_only(chain: Home) -> None:
    """And names what a file's imports cost, and what is broken."""
    chain.write(
        "assets/processed/slow.py",
        "import time\ntime.sleep(0.1)\nfrom assets import asset\n\n@asset(upstream=['raw.a'])\ndef slow(a):\n    '''Slow one.'''\n",
    )
    chain.write("assets/raw/bad.py", "from assets import asset\n@asset\ndef bad(:\n")
    text = run(chain, "list")
    assert "Slow one." in text
    assert "slow.py takes 0.1" in text
    assert "broken: " in text
    assert "bad.py, line 3" in text
    keys = [one["key"] for one in facts(chain, "list", "raw.*")]
    assert keys == ["raw.a", "raw.bad"]


def test_a_mistake_in_a_file_is_said_once_and_sources_are_shown(chain: Home) -> None:
    """Without the project's folder in it, and without secrets."""
    chain.write("resources/pipelines/odd.yaml", "source: in.csv\nfoo: 1\n")
    for words in (("list",), ("plan",), ("status",)):
        text = run(chain, *words)
        assert text.count("resources/pipelines/odd.yaml, line 2, field 'foo'") == 1
        assert text.count("as output.odd") == 2
        assert str(chain.root) not in text
    chain.write("resources/pipelines/odd.yaml", "source: https://x.org/a.csv?page=1\n")
    listed = {one["key"]: one["source"] for one in facts(chain, "list", "raw.*")}
    assert listed == {"raw.a": ["in.csv"], "raw.odd": ["https://x.org/a.csv?page=1"]}
    assert re.search(r"raw.a +in.csv", run(chain, "list"))


def test_plan_says_what_why_and_what_would_be_done(chain: Home) -> None:
    """As a table, as JSON, and in the catalog's view."""
    chain.write("in.csv", "x,y\n5,five\n")
    text = run(chain, "plan")
    assert "source changed: in.csv 16 bytes -> 11 bytes" in text
    assert "3 to make, 0 fresh, 0 left alone" in text
    lines = {line["key"]: line for line in facts(chain, "plan")["assets"]}
    assert lines["raw.a"]["reasons"][0]["kind"] == "source changed"
    assert lines["processed.c"]["state"] == "waiting"
    run(chain, "materialize")
    assert "0 to make, 3 fresh" in run(chain, "plan")
    rows = facts(chain, "sql", "select key, state from state order by key")
    assert {row["state"] for row in rows} == {"fresh"}
    assert facts(chain, "sql", "from upstream_of('processed.c')") == [
        {"key": "processed.b", "distance": 1},
        {"key": "raw.a", "distance": 2},
    ]


def test_materialize_makes_says_and_exits(chain: Home) -> None:
    """0 when done or fresh, 1 when something failed, 2 for what cannot be read."""
    assert "3 fresh, nothing to do" in run(chain, "materialize")
    chain.write("in.csv", "x,y\n5,five\n")
    dry = run(chain, "materialize", "--dry-run")
    assert "3 would be made" in dry
    assert chain.current("raw.a").number == 1
    text = run(chain, "materialize", "raw.a")
    assert "raw.a: made version 2, 1 row," in text
    assert "processed.b" not in text
    assert "unchanged version 3" in run(chain, "materialize", "--force", "raw.a")
    chain.write("in.csv", "x,y\n")
    text = run(chain, "materialize", code=1)
    assert "raw.a: failed raw.a failed its check 'rows'" in text
    assert "processed.b: stopped (something above it failed)" in text
    assert "blocked" in run(chain, "materialize", code=1)
    assert "did you mean 'raw.a'" in run(chain, "materialize", "raw.aa", code=2)
    run(chain, "materialize", "--no-such-option", code=2)
    run(chain, "materialize", "--force", code=2)
    (made,) = facts(chain, "materialize", "--force", "processed.b")
    assert made["state"] == "made"  # from raw.a's last good version


def test_errors_are_json_where_json_was_asked_for(chain: Home) -> None:
    """With their facts."""
    said = json.loads(run(chain, "show", "raw.zz", "--json", code=2))
    assert said["error"] == "UnknownKeyError"
    assert said["facts"] == {"asset": "raw.zz"}


def test_status_and_show_tell_the_last_attempt(chain: Home) -> None:
    """What failed, why, and what to do."""
    chain.write(
        "assets/processed/b.py",
        "from assets import asset\n\n@asset(upstream=['raw.a'])\ndef b(a):\n    raise ValueError('no luck')\n",
    )
    run(chain, "materialize", code=1)
    line = next(one for one in facts(chain, "status") if one["key"] == "processed.b")
    assert (line["state"], line["last_attempt"], line["version"]) == ("stale", "failed", 1)
    assert "no luck (b.py, line 5)" in run(chain, "show", "processed.b")
    assert "ValueError: no luck" in run(chain, "logs", "processed.b")
    assert facts(chain, "show", "processed.b")["last_attempt"]["error_type"] == "AttemptFailed"


def test_history_rollback_release_and_path(chain: Home) -> None:
    """Go back, stay there through a run, move on."""
    chain.write("in.csv", "x,y\n9,bad\n")
    run(chain, "materialize")
    assert "version 1 is current, and held" in run(
        chain, "rollback", "raw.a", "--reason", "bad data"
    )
    assert facts(chain, "path", "raw.a")["version"] == 1
    assert run(chain, "path", "raw.a", "--version", "2").strip().endswith(".parquet")
    run(chain, "materialize")
    assert facts(chain, "path", "raw.a")["version"] == 1
    assert "held at 1" in run(chain, "plan")
    assert "released; version 1 is current and stale" in run(chain, "release", "raw.a")
    text = run(chain, "history", "raw.a")
    assert "bad data" in text
    assert [event["kind"] for event in facts(chain, "history", "raw.a")] == [
        "released",
        "rolled_back",
        "materialized",
        "materialized",
    ]
    assert "nothing to release" in run(chain, "release", "raw.a", code=1)
    assert "no version 77" in run(chain, "rollback", "raw.a", "--to", "77", code=1)
    assert "no version 77" in run(chain, "path", "raw.a", "--version", "77", code=2)


def test_prune_keeps_what_is_current(chain: Home) -> None:
    """And says what it would end, before and after."""
    for n in range(3):
        chain.write("in.csv", f"x,y\n{n},new\n")
        run(chain, "materialize")
    assert "would end" in run(chain, "prune", "--keep", "1", "--dry-run")
    done = facts(chain, "prune", "--keep", "1")
    assert done["versions"]["raw.a"] == [1, 2, 3]
    assert len(list((chain.data / "raw").iterdir())) == 1
    assert "3 of 3 files are what was published" in run(chain, "verify", "--all")
    assert set(chain.states().values()) == {"fresh"}
    assert "was pruned" in run(chain, "rollback", "raw.a", "--to", "1", code=1)


def test_verify_finds_a_flipped_byte_and_a_missing_file(chain: Home) -> None:
    """Every byte is read, whatever the times say."""
    path = chain.data / chain.current("raw.a").files[0].path
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[9] ^= 255
    path.write_bytes(bytes(content))
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    (chain.data / chain.current("processed.b").files[0].path).unlink()
    text = run(chain, "verify", code=1)
    assert "corrupted" in text
    assert "missing" in text


def test_sql_reads_assets_and_catalog_and_nothing_else(chain: Home) -> None:
    """raw.a, the tables, no other file, no writing."""
    assert facts(chain, "sql", "select sum(x)::int as total from raw.a") == [{"total": 3}]
    assert run(chain, "sql", "from raw.a", "--csv").splitlines() == ["x,y", "1,one", "2,two"]
    for query in (
        "from read_csv('/etc/passwd')",
        "create table t as select 1",
        "copy (select 1) to '/tmp/dataops-must-not-exist'",
        f"copy (select 1) to '{chain.data}/raw/x.parquet'",
        f"with x as (copy (select 1) to '{chain.data}/raw/x.parquet') select 1",
        "attach '/tmp/dataops-must-not-exist.db'",
        "set enable_external_access = true",
    ):
        assert "error:" in run(chain, "sql", query, code=1)
    assert not (chain.data / "raw/x.parquet").exists()


def test_schema_versions_and_their_difference(chain: Home) -> None:
    """What changed between two."""
    chain.write("in.csv", "x,y,z\n1,one,1.5\n")
    run(chain, "materialize")
    rows = facts(chain, "schema", "raw.a")
    assert {row["schema_version"] for row in rows} == {1, 2}
    (change,) = facts(chain, "schema", "raw.a", "--diff", "1:2")
    assert (change["column_name"], change["change"]) == ("z", "added")
    run(chain, "schema", "raw.a", "--diff", "one", code=2)


def test_lineage_shows_both_directions_with_versions(chain: Home) -> None:
    """From the source file to what is made last."""
    found = {one["key"]: one for one in facts(chain, "lineage", "processed.b")}
    assert found["raw.a"]["where"] == "upstream"
    assert found["raw.a"]["sources"] == ["in.csv"]
    assert found["processed.c"]["made_from"][0]["version"] == 1
    steps = facts(chain, "lineage", "processed.b", "--version", "1")
    assert [(s["where"], s["key"], s["version"]) for s in steps] == [
        ("made from", "raw.a", 1),
        ("used by", "processed.c", 1),
    ]


def test_a_new_source_is_one_file_that_works(home: Home) -> None:
    """Dataops new source writes it; materialize brings raw, cleaned and CSV."""
    home.write("data-in/reviews.csv", "번호,리뷰\n1,좋아요 &amp; 최고\n2,별로\n")
    text = run(
        home, "new", "source", "shop", "--file", "data-in/reviews.csv", "--title", "Shop reviews"
    )
    assert "output.shop" in text
    run(home, "materialize", "raw.shop+")
    csv = (home.data / "output/current/shop.csv").read_text(encoding="utf-8-sig")
    assert "좋아요 & 최고" in csv
    assert "there already" in run(
        home, "new", "source", "shop", "--file", "data-in/reviews.csv", code=1
    )
    assert "is not there" in run(home, "new", "source", "other", "--file", "nope.csv", code=1)
    run(home, "new", "source", "Bad-Name", "--file", "data-in/reviews.csv", code=2)
    run(
        home,
        "new",
        "source",
        "texts",
        "--file",
        "data-in/reviews.csv",
        "--id",
        "번호",
        "--text",
        "리뷰",
    )
    run(home, "materialize", "raw.texts+")
    assert list(home.rows("processed.texts_clean")[0])[3] == "cleaned_text"


def test_an_empty_project_is_told_what_to_do(tmp_path: Path) -> None:
    """New --empty removes the product's samples and nothing else."""
    import shutil

    for folder in (
        "assets/raw",
        "assets/processed",
        "assets/output",
        "resources/samples",
        "resources/tasks",
    ):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    home = object.__new__(Home)
    home.root = tmp_path
    home.write("assets/raw/mine.py", "from assets import asset\n\n@asset\ndef mine(): ...\n")
    assert "raw.reviews_ko" in run(home, "list")
    assert "Removed" in run(home, "new", "--empty", "--yes")
    assert [one["key"] for one in facts(home, "list")] == [
        "raw.mine",
        "processed.mine_clean",
        "output.mine",
    ]
    assert "no samples" in run(home, "new", "--empty", "--yes")


def test_a_paid_run_is_never_started_by_accident(chain: Home) -> None:
    """Costs are shown first; without a terminal, --yes is the answer."""
    chain.write(
        "resources/tasks/paid.yaml", "task_name: Paid\nprompt: 'Fix: {text}'\nmodel: gpt-test\n"
    )
    chain.write(
        "assets/processed/paid.py",
        "from assets import Cleaner, Table, asset\n\n@asset(upstream=['raw.a'], task='paid')\ndef paid(a: Table, llm: Cleaner) -> Table:\n    return llm.clean(a)\n",
    )
    cost = facts(chain, "plan", "--cost")["cost"][0]
    assert (cost["key"], cost["model"], cost["rows"], cost["requests"]) == (
        "processed.paid",
        "gpt-test",
        2,
        1,
    )
    assert "--yes" in run(chain, "materialize", code=2)
    assert chain.states()["processed.paid"] == "missing"
    text = run(
        chain,
        "materialize",
        "--yes",
        code=1,
        DATAOPS_LLM_BASE_URL="http://127.0.0.1:9/v1",
        OPENAI_API_KEY="sk-not-a-key",
    )
    assert "processed.paid" in text
    assert "sk-not-a-key" not in text


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_lists_every_verb(home: Home, word: str) -> None:
    """The first thing a person types."""
    text = run(home, word)
    for verb in [
        "list",
        "plan",
        "materialize",
        "status",
        "show",
        "verify",
        "lineage",
        "history",
        "rollback",
        "release",
        "prune",
        "sql",
        "schema",
        "path",
        "logs",
        "new",
        "evaluate",
        "ab",
        "review",
    ]:
        assert verb in text


def test_output_is_plain_where_it_should_be(chain: Home) -> None:
    """Away from a terminal, and with NO_COLOR: no escape codes."""
    assert "\x1b" not in run(chain, "status")
    assert "\x1b" not in run(chain, "status", NO_COLOR="1", FORCE_COLOR="")


def test_a_wrong_setting_is_named(chain: Home) -> None:
    """Variable, value, and what it may be."""
    assert "DATAOPS_CHUNK_ROWS is 'many'" in run(chain, "plan", code=1, DATAOPS_CHUNK_ROWS="many")


def test_a_model_on_this_machine_costs_nothing_so_nobody_is_asked(chain: Home) -> None:
    """Its cost is known without its library and its file; a run names what is missing."""
    chain.write(
        "resources/tasks/local.yaml",
        "prompt: 'Fix: {text}'\nmodel: models/none.gguf\nengine: llama\n",
    )
    chain.write(
        "assets/processed/local.py",
        "from assets import Cleaner, Table, asset\n\n@asset(upstream=['raw.a'], task='local')\ndef local(a: Table, llm: Cleaner) -> Table:\n    return llm.clean(a)\n",
    )
    cost = facts(chain, "plan", "--cost")["cost"][0]
    assert (cost["model"], cost["requests"], cost["money"], cost["paid"]) == (
        "models/none.gguf",
        1,
        0.0,
        False,
    )
    text = run(chain, "materialize", code=1)
    assert "local-llm" in text or "none.gguf" in text
