"""A start of Airflow that fails says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dataops_local import stack as stacks
from dataops_local.environment import Stack, environment_of
from dataops_local.stack import Running, StackError, reading_ended

LATE = "Processor for dataops.py with PID 7 has been running for 301.00 seconds, exceeding the timeout of 300.00 seconds. Killing it!"


class Answers:
    """Airflow's API, as far as a start looks at it."""

    def __init__(self, waits: list[str]) -> None:
        """Have parts that are not at work."""
        self.waits = waits

    def healthy(self) -> bool:
        """Tell whether all are at work."""
        return not self.waits

    def unhealthy(self) -> list[str]:
        """Name those that are not."""
        return self.waits

    def get(self, path: str) -> Any:
        """Know no DAG, and no error."""
        return {"last_parsed_time": None, "is_stale": True, "import_errors": [], "path": path}


def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[str]) -> Running:
    """Give a stack that never becomes ready, whose patience ends at once."""
    running = object.__new__(Running)
    running.stack = Stack(tmp_path, tmp_path / ".airflow", 1, "", schedules=False)
    running.stack.logs.mkdir(parents=True)
    running._children = {}
    monkeypatch.setattr(stacks, "Client", lambda _stack: Answers(waits))
    monkeypatch.setattr(stacks, "START_LIMIT", -1.0)
    return running


def log(running: Running, name: str, *lines: str) -> None:
    """Write a component's log, as JSON lines."""
    text = "".join(json.dumps({"level": "error", "event": line}) + "\n" for line in lines)
    (running.stack.logs / f"{name}.log").write_text(text)


def test_a_reading_that_was_ended_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do about it; whatever a file writes beside it."""
    running = started(tmp_path, monkeypatch, [])
    log(running, "dag-processor", "at work", LATE, "again")
    with pytest.raises(StackError, match="301.00 seconds") as error:
        running.ready()
    assert "gave up reading the DAGs" in str(error.value)
    assert "dataops list" in str(error.value)
    assert reading_ended(tmp_path / "nothing.log") == ""


def test_a_part_that_is_not_at_work_is_named_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the log of that part, not of another."""
    running = started(tmp_path, monkeypatch, ["dag_processor"])
    log(running, "dag-processor", "no memory left")
    log(running, "api-server", "all is well")
    with pytest.raises(StackError, match="its dag_processor is not at work") as error:
        running.ready()
    assert "no memory left" in str(error.value)
    assert "all is well" not in str(error.value)


def test_dags_that_are_not_read_yet_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is at work, and still reading."""
    running = started(tmp_path, monkeypatch, [])
    log(running, "dag-processor", "reading")
    with pytest.raises(StackError, match="are not read yet"):
        running.ready()


def test_many_declarations_are_read_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them takes its time; whoever starts us may say otherwise."""
    name = "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL"
    monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DATAOPS_AIRFLOW_HOME", raising=False)
    home = tmp_path / ".airflow"
    home.mkdir()
    stack = Stack(tmp_path, home, 1, "", schedules=False)
    assert environment_of(stack)[name] == "15"
    (tmp_path / "resources/pipelines").mkdir(parents=True)
    for number in range(400):
        (tmp_path / f"resources/pipelines/p{number}.yaml").touch()
    assert environment_of(stack)[name] == "40"
    monkeypatch.setenv(name, "7")
    assert environment_of(stack)[name] == "7"
