"""Processes of a stack: found again by their mark, ended gently, none left over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

MARK: Final = "DATAOPS_STACK"
_PROC: Final = Path("/proc")
_GENTLE: Final = 10.0
"""Seconds that running tasks are given; then Airflow is told a second time, which ends them."""
_FIRM: Final = 5.0


def end_stack(mark: str, pids: Iterable[int]) -> None:
    """End every process of a stack. pids: its components, each the leader of its own group."""
    leaders = list(pids)
    for seconds in (_GENTLE, _FIRM):
        _signal(leaders or marked(mark), signal.SIGTERM)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not _left(mark, leaders):
                return
            time.sleep(0.1)
    for _ in range(50):
        left = _left(mark, leaders)
        if not left:
            return
        _signal(left, signal.SIGKILL)
        time.sleep(0.1)


def marked(mark: str) -> list[int]:
    """Give the processes whose environment carries the mark, dead ones not included."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in _PROC.glob("[0-9]*") if _PROC.exists() else ():
        if int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _left(mark: str, leaders: Iterable[int]) -> list[int]:
    """Give what is still there; without /proc only the components can be asked for."""
    if _PROC.exists():
        return marked(mark)
    left = []
    for pid in leaders:
        with suppress(OSError):
            os.killpg(pid, 0)
            left.append(-pid)
    return left


def _signal(pids: Iterable[int], number: int) -> None:
    """Send a signal; a negative number means a whole group."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
