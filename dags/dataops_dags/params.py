"""The form of the trigger dialog, which is also what Airflow checks a run's conf against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from airflow.sdk import Param

from dataops_dags.request import ALL_STALE, SCOPES, cleaning_tasks

_OFFERED: Final = 500
"""Assets among which a form lets people choose; beyond, keys are typed, and `plan` checks them."""


def params_of(keys: Sequence[str], root: Path) -> dict[str, Param]:
    """Give the form of the trigger dialog; Airflow refuses other values with 400."""
    raw = [key for key in keys if key.startswith("raw.")]
    names = [None, *(key.partition(".")[2] for key in raw), *raw]
    few = len(keys) <= _OFFERED
    chosen: dict[str, Any] = {"type": "string", "enum": list(keys)} if few else {"type": "string"}
    offered: dict[str, Any] = {"examples": list(keys)} if few else {}
    sources: dict[str, Any] = {"enum": names} if few else {}
    return {
        "select": Param(
            [],
            type="array",
            items=chosen,
            title="Assets",
            description="Keys to make; none means all.",
            **offered,
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
            title="Source",
            description="Collect this raw asset anew, with everything downstream.",
            **sources,
        ),
        "task_file": Param(
            None,
            type=["null", "string"],
            enum=[None, *cleaning_tasks(root)],
            title="Cleaning task",
            description="Clean with this cleaning task in this run, in place of the declared one.",
        ),
    }


def open_params() -> dict[str, Param]:
    """Give the form without its choices, for a task that runs: `plan` checks what was asked for."""
    return {
        "select": Param([], type="array"),
        "scope": Param(ALL_STALE),
        "data_source": Param(None),
        "task_file": Param(None),
    }
