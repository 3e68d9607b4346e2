"""Ends a stack when the process that started it is gone, however it went.

It reads from a pipe whose other end only its starter holds. Each line names a session, its leader
and when that was started; the end of the pipe says that it is time.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dataops_local.processes import Session, end_sessions


def main() -> None:
    """Wait for the end of the pipe, then end the sessions."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    named = [line.rstrip("\n").partition(" ") for line in sys.stdin]
    end_sessions([Session(int(leader), started) for leader, _, started in named])


if __name__ == "__main__":
    main()
