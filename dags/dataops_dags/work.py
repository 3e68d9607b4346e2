"""Our tasks as Airflow keeps them: small, because a project may have thousands.

Airflow stores every task of every DAG whenever it reads them. A function with @task takes a
kilobyte there; an operator of our own with nothing to render takes a third of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class Work(BaseOperator):
    """A task that calls one function; what it gives becomes the task's XCom."""

    def __init__(self, *, work: Callable[[], Any], **options: Any) -> None:
        """Keep the function; `options` are Airflow's."""
        super().__init__(**options)
        self.work = work

    def execute(self, context: Context) -> Any:  # noqa: ARG002 - the functions ask for it
        """Do the work."""
        return self.work()
