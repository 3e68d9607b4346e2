"""Real Airflow over a small project, and what people do with both."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataops_local.environment import free_port, new_stack
from dataops_local.rest import Client, quoted
from dataops_local.stack import Running, migrate, reread

from assets.engine import Project, open_project
from catalog.records import Materialized
from tests.dags.conftest import Folder

PATIENCE = 120.0

CHAIN = {
    "assets/raw/{0}.py": """
        from assets import Source, Table, asset

        @asset(source="{0}.csv", chain=False)
        def {0}(source: Source) -> Table:
            return source.read()
        """,
    "assets/processed/{0}_twice.py": """
        from collections.abc import Iterator
        from typing import TYPE_CHECKING

        from assets import asset

        if TYPE_CHECKING:
            import pyarrow as pa

        @asset(upstream=["raw.{0}"])
        def {0}_twice({0}: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
            import os
            from pathlib import Path

            Path(__file__).parents[2].joinpath("{0}.pid").write_text(str(os.getpid()))
            yield from {0}
        """,
    "assets/output/{0}.py": """
        from assets import Table, asset

        @asset(upstream=["processed.{0}_twice"])
        def {0}({0}_twice: Table) -> Table:
            return {0}_twice
        """,
}
"""raw.x -> processed.x_twice -> output.x, from x.csv. The middle one notes its process in x.pid."""


def until(there: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait for something, and give it."""
    end = time.monotonic() + seconds
    while True:
        if found := there():
            return found
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)


class Stage:
    """A project that Airflow runs."""

    def __init__(self, folder: Folder, client: Client) -> None:
        """Know the project, and talk to its Airflow."""
        self.folder, self.client = folder, client
        self.root = folder.root

    @property
    def project(self) -> Project:
        """Open the project anew."""
        return open_project(self.root)

    def chain(self, name: str, rows: int = 3) -> None:
        """Declare raw.x -> processed.x_twice -> output.x, without telling Airflow."""
        for path, text in CHAIN.items():
            self.folder.write(path.format(name), text.format(name))
        self.source(name, rows)

    def source(self, name: str, rows: int) -> None:
        """Write a source file of so many rows."""
        lines = "".join(f"{number},row {number}\n" for number in range(rows))
        self.folder.write(f"{name}.csv", f"id,text\n{lines}")

    def reread(self) -> None:
        """Have Airflow read the declarations again."""
        reread(self.client)

    def trigger(self, dag: str = "pipeline", tick: str | None = None, **conf: Any) -> str:
        """Start a run; give its id."""
        body = {"logical_date": tick, "conf": conf}
        run: str = self.client.post(f"/dags/{quoted(dag)}/dagRuns", body)["dag_run_id"]
        return run

    def run(self, dag: str = "pipeline", tick: str | None = None, **conf: Any) -> str:
        """Start a run and wait for its end; give its id."""
        run = self.trigger(dag, tick, **conf)
        self.ended(dag, run)
        return run

    def ended(self, dag: str, run: str) -> str:
        """Wait for a run's end; give its state."""
        where = f"/dags/{quoted(dag)}/dagRuns/{quoted(run)}"

        def over() -> str:
            """Give the state of a run that is over."""
            state: str = self.client.get(where)["state"]
            return state if state in ("success", "failed") else ""

        return str(until(over, f"the end of {run}"))

    def tasks(self, run: str, dag: str = "pipeline") -> dict[str, str]:
        """Give the state of each asset's task, of those that were not skipped at once."""
        return {
            one["task_id"]: one["state"]
            for one in self.client.task_instances(dag, run)
            if "." in one["task_id"] and (one["state"] != "skipped" or one["try_number"])
        }

    def task(self, run: str, task: str, dag: str = "pipeline") -> dict[str, Any]:
        """Give one task instance."""
        where = f"/dags/{quoted(dag)}/dagRuns/{quoted(run)}/taskInstances/{quoted(task)}"
        found: dict[str, Any] = self.client.get(where)
        return found

    def clear(self, run: str, *tasks: str, dag: str = "pipeline", downstream: bool = False) -> None:
        """Clear tasks of a run, as the UI's button does."""
        body = {
            "dry_run": False,
            "dag_run_id": run,
            "task_ids": list(tasks),
            "include_downstream": downstream,
            "only_failed": False,
        }
        self.client.post(f"/dags/{quoted(dag)}/clearTaskInstances", body)

    def log(self, run: str, task: str, shows: str, dag: str = "pipeline") -> str:
        """Wait until a task's log shows a text, and give it: lines may come after a task's end."""
        where = f"/dags/{quoted(dag)}/dagRuns/{quoted(run)}/taskInstances/{quoted(task)}/logs/1"

        def written() -> str:
            """Give a log that shows the text."""
            log = json.dumps(self.client.get(where), ensure_ascii=False)
            return log if shows in log else ""

        return str(until(written, f"{shows!r} in the log of {task}"))

    def query(self, sql: str, *values: str) -> list[Any]:
        """Ask the catalog."""
        return list(self.project.catalog.query(sql, list(values)).rows)

    def current(self, key: str) -> Materialized:
        """Give an asset's current version."""
        current = self.project.catalog.heads([key])[key].current
        assert current is not None, key
        return current

    def version(self, key: str) -> int:
        """Give the number of an asset's current version, 0 without one."""
        current = self.project.catalog.heads([key])[key].current
        return current.number if current is not None else 0


@contextmanager
def airflow(folder: Folder) -> Iterator[Stage]:
    """Run Airflow over a project; schedules start nothing by themselves."""
    stack = new_stack(folder.root, free_port(), schedules=False)
    migrate(stack, print)
    running = Running(stack)
    try:
        yield Stage(folder, running.ready())
    finally:
        running.stop()


def pid_in(file: Path) -> int:
    """Read a process id that an asset's function left."""
    return int(file.read_text())
