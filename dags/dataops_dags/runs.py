"""What our tasks know of the Airflow run they belong to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def moment(run: Any) -> datetime:
    """Give the moment a run is for: its tick where it has one, else now; never the future."""
    now = datetime.now(UTC)
    return min(run.logical_date, now) if run.logical_date is not None else now


def trigger_of(run: Any) -> str:
    """Say what started a run: manual, scheduled, asset_materialization, ..."""
    return str(getattr(run.run_type, "value", run.run_type))


def who(run: Any) -> str:
    """Say who started a run."""
    return f"airflow:{run.triggering_user_name}" if run.triggering_user_name else "airflow"


def clears(run: Any) -> int:
    """Give how often something in the run was cleared."""
    return run.clear_number or 0


def tries_before(ti: Any) -> int:
    """Give how often the task had been tried when it was last cleared, 0 = never cleared.

    Airflow sets `max_tries` to that number plus the task's retries.
    """
    return max(0, (ti.max_tries or 0) - (ti.task.retries or 0))
