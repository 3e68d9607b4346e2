"""Who runs the one stack of a home: a lock that ends with its process, and a note for others."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from dataops_local.environment import Stack
from dataops_local.processes import Session, end_sessions


class Claim:
    """The right to run the one stack of a home: held by a lock that ends with its process."""

    def __init__(self, home: Path) -> None:
        """Know where lock and note are."""
        self._lock, self._note = home / "lock", home / "stack.json"
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Try once; ends what a stack that died has left behind."""
        file = self._lock.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        end_sessions(sessions_in(self.holder()))
        self._note.unlink(missing_ok=True)
        return True

    def holder(self) -> dict[str, Any]:
        """Give what is noted about the stack: command, pid, port, sessions; empty without one."""
        try:
            facts: dict[str, Any] = json.loads(self._note.read_text())
        except (OSError, ValueError):
            return {}
        return facts

    def note(self, stack: Stack, command: str, sessions: Iterable[Session]) -> None:
        """Write down which stack runs, for others to use it or to clear up behind it."""
        facts = {
            "command": command,
            "pid": os.getpid(),
            "port": stack.port,
            "sessions": [[one.leader, one.started] for one in sessions],
        }
        aside = self._note.with_suffix(".new")
        aside.write_text(json.dumps(facts))
        aside.replace(self._note)

    def give_back(self) -> None:
        """Let the next one have it."""
        if self._file is not None:
            self._note.unlink(missing_ok=True)
            self._file.close()
            self._file = None


def sessions_in(note: dict[str, Any]) -> list[Session]:
    """Give the sessions that a note names."""
    return [Session(leader, started) for leader, started in note.get("sessions", ())]
