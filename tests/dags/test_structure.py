"""The DAGs that declarations make, as Airflow reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dags.conftest import Folder

pytestmark = pytest.mark.xdist_group("dag structure")  # the project is loaded once


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Load a project with two scheduled sources, one unscheduled, one broken; the same in YAML."""
    folder = Folder(tmp_path_factory.mktemp("project"))
    folder.write(
        "assets/raw/orders.py",
        """
        from assets import Source, Table, asset

        @asset(source="orders.csv", schedule="daily", chain=False)
        def orders(source: Source) -> Table:
            '''Collect {{ orders }}.'''
            return source.read()
        """,
    )
    folder.write(
        "assets/raw/rates.py",
        """
        from assets import Source, Table, asset

        @asset(source="rates.csv", schedule="*/10 * * * 1-5", chain=False)
        def rates(source: Source) -> Table:
            return source.read()
        """,
    )
    folder.write(
        "assets/raw/notes.py",
        """
        from assets import Source, Table, asset

        @asset(source="notes.csv")
        def notes(source: Source) -> Table:
            return source.read()
        """,
    )
    folder.write(
        "assets/raw/torn.py",
        """
        from assets import asset

        @asset(schedule="@hourly")
        def torn(:
            return {{ 1
        """,
    )
    folder.write(
        "assets/processed/value.py",
        """
        from assets import Table, asset

        @asset(upstream=["raw.orders", "raw.rates"])
        def value(orders: Table, rates: Table) -> Table:
            return orders
        """,
    )
    folder.write(
        "assets/output/value.py",
        """
        from assets import Table, asset

        @asset(upstream=["processed.value"])
        def value(value: Table) -> Table:
            return value
        """,
    )
    folder.write("resources/tasks/polish.yaml", "task_name: polish\n")
    folder.write("resources/pipelines/bills.yaml", "source: bills.csv\nschedule: weekly\n")
    folder.write("resources/pipelines/worn.yaml", "sorce: worn.csv\nschedule: monthly  # 1st\n")
    return folder.dags()


def test_reading_the_dag_file_imports_nothing_heavy(facts: dict[str, Any]) -> None:
    """Airflow reads it again for every task."""
    assert facts["heavy"] == []


def test_the_pipeline_has_a_task_per_asset_between_plan_and_report(facts: dict[str, Any]) -> None:
    """The default chain's assets too, each called by its key."""
    tasks = facts["dags"]["pipeline"]["tasks"]
    assert set(tasks) == {
        "plan",
        "raw.orders",
        "raw.rates",
        "raw.notes",
        "raw.torn",
        "raw.bills",
        "raw.worn",
        "processed.value",
        "processed.bills_clean",
        "processed.worn_clean",
        "output.bills",
        "output.worn",
        "processed.notes_clean",
        "output.value",
        "output.notes",
        "report",
    }
    assert tasks["raw.orders"]["upstream"] == ["plan"]
    assert tasks["processed.value"]["upstream"] == ["raw.orders", "raw.rates"]
    assert tasks["output.value"]["upstream"] == ["processed.value"]
    assert set(tasks["report"]["upstream"]) == set(tasks) - {"report"}


def test_a_skipped_upstream_does_not_skip_what_is_below_it(facts: dict[str, Any]) -> None:
    """Fresh assets are skipped; what is made from them may be stale all the same."""
    tasks = facts["dags"]["pipeline"]["tasks"]
    assert {task["rule"] for key, task in tasks.items() if "." in key} == {"none_failed"}
    assert tasks["report"]["rule"] == "all_done"


def test_each_schedule_has_a_dag_with_its_sources_and_all_below(facts: dict[str, Any]) -> None:
    """What another schedule collects is not collected by it."""
    daily = facts["dags"]["schedule_daily"]
    assert daily["schedule"] == "0 0 * * *"
    assert set(daily["tasks"]) == {
        "plan",
        "raw.orders",
        "processed.value",
        "output.value",
        "report",
    }
    often = facts["dags"]["schedule_every10_x_x_x_1-5"]
    assert often["schedule"] == "*/10 * * * 1-5"
    assert "raw.rates" in often["tasks"]
    assert "raw.orders" not in often["tasks"]


def test_the_schedule_of_a_broken_file_stays(facts: dict[str, Any]) -> None:
    """Else a syntax error would end its runs in silence."""
    assert "raw.torn" in facts["dags"]["schedule_hourly"]["tasks"]
    assert "output.worn" in facts["dags"]["schedule_monthly"]["tasks"]


def test_a_pipeline_in_yaml_is_scheduled_as_one_in_python(facts: dict[str, Any]) -> None:
    """Airflow sees ordinary assets."""
    tasks = facts["dags"]["schedule_weekly"]["tasks"]
    assert set(tasks) == {"plan", "raw.bills", "processed.bills_clean", "output.bills", "report"}
    assert tasks["output.bills"]["upstream"] == ["processed.bills_clean"]


def test_a_broken_asset_is_a_task_that_is_not_tried_again(facts: dict[str, Any]) -> None:
    """It fails with the sentence; the others run on."""
    assert facts["dags"]["pipeline"]["tasks"]["raw.torn"]["retries"] == 0


def test_missed_ticks_are_not_caught_up_and_runs_do_not_overlap(facts: dict[str, Any]) -> None:
    """One late run brings everything up to date."""
    for dag in facts["dags"].values():
        assert dag["catchup"] is False
        assert dag["max_active_runs"] == 1


def test_a_task_is_tried_three_times_with_growing_pauses(facts: dict[str, Any]) -> None:
    """The engine tries once in each: one budget."""
    for dag in ("pipeline", "materialize__raw.orders"):
        task = facts["dags"][dag]["tasks"]["raw.orders"]
        assert (task["retries"], task["backoff"], task["pause"]) == (2, True, 10)


def test_only_its_own_dag_is_known_as_an_assets_producer(facts: dict[str, Any]) -> None:
    """So the Assets page's Materialize runs exactly that asset."""
    producers: dict[str, list[str]] = {}
    for dag_id, dag in facts["dags"].items():
        for task in dag["tasks"].values():
            for outlet in task["outlets"]:
                producers.setdefault(outlet, []).append(dag_id)
    assert producers["Asset processed.value"] == ["materialize__processed.value"]
    assert not [name for name in producers if name.startswith("AssetAlias")]
    alone = facts["dags"]["materialize__processed.value"]["tasks"]["processed.value"]
    assert alone["groups"] == ["processed"]
    assert alone["inlets"] == ["raw.orders", "raw.rates"]
    # Wherever an asset is named, or Airflow keeps what was named last.
    assert alone["told"] == [{"to make it": "Materialize (Manual makes nothing)"}] * 3


def test_a_run_can_be_asked_for_what_exists_only(facts: dict[str, Any]) -> None:
    """Airflow checks a run's conf against these."""
    params = facts["dags"]["schedule_daily"]["params"]
    assert set(params) == {"select", "scope", "data_source", "task_file"}
    assert params["select"]["items"]["enum"] == ["raw.orders", "processed.value", "output.value"]
    assert params["scope"]["enum"][0] == "all stale"
    assert params["data_source"]["enum"] == [None, "orders", "raw.orders"]
    assert params["task_file"]["enum"] == [None, "polish", "polish.yaml"]


def test_a_project_without_assets_still_has_its_pipeline(tmp_path: Path) -> None:
    """`dataops new --empty` leaves one behind."""
    facts = Folder(tmp_path / "empty").dags()
    assert set(facts["dags"]) == {"pipeline"}
    assert set(facts["dags"]["pipeline"]["tasks"]) == {"plan", "report"}


def test_inside_a_task_only_its_own_dag_is_built(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Building a thousand others for every task would cost seconds."""
    folder.write(
        "assets/raw/a.py",
        """
        from assets import asset

        @asset(schedule="daily", chain=False)
        def a():
            return []
        """,
    )
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "schedule_daily")
    assert set(folder.dags()["dags"]) == {"schedule_daily"}


@pytest.mark.parametrize("dag", ["pipeline", "schedule_daily", "materialize__raw.a"])
def test_a_task_that_runs_is_built_alone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, dag: str
) -> None:
    """Without a look at any declaration: with its time limit, and what announces its asset."""
    folder.write("assets/raw/a.py", "raise RuntimeError('nobody reads this here')\n")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "raw.a")
    found = folder.dags()["dags"]
    assert set(found) == {dag}
    assert set(found[dag]["tasks"]) == {"raw.a"}
    task = found[dag]["tasks"]["raw.a"]
    assert task["timeout"] is True
    outlet = "Asset raw.a" if dag.startswith("materialize") else "AssetAlias raw.a by pipeline"
    assert task["outlets"] == [outlet]


def test_a_schedule_in_another_zone_than_the_projects_has_a_dag_of_its_own(folder: Folder) -> None:
    """Airflow counts its ticks in that zone; naming the project's own zone changes nothing."""
    for name, zone in (("a", "Asia/Seoul"), ("b", "Europe/Berlin"), ("c", "")):
        text = f"source: {name}.csv\nschedule: 0 9 * * *\n" + (
            f"timezone: {zone}\n" if zone else ""
        )
        folder.write(f"resources/pipelines/{name}.yaml", text)
    found = folder.dags(DATAOPS_TIMEZONE="Asia/Seoul")["dags"]
    assert found["schedule_0_9_x_x_x"]["schedule"] == ["0 9 * * *", "Asia/Seoul"]
    assert {"raw.a", "raw.c"} <= set(found["schedule_0_9_x_x_x"]["tasks"])
    other = found["schedule_0_9_x_x_x__Europe.Berlin"]
    assert other["schedule"] == ["0 9 * * *", "Europe/Berlin"]
    assert {key for key in other["tasks"] if key.startswith("raw.")} == {"raw.b"}


def test_one_asset_dags_stand_behind_all_others(facts: dict[str, Any]) -> None:
    """By name and by tag."""
    alone = {one["name"] for one in facts["dags"].values() if "one asset" in one["tags"]}
    others = {one["name"] for one in facts["dags"].values() if "dataops" in one["tags"]}
    assert len(alone) == 14
    assert max(others) < min(alone)


def test_somebody_looks_every_two_minutes_where_people_are_to_be_told(
    folder: Folder,
) -> None:
    """Late sources and dead runs have no run that could tell of them."""
    folder.write("resources/alerts.yaml", "team:\n")
    by_file = folder.dags()["dags"]
    assert (by_file["alerts"]["schedule"], set(by_file["alerts"]["tasks"])) == (
        "*/2 * * * *",
        {"tell"},
    )
    (folder.root / "resources" / "alerts.yaml").unlink()
    assert "alerts" not in folder.dags()["dags"]
    assert "alerts" in folder.dags(DATAOPS_CONNECTION_ALERTS="json://127.0.0.1")["dags"]
