"""The task of one asset: make it if it is stale, or because it was asked for."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from dataops_dags.connections import share_connections
from dataops_dags.credentials import provide_key
from dataops_dags.opening import open_patiently
from dataops_dags.outlets import announce
from dataops_dags.planning import Asked, asked_of
from dataops_dags.request import WORDS, cleans, refuse_unknown
from dataops_dags.runs import clears, moment, tries_before, trigger_of, who
from resources.errors import DataOpsError

if TYPE_CHECKING:
    from assets.engine import Outcome, Project
    from assets.model.declare import Broken


def tell_broken(bad: Broken) -> None:
    """Fail with what is wrong in a file that does not load."""
    raise AirflowFailException(f"{bad.key} does not load: {bad.error}. Mend {bad.file}.")


def make_asset(key: str, *, alone: bool) -> dict[str, Any]:
    """Make one asset if it is stale, or because it was asked for; give the facts of its version.

    alone: this is the whole run, which asks for it; else the run's plan says what is asked for.
    """
    os.umask(0o027)
    share_connections()
    context = get_current_context()
    project = open_patiently()
    if key in project.graph.broken:
        tell_broken(project.graph.broken[key])
    if alone:
        return _alone(project, key, context)
    return _facts(project, _made(project, key, context, alone=False), context, alone=False)


def _alone(project: Project, key: str, context: Any) -> dict[str, Any]:
    """Make one asset as a run of its own, recorded from start to end."""
    from assets.engine.runs import finish_run, hold_run, leave_run, start_run

    run, ti = context["dag_run"], context["ti"]
    is_last = ti.try_number > (ti.max_tries or 0)
    if ti.try_number == tries_before(ti) + 1:
        start_run(
            project, run.run_id, trigger=trigger_of(run), by=who(run), select=[key], planned=1
        )
    if is_last:  # nobody comes after this process to say how the run ended
        hold_run(project, run.run_id)
    try:
        outcome = _made(project, key, context, alone=True)
    except AirflowRescheduleException:
        leave_run(project, run.run_id)
        raise
    except (Exception, AirflowTaskTimeout) as error:
        # What Airflow tries again is not over.
        if isinstance(error, AirflowFailException) or is_last:
            finish_run(project, run.run_id, failed=[key])
        raise
    finish_run(project, run.run_id)
    return _facts(project, outcome, context, alone=True)


def _made(project: Project, key: str, context: Any, *, alone: bool) -> Outcome:
    """Hand the asset to the engine; say its answer in the exceptions that Airflow understands."""
    from assets.engine import LeaseHeld, materialize
    from assets.engine.attempt import refold

    run, ti = context["dag_run"], context["ti"]
    asked = Asked(force=(key,)) if alone else asked_of(ti)
    cleared = not alone and _cleared(key, run, ti, asked)
    forced = cleared or key in asked.force
    task = asked.task if cleans(project, key) else ""
    try:
        refuse_unknown(run.conf or {}, () if alone else WORDS)
        provide_key(project, key, task or None)
        return materialize(
            project,
            key,
            run=run.run_id,
            by=who(run),
            force=forced,
            request=f"{run.run_id}/{ti.task_id}/{tries_before(ti)}" if forced else "",
            task=task or None,
            as_of=moment(run),
            tries=1,
            attempt_number=ti.try_number or 1,
            wait=False,
        )
    except LeaseHeld as error:
        print(error)
        again = datetime.now(UTC) + timedelta(seconds=project.settings.lease_seconds / 2)
        raise AirflowRescheduleException(again) from error  # type: ignore[no-untyped-call]
    except DataOpsError as error:
        if error.permanent:
            raise AirflowFailException(str(error)) from error
        raise
    finally:
        if not alone:  # a run of its own publishes the catalog when it ends
            refold(project, coalesce=not cleared)


def _cleared(key: str, run: Any, ti: Any, asked: Asked) -> bool:
    """Tell whether somebody cleared this task after the run was planned: that asks for it.

    Airflow's own trace of it is `max_tries`, but a task that the plan skipped was never tried; that
    it runs all the same says so. Whoever clears `plan` as well has the run planned again.
    """
    if clears(run) <= asked.clears:
        return False
    return tries_before(ti) > 0 or key not in (ti.xcom_pull(task_ids="plan", key="turns") or ())


def _facts(project: Project, outcome: Outcome, context: Any, *, alone: bool) -> dict[str, Any]:
    """Give the facts of the version that a task made, announced; skip where there is none.

    A demand that an earlier start of this attempt has satisfied counts as made by it.
    """
    made, run = outcome.materialized, context["dag_run"]
    satisfied = made is not None and made.run == run.run_id
    if made is None or (outcome.state in ("fresh", "held") and not satisfied):
        raise AirflowSkipException(f"{outcome.key} is {outcome.state}: nothing to do")
    facts = {
        "key": outcome.key,
        "state": "unchanged" if made.unchanged else "made",
        "version": made.number,
        "rows": made.rows,
        "duplicates": made.duplicates,
        "quarantined": made.quarantined,
        "files": [str(project.data / file.path) for file in made.files],
        "bytes": made.bytes,
        "seconds": made.seconds,
        "data_version": made.data_version,
        "schema_version": made.schema_version,
        "docs": str(project.data / "docs" / outcome.key / f"{made.number}.html"),
        "warnings": list(made.warnings),
        "llm_requests": sum(usage.requests for usage in made.usage),
        "llm_tokens": sum(u.prompt_tokens + u.completion_tokens for u in made.usage),
        "llm_cost": round(sum(usage.cost for usage in made.usage), 6),
    }
    announce(context["outlet_events"], outcome.key, facts, alone=alone)
    return facts
