"""Failures: what an exception means, and the record of an attempt that published nothing."""

from __future__ import annotations

import logging
import socket
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from assets.engine.checksums import checksums_of
from assets.engine.deaths.memory import peak_memory
from assets.engine.due import show_time
from assets.engine.errors import AttemptFailed, CheckFailed, PassingFailure
from assets.engine.log import log
from assets.engine.project import Project
from assets.engine.publish import calls_of, source_calls_of
from catalog.records import Attempted
from resources.disk import ROOM, is_full
from resources.errors import DataOpsError, TransientError

if TYPE_CHECKING:
    from assets.engine.make import Attempt

_MISTAKES = (
    SyntaxError,
    NameError,
    AttributeError,
    TypeError,
    ImportError,
    KeyError,
    IndexError,
    AssertionError,
    PermissionError,
    FileNotFoundError,
    IsADirectoryError,
)


def as_failure(attempt: Attempt, error: BaseException) -> DataOpsError:
    """Say an exception in the product's words; a DataOpsError passes as it is.

    A collector's exception may pass, unless it is plainly a mistake in code or permissions.
    """
    asset = attempt.asset
    if not isinstance(error, DataOpsError) and is_full(error):
        return disk_failure(asset.key, error)
    if isinstance(error, TransientError) and asset.layer == "raw":
        return _passing(attempt, _named(asset.key, error).problem, error.fix)
    if isinstance(error, DataOpsError):
        return _named(asset.key, error)
    if type(error).__name__ == "OutOfMemoryException":
        return AttemptFailed(
            f"{asset.key}: DuckDB needs more memory than it may use ({str(error).splitlines()[0]})",
            "raise DATAOPS_MEMORY_MB (400 unless set), or hand over smaller values",
            asset=asset.key,
        )
    where = _where(asset.file, error)
    notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    problem = f"{asset.key} raised {type(error).__name__}: {error}{where}{notes}"
    if asset.layer == "raw" and isinstance(error, Exception) and not isinstance(error, _MISTAKES):
        return _passing(attempt, problem, "see the stack trace: dataops logs " + asset.key)
    return AttemptFailed(
        problem,
        f"mend it, then: dataops materialize {asset.key} (stack trace: dataops logs {asset.key})",
        asset=asset.key,
        error=type(error).__name__,
    )


def _named(key: str, error: DataOpsError) -> DataOpsError:
    """Let a sentence from below (a reader, a cleaner) name the asset it is about."""
    if key not in error.problem:
        DataOpsError.__init__(error, f"{key}: {error.problem}", error.fix, **error.facts)
    return error


def disk_failure(key: str, error: BaseException) -> DataOpsError:
    """Say that the disk is full, or does not work."""
    why = getattr(error, "strerror", None) or str(error).strip().partition("\n")[0]
    if is_full(error):
        return AttemptFailed(
            f"{key}: the disk is full ({why}); nothing was published", ROOM, asset=key
        )
    return AttemptFailed(
        f"{key}: {why} ({getattr(error, 'filename', None) or 'data folder'})",
        "check the data folder's disk and permissions, then run the same command",
        asset=key,
    )


def _passing(attempt: Attempt, problem: str, fix: str) -> PassingFailure:
    """Make a failure that a retry may cure."""
    return PassingFailure(problem, fix, asset=attempt.asset.key)


def _where(file: str, error: BaseException) -> str:
    """Say the line of the users' file that raised."""
    lines = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f" ({Path(file).name}, line {lines[-1].lineno})" if lines else ""


def record_failure(project: Project, attempt: Attempt, failure: DataOpsError) -> None:
    """Log the failure with its stack and record the attempt."""
    key, head = attempt.asset.key, attempt.heads[attempt.asset.key]
    blocked = isinstance(failure, CheckFailed)
    log(
        str(failure),
        logging.ERROR,
        trace=True,
        asset=key,
        attempt=attempt.id,
        state="blocked" if blocked else "failed",
    )
    stream, number = f"{key}/attempts", head.attempts
    while True:
        number = project.events.last(stream, number) + 1
        event = Attempted(
            id=uuid4().hex,
            at=show_time(datetime.now(UTC)),
            by=attempt.by,
            key=key,
            number=number,
            after=head.number,
            run=attempt.run,
            attempt=attempt.id,
            state="blocked" if blocked else "failed",
            identity=attempt.identity,
            error_type=type(failure).__name__,
            error=failure.problem,
            fix=failure.fix,
            facts={name: str(value) for name, value in failure.facts.items()},
            checks=attempt.checks,
            rows=attempt.rows_in,
            quarantined=attempt.quarantined,
            quarantine_file=attempt.quarantine_file,
            usage=attempt.usage,
            calls_file=calls_of(project, attempt),
            source_calls_file=source_calls_of(project, attempt),
            validation_file=attempt.validation_file,
            seconds=round(time.monotonic() - attempt.started, 3),
            log=attempt.log,
            host=socket.gethostname(),
            full=attempt.full,
            signal=str(failure.facts.get("signal", "")),
            peak_memory=peak_memory(),
            checksums=checksums_of(
                project.data,
                attempt.quarantine_file,
                calls_of(project, attempt),
                source_calls_of(project, attempt),
                attempt.validation_file,
            ),
        )
        try:
            if project.events.put(stream, number, event):
                return
        except OSError as error:  # a full or read-only disk must not hide what went wrong
            log("the failed attempt could not be recorded", asset=key, error=str(error))
            return
