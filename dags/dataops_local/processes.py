"""Processes of a stack: found again by their sessions, ended gently, none left over.

Each component leads a session of its own. What it starts stays in that session, whatever it calls
itself (Airflow renames its processes, and with that overwrites their environment) and whatever
process group it moves to (tasks lead their own).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_GENTLE: Final = 10.0
"""Seconds that running tasks are given; then Airflow is told a second time, which ends them."""
_FIRM: Final = 5.0
_ORPHANED: Final = 2.0
"""Seconds for what nobody leads any more: Airflow's workers do not listen to gentle words."""


@dataclass(frozen=True, slots=True)
class Session:
    """A component's session. started: when its leader was, because process ids are used again."""

    leader: int
    started: str


def session_of(leader: int) -> Session:
    """Describe the session that a process leads."""
    return Session(leader, _started(leader))


def end_sessions(sessions: Iterable[Session]) -> None:
    """End every process of the sessions: leaders first, so that they can end the rest in order."""
    ours = [session for session in sessions if _is_ours(session)]
    for seconds in (_GENTLE, _FIRM):
        if _ended(ours, seconds):
            return
    for _ in range(50):
        left = members(ours)
        if not left:
            return
        _signal(left, signal.SIGKILL)
        time.sleep(0.1)


def _ended(sessions: Iterable[Session], seconds: float) -> bool:
    """Ask once, and wait: leaders end what is theirs, what has no leader any more is ended here."""
    told: dict[int, float] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, now = True, time.monotonic()
        for session in sessions:
            inside = set(members([session]))
            ended = ended and not inside
            asked = inside & {session.leader} or inside
            _signal(asked - set(told), signal.SIGTERM)
            told = dict.fromkeys(asked, now) | told
            if session.leader not in inside:
                _signal([p for p in asked if now - told[p] > _ORPHANED], signal.SIGKILL)
        if ended:
            return True
        time.sleep(0.1)
    return False


def members(sessions: Iterable[Session]) -> list[int]:
    """Give the living processes of sessions."""
    wanted = {session.leader for session in sessions}
    found = []
    for pid in _living():
        with suppress(OSError):
            if os.getsid(pid) in wanted:
                found.append(pid)
    return found


def _is_ours(session: Session) -> bool:
    """Tell whether a session is the one that was noted.

    Its number is not given away while anything lives in it; after that it may lead another.
    """
    now = _started(session.leader)
    return not now or now == session.started


def _started(pid: int) -> str:
    """Give a moment that tells a process from all others with its id, "" where there is none."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {_fields(pid)[19]}"
    except OSError:
        return ""


def _living() -> Iterator[int]:
    """Give the ids of all processes that have not ended."""
    if _PROC.is_dir():
        for entry in _PROC.glob("[0-9]*"):
            with suppress(OSError):
                if _fields(int(entry.name))[0] not in ("Z", "X"):
                    yield int(entry.name)
        return
    ps = ["/bin/ps", "-axo", "pid=,stat="]
    listed = subprocess.run(ps, capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        pid, state = line.split()[:2]
        if not state.startswith("Z"):
            yield int(pid)


def _fields(pid: int) -> list[str]:
    """Give a process's status fields after its name: state, parent, ..."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _signal(pids: Iterable[int], number: int) -> None:
    """Send a signal to each."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
