"""The last task of a run: the catalog published, the run recorded, and its state made true."""

from __future__ import annotations

import os
from typing import Any, Final

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from dataops_dags.connections import share_connections
from dataops_dags.opening import open_patiently
from dataops_dags.schedules import keys_of

_BAD: Final = ("failed", "upstream_failed")


def report_run(dag_id: str) -> dict[str, Any]:
    """End the run: publish the catalog, record what came of it, and fail if an asset failed."""
    from assets.engine.runs import finish_run

    os.umask(0o027)
    share_connections()  # who is told of failures may stand there
    context = get_current_context()
    run, ti = context["dag_run"], context["ti"]
    found = ti.get_task_states(dag_id=run.dag_id, run_ids=[run.run_id]).get(run.run_id, {})
    states = {task: str(getattr(state, "value", state)) for task, state in found.items()}
    project = open_patiently()
    keys = keys_of(dag_id, project.graph, project.settings.timezone)
    bad = [key for key in keys if states.get(key) in _BAD]
    if states.get("plan") in _BAD:
        finish_run(project, run.run_id, failed=bad)
        raise AirflowFailException("The run could not be planned: see the log of the task `plan`.")
    summary = finish_run(project, run.run_id, failed=bad)
    print(f"Data Docs: {summary['docs']}")
    if bad:
        said = ", ".join(f"{key} ({_WORDS[states[key]]})" for key in bad)
        raise AirflowFailException(f"{len(bad)} of {len(keys)} assets are not made: {said}.")
    return summary


_WORDS: Final = {"failed": "failed", "upstream_failed": "stopped: something above it failed"}
