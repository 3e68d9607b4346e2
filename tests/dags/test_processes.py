"""One stack per home, and nothing of it outlives whoever started it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dataops_local.claim import Claim
from dataops_local.environment import (
    Stack,
    environment_of,
    free_port,
    new_stack,
    port_taken,
)
from dataops_local.processes import Session, end_sessions, members, session_of
from dataops_local.stack import last_lines

from tests.dags.conftest import REPOSITORY

needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"

STARTER = """
import subprocess, sys, time
reaper = subprocess.Popen([sys.executable, sys.argv[1]], stdin=subprocess.PIPE)
reaper.stdin.write(sys.argv[2].encode())
reaper.stdin.flush()
print("up", flush=True)
time.sleep(600)
"""
FAMILY = """
import os, time
if os.fork() == 0:
    os.setpgid(0, 0)
    if os.fork() == 0:
        print("up", flush=True)
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""


def sleeper(*words: str) -> subprocess.Popen[bytes]:
    """Start a process that leads a session of its own."""
    words = words or ("-c", "print('up', flush=True); import time; time.sleep(600)")
    child = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    return child


def until(there: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if there():
            return True
        time.sleep(0.05)
    return there()


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Describe a stack that is not started."""
    monkeypatch.delenv("DATAOPS_AIRFLOW_HOME", raising=False)
    return new_stack(tmp_path, free_port(), schedules=False)


def test_a_session_is_ended_as_a_whole_and_nothing_else() -> None:
    """Also what renamed itself, moved to a group of its own, or lost its parent."""
    mine, theirs = sleeper("-c", FAMILY), sleeper()
    try:
        session = session_of(mine.pid)
        assert len(members([session])) == 2
        end_sessions([session])
        assert mine.wait(timeout=30) == -signal.SIGTERM
        assert members([session]) == []
        assert theirs.poll() is None
    finally:
        theirs.kill()
        theirs.wait()


def test_what_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """After it was asked twice."""
    monkeypatch.setattr("dataops_local.processes._GENTLE", 0.2)
    monkeypatch.setattr("dataops_local.processes._FIRM", 0.2)
    child = sleeper("-c", STUBBORN)
    end_sessions([session_of(child.pid)])
    assert child.wait(timeout=30) == -signal.SIGKILL


@needs_proc
def test_another_process_with_a_noted_number_is_left_alone() -> None:
    """Process ids are used again."""
    child = sleeper()
    try:
        end_sessions([Session(child.pid, "another boot 1")])
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_a_stack_ends_when_its_starter_is_killed() -> None:
    """The reaper sees the end of a pipe that only the starter held."""
    child = sleeper()
    session = session_of(child.pid)
    reaper = str(REPOSITORY / "dags/dataops_local/reaper.py")
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, reaper, f"{session.leader} {session.started}"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"up\n"
    assert child.poll() is None
    starter.kill()
    starter.wait()
    assert child.wait(timeout=60) == -signal.SIGTERM
    assert until(lambda: not members([Session(starter.pid, "")]))


def test_a_home_has_one_stack_at_a_time(stack: Stack) -> None:
    """The second one is told about the first."""
    first, second = Claim(stack.home), Claim(stack.home)
    assert first.take()
    first.note(stack, "up", [])
    assert not second.take()
    assert (second.holder()["command"], second.holder()["port"]) == ("up", stack.port)
    first.give_back()
    assert second.take()
    second.give_back()


def test_what_a_dead_stack_left_is_ended_by_the_next_one(stack: Stack) -> None:
    """The note outlives a machine that lost its power, and so names what to look for."""
    left = sleeper()
    dead = Claim(stack.home)
    assert dead.take()
    dead.note(stack, "up", [session_of(left.pid)])
    assert dead._file is not None
    dead._file.close()  # as the end of its process does
    claim = Claim(stack.home)
    assert claim.take()
    assert left.wait(timeout=30) == -signal.SIGTERM
    assert claim.holder() == {}
    claim.give_back()


def test_secrets_are_made_once_and_for_their_owner_alone(stack: Stack) -> None:
    """Nobody else may read the folder, and nothing in it that opens a door."""
    again = new_stack(stack.root, 1, schedules=True)
    environment_of(stack)
    assert again.password == stack.password
    assert stack.home.stat().st_mode & 0o777 == 0o700
    for name in ("secrets.json", "passwords.json"):
        assert (stack.home / name).stat().st_mode & 0o777 == 0o600


def test_another_airflows_settings_in_the_shell_do_no_harm(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its database above all; the number of parallel tasks may be chosen."""
    monkeypatch.setenv("AIRFLOW_HOME", "/elsewhere")
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://elsewhere/airflow")
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "8")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    found = environment_of(stack)
    assert found["AIRFLOW_HOME"] == str(stack.home)
    assert found["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{stack.home}/airflow.db"
    assert found["AIRFLOW__CORE__PARALLELISM"] == "8"
    assert "127.0.0.1" in found["NO_PROXY"].split(",")
    assert found["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert stack.password not in found.values()


def test_a_port_in_use_is_noticed() -> None:
    """Before anything is started on it."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert port_taken(taken.getsockname()[1])
    assert not port_taken(free_port())


def test_the_end_of_a_log_is_shown_as_sentences(tmp_path: Path) -> None:
    """What components write as JSON, without the calls they answered."""
    log = tmp_path / "scheduler.log"
    log.write_text(
        '{"level": "info", "event": "GET /", "logger": "http.access"}\n'
        '{"level": "error", "event": "no such table"}\n'
        "Traceback\n"
    )
    assert last_lines(log) == "  error: no such table\n  Traceback"
    assert last_lines(tmp_path / "none.log") == "  (no log)"
