"""Ends a stack when the process that started it is gone, however it went: `reaper.py MARK`.

It holds the reading end of a pipe whose other end only its starter has. Each line names a process
to end gently first; the end of the pipe says that it is time.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dataops_local.processes import end_stack


def main(mark: str) -> None:
    """Wait for the end of the pipe, then end what carries the mark."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    end_stack(mark, [int(line) for line in sys.stdin if line.strip().isdigit()])


if __name__ == "__main__":
    main(sys.argv[1])
