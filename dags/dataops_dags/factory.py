"""DAGs from declarations: `pipeline`, one DAG per schedule, and one small DAG per asset."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from airflow.sdk import DAG, CronTriggerTimetable, get_parsing_context

from assets.model.discover import discover
from assets.model.graph import Graph
from assets.model.schedules import PRESETS
from dataops_dags import making, planning, reporting, telling
from dataops_dags.outlets import airflow_asset, alias_of
from dataops_dags.params import open_params, params_of
from dataops_dags.schedules import SCHEDULED, Schedule, schedules_of
from dataops_dags.work import Work
from resources.settings import Settings, load_settings

PIPELINE: Final = "pipeline"
ALERTS: Final = "alerts"
ALONE: Final = "materialize__"
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
    context = get_parsing_context()
    wanted = context.dag_id
    # Airflow's pauses are longer than the engine's own: whoever watches a terminal waits less.
    pause = timedelta(seconds=5 * settings.retry_seconds)
    if wanted in (None, ALERTS) and telling.is_wanted(settings.root):
        yield _alerts()
    if wanted and context.task_id and wanted.startswith((PIPELINE, SCHEDULED, ALONE)):
        yield _running(wanted, context.task_id, pause)
        return
    if wanted == ALERTS:
        return
    graph = discover(settings.root)
    if wanted in (None, PIPELINE):
        yield _pipeline(PIPELINE, None, graph.order, graph, settings, pause)
    for schedule, keys in schedules_of(graph, settings.timezone).items():
        if wanted in (None, schedule.dag_id):
            yield _pipeline(schedule.dag_id, schedule, keys, graph, settings, pause)
    alone = graph.order if len(graph.order) <= settings.asset_dags else ()
    for key in alone:
        if wanted in (None, f"{ALONE}{key}"):
            yield _single(key, graph, pause)


def _running(dag_id: str, task_id: str, pause: timedelta) -> DAG:
    """Make the one task that is about to run, of its DAG: what it works on, it finds itself.

    Nothing is loaded here, so that a project of thousands of files is read once for a task.
    """
    with _dag(dag_id, schedule=None) as dag:
        if dag_id.startswith(ALONE):
            _asset_task(task_id, pause, alone=True, running=True)
        elif task_id in ("plan", "report"):
            _frame(dag_id, pause)
        else:
            _asset_task(task_id, pause, alone=False, running=True)
    if not dag_id.startswith(ALONE):
        dag.params = open_params()  # type: ignore[assignment] # it converts them
    return dag


def _dag(dag_id: str, **options: Any) -> DAG:
    """Make a DAG with what all of ours have in common."""
    return DAG(dag_id, start_date=_SINCE, catchup=False, max_active_runs=1, **options)


def _tried(pause: timedelta) -> dict[str, Any]:
    """Give how often a task is tried, and with which pauses."""
    return {
        "retries": RETRIES,
        "retry_delay": pause,
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
    }


def _frame(dag_id: str, pause: timedelta) -> tuple[Work, Work]:
    """Make the first and the last task of a pipeline."""
    first = Work(
        task_id="plan",
        work=partial(planning.plan_run, dag_id),
        doc_md="Plan the run, and skip what has nothing to do.",
        execution_timeout=_LONGEST,
        **_tried(pause),
    )
    last = Work(
        task_id="report",
        work=partial(reporting.report_run, dag_id),
        doc_md="Record what came of the run, and fail if an asset failed.",
        execution_timeout=_LONGEST,
        multiple_outputs=True,
        trigger_rule="all_done",
        retries=0,
    )
    return first, last


def _pipeline(
    dag_id: str,
    schedule: Schedule | None,
    keys: Sequence[str],
    graph: Graph,
    settings: Settings,
    pause: timedelta,
) -> DAG:
    """Make a DAG with a task per asset between `plan` and `report`."""
    about = "Every asset that is stale, in dependency order"
    if schedule is not None:
        about = f"Assets collected {schedule.line} ({schedule.zone}), with everything downstream"
    with _dag(dag_id, schedule=_timetable(schedule), tags=["dataops"], description=about) as dag:
        first, last = _frame(dag_id, pause)
        made = {}
        for key in keys:
            bad, about = key in graph.broken, ""
            if not bad:
                about = graph.assets[key].description
            made[key] = _asset_task(key, pause, alone=False, broken=bad, about=about)
        for key, one in made.items():
            above = [made[up] for up in graph.upstream(key) if up in made]
            one.set_upstream(above or first)
        # From every asset: one that is skipped at once may stand below one that is made.
        last.set_upstream([first, *made.values()])
    # After its tasks: each would else carry a copy of its own, with the names of all others.
    dag.params = params_of(keys, settings.root)  # type: ignore[assignment] # it converts them
    return dag


def _timetable(schedule: Schedule | None) -> Any:
    """Give Airflow's word for a schedule."""
    if schedule is None:
        return None
    line = PRESETS.get(schedule.line, schedule.line)
    return line if schedule.zone == "UTC" else CronTriggerTimetable(line, timezone=schedule.zone)


def _single(key: str, graph: Graph, pause: timedelta) -> DAG:
    """Make the DAG that the Assets page's Materialize button runs: exactly this asset.

    Its name on the page begins with z, so that those of all assets stand behind the others.
    """
    with _dag(
        f"{ALONE}{key}",
        schedule=None,
        dag_display_name=f"z: {key}",
        tags=["one asset", key.partition(".")[0]],
        description=f"Make {key} anew, and nothing else",
    ) as dag:
        bad = key in graph.broken
        inlets = () if bad else graph.assets[key].upstream
        about = "" if bad else graph.assets[key].description
        _asset_task(key, pause, alone=True, broken=bad, about=about, inlets=inlets)
    return dag


def _alerts() -> DAG:
    """Make the DAG that looks every two minutes: what no run tells (a late source, a dead run)."""
    with _dag(
        ALERTS,
        schedule="*/2 * * * *",
        tags=["dataops"],
        description="Tell people what is wrong, and what is over",
    ) as dag:
        Work(
            task_id="tell",
            work=telling.tell_people,
            doc_md="Look, and tell people what is new.",
            execution_timeout=_LONGEST,
            retries=0,
        )
    return dag


def _asset_task(
    key: str,
    pause: timedelta,
    *,
    alone: bool,
    broken: bool = False,
    running: bool = False,
    about: str = "",
    inlets: Sequence[str] = (),
) -> Work:
    """Make the task of one asset; a broken one says what is wrong, once.

    Only the one-asset DAG owns the asset's outlet. The others announce it through an alias, which
    only a task that runs needs to know of.
    """
    options: dict[str, Any] = {"retries": 0} if broken else _tried(pause)
    if alone and not broken:
        options |= {"outlets": [airflow_asset(key)], "inlets": [airflow_asset(u) for u in inlets]}
    if running:
        options |= {"execution_timeout": _LONGEST, "multiple_outputs": True}
        options |= {} if alone else {"outlets": [alias_of(key)]}
    return Work(
        task_id=key,
        work=partial(making.make_asset, key, alone=alone),
        trigger_rule="none_failed",
        doc_md=about or None,
        **options,
    )
