"""The product inside real Airflow, asked over its REST API as people and programs do."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from dataops_local.rest import RestError

from assets.engine.lease import lease, new_holder
from tests import postgresql
from tests.dags.conftest import REPOSITORY, Folder
from tests.dags.stage import Stage, airflow, pid_in, until
from tests.llm_server import Behaviour, LlmServer

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.xdist_group("airflow"),  # it is started once
    pytest.mark.timeout(600),
]

DAILY = """
    from assets import asset

    @asset(schedule="daily", chain=False)
    def visits():
        '''Somebody else's counter: every look gives another number.'''
        import pandas as pd
        from pathlib import Path

        counter = Path(__file__).parents[2] / "visits"
        number = int(counter.read_text()) + 1 if counter.exists() else 1
        counter.write_text(str(number))
        return pd.DataFrame({"visits": [number]})
    """
FLAKY = """
    from assets import asset

    @asset(chain=False)
    def flaky():
        '''A source that answers at the third try.'''
        import pandas as pd
        from pathlib import Path

        tries = Path(__file__).parents[2] / "tries"
        with tries.open("a") as file:
            file.write("x")
        if tries.stat().st_size < 3:
            raise ConnectionError("the source hung up")
        return pd.DataFrame({"x": [1]})
    """
WRONG = """
    from assets import Table, asset

    @asset(upstream=["raw.plain"])
    def wrong(plain: Table) -> Table:
        '''A mistake in somebody's code.'''
        return plain.no_such_thing()
    """
BOUGHT = """
    from assets import Source, Table, asset

    @asset(source="sql:shop", chain=False)
    def bought(source: Source) -> Table:
        return source.read(table="bought")
    """
BILLS = """
    description: A source declared without Python
    source: bills.csv
    read: {delimiter: "|"}
    columns:
      number: {type: integer, unique: true}
      text: text
    clean: plain
    """
WITH_MODEL = """
    task_name: Clean with a model
    prompt: "Correct: {text}"
    model: test-model
    """

SUITE = """
    asset: processed.expected_twice
    expectations:
      - type: expect_column_values_to_be_between
        kwargs: {column: id, max_value: 3}
    """


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give a project with what the tests need, run by Airflow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATAOPS_AIRFLOW_HOME", raising=False)
        patch.setenv("DATAOPS_RETRY_SECONDS", "0.1")
        patch.setenv("DATAOPS_LEASE_SECONDS", "4")
        folder = Folder(tmp_path_factory.mktemp("staged"))
        chains = Stage(folder, None)  # type: ignore[arg-type]
        for name in ("plain", "alone", "clears", "killed", "leased", "below", "expected"):
            chains.chain(name)
        folder.write("assets/raw/visits.py", DAILY)
        folder.write("assets/raw/flaky.py", FLAKY)
        folder.write("notes.csv", "id,text\n1,teh  first\n2,teh second\n")
        folder.write(
            "assets/raw/notes.py",
            """
            from assets import Source, Table, asset

            @asset(source="notes.csv")
            def notes(source: Source) -> Table:
                return source.read()
            """,
        )
        folder.write("bills.csv", "number|text\n1|one &amp; two\n2|three\n")
        folder.write("resources/pipelines/bills.yaml", BILLS)
        folder.write("resources/expectations/expected.yaml", SUITE)
        folder.write("resources/tasks/plain.yaml", "task_name: Plain\nmodel: rules\n")
        folder.write("resources/tasks/model.yaml", WITH_MODEL)
        with airflow(folder) as ready:
            yield ready


def only(*keys: str) -> dict[str, Any]:
    """Ask for exactly these."""
    return {"select": list(keys), "scope": "only these"}


def test_a_run_makes_what_is_stale_in_order_and_tells_its_facts(stage: Stage) -> None:
    """XCom carries paths, counts and times; Airflow's asset has an event with the version."""
    keys = ["raw.plain", "processed.plain_twice", "output.plain"]
    stage.source("plain", 57)
    run = stage.run(select=keys)
    assert stage.tasks(run) == dict.fromkeys(keys, "success")
    where = f"/dags/pipeline/dagRuns/{run}/taskInstances/output.plain/xcomEntries/return_value"
    value = stage.client.get(where)["value"]
    facts = value if isinstance(value, dict) else json.loads(value)
    made = stage.current("output.plain")
    assert (facts["rows"], facts["version"], facts["state"]) == (57, made.number, "made")
    assert facts["files"] == [str(stage.root / "data" / made.files[0].path)]
    assert made.run == run
    assert made.by == "airflow:admin"
    (asset,) = stage.client.get("/assets?name_pattern=output.plain")["assets"]
    events = stage.client.get(f"/assets/events?asset_id={asset['id']}")["asset_events"]
    assert made.number in [event["extra"]["version"] for event in events]
    assert asset["group"] == "output"


def test_a_pipeline_in_yaml_runs_to_its_csv(stage: Stage) -> None:
    """Without a line of Python: read, checked, cleaned by its task, exported."""
    keys = ["raw.bills", "processed.bills_clean", "output.bills"]
    run = stage.run(select=keys)
    assert stage.tasks(run) == dict.fromkeys(keys, "success")
    csv = stage.root / "data/output/current/bills.csv"
    assert csv.read_text(encoding="utf-8-sig").splitlines()[1:] == ["1,one & two", "2,three"]


def test_an_unchanged_rebuild_skips_what_is_below(stage: Stage) -> None:
    """The source file is another one with the same rows: made, identical, and there it ends."""
    keys = ["raw.plain", "processed.plain_twice", "output.plain"]
    stage.run(select=keys)
    source = stage.root / "plain.csv"
    source.write_text(source.read_text().replace("\n", "\r\n"), newline="")
    before = stage.current("processed.plain_twice").number
    run = stage.run(select=keys)
    assert stage.tasks(run) == {
        "raw.plain": "success",
        "processed.plain_twice": "skipped",
        "output.plain": "skipped",
    }
    assert stage.current("raw.plain").unchanged
    assert stage.current("processed.plain_twice").number == before


def test_a_failing_suite_leaves_the_old_version_current(stage: Stage) -> None:
    """What is below stops and nothing else does; the rows are set aside, Data Docs show it."""
    keys = ["raw.expected", "processed.expected_twice", "output.expected"]
    assert set(stage.tasks(stage.run(select=keys)).values()) == {"success"}
    stage.source("expected", 6)
    run = stage.run(select=[*keys, "raw.below"])
    states = stage.tasks(run)
    assert states["raw.expected"] == "success"
    assert states["processed.expected_twice"] == "failed"
    assert states["output.expected"] == "upstream_failed"
    assert stage.task(run, "processed.expected_twice")["try_number"] == 1
    assert (stage.current("processed.expected_twice").rows, stage.version("output.expected")) == (
        3,
        1,
    )
    log = stage.log(run, "processed.expected_twice", "id values must be less than or equal to 3")
    assert "great_expectations." not in log
    found = stage.query(
        "SELECT c.rows, d.page FROM checks c JOIN data_docs d USING (key, attempt) "
        "WHERE NOT c.passed AND c.severity = 'block' AND c.key = 'processed.expected_twice'"
    )
    assert found == [(2, "docs/processed.expected_twice/attempt-1.html")]
    assert (stage.root / "data" / found[0][1]).is_file()
    stage.log(run, "report", str(stage.root / "data" / "docs" / "index.html"))
    (rows,) = stage.query("SELECT count(*) FROM quarantined_rows WHERE rule LIKE 'expect_%'")
    assert rows == (2,)


def test_fresh_assets_are_skipped_at_once(stage: Stage) -> None:
    """The plan skips them in one call; none of their tasks is started."""
    keys = ["raw.plain", "processed.plain_twice", "output.plain"]
    stage.run(select=keys)
    run = stage.run(select=keys)
    assert stage.tasks(run) == {}
    assert stage.task(run, "output.plain")["state"] == "skipped"
    assert stage.ended("pipeline", run) == "success"


def test_a_daily_asset_is_collected_at_each_tick_once(stage: Stage) -> None:
    """The tick decides, not the clock: between two ticks it is fresh, at the second it is due."""
    assert stage.tasks(stage.run("schedule_daily", "2026-03-01T00:00:00Z"), "schedule_daily") == {
        "raw.visits": "success"
    }
    assert stage.current("raw.visits").as_of.startswith("2026-03-01T00:00")
    assert stage.tasks(stage.run("schedule_daily", "2026-03-01T12:00:00Z"), "schedule_daily") == {}
    assert stage.tasks(stage.run("schedule_daily", "2026-03-02T00:00:00Z"), "schedule_daily") == {
        "raw.visits": "success"
    }
    assert stage.version("raw.visits") == 2


def test_one_asset_alone_by_its_own_dag(stage: Stage) -> None:
    """Exactly that one, whatever its state; each run once."""
    stage.run(select=["raw.alone", "processed.alone_twice"])
    dag, raw = "materialize__processed.alone_twice", stage.version("raw.alone")
    for number in (2, 3):
        run = stage.run(dag)
        assert stage.tasks(run, dag) == {"processed.alone_twice": "success"}
        assert stage.version("processed.alone_twice") == number
    assert stage.version("raw.alone") == raw
    assert stage.version("output.alone") == 0
    assert stage.query("SELECT state, made + unchanged FROM runs WHERE run = ?", run) == [
        ("done", 1)
    ]


def test_one_asset_alone_by_the_assets_page(stage: Stage) -> None:
    """Its button asks Airflow to materialize the asset; only one DAG says that it can."""
    (asset,) = stage.client.get("/assets?name_pattern=raw.alone")["assets"]
    before = stage.version("raw.alone")
    made = stage.client.post(f"/assets/{asset['id']}/materialize", {})
    assert made["dag_id"] == "materialize__raw.alone"
    assert stage.ended("materialize__raw.alone", made["dag_run_id"]) == "success"
    assert stage.version("raw.alone") == before + 1
    assert stage.current("raw.alone").run == made["dag_run_id"]


def test_chosen_assets_with_all_that_is_below_them(stage: Stage) -> None:
    """What is below is made because it came out different."""
    stage.run(select=["raw.below", "processed.below_twice", "output.below"])
    stage.source("below", 5)
    run = stage.run(select=["raw.below"], scope="with downstream")
    assert set(stage.tasks(run)) == {"raw.below", "processed.below_twice", "output.below"}
    assert stage.current("output.below").rows == 5


def test_only_the_chosen_ones(stage: Stage) -> None:
    """Though others are stale."""
    stage.source("below", 6)
    run = stage.run(**only("raw.below"))
    assert stage.tasks(run) == {"raw.below": "success"}
    assert stage.current("raw.below").rows == 6


def test_a_cleared_fresh_task_makes_its_asset_anew(stage: Stage) -> None:
    """Also one that the plan had skipped, so that Airflow never tried it before."""
    keys = ["raw.clears", "processed.clears_twice", "output.clears"]
    stage.run(select=keys)
    run = stage.run(select=keys)
    assert stage.tasks(run) == {}
    before = [stage.version(key) for key in keys]
    for more in (1, 2):
        stage.clear(run, "processed.clears_twice")
        assert stage.ended("pipeline", run) == "success"
        assert stage.version("processed.clears_twice") == before[1] + more
    assert [stage.version(key) for key in keys[::2]] == before[::2]
    assert "asked for" in " ".join(stage.current("processed.clears_twice").why)


def test_a_run_that_is_cleared_as_a_whole_is_planned_again(stage: Stage) -> None:
    """Its plan says that everything is fresh by now."""
    keys = ["raw.clears", "processed.clears_twice", "output.clears"]
    run = stage.run(**only(*keys[:1]))
    stage.run(select=keys)
    before = [stage.version(key) for key in keys]
    stage.clear(run, "plan", downstream=True)
    assert stage.ended("pipeline", run) == "success"
    # Only the first: the run itself had asked for it.
    assert [stage.version(key) for key in keys] == [before[0] + 1, *before[1:]]


def test_a_demand_is_satisfied_once_although_its_attempt_is_started_twice(stage: Stage) -> None:
    """The task is killed after its version was published and before Airflow heard of it."""
    keys = ["raw.killed", "processed.killed_twice"]
    stage.run(select=keys)
    run = stage.run(select=keys)
    (stage.root / "killed.pid").unlink()
    with (stage.root / "data" / "catalog.lock").open("a") as catalog:
        fcntl.flock(catalog, fcntl.LOCK_EX)  # holds the task up behind its publish
        stage.clear(run, "processed.killed_twice")
        until(lambda: stage.version("processed.killed_twice") == 2, "the version")
        os.kill(pid_in(stage.root / "killed.pid"), signal.SIGKILL)
        until(lambda: stage.task(run, "processed.killed_twice")["state"] != "running", "the kill")
    assert stage.ended("pipeline", run) == "success"
    assert stage.task(run, "processed.killed_twice")["try_number"] == 2
    assert stage.version("processed.killed_twice") == 2


def test_a_task_whose_asset_is_being_made_elsewhere_steps_aside(stage: Stage) -> None:
    """It holds no slot while it waits, and it goes on when the other one ends."""
    leases = stage.root / "data" / "leases"
    me = new_holder("other", "somebody else's run", "2026-01-01T00:00:00Z")
    with lease(leases, "raw.leased", me, seconds=4, wait=True):
        run = stage.trigger("materialize__raw.leased")
        until(
            lambda: stage.task(run, "raw.leased", "materialize__raw.leased")["state"]
            == "up_for_reschedule",
            "the task to step aside",
        )
        assert stage.version("raw.leased") == 0
    assert stage.ended("materialize__raw.leased", run) == "success"
    assert stage.version("raw.leased") == 1
    stage.log(run, "raw.leased", "somebody else's run", "materialize__raw.leased")


def test_a_collection_is_tried_three_times_in_all(stage: Stage) -> None:
    """Engine and Airflow share one budget."""
    run = stage.run(**only("raw.flaky"))
    assert stage.ended("pipeline", run) == "success"
    assert stage.task(run, "raw.flaky")["try_number"] == 3
    assert (stage.root / "tries").stat().st_size == 3


def test_a_mistake_is_not_tried_again_and_the_log_names_it(stage: Stage) -> None:
    """The sentence first, the stack trace behind it; the run failed, and says which asset did."""
    stage.folder.write("assets/processed/wrong.py", WRONG)
    stage.reread()
    try:
        run = stage.run(**only("processed.wrong", "output.plain"))
        assert stage.ended("pipeline", run) == "failed"
        assert stage.task(run, "processed.wrong")["try_number"] == 1
        stage.log(run, "processed.wrong", "no_such_thing")
        stage.log(run, "processed.wrong", "wrong.py, line 7")
        stage.log(run, "report", "processed.wrong")
    finally:
        (stage.root / "assets/processed/wrong.py").unlink()
        stage.reread()


def test_a_syntax_error_in_one_file_leaves_the_others_running(stage: Stage) -> None:
    """Its own task says where and what; the run failed, and everything else is made."""
    file = stage.folder.write(
        "assets/raw/torn.py", "from assets import asset\n\n@asset\ndef torn(:\n"
    )
    stage.reread()
    try:
        stage.source("plain", 9)
        run = stage.run(select=["raw.torn", "raw.plain", "processed.plain_twice"])
        assert stage.tasks(run) == {
            "raw.torn": "failed",
            "raw.plain": "success",
            "processed.plain_twice": "success",
        }
        assert stage.ended("pipeline", run) == "failed"
        stage.log(run, "raw.torn", "torn.py, line 4")
        assert stage.client.get("/importErrors")["import_errors"] == []
    finally:
        file.unlink()
        stage.reread()


def test_a_data_source_and_a_task_file_of_the_day(stage: Stage) -> None:
    """The source is collected anew and cleaned with that task; nothing else is touched."""
    run = stage.run(data_source="notes")
    assert set(stage.tasks(run)) == {"raw.notes", "processed.notes_clean", "output.notes"}
    before = stage.version("raw.notes")
    run = stage.run(data_source="notes", task_file="plain.yaml")
    assert stage.version("raw.notes") == before + 1
    assert stage.current("processed.notes_clean").config["task"] == "plain"
    assert stage.current("processed.notes_clean").run == run


def test_a_models_key_comes_from_airflow_and_is_never_shown(stage: Stage) -> None:
    """Connection `llm_api` names host and key; the environment has neither."""
    secret = "sk-known-to-airflow-alone"
    with LlmServer(Behaviour(key=secret)) as server:
        connection = {
            "connection_id": "llm_api",
            "conn_type": "http",
            "host": server.url,
            "password": secret,
        }
        stage.client.post("/connections", connection)
        run = stage.run(data_source="raw.notes", task_file="model")
    assert stage.ended("pipeline", run) == "success"
    (usage,) = stage.current("processed.notes_clean").usage
    assert (usage.model, usage.rows) == ("test-model", 2)
    text = (stage.root / "data/output/current/notes.csv").read_text(encoding="utf-8-sig")
    assert "the second." in text
    for file in stage.root.rglob("*"):
        if file.is_file() and file.suffix != ".py":
            assert secret.encode() not in file.read_bytes(), file


def test_a_database_is_found_by_the_name_of_airflows_connection(stage: Stage) -> None:
    """Connection `shop` has host, user and password; the environment knows no `shop`."""
    import sqlalchemy as sa

    secret = "a-password-known-to-airflow/alone"
    with postgresql.running() as url:
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))
        with engine.begin() as owner:
            owner.exec_driver_sql("CREATE TABLE bought (id int)")
            owner.exec_driver_sql("INSERT INTO bought VALUES (1), (2)")
        engine.dispose()
        stage.folder.write("assets/raw/bought.py", BOUGHT)
        stage.reread()
        connection = {
            "connection_id": "shop",
            "conn_type": "postgres",
            "login": "dataops",
            "password": secret,
            "schema": "postgres",
            "extra": json.dumps({"host": url.partition("host=")[2]}),
        }
        stage.client.post("/connections", connection)
        run = stage.run(**only("raw.bought"))
    assert stage.ended("pipeline", run) == "success"
    assert stage.current("raw.bought").rows == 2
    for file in stage.root.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    "conf",
    [
        {"select": ["raw.plane"]},
        {"select": "raw.plain"},
        {"scope": "everything"},
        {"data_source": "plane"},
        {"task_file": "polish.yaml"},
    ],
)
def test_what_does_not_exist_is_refused_by_rest(stage: Stage, conf: dict[str, Any]) -> None:
    """Before anything runs."""
    with pytest.raises(RestError) as refused:
        stage.trigger(**conf)
    assert refused.value.status == 400


def test_a_misspelt_word_fails_in_the_plan_with_a_sentence(stage: Stage) -> None:
    """Airflow takes any word in conf; we do not run everything because of one."""
    run = stage.run(data_sorce="plain")
    assert stage.ended("pipeline", run) == "failed"
    assert stage.tasks(run) == dict.fromkeys(stage.project.graph.order, "upstream_failed")
    stage.log(run, "plan", "did you mean 'data_source'?")
    dag = "materialize__raw.plain"
    run = stage.run(dag, scope="only these")
    assert stage.ended(dag, run) == "failed"
    stage.log(run, "raw.plain", "his DAG takes no conf", dag)


def test_the_catalog_is_up_to_date_when_a_run_has_ended(stage: Stage) -> None:
    """Read as a file, by whoever likes."""
    stage.source("plain", 4)
    run = stage.run(select=["raw.plain", "processed.plain_twice", "output.plain"])
    query = "SELECT key, rows FROM current WHERE run = ? ORDER BY key"
    assert stage.query(query, run) == [
        ("output.plain", 4),
        ("processed.plain_twice", 4),
        ("raw.plain", 4),
    ]
    runs = "SELECT trigger, state, made FROM runs WHERE run = ?"
    assert stage.query(runs, run) == [("manual", "done", 3)]


def test_the_examples_in_the_docs_run_as_they_are(stage: Stage) -> None:
    """Line by line, on this project's names; any answer that is an error ends them."""
    text = (REPOSITORY / "docs/airflow.md").read_text(encoding="utf-8")
    script = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    for sample, ours in (("reviews_ko", "notes"), ("clean_reviews.yaml", "plain.yaml")):
        assert sample in script
        script = script.replace(sample, ours)
    for path in ("/connections/llm_api", "/variables/llm_api_key"):
        with suppress(RestError):
            stage.client.delete(path)
    known = {"B": stage.client.url, "PASSWORD": stage.client.password}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, **known, "NO_PROXY": "localhost"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    assert '"state":"success"' in done.stdout
