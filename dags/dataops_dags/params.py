"""The form of the trigger dialog, which is also what Airflow checks a run's conf against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from airflow.sdk import Param

from dataops_dags.request import ALL_STALE, SCOPES, cleaning_tasks


def params_of(keys: Sequence[str], root: Path) -> dict[str, Param]:
    """Give the form of the trigger dialog; Airflow refuses other values with 400."""
    raw = [key for key in keys if key.startswith("raw.")]
    return {
        "select": Param(
            [],
            type="array",
            items={"type": "string", "enum": list(keys)},
            examples=list(keys),
            title="Assets",
            description="Keys to make; none means all.",
        ),
        "scope": Param(
            ALL_STALE,
            type="string",
            enum=list(SCOPES),
            title="Scope",
            description="all stale: what the plan names; the others make the chosen assets anew.",
        ),
        "data_source": Param(
            None,
            type=["null", "string"],
            enum=[None, *(key.partition(".")[2] for key in raw), *raw],
            title="Source",
            description="Collect this raw asset anew, with everything downstream.",
        ),
        "task_file": Param(
            None,
            type=["null", "string"],
            enum=[None, *cleaning_tasks(root)],
            title="Cleaning task",
            description="Clean with this cleaning task in this run, in place of the declared one.",
        ),
    }
