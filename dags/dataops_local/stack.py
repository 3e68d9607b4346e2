"""A stack while it runs: started component by component, watched, and stopped as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from dataops_local.environment import Stack, environment_of
from dataops_local.processes import Session, session_of
from dataops_local.rest import Client, RestError, quoted

COMPONENTS: Final = {
    "api-server": ("api-server",),
    # Logs are read from disk: nobody needs the server for them, which listens on all interfaces.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
START_LIMIT: Final = 300.0
_END: Final = 64_000


_TOO_SLOW: Final = (
    "`dataops list` names files that take long to import: import what they need inside functions."
)
_LOGS: Final = {"dag_processor": "dag-processor", "metadatabase": "api-server"}
"""The log that tells of a part of Airflow, by the part's name in its health report."""
_ENDED: Final = ("exceeding the timeout", "DagBag import timeout")


class StackError(Exception):
    """Airflow could not be started, or one of its components ended."""


def migrate(stack: Stack, say: Callable[[str], None]) -> None:
    """Bring Airflow's database up to date, where this version has not done so before."""
    done, wanted = stack.home / "migrated", version("apache-airflow-core")
    if done.is_file() and done.read_text() == wanted and (stack.home / "airflow.db").is_file():
        return
    say("Setting up Airflow's database (once)")
    log = stack.logs / "migrate.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        code = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=environment_of(stack),
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code != 0:
        raise StackError(f"Airflow's database could not be set up:\n{last_lines(log)}\nSee {log}.")
    done.write_text(wanted)


class Running:
    """The components of a stack while they run."""

    def __init__(self, stack: Stack) -> None:
        """Start every component in a group of its own, its output in a log file of its own."""
        self.stack = stack
        self.sessions: list[Session] = []
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        stack.logs.mkdir(parents=True, exist_ok=True)
        environment = environment_of(stack)
        self._reaper = _reaper()
        try:
            for name, words in COMPONENTS.items():
                self._start(name, words, environment)
        except BaseException:
            self.stop()
            raise

    def _start(self, name: str, words: tuple[str, ...], environment: dict[str, str]) -> None:
        """Start one component, and tell the reaper of it."""
        log = self.stack.logs / f"{name}.log"
        with suppress(FileNotFoundError):
            log.replace(log.with_suffix(".log.1"))
        with log.open("wb") as out:
            child = subprocess.Popen(
                [sys.executable, "-m", "airflow", *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[name] = child
        session = session_of(child.pid)
        self.sessions.append(session)
        assert self._reaper.stdin is not None  # noqa: S101 - it was started with a pipe
        self._reaper.stdin.write(f"{session.leader} {session.started}\n".encode())
        self._reaper.stdin.flush()

    def check(self) -> None:
        """Raise StackError, with the end of its log, where a component has ended."""
        for name, child in self._children.items():
            if child.poll() is not None:
                log = self.stack.logs / f"{name}.log"
                raise StackError(
                    f"Airflow's {name} ended (exit code {child.returncode}):\n{last_lines(log)}\n"
                    f"See {log}."
                )

    def ready(self) -> Client:
        """Wait until work can be taken; raises StackError with the reason where it cannot."""
        client, began = Client(self.stack), time.time()
        limit = time.monotonic() + START_LIMIT
        while not (client.healthy() and parsed_since(client, began)):
            self.check()
            if ended := reading_ended(self.stack.logs / "dag-processor.log"):
                raise StackError(f"{ended}\n{_TOO_SLOW}\nSee {self.stack.logs}.")
            if time.monotonic() > limit:
                raise StackError(
                    f"Airflow is not ready after {START_LIMIT:.0f} s: {self._lacks(client)}. "
                    f"See {self.stack.logs}."
                )
            time.sleep(0.2)
        return client

    def _lacks(self, client: Client) -> str:
        """Say what a start waits for, with the end of the log that tells more."""
        waits = client.unhealthy()
        if waits:
            log = self.stack.logs / f"{_LOGS.get(waits[0], waits[0])}.log"
            return f"its {', '.join(waits)} is not at work:\n{last_lines(log)}\n"
        log = self.stack.logs / "dag-processor.log"
        return f"the DAGs of {self.stack.root} are not read yet:\n{last_lines(log)}\n{_TOO_SLOW}"

    def stop(self) -> None:
        """End every process of the stack, gently first; nothing is left."""
        if self._reaper.stdin is not None:
            with suppress(OSError):
                self._reaper.stdin.close()
        while self._reaper.poll() is None:
            for child in self._children.values():
                child.poll()
            time.sleep(0.05)
        for child in self._children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=5)


def _reaper() -> subprocess.Popen[bytes]:
    """Start the process that ends the stack when this one is gone."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("reaper.py"))],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def parsed_since(client: Client, moment: float) -> bool:
    """Tell whether Airflow has read the DAG file since a moment; raises StackError if it cannot.

    What it knows from an earlier start is not enough: assets may have come and gone.
    """
    try:
        found = client.get("/dags/pipeline")
        if _seconds(found["last_parsed_time"]) >= moment and not found["is_stale"]:
            return True
    except RestError as error:
        if error.status != 404:
            raise
    except OSError:
        return False
    for wrong in client.get("/importErrors")["import_errors"]:
        if _seconds(wrong["timestamp"]) >= moment:
            raise StackError(
                f"Airflow cannot read {wrong['filename']}:\n{wrong['stack_trace']}".rstrip()
            )
    return False


def reading_ended(log: Path) -> str:
    """Give what the DAG processor says of a reading that it ended, "" where it ended none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _END))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    found = [line for line in lines if any(sign in line for sign in _ENDED)]
    return f"Airflow gave up reading the DAGs: {_message(found[-1])}" if found else ""


def reread(client: Client) -> None:
    """Have a running Airflow read the DAG file again: assets may have come and gone.

    Twice, because the first reading to end may have begun before the change.
    """
    limit = time.monotonic() + START_LIMIT
    while not client.healthy():
        _patience(limit, "is not ready")
    for _ in range(2):
        began = time.time()
        client.put(f"/parseDagFile/{quoted(client.get('/dags/pipeline')['file_token'])}")
        while not parsed_since(client, began):
            _patience(limit, "does not read its DAGs")


def _patience(limit: float, what: str) -> None:
    """Wait a moment; raises StackError when that was often enough."""
    if time.monotonic() > limit:
        raise StackError(f"The running Airflow {what} after {START_LIMIT:.0f} s.")
    time.sleep(0.2)


def _seconds(time_text: str | None) -> float:
    """Read a time of Airflow's."""
    return datetime.fromisoformat(time_text).timestamp() if time_text else 0.0


def last_lines(log: Path, count: int = 12) -> str:
    """Give the end of a component's log, its messages taken out of the JSON."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    return "\n".join(
        f"  {text}" for text in [_message(line) for line in lines[-200:]][-count:] if text
    )


def _message(line: str) -> str:
    """Give a log line's message; access lines say nothing about why something ended."""
    try:
        entry = json.loads(line)
        if entry.get("logger") == "http.access":
            return ""
        return f"{entry.get('level', '')}: {entry.get('event', line)}"[:500]
    except (ValueError, AttributeError):
        return line[:500]
