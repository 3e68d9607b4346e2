"""Tasks: what runs inside Airflow. Each opens the project and calls the engine."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import AssetAlias, get_current_context
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    DownstreamTasksSkipped,
)

from resources.errors import DataOpsError

LEASE_PAUSE = timedelta(seconds=15)


def plan_run(keys: list[str]) -> None:
    """Plan the run, say what will be made and why, and skip the rest in one call."""
    from assets.engine import make_plan, open_project
    from assets.engine.record import record_plan
    from assets.engine.runs import start_run
    from dataops_dags.params import read_request

    os.umask(0o027)
    context = get_current_context()
    run, ti = context["dag_run"], context["ti"]
    project = open_project()
    try:
        request = read_request(
            project.graph, keys, project.settings.root, context["params"], run.conf or {}
        )
        plan = make_plan(project, asked=request.forced, now=moment(context))
    except DataOpsError as error:
        raise AirflowFailException(str(error)) from error
    working, asked = set(request.keys), set(request.forced)
    skipped = []
    for line in plan.lines:
        if line.key not in keys:
            continue
        why = "; ".join(str(reason) for reason in line.reasons)
        cleans = request.task and _cleans(project, line.key)
        busy = line.action in ("make", "wait", "blocked", "stopped") or cleans
        if line.key not in working or not (busy or line.key in asked):
            skipped.append(line.key)
        elif busy:
            print(f"{line.key}: {line.state}, {line.action}. {why or line.note}")
    record_plan(project, plan)
    start_run(
        project,
        run.run_id,
        trigger=str(getattr(run, "run_type", "airflow")),
        by=_who(run),
        select=request.keys if len(request.keys) < len(keys) else (),
        planned=len(keys) - len(skipped),
    )
    facts = {"make": len(keys) - len(skipped), "force": list(request.forced), "task": request.task}
    ti.xcom_push(key="request", value=facts)
    print(f"{len(keys) - len(skipped)} of {len(keys)} assets to look at")
    if skipped:
        raise DownstreamTasksSkipped(tasks=skipped)  # type: ignore[no-untyped-call]


def _cleans(project: Any, key: str) -> bool:
    """Tell whether an asset uses a cleaning task."""
    asset = project.graph.assets.get(key)
    return asset is not None and any(a.kind == "cleaner" for a in asset.arguments)


def make_asset(key: str, in_pipeline: bool) -> dict[str, Any]:
    """Make one asset if it is stale, or because it was asked for; give the facts of its version."""
    from assets.engine import LeaseHeld, materialize, open_project
    from assets.engine.attempt import refold

    os.umask(0o027)
    context = get_current_context()
    run, ti = context["dag_run"], context["ti"]
    project = open_project()
    asked: dict[str, Any] = {"force": [key]}
    if in_pipeline:
        asked = ti.xcom_pull(task_ids="plan", key="request") or {}
    cleared = (ti.max_tries or 0) > (getattr(ti.task, "retries", 0) or 0)
    forced = cleared or key in asked.get("force", ())
    task = asked.get("task") or None
    task = task if task and _cleans(project, key) else None
    _provide_key(project, key, task)
    try:
        outcome = materialize(
            project,
            key,
            run=run.run_id,
            by=_who(run),
            force=forced,
            request=f"{run.run_id}/{ti.task_id}/{ti.max_tries}" if forced else "",
            task=task,
            as_of=moment(context),
            tries=1,
            attempt_number=ti.try_number or 1,
            wait=False,
        )
    except LeaseHeld as error:
        print(error)
        again = datetime.now(UTC) + LEASE_PAUSE
        raise AirflowRescheduleException(again) from error  # type: ignore[no-untyped-call]
    except DataOpsError as error:
        if error.permanent:
            raise AirflowFailException(str(error)) from error
        raise
    finally:
        refold(project, coalesce=in_pipeline)
    made = outcome.materialized
    if outcome.state in ("fresh", "held") or made is None:
        satisfied = forced and made is not None
        if not satisfied:
            raise AirflowSkipException(f"{key} is {outcome.state}: nothing to do")
    assert made is not None  # noqa: S101 - the line above skipped without one
    facts = {
        "key": key,
        "state": outcome.state,
        "version": made.number,
        "rows": made.rows,
        "duplicates": made.duplicates,
        "quarantined": made.quarantined,
        "files": [str(project.data / file.path) for file in made.files],
        "bytes": made.bytes,
        "seconds": made.seconds,
        "data_version": made.data_version,
        "schema_version": made.schema_version,
    }
    _announce(context, key, in_pipeline, facts)
    return facts


def _announce(context: Any, key: str, in_pipeline: bool, facts: dict[str, Any]) -> None:
    """Tell Airflow about the version: an asset event with its facts."""
    from dataops_dags.factory import airflow_asset

    extra = {name: facts[name] for name in ("version", "rows", "data_version", "schema_version")}
    events = context["outlet_events"]
    if in_pipeline:
        events[AssetAlias(f"{key} by pipeline")].add(airflow_asset(key), extra=extra)
    else:
        events[airflow_asset(key)].extra = extra


def report_run(keys: list[str]) -> dict[str, Any]:
    """End the run: publish the catalog, record what came of it, and fail if an asset failed."""
    from assets.engine import open_project
    from assets.engine.runs import finish_run

    os.umask(0o027)
    context = get_current_context()
    run, ti = context["dag_run"], context["ti"]
    states = ti.get_task_states(dag_id=run.dag_id, run_ids=[run.run_id])
    found = states.get(run.run_id, {})
    bad = {key: str(found[key]) for key in keys if str(found.get(key)) in _BAD}
    planned = str(found.get("plan", "success"))
    project = open_project()
    summary = finish_run(project, run.run_id, failed=sorted(bad))
    if bad or planned in _BAD:
        said = ", ".join(f"{key} ({state})" for key, state in bad.items()) or "the plan failed"
        raise AirflowFailException(f"{len(bad)} of {len(keys)} assets are not made: {said}")
    return summary


_BAD = ("failed", "upstream_failed")


def tell_broken(sentence: str, file: str) -> None:
    """Fail with what is wrong in a file that does not load."""
    raise AirflowFailException(f"{sentence}. Mend {file}.")


def moment(context: Any) -> datetime:
    """Give the moment a run is for: its tick where it has one, else now."""
    tick = context["dag_run"].logical_date
    return tick if tick is not None else datetime.now(UTC)


def _who(run: Any) -> str:
    """Say who started a run."""
    user = getattr(run, "triggering_user_name", None)
    return f"airflow:{user}" if user else "airflow"


def _provide_key(project: Any, key: str, task: str | None) -> None:
    """Let the cleaning engine find a key that only Airflow knows; the environment's wins."""
    from assets.engine.config import config_of

    names = ("DATAOPS_LLM_API_KEY", "OPENAI_API_KEY")
    asset = project.graph.assets[key]
    if any(os.environ.get(name) for name in names) or not _cleans(project, key):
        return
    try:
        if "task.model" not in config_of(project, asset, task):
            return
    except DataOpsError:
        return  # materialize says it, and records it
    from airflow.sdk import Connection, Variable
    from airflow.sdk.exceptions import AirflowRuntimeError
    from airflow.sdk.log import mask_secret

    secret, url = None, None
    try:
        connection = Connection.get("llm_api")
        secret = connection.password
        if connection.host:
            scheme = connection.schema or "https"
            host = connection.host if "://" in connection.host else f"{scheme}://{connection.host}"
            url = f"{host}:{connection.port}" if connection.port else host
    except (AirflowRuntimeError, KeyError):
        secret = Variable.get("llm_api_key", default=None)
    if secret:
        mask_secret(secret)
        os.environ["DATAOPS_LLM_API_KEY"] = secret
    if url and not os.environ.get("DATAOPS_LLM_BASE_URL"):
        os.environ["DATAOPS_LLM_BASE_URL"] = url if url.rstrip("/").endswith("/v1") else f"{url}/v1"
