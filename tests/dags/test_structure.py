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


def test_a_task_is_tried_three_times_with_growing_pauses_and_a_time_limit(
    facts: dict[str, Any],
) -> None:
    """The engine tries once in each: one budget."""
    task = facts["dags"]["pipeline"]["tasks"]["raw.orders"]
    assert (task["retries"], task["backoff"], task["timeout"]) == (2, True, True)
    assert task["pause"] == 10


def test_only_its_own_dag_is_known_as_an_assets_producer(facts: dict[str, Any]) -> None:
    """So the Assets page's Materialize runs exactly that asset."""
    producers: dict[str, list[str]] = {}
    for dag_id, dag in facts["dags"].items():
        for task in dag["tasks"].values():
            for outlet in task["outlets"]:
                producers.setdefault(outlet, []).append(dag_id)
    assert producers["Asset processed.value"] == ["materialize__processed.value"]
    assert set(producers["AssetAlias processed.value by pipeline"]) == {
        "pipeline",
        "schedule_daily",
        "schedule_every10_x_x_x_1-5",
    }
    alone = facts["dags"]["materialize__processed.value"]["tasks"]["processed.value"]
    assert alone["groups"] == ["processed"]
    assert alone["inlets"] == ["raw.orders", "raw.rates"]


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
