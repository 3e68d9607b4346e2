"""Settling: what a dead process was at becomes part of the record, and what it left is removed.

Several may look at once: each counts what it finds only where the record does not know it yet.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from assets.engine.checksums import checksums_of
from assets.engine.deaths.doing import Doing, folder_of
from assets.engine.deaths.memory import boot, kills
from assets.engine.due import parse_time, show_time
from assets.engine.lease import process_start
from assets.engine.log import RECORD
from assets.engine.project import Project
from catalog.events import CorruptEventError, EventStore, tail
from catalog.records import Attempted, Materialized, RunFinished, RunStarted
from resources.errors import DataOpsError

_NEAR = 0.9
_RUNS = "_runs"


def settle_dead(project: Project) -> int:
    """Count attempts and runs whose process died; give how many were found. Never raises for them.

    Where the data folder cannot be written, the next one who looks and may write settles them.
    """
    settled = 0
    for path, facts in _dead(project):
        with suppress(OSError, CorruptEventError):
            if facts.attempt:
                settled += _settle_attempt(project, facts)
            else:
                _finish_run(project, facts)
            path.unlink(missing_ok=True)
    return settled


def _dead(project: Project) -> Iterator[tuple[Path, Doing]]:
    """Give the files whose process is gone."""
    folder = folder_of(project.data)
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            facts = msgspec.json.decode(Path(entry.path).read_bytes(), type=Doing)
            silent = time.time() - entry.stat().st_mtime
        except (OSError, ValueError, msgspec.MsgspecError):
            continue
        if is_gone(facts, silent, project.settings.lease_seconds):
            yield Path(entry.path), facts


def is_gone(facts: Doing, silent: float, seconds: float) -> bool:
    """Tell whether a process is gone: on this machine for sure, elsewhere by its silence.

    A run shows no signs of life, so that only its own machine can tell.
    """
    if facts.host == socket.gethostname():
        return process_start(facts.pid) != facts.started
    return bool(facts.attempt) and silent > max(seconds, 30.0)


def _settle_attempt(project: Project, facts: Doing) -> bool:
    """Record a dead attempt as failed, unless it had published; remove what it left."""
    published = any(
        isinstance(event, Materialized) and event.attempt == facts.attempt
        for event in tail(project.events, facts.key, facts.after)
    )
    new = not published and not facts.quiet and _record(project, facts)
    _clean(project, facts, published=published)
    return new


def _record(project: Project, facts: Doing) -> bool:
    """Put the event, once."""
    stream = f"{facts.key}/attempts"
    while True:
        number = project.events.last(stream)
        if _is_known(project.events, stream, number, facts.attempt):
            return False
        event = _event(project, facts, number + 1)
        if project.events.put(stream, number + 1, event):
            RECORD.warning("%s", event.error)
            return True


def _is_known(events: EventStore, stream: str, last: int, attempt: str) -> bool:
    """Tell whether an attempt is recorded already; it would be among the last."""
    for number in range(last, max(last - 200, 0), -1):
        event = events.get(stream, number)
        if isinstance(event, Attempted) and event.attempt == attempt:
            return True
    return False


def _event(project: Project, facts: Doing, number: int) -> Attempted:
    """Write down what is known of a dead attempt."""
    cause, fix, signal = _cause(facts)
    data = project.data
    kept = [f"{folder}/{facts.key}/{facts.stamp}{end}" for folder, end in _KEPT]
    aside, calls, source_calls = (one if (data / one).is_file() else "" for one in kept)
    ended = _last_sign(data / facts.log) or facts.begun
    seconds = (parse_time(ended) - parse_time(facts.begun)).total_seconds()
    return Attempted(
        id=uuid4().hex,
        at=show_time(datetime.now(UTC)),
        by=facts.by,
        key=facts.key,
        number=number,
        after=facts.after,
        run=facts.run,
        attempt=facts.attempt,
        state="failed",
        identity=facts.identity,
        error_type="Killed",
        error=f"{facts.key}: its process (pid {facts.pid} on {facts.host}) died at the step "
        f"{facts.step!r}; {cause}",
        fix=fix,
        quarantine_file=aside,
        calls_file=calls,
        source_calls_file=source_calls,
        seconds=round(max(seconds, 0.0), 3),
        log=facts.log,
        host=facts.host,
        full=facts.full,
        peak_memory=facts.peak,
        memory_limit=facts.limit,
        step=facts.step,
        signal=signal,
        checksums=checksums_of(data, aside, calls, source_calls),
    )


_KEPT = (("quarantine", ".parquet"), ("calls", ".jsonl"), ("source_calls", ".jsonl"))
_NAMED_LAST = (("provenance", ".parquet"), ("corrections", ".parquet"), ("workbooks", ".xlsx"))
"""Files by the attempt's stamp: those of a failed one that its event names, those of a version."""


def _last_sign(log: Path) -> str:
    """Give when the attempt's log was written to last."""
    try:
        return show_time(datetime.fromtimestamp(log.stat().st_mtime, UTC))
    except OSError:
        return ""


def _cause(facts: Doing) -> tuple[str, str, str]:
    """Say what is known of why it died: in a sentence, what to do, and the signal."""
    again = f"run it again: dataops materialize {facts.key}"
    memory = f"peak memory {_mb(facts.peak)}"
    memory += f" of the {_mb(facts.limit)} that it might use" if facts.limit else ""
    here = facts.host == socket.gethostname()
    if here and facts.boot and facts.boot != boot():
        return f"the machine was started again; {memory}", again, ""
    less = (
        "give it more memory, or let it handle less at a time (an iterator in place of a whole "
        f"DataFrame, DATAOPS_CHUNK_ROWS), then {again}"
    )
    if here and kills() > facts.kills:
        return f"meanwhile the kernel killed for want of memory; {memory}", less, "SIGKILL"
    if facts.limit and facts.peak >= _NEAR * facts.limit:
        return f"most likely it was killed for want of memory; {memory}", less, "SIGKILL"
    return f"killed, or crashed, without a word; {memory}", again, ""


def _mb(count: int) -> str:
    """Write an amount of memory."""
    return f"{count / 1_000_000:,.0f} MB"


def _clean(project: Project, facts: Doing, *, published: bool) -> None:
    """Remove what a dead attempt left: its staged work, and files that no event names."""
    data = project.data
    shutil.rmtree(data / ".staging" / facts.attempt, ignore_errors=True)
    if published:
        return
    layer, _, name = facts.key.partition(".")
    for path in (data / layer).glob(f"{name}_*") if facts.staged[0] else ():
        with suppress(OSError):
            status = path.stat()
            same = (status.st_ino, status.st_size, status.st_mtime_ns) == facts.staged
            if same and not _is_named(project, facts, f"{layer}/{path.name}"):
                path.unlink()
    for folder, suffix in _NAMED_LAST:
        (data / folder / facts.key / f"{facts.stamp}{suffix}").unlink(missing_ok=True)


def _is_named(project: Project, facts: Doing, path: str) -> bool:
    """Tell whether an event names a file, however it came to be."""
    return any(
        file.path == path
        for event in tail(project.events, facts.key, 0)
        if isinstance(event, Materialized)
        for file in event.every_file
    )


def _finish_run(project: Project, facts: Doing) -> None:
    """End a run whose process died, unless it has ended."""
    events = project.events
    while True:
        last = events.last(_RUNS)
        started = None
        for event in tail(events, _RUNS, max(last - 1_000, 0)):
            if isinstance(event, RunFinished) and event.run == facts.run:
                return
            if isinstance(event, RunStarted) and event.run == facts.run:
                started = event
        if started is None:
            return
        event = _run_event(project, facts, last + 1)
        if events.put(_RUNS, last + 1, event):
            RECORD.warning("the run %s ended without a word: its process died", facts.run)
            return


def _run_event(project: Project, facts: Doing, number: int) -> RunFinished:
    """Write down what came of a run whose process died."""
    made = unchanged = failed = 0
    with suppress(DataOpsError):
        for head in project.catalog.heads(project.graph.order).values():
            if head.current is not None and head.current.run == facts.run:
                made += not head.current.unchanged
                unchanged += head.current.unchanged
            failed += head.last_attempt is not None and head.last_attempt.run == facts.run
    return RunFinished(
        id=uuid4().hex,
        at=show_time(datetime.now(UTC)),
        number=number,
        run=facts.run,
        state="failed",
        made=made,
        unchanged=unchanged,
        failed=failed,
    )
