"""The first task of a run: what will be looked at, and why; the rest is skipped in one call."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped

from dataops_dags.opening import open_patiently
from dataops_dags.request import Request, read_request, turns_of
from dataops_dags.runs import clears, moment, trigger_of, who
from dataops_dags.schedules import keys_of
from resources.errors import DataOpsError

if TYPE_CHECKING:
    from assets.engine import Plan


def plan_run(dag_id: str) -> None:
    """Plan the run, say what gets a turn and why, and skip everything else in one call.

    Each asset plans itself again when its turn comes, so a turn may still come to nothing.
    """
    from assets.engine import make_plan
    from assets.engine.record import record_plan
    from assets.engine.runs import start_run

    os.umask(0o027)
    context = get_current_context()
    run, ti = context["dag_run"], context["ti"]
    project = open_patiently()
    keys = keys_of(dag_id, project.graph, project.settings.timezone)
    try:
        request = read_request(
            project.graph, keys, project.settings.root, context["params"], run.conf or {}
        )
        plan = make_plan(project, asked=request.forced, now=moment(run))
    except DataOpsError as error:
        start_run(project, run.run_id, trigger=trigger_of(run), by=who(run))
        raise AirflowFailException(str(error)) from error
    turns = turns_of(project, plan, request)
    _say(plan, request, turns, len(keys))
    record_plan(project, plan)
    start_run(
        project,
        run.run_id,
        trigger=trigger_of(run),
        by=who(run),
        select=request.keys if len(request.keys) < len(keys) else (),
        planned=len(turns),
    )
    facts = {"force": list(request.forced), "task": request.task, "clears": clears(run)}
    ti.xcom_push(key="request", value=facts)
    ti.xcom_push(key="turns", value=turns)
    given = set(turns)
    if skipped := [key for key in keys if key not in given]:
        raise DownstreamTasksSkipped(tasks=skipped)  # type: ignore[no-untyped-call]


def _say(plan: Plan, request: Request, turns: Collection[str], count: int) -> None:
    """Write the plan into the task's log."""
    given: set[str] = set(turns)
    for line in plan.lines:
        if line.key in given:
            why = "; ".join(str(reason) for reason in line.reasons) or line.note
            print(f"{line.key}: {line.state}, {line.action}{': ' if why else ''}{why}")
    if request.task:
        print(f"cleaning with {request.task} in this run")
    print(f"{len(given)} of {count} assets to look at")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run's plan says to each of its tasks.

    force: keys to make whatever their state. task: a cleaning task in place of the declared ones.
    clears: how often something in the run had been cleared when it was planned.
    """

    force: tuple[str, ...] = ()
    task: str = ""
    clears: int = 0


def asked_of(ti: Any) -> Asked:
    """Give what the run's plan said."""
    facts = ti.xcom_pull(task_ids="plan", key="request") or {}
    return Asked(tuple(facts.get("force", ())), facts.get("task", ""), facts.get("clears", 0))
