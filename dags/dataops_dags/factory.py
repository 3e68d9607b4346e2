"""DAGs from declarations: `pipeline`, one DAG per schedule, and one small DAG per asset."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from airflow.sdk import DAG, get_parsing_context, task

from assets.model.declare import PRESETS
from assets.model.discover import discover
from assets.model.graph import Graph
from dataops_dags import making, planning, reporting, telling
from dataops_dags.outlets import airflow_asset, alias_of
from dataops_dags.params import params_of
from dataops_dags.schedules import schedules_of, slug
from resources.settings import load_settings

PIPELINE: Final = "pipeline"
ALERTS: Final = "alerts"
RETRIES: Final = 2
"""With the first try these are the three that a collection gets in all (FR-006)."""
_SINCE: Final = datetime(2024, 1, 1, tzinfo=UTC)
_LONGEST: Final = timedelta(hours=12)


def build_dags(root: Path) -> Iterator[DAG]:
    """Make the DAGs of the project at `root` (or DATAOPS_ROOT); inside a task, only its own.

    Reads project files only: never the catalog, data or network.
    """
    os.environ.setdefault("DATAOPS_ROOT", str(root))
    settings = load_settings()
    graph = discover(settings.root)
    wanted = get_parsing_context().dag_id
    # Airflow's pauses are longer than the engine's own: whoever watches a terminal waits less.
    pause = timedelta(seconds=5 * settings.retry_seconds)
    if wanted in (None, PIPELINE):
        yield _pipeline(PIPELINE, "", graph.order, graph, settings.root, pause)
    if wanted in (None, ALERTS) and telling.is_wanted(settings.root):
        yield _alerts(pause)
    for schedule, keys in schedules_of(graph).items():
        dag_id = f"schedule_{slug(schedule)}"
        if wanted in (None, dag_id):
            yield _pipeline(dag_id, schedule, keys, graph, settings.root, pause)
    for key in graph.order:
        dag_id = f"materialize__{key}"
        if wanted in (None, dag_id):
            yield _single(dag_id, key, graph, pause)


def _dag(dag_id: str, pause: timedelta, **options: Any) -> DAG:
    """Make a DAG with what all of ours have in common."""
    return DAG(
        dag_id,
        start_date=_SINCE,
        catchup=False,
        max_active_runs=1,
        default_args={
            "retries": RETRIES,
            "retry_delay": pause,
            "retry_exponential_backoff": True,
            "max_retry_delay": timedelta(minutes=10),
            "execution_timeout": _LONGEST,
        },
        **options,
    )


def _pipeline(
    dag_id: str, schedule: str, keys: Sequence[str], graph: Graph, root: Path, pause: timedelta
) -> DAG:
    """Make a DAG with a task per asset between `plan` and `report`."""
    about = "Every asset that is stale, in dependency order"
    if schedule:
        about = f"Assets collected {schedule} (UTC), with everything downstream"
    with _dag(
        dag_id,
        pause,
        schedule=PRESETS.get(schedule, schedule) or None,
        params=params_of(keys, root),
        tags=["dataops"],
        description=about,
    ) as dag:

        @task(task_id="plan")
        def plan() -> None:
            """Plan the run, and skip what has nothing to do."""
            planning.plan_run(keys)

        @task(task_id="report", trigger_rule="all_done", retries=0)
        def report() -> dict[str, Any]:
            """Record what came of the run, and fail if an asset failed."""
            return reporting.report_run(keys)

        first, last = plan(), report()
        made = {key: _asset_task(key, graph, alone=False) for key in keys}
        first >> last
        for key, one in made.items():
            above = [made[up] for up in graph.upstream(key) if up in made]
            (above or first) >> one
            # From every asset: one that is skipped at once may stand below one that is made.
            one >> last
    return dag


def _single(dag_id: str, key: str, graph: Graph, pause: timedelta) -> DAG:
    """Make the DAG that the Assets page's Materialize button runs: exactly this asset."""
    with _dag(
        dag_id,
        pause,
        schedule=None,
        tags=["dataops", "one asset", key.partition(".")[0]],
        description=f"Make {key} anew, and nothing else",
    ) as dag:
        _asset_task(key, graph, alone=True)
    return dag


def _alerts(pause: timedelta) -> DAG:
    """Make the DAG that looks every two minutes: what no run tells (a late source, a dead run)."""
    with _dag(
        ALERTS,
        pause,
        schedule="*/2 * * * *",
        tags=["dataops"],
        description="Tell people what is wrong, and what is over",
    ) as dag:

        @task(task_id="tell", retries=0)
        def tell() -> None:
            """Look, and tell people what is new."""
            telling.tell_people()

        tell()
    return dag


def _asset_task(key: str, graph: Graph, *, alone: bool) -> Any:
    """Make the task of one asset; a broken one gets a task that says what is wrong.

    Only the one-asset DAG owns the asset's outlet; the others announce it through an alias.
    What a task needs to know is closed over: arguments would be read as Jinja templates.
    """
    if key in graph.broken:
        bad = graph.broken[key]

        @task(task_id=key, retries=0, trigger_rule="none_failed")
        def tell() -> None:
            """Fail with what is wrong."""
            making.tell_broken(bad)

        return tell()
    asset = graph.assets[key]

    @task(
        task_id=key,
        trigger_rule="none_failed",
        outlets=[airflow_asset(key) if alone else alias_of(key)],
        inlets=[airflow_asset(up) for up in asset.upstream] if alone else [],
        doc_md=asset.description or None,
    )
    def make() -> dict[str, Any]:
        """Make the asset."""
        return making.make_asset(key, alone=alone)

    return make()
