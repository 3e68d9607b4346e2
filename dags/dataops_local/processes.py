"""Airflow's processes: each in a group of its own, found by their mark, none left over."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from dataops_local.environment import MARK, Stack, environment_of

COMPONENTS: Final = ("api-server", "scheduler", "dag-processor")
_PATIENCE: Final = 20.0


class StackError(Exception):
    """Airflow could not be started, or one of its components ended."""


def migrate(stack: Stack) -> None:
    """Bring Airflow's database up to date, where this version has not done so before."""
    from importlib.metadata import version

    done = stack.home / "migrated"
    wanted = version("apache-airflow-core")
    if done.is_file() and done.read_text() == wanted:
        return
    log = stack.logs / "migrate.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        code = subprocess.run(
            _airflow("db", "migrate"),
            env=environment_of(stack),
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code != 0:
        raise StackError(f"Airflow's database could not be set up:\n{_last_lines(log)}\nSee {log}.")
    done.write_text(wanted)


def _airflow(*words: str) -> list[str]:
    """Give the command line of an Airflow command in this environment."""
    return [sys.executable, "-m", "airflow", *words]


def _die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it is gone."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Running:
    """The components of a stack while they run."""

    def __init__(self, stack: Stack) -> None:
        """Start every component, its output in a log file of its own."""
        self.stack = stack
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        stack.logs.mkdir(parents=True, exist_ok=True)
        environment = environment_of(stack)
        try:
            for name in COMPONENTS:
                with (stack.logs / f"{name}.log").open("wb") as out:
                    self._children[name] = subprocess.Popen(
                        _airflow(name),
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                        preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads here yet
                    )
            _note(stack).write_text(
                json.dumps({"pid": os.getpid(), "port": stack.port, "mark": stack.mark})
            )
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raise StackError, with the end of its log, where a component has ended."""
        for name, child in self._children.items():
            if (code := child.poll()) is not None:
                log = self.stack.logs / f"{name}.log"
                raise StackError(
                    f"Airflow's {name} ended with code {code}:\n{_last_lines(log)}\nSee {log}."
                )

    def stop(self) -> None:
        """End every process of the stack, gently first; nothing is left."""
        _end(self.stack.mark, [child.pid for child in self._children.values()])
        for child in self._children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=5)
        _note(self.stack).unlink(missing_ok=True)


def _note(stack: Stack) -> Path:
    """Give the file that says which stack runs in this home."""
    return stack.home / "stack.json"


def running_stack(home: Path) -> dict[str, object] | None:
    """Give what is noted about a stack that runs already; end what a dead one left behind."""
    note = home / "stack.json"
    try:
        facts: dict[str, object] = json.loads(note.read_text())
    except (OSError, ValueError):
        return None
    if Path(f"/proc/{facts['pid']}").exists() or not Path("/proc").exists():
        command = Path(f"/proc/{facts['pid']}/cmdline")
        if not command.exists() or b"serve" in command.read_bytes():
            return facts
    _end(str(facts["mark"]), [])
    note.unlink(missing_ok=True)
    return None


def _end(mark: str, pids: list[int]) -> None:
    """Send TERM, wait, then KILL to every process that carries the mark."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
    if not pids:
        for pid in _marked(mark):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and _marked(mark):
        time.sleep(0.2)
    for _ in range(20):
        left = _marked(mark)
        if not left:
            return
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def _marked(mark: str) -> list[int]:
    """Give the processes whose environment carries the mark (Linux), dead ones not included."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*") if Path("/proc").exists() else ():
        if int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _last_lines(log: Path, count: int = 12) -> str:
    """Give the end of a log."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "(no log)"
    return "\n".join(f"  {line[:300]}" for line in lines[-count:])
