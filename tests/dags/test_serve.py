"""`make run` and `make up`: the launcher as people use it, from its first line to its last."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dataops_local.claim import Claim, sessions_in
from dataops_local.environment import Stack, free_port
from dataops_local.processes import Session, members
from dataops_local.rest import Client

from tests.dags.conftest import REPOSITORY, Folder
from tests.dags.stage import Stage, until

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.xdist_group("airflow"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc"),
]

SERVE = [sys.executable, str(REPOSITORY / "dags/serve.py")]
TICKING = """
    from assets import asset

    @asset(schedule="* * * * *", chain=False)
    def ticking():
        import pandas as pd
        return pd.DataFrame({"x": [1]})
    """


def serve(folder: Folder, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the launcher to its end."""
    return subprocess.run(
        [*SERVE, *words],
        env=folder.environment(**more),
        cwd=folder.root,
        capture_output=True,
        text=True,
        check=False,
    )


class Up:
    """A launcher that was left running."""

    def __init__(self, folder: Folder, process: subprocess.Popen[str]) -> None:
        """Know both."""
        self.folder, self.process = folder, process
        self.output = folder.root / "up.log"
        until(lambda: self.note().get("sessions"), "the note")
        self.sessions: list[Session] = sessions_in(self.note())

    def note(self) -> dict[str, Any]:
        """Give what is noted about the stack."""
        return Claim(self.folder.root / ".airflow").holder()

    def ready(self) -> Stage:
        """Wait until it says that it is up; give its Airflow."""
        until(lambda: "Ctrl-C stops it." in self.output.read_text(), "Airflow")
        password = self.output.read_text().partition("login: admin / ")[2].splitlines()[0]
        home = self.folder.root / ".airflow"
        stack = Stack(self.folder.root, home, int(self.note()["port"]), password, schedules=True)
        return Stage(self.folder, Client(stack))


@contextmanager
def left_up(folder: Folder) -> Iterator[Up]:
    """Start `up`; whatever happens, nothing of it stays."""
    with (folder.root / "up.log").open("w") as output:
        process = subprocess.Popen(
            [*SERVE, "up"],
            env=folder.environment(DATAOPS_PORT=str(free_port())),
            cwd=folder.root,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield Up(folder, process)
    finally:
        process.terminate()
        process.wait()


def test_run_makes_everything_and_reports(folder: Folder) -> None:
    """Exit code, progress, report, and nothing left; again: nothing is done."""
    Stage(folder, None).chain("plain")  # type: ignore[arg-type]
    first = serve(folder, "run")
    assert first.returncode == 0, first.stdout + first.stderr
    said = first.stdout
    assert "3 of 3 assets to make" in said
    assert "raw.plain: running" in said
    assert "processed.plain_twice: made 3 rows" in said
    csv = sorted((folder.root / "data/output").glob("plain_*.csv"))
    assert f"data/output/{csv[0].name}" in said
    assert "Done: 3 of 3 assets made" in said
    assert str(folder.root / "data/output/current") in said
    assert "catalog.duckdb" in said
    assert "\x1b[" not in said
    again = serve(folder, "run")
    assert again.returncode == 0
    assert "Everything is fresh, nothing was done" in again.stdout
    assert sorted((folder.root / "data/output").glob("plain_*.csv")) == csv
    assert not (folder.root / ".airflow/stack.json").exists()


def test_up_stays_until_it_is_told_and_leaves_no_process(folder: Folder) -> None:
    """Meanwhile schedules tick, `run` uses it, and a second `up` is told where it is."""
    folder.write("assets/raw/ticking.py", TICKING)
    stage = Stage(folder, None)  # type: ignore[arg-type]
    stage.chain("plain")
    with left_up(folder) as up:
        stage = up.ready()
        second = serve(folder, "up", DATAOPS_PORT=str(free_port()))
        assert second.returncode == 1
        assert f"running already at http://localhost:{up.note()['port']}" in second.stderr
        folder.write("assets/raw/torn.py", "from assets import asset\n\n@asset\ndef torn(:\n")
        run = serve(folder, "run")
        assert "Using the Airflow that is running" in run.stdout
        assert run.returncode == 1
        assert "raw.torn: failed" in run.stdout
        assert "torn.py, line 4" in run.stdout
        assert "output.plain: made 3 rows" in run.stdout
        assert "1 of 5 assets are not made" in run.stdout
        until(lambda: len(ticks(stage)) >= 2, "two ticks of the schedule", 200)
        first, second_tick = ticks(stage)[:2]
        assert first != second_tick
        assert second_tick == stage.current("raw.ticking").as_of[:16] or len(ticks(stage)) > 2
        assert len(members(up.sessions)) >= 3 + 4  # components, workers
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(timeout=90) == 128 + signal.SIGTERM
        assert members(up.sessions) == []
        assert "Stopping Airflow" in up.output.read_text()


def ticks(stage: Stage) -> list[str]:
    """Give the ticks at which the scheduled asset was collected by the scheduler."""
    where = "/dags/schedule_x_x_x_x_x/dagRuns?run_type=scheduled&state=success&order_by=run_after"
    return [run["logical_date"][:16] for run in stage.client.get(where)["dag_runs"]]


def test_a_killed_launcher_leaves_no_process(folder: Folder) -> None:
    """Not even SIGKILL, which it cannot see coming."""
    with left_up(folder) as up:
        until(lambda: len(members(up.sessions)) >= 3, "Airflow's components")
        up.process.kill()
        up.process.wait()
        until(lambda: not members(up.sessions), "the end of Airflow's components")


def test_a_taken_port_is_said_before_anything_starts(folder: Folder) -> None:
    """With what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = serve(folder, "up", DATAOPS_PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert f"DATAOPS_PORT={port + 1} make up" in done.stderr
    assert not (folder.root / ".airflow/airflow.db").exists()


@pytest.mark.parametrize("port", ["eighty", "0", "70000"])
def test_a_port_that_is_none_is_said(folder: Folder, port: str) -> None:
    """It comes from the environment, so people mistype it."""
    done = serve(folder, "up", DATAOPS_PORT=port)
    assert done.returncode == 1
    assert f"DATAOPS_PORT is {port!r}" in done.stderr


def test_a_component_that_ends_is_said_with_its_log(folder: Folder) -> None:
    """The last lines, and where the rest is; everything else is stopped."""
    with left_up(folder) as up:
        up.ready()
        scheduler, *_ = [pid for pid in members(up.sessions) if "scheduler" in _command(pid)]
        os.kill(scheduler, signal.SIGKILL)
        assert up.process.wait(timeout=90) == 1
        said = up.output.read_text()
        assert "Airflow's scheduler ended (exit code -9)" in said
        assert "scheduler.log" in said
        assert members(up.sessions) == []


def _command(pid: int) -> str:
    """Give a process's command line."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
