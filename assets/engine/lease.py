"""Leases: who is making an asset, so that others wait. They decide waiting, never correctness.

A lease is a file created by put-if-absent. It ends with its holder: one whose process is gone
(same host), that has been silent too long (stopped, hung, other host), or that a later try of the
same Airflow task replaces, is taken over. Two that both believe they hold it are told apart when
they publish: only one event can take the next number.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from assets.engine.errors import LeaseHeld

_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease. started: the process's start time, because pids are used again."""

    attempt: str
    run: str
    task: str
    tries: int
    host: str
    pid: int
    started: str
    since: str


def holder_of(path: Path) -> Holder | None:
    """Read who holds a lease; None where nobody does."""
    try:
        return Holder(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return Holder("", "unknown", "", 0, "", 0, "", "")


def new_holder(attempt: str, run: str, since: str, task: str = "", tries: int = 1) -> Holder:
    """Describe this process as a holder."""
    pid = os.getpid()
    return Holder(attempt, run, task, tries, socket.gethostname(), pid, process_start(pid), since)


def is_alive(path: Path, seconds: float) -> bool:
    """Tell whether somebody alive holds a lease, as far as can be told from here."""
    other = holder_of(path)
    try:
        silent = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    if other is None or silent > seconds:
        return False
    return other.host != socket.gethostname() or process_start(other.pid) == other.started


@contextmanager
def lease(
    folder: Path,
    key: str,
    me: Holder,
    *,
    seconds: float,
    wait: bool,
    waiting: Callable[[Holder], None] | None = None,
) -> Iterator[None]:
    """Hold the asset's lease; `seconds` of silence end another's.

    Raises LeaseHeld naming the holder where it is taken and `wait` is False.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key}.json"
    told = False
    while not _take(path, me, seconds):
        other = holder_of(path)
        if other is None:
            continue
        if not wait:
            raise LeaseHeld(
                f"{key} is being made by run {other.run} (pid {other.pid} on {other.host}, "
                f"since {other.since})",
                "wait for it to end; a dead holder is taken over by itself",
                asset=key,
            )
        if waiting is not None and not told:
            waiting(other)
            told = True
        time.sleep(_POLL)
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(path, me, seconds, stop), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        current = holder_of(path)
        if current is not None and current.attempt == me.attempt:
            path.unlink(missing_ok=True)


def _take(path: Path, me: Holder, seconds: float) -> bool:
    """Try once: create the lease, or move a dead one out of the way first."""
    aside = path.with_name(f".{path.name}.{me.attempt}")
    aside.write_text(json.dumps(asdict(me)))
    try:
        for _ in range(2):
            try:
                os.link(aside, path)
                return True
            except FileExistsError:
                if not _over(path, me, seconds):
                    return False
                with suppress(FileNotFoundError):
                    path.rename(aside.with_name(aside.name + ".old"))
        return False
    finally:
        aside.unlink(missing_ok=True)
        aside.with_name(aside.name + ".old").unlink(missing_ok=True)


def _over(path: Path, me: Holder, seconds: float) -> bool:
    """Tell whether the lease's holder is gone, silent, or an earlier try of the same task."""
    other = holder_of(path)
    if other is None:
        return True
    try:
        silent = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return True
    if silent > seconds:
        return True
    if me.task and (other.run, other.task) == (me.run, me.task) and other.tries < me.tries:
        return True
    return other.host == me.host and process_start(other.pid) != other.started


def process_start(pid: int) -> str:
    """Give a process's start time in clock ticks, "" where there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        if Path("/proc/self").exists():
            return ""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return ""
        except OSError:
            pass
        return "alive"
    return "" if fields[0] == b"Z" else fields[19].decode()


def _beat(path: Path, me: Holder, seconds: float, stop: threading.Event) -> None:
    """Show signs of life until told to stop, or until somebody took the lease over."""
    while not stop.wait(min(seconds / 4, 5.0)):
        current = holder_of(path)
        if current is None or current.attempt != me.attempt:
            return
        with suppress(OSError):
            os.utime(path)
