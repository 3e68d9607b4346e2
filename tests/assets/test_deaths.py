"""Deaths: whoever looks next counts an attempt whose process died, and clears what it left."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assets.engine.alerting import reconcile
from assets.engine.deaths import settle_dead
from assets.engine.deaths.doing import Doing, folder_of
from assets.engine.deaths.settle import is_gone
from assets.engine.runs import start_run
from catalog.changes import history, versions_of
from catalog.records import Attempted
from resources.alerts import Rule
from tests.assets.conftest import Home
from tests.assets.test_faults import python

DYING = """
from assets import asset

@asset(chain=False)
def a():
    import os, signal
    import pandas as pd
    if os.environ.get("DIE"):
        held = bytearray(b"x" * 200_000_000)
        print("here", flush=True)
        os.kill(os.getpid(), int(os.environ["DIE"]))
    return pd.DataFrame({"x": [1, 2]})
"""
PUBLISHING = """
import os, signal, sys
import assets.engine.publish as publish
original = publish.{name}

def killed(*words, **options):
    {before}
    original(*words, **options)
    os.kill(os.getpid(), signal.SIGKILL)

publish.{name} = killed
from assets.engine import materialize, open_project
materialize(open_project(sys.argv[1]), "raw.a", run="first", by="kim")
"""
MAKE = """
import sys
from assets.engine import materialize, open_project
materialize(open_project(sys.argv[1]), "raw.a", run="first", by="kim")
"""


def _kill(home: Home, number: int = signal.SIGKILL) -> subprocess.Popen[str]:
    """Let an attempt die in the middle of its function."""
    script = home.write("make.py", MAKE)
    home.write("assets/raw/a.py", DYING)
    process = python(str(script), str(home.root), DIE=int(number))
    process.communicate(timeout=60)
    return process


def _attempts(home: Home) -> list[Attempted]:
    """Give the attempts that published nothing."""
    return [e for e in history(home.open().events, "raw.a") if isinstance(e, Attempted)]


def test_a_killed_attempt_is_counted_once_with_what_is_known(home: Home) -> None:
    assert _kill(home).returncode == -signal.SIGKILL
    assert _attempts(home) == []
    assert home.line("raw.a").state == "missing"  # whoever plans looks
    assert settle_dead(home.open()) == 0
    (attempt,) = _attempts(home)
    assert (attempt.state, attempt.error_type, attempt.run, attempt.by) == (
        "failed",
        "Killed",
        "first",
        "kim",
    )
    assert attempt.step == "running its function"
    assert attempt.peak_memory > 0
    assert attempt.memory_limit > attempt.peak_memory
    assert "died at the step 'running its function'" in attempt.error
    assert attempt.log.endswith(".jsonl")
    assert not list((home.data / ".staging").glob("*"))


def test_status_history_and_success_rate_know_it(home: Home) -> None:
    _kill(home)
    code = "from assets.cli import main; main()"
    command = [sys.executable, "-c", code, "--root", str(home.root), "status", "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = json.loads(said.stdout)
    assert line["last_attempt"] == "failed"
    assert "its process" in line["error"]
    assert "its process" in said.stderr
    home.make("raw.a")
    project = home.open()
    project.catalog.fold()
    sql = "SELECT attempts, succeeded FROM success_rate"
    assert project.catalog.query(sql).rows == [(2, 1)]
    sql = "SELECT step, peak_memory > 0, memory_limit > 0 FROM attempts"
    assert project.catalog.query(sql).rows == [("running its function", True, True)]


def test_people_are_told_of_it(home: Home) -> None:
    _kill(home)
    settle_dead(home.open())
    told: list[str] = []

    def send(_to: str, _title: str, text: str, _tone: str) -> str:
        """Note what is told."""
        told.append(text)
        return ""

    reconcile(home.open(), [Rule("alerts", ("failed",), ("*",))], datetime.now(UTC), send=send)
    assert len(told) == 1
    assert "its process" in told[0]


def test_a_death_for_want_of_memory_says_so(home: Home) -> None:
    """Its own limit stands for a container's: the kernel ends both without a word."""
    _kill(home)
    (path,) = folder_of(home.data).glob("attempt-*.json")
    facts = json.loads(path.read_bytes())
    facts["limit"] = facts["peak"] = 2_000_000_000
    path.write_text(json.dumps(facts))
    settle_dead(home.open())
    (attempt,) = _attempts(home)
    assert "want of memory" in attempt.error
    assert "2,000 MB of the 2,000 MB" in attempt.error
    assert "DATAOPS_CHUNK_ROWS" in attempt.fix
    assert attempt.signal == "SIGKILL"


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("link_version", "pass"),
        ("_keep_quarantine", "pass"),
        ("_keep_corrections", "pass"),
        ("_put", "pass"),
        ("_final_file", "pass"),
    ],
)
def test_files_with_final_names_leave_at_the_next_run(home: Home, name: str, before: str) -> None:
    home.write("assets/raw/a.py", DYING)
    text = PUBLISHING.replace("{name}", name).replace("{before}", before)
    process = python(str(home.write("kill.py", text)), str(home.root))
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert len(list((home.data / "raw").iterdir())) == 1
    published = name == "_put"
    made = home.make("raw.a")
    assert made.state == ("fresh" if published else "made")
    named = {f.path for v in versions_of(home.open().events, "raw.a") for f in v.files}
    assert {f"raw/{p.name}" for p in (home.data / "raw").iterdir()} == named
    assert len(_attempts(home)) == (0 if published else 1)
    assert not list((home.data / ".staging").glob("*"))


def test_of_many_who_look_at_once_one_counts_it(home: Home) -> None:
    _kill(home)
    script = home.write(
        "look.py",
        "import sys\nfrom assets.engine import open_project\n"
        "from assets.engine.deaths import settle_dead\nsettle_dead(open_project(sys.argv[1]))\n",
    )
    lookers = [python(str(script), str(home.root)) for _ in range(4)]
    for one in lookers:
        one.communicate(timeout=60)
    assert [one.returncode for one in lookers] == [0] * 4
    assert len(_attempts(home)) == 1


def test_an_attempt_that_lives_is_left_alone(home: Home) -> None:
    home.write(
        "assets/raw/a.py",
        "from assets import asset\n\n@asset(chain=False)\ndef a():\n    import os, signal\n"
        "    import pandas as pd\n    print('here', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGSTOP)\n    return pd.DataFrame({'x': [1]})\n",
    )
    process = python(str(home.write("make.py", MAKE)), str(home.root))
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "here"
    assert settle_dead(home.open()) == 0
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert _attempts(home) == []
    assert not list(folder_of(home.data).iterdir())


def test_a_signal_that_python_hears_is_recorded_by_the_attempt_itself(home: Home) -> None:
    _kill(home, signal.SIGINT)
    (attempt,) = _attempts(home)
    assert (attempt.error_type, attempt.signal) == ("Interrupted", "SIGINT")
    assert home.make("raw.a").state == "made"


def test_a_run_whose_process_died_has_ended(home: Home) -> None:
    home.write("assets/raw/a.py", DYING)
    command = [sys.executable, "-c", "from assets.cli import main; main()", "--root"]
    environment = {**os.environ, "DIE": "9", "PYTHONPATH": str(Path(__file__).parents[2])}
    command += [str(home.root), "materialize"]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    settle_dead(home.open())
    project = home.open()
    project.catalog.fold()
    assert project.catalog.query("SELECT state, failed FROM runs").rows == [("failed", 1)]
    settle_dead(home.open())
    assert home.open().events.last("_runs") == 2


def test_a_run_of_airflow_s_has_ended_with_the_process_that_was_left_of_it(home: Home) -> None:
    home.write("assets/raw/a.py", DYING)
    text = (
        "import sys\nfrom assets.engine import materialize, open_project\n"
        "from assets.engine.runs import hold_run, start_run\n"
        "project = open_project(sys.argv[1])\n"
        "start_run(project, 'manual__1', trigger='manual', by='airflow', select=['raw.a'])\n"
        "hold_run(project, 'manual__1')\nmaterialize(project, 'raw.a', run='manual__1')\n"
    )
    process = python(str(home.write("airflow.py", text)), str(home.root), DIE="9")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    settle_dead(home.open())
    project = home.open()
    project.catalog.fold()
    assert project.catalog.query("SELECT run, state FROM runs").rows == [("manual__1", "failed")]


def test_a_run_that_lives_is_left_alone(home: Home) -> None:
    home.write("assets/raw/a.py", DYING)
    start_run(home.open(), "mine", trigger="cli", by="kim")
    assert settle_dead(home.open()) == 0
    assert home.open().events.last("_runs") == 1


@pytest.mark.parametrize(
    ("host", "silent", "gone"), [("elsewhere", 10.0, False), ("elsewhere", 40.0, True)]
)
def test_another_machine_is_judged_by_its_silence(host: str, silent: float, gone: bool) -> None:
    facts = Doing(host, 1, "2", "b", "r", "2026-01-01T00:00:00Z", attempt="a")
    assert is_gone(facts, silent, 30.0) is gone


def test_memory_limits_are_found(monkeypatch: Any) -> None:
    from assets.engine.deaths.memory import memory_limit, peak_memory

    assert 0 < peak_memory() < memory_limit()
    before = memory_limit()
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (before // 2, before))
    assert memory_limit() == before // 2
