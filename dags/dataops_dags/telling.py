"""The task that tells people what is wrong, also while no run is there to do it."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk.exceptions import AirflowFailException

from dataops_dags.connections import share_connections
from dataops_dags.opening import open_patiently
from resources.alerts.rules import DEFAULT, FILE
from resources.connections import PREFIX


def is_wanted(root: Path) -> bool:
    """Tell whether anybody is to be told, by the project's files and the environment alone.

    DATAOPS_ALERTS says it to a process that must not see the address itself.
    """
    told = os.environ.get(PREFIX + DEFAULT.upper()) or os.environ.get("DATAOPS_ALERTS")
    return (root / FILE).is_file() or bool(told)


def tell_people() -> None:
    """Look at everything, and tell people what is new; fail where a message did not arrive."""
    from assets.engine.alerting import tell
    from assets.engine.attempt import refold

    os.umask(0o027)
    share_connections()
    project = open_patiently()
    problems = tell(project)
    refold(project, coalesce=True)
    if problems:
        raise AirflowFailException("; ".join(problems))
