"""Load the DAG file in a process of its own and print what Airflow would see, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DAGS = Path(__file__).resolve().parents[2] / "dags"
HEAVY = ("duckdb", "great_expectations", "numpy", "openai", "pandas", "pyarrow")


def vars_of(dag: Any) -> list[str]:
    """Give the line and the zone of a timetable."""
    return [
        dag.schedule.expression,
        str(getattr(dag.schedule.timezone, "name", dag.schedule.timezone)),
    ]


def facts_of(dag: Any) -> dict[str, Any]:
    """Give a DAG's facts."""
    return {
        "schedule": dag.schedule if isinstance(dag.schedule, str | None) else vars_of(dag),
        "name": dag.dag_display_name,
        "tags": sorted(dag.tags),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "params": {name: dag.params.get_param(name).schema for name in dag.params},
        "tasks": {
            task.task_id: {
                "upstream": sorted(task.upstream_task_ids),
                "rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
                "retries": task.retries,
                "backoff": bool(task.retry_exponential_backoff),
                "pause": task.retry_delay.total_seconds(),
                "timeout": task.execution_timeout is not None,
                "outlets": [f"{type(one).__name__} {one.name}" for one in task.outlets],
                "groups": [one.group for one in task.outlets if hasattr(one, "uri")],
                "told": [one.extra for one in [*task.outlets, *task.inlets] if hasattr(one, "uri")],
                "inlets": [one.name for one in task.inlets],
            }
            for task in dag.tasks
        },
    }


def main() -> None:
    """Load and print."""
    sys.path.insert(0, str(DAGS))
    import airflow.sdk

    before = set(sys.modules)
    import dataops

    found = {
        dag.dag_id: facts_of(dag)
        for dag in vars(dataops).values()
        if isinstance(dag, airflow.sdk.DAG)
    }
    loaded = [name for name in HEAVY if name in sys.modules and name not in before]
    print(json.dumps({"dags": found, "heavy": loaded}))


if __name__ == "__main__":
    main()
