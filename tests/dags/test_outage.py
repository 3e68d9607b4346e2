"""The api-server is killed while a task runs: the task waits, goes on, and no try is used up."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from dataops_local import environment
from dataops_local.environment import environment_of, free_port, new_stack
from dataops_local.stack import COMPONENTS, Running, migrate

from tests.dags.conftest import Folder
from tests.dags.stage import Stage, until

AWAY = 20.0
SLOW = """
    from pathlib import Path

    from assets import asset

    @asset(chain=False)
    def slow():
        import time
        import pandas as pd
        here = Path(__file__).parents[2]
        here.joinpath("begun").touch()
        while not here.joinpath("go").exists():
            time.sleep(0.2)
        return pd.DataFrame({"x": [1]})
    """


@pytest.mark.airflow
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_api_server_that_is_away_costs_a_wait(folder: Folder) -> None:
    """The task ends while nobody is there to hear of it."""
    folder.write("assets/raw/slow.py", SLOW)
    stack = new_stack(folder.root, free_port(), schedules=False)
    migrate(stack, print)
    running = Running(stack)
    try:
        stage = Stage(folder, running.ready())
        run = stage.trigger()
        until((folder.root / "begun").exists, "the task to begin")
        server = running._children["api-server"]
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        (folder.root / "go").touch()
        until(lambda: stage.version("raw.slow") == 1, "the version")
        time.sleep(AWAY)  # longer than three heartbeats, after which Airflow's default kills a task
        running._start("api-server", COMPONENTS["api-server"], environment_of(stack))
        until(lambda: _healthy(stage), "the api-server")
        assert stage.ended("pipeline", run) == "success"
        task = stage.task(run, "raw.slow")
        assert (task["state"], task["try_number"]) == ("success", 1)
    finally:
        running.stop()


def _healthy(stage: Stage) -> bool:
    """Tell whether the api-server answers."""
    try:
        return bool(stage.client.healthy())
    except OSError:
        return False


def test_what_ships_outlasts_an_hour() -> None:
    """Requests are made again for longer than an hour; nobody takes a task for dead before."""
    shipped = environment._TUNABLE
    pauses = int(shipped["AIRFLOW__WORKERS__EXECUTION_API_RETRIES"]) * (
        1 + float(shipped["AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX"])
    )
    assert pauses / 2 > 3_600
    for name in ("TASK_INSTANCE_HEARTBEAT_TIMEOUT", "TASK_QUEUED_TIMEOUT"):
        assert int(shipped[f"AIRFLOW__SCHEDULER__{name}"]) > pauses / 2
    assert int(shipped["AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME"]) > 2 * 3_600
    compose = (Path(__file__).parents[2] / "docker-compose.yaml").read_text(encoding="utf-8")
    for name in (n for n in shipped if "EXECUTION_API" in n or ("TIMEOUT" in n and "TASK" in n)):
        assert f'{name}: "{shipped[name]}"' in compose
