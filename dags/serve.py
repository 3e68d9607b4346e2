"""Airflow on this machine: `serve.py run` makes what is stale; `serve.py up` leaves it running."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from dataops_local.environment import (
    Stack,
    airflow_home,
    free_port,
    new_stack,
    port_taken,
)
from dataops_local.processes import Running, StackError, migrate, running_stack
from dataops_local.rest import Client, RestError, quoted

ROOT = Path(os.environ.get("DATAOPS_ROOT") or Path(__file__).resolve().parent.parent)
START_LIMIT = 300.0
_ENDED = ("success", "failed")
_WORDS = {"success": "done", "skipped": "fresh", "upstream_failed": "stopped"}


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def stop_on_signals() -> None:
    """Turn SIGTERM and Ctrl-C into SystemExit, so that everything is stopped on the way out."""

    def leave(number: int, _frame: FrameType | None) -> None:
        """Leave once; further signals do not disturb the stopping."""
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(130 if number == signal.SIGINT else 143)

    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, leave)


def start(stack: Stack) -> tuple[Running, Client]:
    """Start a stack and wait until it can take work; raises StackError with the reason."""
    if not (stack.home / "migrated").is_file():
        say("Setting up Airflow's database (once)")
    migrate(stack)
    say("Starting Airflow")
    running, client = Running(stack), Client(stack)
    try:
        limit = time.monotonic() + START_LIMIT
        while not (client.healthy() and _has_pipeline(client)):
            running.check()
            if time.monotonic() > limit:
                raise StackError(
                    f"Airflow is not ready after {START_LIMIT:.0f} s. See {stack.logs}."
                )
            time.sleep(0.3)
    except BaseException:
        running.stop()
        raise
    return running, client


def _has_pipeline(client: Client) -> bool:
    """Tell whether Airflow has read the DAGs; raises StackError for a DAG file that fails."""
    try:
        client.get("/dags/pipeline")
    except RestError as error:
        if error.status != 404:
            return False
        for wrong in client.get("/importErrors")["import_errors"]:
            raise StackError(f"{wrong['filename']}:\n{wrong['stack_trace']}") from error
        return False
    except OSError:
        return False
    return True


def watch(client: Client, run: str, check: Any) -> str:
    """Show each asset's state as it changes until the run has ended; give the run's state."""
    shown: dict[str, str] = {}
    where = f"/dags/pipeline/dagRuns/{quoted(run)}"
    while True:
        check()
        state: str = client.get(where)["state"]
        page = client.get(f"{where}/taskInstances?limit=1000")["task_instances"]
        for one in page:
            key, now = one["task_id"], one["state"] or "waiting"
            if shown.get(key) != now and now in (
                "running",
                "failed",
                "success",
                "up_for_retry",
                "upstream_failed",
            ):
                took = (
                    f" in {one['duration']:.1f} s"
                    if one.get("duration") and now == "success"
                    else ""
                )
                if "." in key:
                    say(f"  {key}: {_WORDS.get(now, now)}{took}")
            shown[key] = now
        if state in _ENDED:
            return state
        time.sleep(0.5)


def run() -> int:
    """Make everything that is stale through Airflow, and report; give the exit code."""
    from dataops_local.report import report

    from assets.engine import make_plan, open_project

    began = time.monotonic()
    project = open_project(ROOT)
    plan = make_plan(project)
    todo = plan.to_make()
    stopped = [line for line in plan.lines if line.action in ("blocked", "stopped")]
    if not todo and not stopped:
        say(f"Everything is fresh: {len(plan.lines)} assets, nothing to do.")
        return report(project, "", None)
    say(f"{len(todo)} of {len(plan.lines)} assets to make")
    other = running_stack(airflow_home(ROOT))
    running: Running | None = None
    try:
        if other is not None:
            stack = new_stack(ROOT, int(str(other["port"])))
            client = Client(stack)
            say(f"Using the Airflow that is running at {stack.url}")
        else:
            stack = new_stack(ROOT, free_port())
            running, client = start(stack)
        made = client.post("/dags/pipeline/dagRuns", {"logical_date": None, "conf": {}})
        run_id: str = made["dag_run_id"]
        say("Running")
        watch(client, run_id, running.check if running is not None else lambda: None)
    finally:
        if running is not None:
            running.stop()
    return report(open_project(ROOT), run_id, time.monotonic() - began)


def up() -> int:
    """Leave Airflow running until it is told to stop."""
    port = int(os.environ.get("DATAOPS_PORT", "8080"))
    home = airflow_home(ROOT)
    other = running_stack(home)
    if other is not None:
        raise StackError(
            f"Airflow is running already at http://localhost:{other['port']} (pid {other['pid']})."
        )
    if port_taken(port):
        raise StackError(
            f"Port {port} is taken. Free it, or choose another: DATAOPS_PORT=8081 make up"
        )
    stack = new_stack(ROOT, port)
    running, _ = start(stack)
    try:
        say(f"Airflow is up at {stack.url}")
        say(f"login: admin / {stack.password}")
        say("Ctrl-C stops it.")
        while True:
            running.check()
            time.sleep(1)
    finally:
        say("Stopping Airflow")
        running.stop()


def main(words: list[str]) -> int:
    """Run the command that the words name."""
    commands = {"run": run, "up": up}
    if len(words) != 1 or words[0] not in commands:
        say("usage: serve.py run|up")
        return 2
    os.umask(0o027)
    stop_on_signals()
    try:
        return commands[words[0]]()
    except (StackError, RestError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    from resources.errors import DataOpsError

    try:
        sys.exit(main(sys.argv[1:]))
    except DataOpsError as known:
        print(f"error: {known}", file=sys.stderr)
        sys.exit(1)
