"""The DAG `verify`: every day a part of all bytes is read again and compared with the record.

So much each day that everything is read within DATAOPS_VERIFY_DAYS (30 unless set).
DATAOPS_VERIFY_SCHEDULE says when: a cron line, or `off`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowFailException

ROOT: Final = Path(__file__).resolve().parent.parent
os.environ.setdefault("DATAOPS_ROOT", str(ROOT))
SCHEDULE: Final = os.environ.get("DATAOPS_VERIFY_SCHEDULE") or "@daily"


def verify_part() -> None:
    """Verify a day's part, publish what was found, tell people; fail if something is damaged."""
    from dataops_dags.connections import share_connections
    from dataops_dags.opening import open_patiently

    from assets.cli.verifying import show_verification
    from assets.engine.alerting import tell
    from assets.engine.attempt import refold
    from assets.engine.verifying import verify_project

    os.umask(0o027)
    share_connections()
    project = open_patiently()
    done = verify_project(project, by="airflow", scheduled=True)
    show_verification(done, project.settings.verify_days)
    tell(project)
    refold(project)
    if done.findings:
        raise AirflowFailException(
            f"{len(done.findings)} findings: see the table above, or: dataops verify"
        )


with DAG(
    "verify",
    schedule=None if SCHEDULE == "off" else SCHEDULE,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["dataops"],
    description="Read a part of all bytes again and compare it with the record",
    default_args={"execution_timeout": timedelta(hours=12)},
) as dag:

    @task(task_id="verify", retries=0)
    def verify() -> None:
        """Verify a day's part."""
        verify_part()

    verify()
