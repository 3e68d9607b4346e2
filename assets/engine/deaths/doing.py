"""Doing: what a process is at, in a small file that outlives it and goes when it ends well."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from assets.engine.deaths.memory import boot, kills, memory_limit, peak_memory
from assets.engine.due import show_time
from assets.engine.errors import Interrupted
from assets.engine.lease import process_start

if TYPE_CHECKING:
    from assets.engine.make import Attempt

_SAMPLE: Final = 0.2
_BEAT: Final = 25
"""After so many samples the file shows a sign of life."""


class Doing(msgspec.Struct, omit_defaults=True):
    """What a process is at. after: the number that the asset's stream had reached.

    quiet: whoever asked is told what fails, nothing is recorded. step: the last one reached.
    staged: inode, size and time of the file that is about to get its final name. kills: how often
    the kernel had killed for want of memory before.
    """

    host: str
    pid: int
    started: str
    boot: str
    run: str
    begun: str
    key: str = ""
    attempt: str = ""
    by: str = ""
    after: int = 0
    stamp: str = ""
    log: str = ""
    full: bool = False
    quiet: bool = False
    identity: str = ""
    step: str = ""
    staged: tuple[int, int, int] = (0, 0, 0)
    peak: int = 0
    limit: int = 0
    kills: int = 0


def folder_of(data: Path) -> Path:
    """Give where these files are."""
    return data / "leases" / "doing"


def _here(run: str, begun: str) -> Doing:
    """Describe this process."""
    pid = os.getpid()
    return Doing(socket.gethostname(), pid, process_start(pid), boot(), run, begun)


class Progress:
    """An attempt's file, kept up to date while it runs."""

    def __init__(self, data: Path, attempt: Attempt) -> None:
        """Describe the attempt."""
        self.path = folder_of(data) / f"attempt-{attempt.id}.json"
        self._attempt = attempt
        self._lock = threading.Lock()
        self._facts = _here(attempt.run, show_time(attempt.begun))
        self._facts.key, self._facts.attempt = attempt.asset.key, attempt.id
        self._facts.by, self._facts.full = attempt.by, attempt.full
        self._facts.after, self._facts.stamp = attempt.head.number, attempt.stamp
        self._facts.quiet, self._facts.log = attempt.accepting is not None, attempt.log
        self._facts.limit, self._facts.kills = memory_limit(), kills()

    def reached(self, step: str, staged: Path | None = None) -> None:
        """Note a step; staged: the file that is about to get its final name."""
        with self._lock:
            self._facts.step, self._facts.identity = step, self._attempt.identity
            if staged is not None:
                status = staged.stat()
                self._facts.staged = (status.st_ino, status.st_size, status.st_mtime_ns)
            self._facts.peak = max(self._facts.peak, peak_memory())
            self._write()

    def sample(self, stop: threading.Event) -> None:
        """Follow the memory, and show signs of life, until told to stop."""
        count = 0
        while not stop.wait(_SAMPLE):
            count += 1
            peak = peak_memory()
            with self._lock:
                if peak > 1.05 * self._facts.peak:
                    self._facts.peak = peak
                    self._write()
                elif count % _BEAT == 0:
                    with suppress(OSError):
                        os.utime(self.path)

    def _write(self) -> None:
        """Replace the file; on a full disk the attempt itself says what is wrong."""
        aside = self.path.with_name(f".{self.path.name}")
        with suppress(OSError):
            aside.write_bytes(msgspec.json.encode(self._facts))
            aside.replace(self.path)


@contextmanager
def doing(data: Path, attempt: Attempt) -> Iterator[None]:
    """Keep an attempt's file while it runs."""
    progress = Progress(data, attempt)
    with suppress(OSError):
        progress.path.parent.mkdir(parents=True, exist_ok=True)
    progress.reached("started")
    attempt.reached = progress.reached
    stop = threading.Event()
    follower = threading.Thread(target=progress.sample, args=(stop,), daemon=True)
    follower.start()
    try:
        yield
    finally:
        stop.set()
        follower.join()
        with suppress(OSError):
            progress.path.unlink(missing_ok=True)


def interrupted(key: str, error: BaseException) -> Interrupted:
    """Say that an attempt was ended from outside, before it could say anything itself."""
    what = type(error).__name__
    number = (
        error.code - 128 if isinstance(error, SystemExit) and isinstance(error.code, int) else 0
    )
    name = "SIGINT" if isinstance(error, KeyboardInterrupt) else ""
    with suppress(ValueError):
        name = name or (signal.Signals(number).name if number > 0 else "")
    return Interrupted(
        f"{key}: the attempt was interrupted ({name or what}); nothing was published",
        f"run it again: dataops materialize {key}",
        asset=key,
        signal=name,
    )


def _run_file(data: Path, run: str) -> Path:
    """Give the file of a run of this machine."""
    return folder_of(data) / f"run-{run}.json"


def begin_run(data: Path, run: str, at: str) -> None:
    """Note that this process is a run, whole."""
    with suppress(OSError):
        path = _run_file(data, run)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(_here(run, at)))


def end_run(data: Path, run: str) -> None:
    """Note that a run has ended."""
    if "/" not in run:
        with suppress(OSError):
            _run_file(data, run).unlink(missing_ok=True)
