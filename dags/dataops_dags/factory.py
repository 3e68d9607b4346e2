"""DAGs from declarations: `pipeline`, one DAG per schedule, and one small DAG per asset."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from airflow.sdk import DAG, Asset, AssetAlias, get_parsing_context, task

from assets.model.discover import discover
from assets.model.graph import Graph
from dataops_dags import tasks
from dataops_dags.params import params_of

PIPELINE: Final = "pipeline"
RETRIES: Final = 2
_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_ALWAYS: Final[dict[str, Any]] = {"schedule": None, "catchup": False, "max_active_runs": 1}


def build_dags(root: Path) -> Iterator[DAG]:
    """Make the DAGs of the project at `root`; inside a task, only its own.

    Reads project files only: never the catalog, data or network.
    """
    os.environ.setdefault("DATAOPS_ROOT", str(root))
    root = Path(os.environ["DATAOPS_ROOT"])
    graph = discover(root)
    wanted = get_parsing_context().dag_id
    if wanted in (None, PIPELINE):
        yield _pipeline(PIPELINE, None, graph.order, graph, root)
    for schedule, keys in _schedules(graph).items():
        dag_id = f"schedule_{_slug(schedule)}"
        if wanted in (None, dag_id):
            yield _pipeline(dag_id, schedule, keys, graph, root)
    for key in graph.order:
        dag_id = f"materialize__{key}"
        if wanted in (None, dag_id):
            yield _single(dag_id, key, graph)


def _schedules(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Give each distinct schedule with its raw assets and all that is downstream of them."""
    raw: dict[str, list[str]] = {}
    for key, asset in graph.assets.items():
        if asset.schedule:
            raw.setdefault(asset.schedule, []).append(key)
    found = {}
    for schedule, keys in raw.items():
        inside = {*keys, *graph.below(keys)}
        found[schedule] = tuple(key for key in graph.order if key in inside)
    return found


def _slug(schedule: str) -> str:
    """Write a schedule so that a DAG id can carry it: `30 6 * * 1-5` -> `30_6_x_x_1-5`."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", schedule.replace(" ", "_").replace("*", "x"))


def _pipeline(
    dag_id: str, schedule: str | None, keys: Sequence[str], graph: Graph, root: Path
) -> DAG:
    """Make a DAG with a task per asset between `plan` and `report`."""
    cron = (
        f"@{schedule}"
        if schedule in ("hourly", "daily", "weekly", "monthly", "yearly")
        else schedule
    )
    with DAG(
        dag_id,
        **{**_ALWAYS, "schedule": cron},
        start_date=_START,
        params=params_of(keys, root),
        tags=["dataops"],
        description=(
            "Every asset that is stale, in dependency order"
            if schedule is None
            else f"Assets collected {schedule} (UTC), with everything downstream"
        ),
        default_args={"retries": RETRIES, **_RETRY},
        render_template_as_native_obj=False,
    ) as dag:
        first = task(task_id="plan")(tasks.plan_run)(list(keys))
        made = {key: _asset_task(key, graph, alias=True) for key in keys}
        for key, one in made.items():
            first >> one
            for up in graph.upstream(key):
                if up in made:
                    made[up] >> one
        last = task(task_id="report", trigger_rule="all_done", retries=0)(tasks.report_run)(
            list(keys)
        )
        [first, *made.values()] >> last
    return dag


_RETRY: Final[dict[str, Any]] = {
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=12),
}


def _single(dag_id: str, key: str, graph: Graph) -> DAG:
    """Make the DAG that the Assets page's Materialize button runs: exactly this asset."""
    with DAG(
        dag_id,
        **_ALWAYS,
        start_date=_START,
        tags=["dataops", "one asset", key.partition(".")[0]],
        description=f"Make {key} anew, and nothing else",
        default_args={"retries": RETRIES, **_RETRY},
    ) as dag:
        _asset_task(key, graph, alias=False)
    return dag


def airflow_asset(key: str) -> Asset:
    """Give Airflow's asset of a key."""
    layer, _, name = key.partition(".")
    return Asset(name=key, uri=f"dataops://{layer}/{name}", group=layer)


def _asset_task(key: str, graph: Graph, *, alias: bool) -> Any:
    """Make the task of one asset; a broken one gets a task that says what is wrong.

    Only the one-asset DAG owns the asset's outlet; the others announce it through an alias.
    """
    if key in graph.broken:
        bad = graph.broken[key]
        return task(task_id=key, retries=0, trigger_rule="none_failed")(tasks.tell_broken)(
            f"{key} does not load: {bad.error}", bad.file
        )
    asset = graph.assets[key]
    outlet = AssetAlias(f"{key} by pipeline") if alias else airflow_asset(key)
    inlets = [] if alias else [airflow_asset(up) for up in asset.upstream]
    return task(
        task_id=key,
        trigger_rule="none_failed",
        outlets=[outlet],
        inlets=inlets,
        doc_md=asset.description or None,
    )(tasks.make_asset)(key, alias)
