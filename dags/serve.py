"""Airflow on this machine: `serve.py run` makes what is stale; `serve.py up` keeps the UI up."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dataops_local.claim import Claim
from dataops_local.environment import airflow_home, free_port, new_stack, port_taken
from dataops_local.rest import Client, RestError, quoted
from dataops_local.stack import Running, StackError, migrate, reread

if TYPE_CHECKING:
    from rich.console import Console

ROOT: Final = Path(
    os.environ.get("DATAOPS_ROOT") or Path(__file__).resolve().parent.parent
).resolve()
PORT: Final = "8080"


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def stop_on_signals() -> None:
    """Turn SIGTERM and Ctrl-C into SystemExit, so that everything is stopped on the way out."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def leave(number: int, _frame: object) -> None:
        """Leave once; further signals do not disturb the stopping."""
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for one in numbers:
        signal.signal(one, leave)


@contextmanager
def own_stack(claim: Claim, command: str, port: int) -> Iterator[tuple[Running, Client]]:
    """Run a stack of our own while the block lasts."""
    stack = new_stack(ROOT, port, schedules=command == "up")
    migrate(stack, say)
    say("Starting Airflow (some ten seconds)")
    running = Running(stack)
    try:
        claim.note(stack, command, running.sessions)
        yield running, running.ready()
    finally:
        say("Stopping Airflow")
        running.stop()


@contextmanager
def any_stack(claim: Claim) -> Iterator[tuple[Client, Callable[[], None]]]:
    """Use the stack that `up` left running, or one of our own; give a check that it still runs."""
    told = False
    while not claim.take():
        other = claim.holder()
        if other.get("command") == "up":
            say(f"Using the Airflow that is running at http://localhost:{other['port']}")
            client = Client(new_stack(ROOT, int(other["port"]), schedules=True))
            reread(client)
            yield client, lambda: None
            return
        if not told:
            say(
                f"Another `make run` is at work (pid {other.get('pid', 'unknown')}): waiting for it"
            )
            told = True
        time.sleep(0.5)
    try:
        with own_stack(claim, "run", free_port()) as (running, client):
            _end_leftovers(client)
            yield client, running.check
    finally:
        claim.give_back()


def _end_leftovers(client: Client) -> None:
    """End runs of the pipeline that an interrupted `make run` left: nobody works on them."""
    left = client.get("/dags/pipeline/dagRuns?state=running&state=queued&limit=100")
    for one in left["dag_runs"]:
        where = f"/dags/pipeline/dagRuns/{quoted(one['dag_run_id'])}"
        client.patch(where, {"state": "failed"})


def run(console: Console) -> int:
    """Make everything that is stale through Airflow, and report; give the exit code."""
    from dataops_local.report import report, where_next
    from dataops_local.watch import PIPELINE, watch

    from assets.engine import make_plan, open_project

    began = time.monotonic()
    project = open_project(ROOT)
    plan = make_plan(project)
    say(f"{len(plan.to_make())} of {len(plan.lines)} assets to make")
    home = airflow_home(ROOT)
    with any_stack(Claim(home)) as (client, check):
        made = client.post(f"/dags/{PIPELINE}/dagRuns", {"logical_date": None, "conf": {}})
        run_id: str = made["dag_run_id"]
        state, tasks = watch(client, project, run_id, check, console)
    wrong = report(open_project(ROOT), run_id, tasks, home / "logs", console)
    made_now = sum(one == "success" and "." in task for task, one in tasks.items())
    seconds = time.monotonic() - began
    if wrong:
        say(f"\n{wrong} of {len(plan.lines)} assets are not made ({seconds:.0f} s).")
    elif state != "success":
        say(f"\nThe run failed, though no asset did. See {home / 'logs'} ({seconds:.0f} s).")
    elif made_now:
        say(f"\nDone: {made_now} of {len(plan.lines)} assets made ({seconds:.0f} s).")
    else:
        say(f"\nEverything is fresh, nothing was done ({seconds:.0f} s).")
    where_next(project, console)
    return 1 if wrong or state != "success" else 0


def up(console: Console) -> int:
    """Leave Airflow running until it is told to stop."""
    port = _port()
    claim = Claim(airflow_home(ROOT))
    if not claim.take():
        other = claim.holder()
        raise StackError(
            f"Airflow is running already at http://localhost:{other.get('port', '?')} "
            f"(make {other.get('command', 'up')}, pid {other.get('pid', '?')}). "
            "Use that one, or stop it first."
        )
    try:
        if port_taken(port):
            raise StackError(
                f"Port {port} is taken. Free it, or choose another: DATAOPS_PORT={port + 1} make up"
            )
        with own_stack(claim, "up", port) as (running, _):
            say(f"Airflow is up at {running.stack.url}")
            console.print(f"login: admin / {running.stack.password}", highlight=False, markup=False)
            say("Ctrl-C stops it.")
            while True:
                running.check()
                time.sleep(1)
    finally:
        claim.give_back()


def _port() -> int:
    """Read DATAOPS_PORT."""
    text = os.environ.get("DATAOPS_PORT") or PORT
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise StackError(f"DATAOPS_PORT is {text!r}. Set it to a number from 1 to 65535.")
    return int(text)


def main(words: list[str]) -> int:
    """Run the command that the words name."""
    from assets.cli.show import VisibleConsole
    from resources.errors import DataOpsError
    from resources.settings import load_settings, read_dotenv
    from resources.terminal import guarded_terminal

    commands = {"run": run, "up": up}
    if len(words) != 1 or words[0] not in commands:
        say("usage: serve.py run|up")
        return 2
    os.umask(0o027)
    try:
        read_dotenv(ROOT)
        load_settings()  # what is set wrong is said before anything starts
    except DataOpsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    stop_on_signals()
    console = VisibleConsole()
    if not console.is_terminal:
        console = VisibleConsole(width=140)
    with guarded_terminal(lasting=True):
        try:
            return commands[words[0]](console)
        except (StackError, RestError, DataOpsError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except OSError as error:
            print(f"error: {error}. See {ROOT / '.airflow' / 'logs'}.", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
