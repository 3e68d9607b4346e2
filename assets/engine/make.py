"""One attempt: pin, run, stage, check, publish. Nothing is visible before the one event."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

from assets.engine.accepting import Accepting, given_again, pin_as_before
from assets.engine.anew import fewer_rows, need_files
from assets.engine.anomalies import anomaly_checks, carried_over
from assets.engine.arguments import Handed, arguments_for, pin_upstream
from assets.engine.boundaries import leave_boundary
from assets.engine.checks import Checked, check_rows
from assets.engine.compare import code_of, what_blocks
from assets.engine.config import config_of, pin_sources, suite_for
from assets.engine.content import data_version
from assets.engine.correcting import count_discarded, with_corrections
from assets.engine.drift import drift_checks
from assets.engine.identity import attempt_identity
from assets.engine.increment import base_of, deletes_of, mixed
from assets.engine.joining import Joined, join, joinable, keys_for, schema_of
from assets.engine.known import Base
from assets.engine.log import log
from assets.engine.project import Project
from assets.engine.publish import Result, publish
from assets.engine.reasons import Reason
from assets.engine.room import need_room
from assets.engine.stage import Staged, stage
from assets.engine.suites import validate_suite
from assets.engine.verdict import all_checks, balance, block, need_retry
from assets.model.cursor import Cursor
from assets.model.declare import Asset
from catalog.heads import Head
from catalog.records import Check, Input, Materialized, SourceFile, Usage
from resources.columns import Column, from_arrow
from resources.rejects import Rejects
from resources.sources.dialect import LAYOUT_RULES
from resources.sources.onward import Boundary, Onward
from resources.sources.pinned import NO_PINS, Pins
from resources.tables import Table

SLOW_ANSWER: Final = 3.0
"""Seconds that a model's answers may take on average."""


@dataclass(slots=True)
class Attempt:
    """One try at making an asset: what it was given, and what became known on the way.

    full: it begins anew; losing: whatever its source has no more. base: the version that its rows
    join; skip: the upstream's first rows, which that version holds already. cursor: where its
    collector is; onward: what its reads go on from, and boundary: what they leave behind at the
    cursor. discarded: rows in quarantine whose content people discarded, so that they do not count
    towards the limit that blocks.
    """

    asset: Asset
    heads: Mapping[str, Head]
    reasons: tuple[Reason, ...]
    run: str
    by: str
    request: str
    task: str | None
    as_of: datetime
    progress: Callable[[int], None] | None
    full: bool = False
    losing: bool = False
    accepting: Accepting | None = None
    id: str = field(default_factory=lambda: uuid4().hex)
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=time.process_time)
    identity: str = ""
    base: Materialized | None = None
    skip: int = 0
    cursor: Cursor | None = None
    onward: Onward | None = None
    boundary: Boundary | None = None
    inputs: tuple[Input, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    pins: Pins = NO_PINS
    code: dict[str, str] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    rows_in: int = 0
    quarantined: int = 0
    misfits: int = 0
    hints: tuple[str, ...] = ()
    discarded: int = 0
    quarantine_file: str = ""
    provenance_file: str = ""
    validation_file: str = ""
    corrections_file: str = ""
    boundary_file: str = ""
    deleted_file: str = ""
    accepted: int = 0
    usage: tuple[Usage, ...] = ()
    warnings: tuple[str, ...] = ()
    log: str = ""
    reached: Callable[..., None] = lambda *_step: None
    """Told each step, for whoever finds the process dead."""

    @property
    def head(self) -> Head:
        """Give what was known of the asset when the attempt began."""
        return self.heads[self.asset.key]

    @property
    def into(self) -> Materialized | None:
        """Give the version that rows from quarantine are accepted into, where that is asked."""
        return self.accepting.current if self.accepting is not None else None

    @property
    def stamp(self) -> str:
        """Give the attempt's name in file names: when it began, and a part of its id."""
        return f"{self.begun:%Y%m%d_%H%M%S_%f}_{self.id[:8]}"

    @property
    def calls_file(self) -> str:
        """Give where calls to models are logged, should there be any."""
        return f"calls/{self.asset.key}/{self.stamp}.jsonl"

    @property
    def source_calls_file(self) -> str:
        """Give where requests to web sources are logged, should there be any."""
        return f"source_calls/{self.asset.key}/{self.stamp}.jsonl"


def make(project: Project, attempt: Attempt) -> Materialized:
    """Run the attempt to its published version; raises whatever goes wrong, publishing nothing."""
    key = attempt.asset.key
    staging = project.data / ".staging" / attempt.id
    _reset_peak()
    why = [str(reason) for reason in attempt.reasons]
    log("attempt started", asset=key, attempt=attempt.id, run=attempt.run, why=why)
    try:
        need_room(project, attempt)
        _pin(project, attempt)
        attempt.reached("running its function")
        result = _result(project, attempt, staging)
        attempt.reached("publishing")
        made = publish(project, attempt, result)
    except Exception:
        _keep_rejects(project, attempt, staging)
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    log(
        "published",
        asset=key,
        version=made.number,
        rows=made.rows,
        duplicates=made.duplicates,
        quarantined=made.quarantined,
        unchanged=made.unchanged,
        files=[file.path for file in made.files],
        seconds=made.seconds,
    )
    for warning in made.warnings:
        log(warning, logging.WARNING, asset=key)
    return made


def _pin(project: Project, attempt: Attempt) -> None:
    """Fix what the attempt is made from, before anything is read."""
    asset = attempt.asset
    if attempt.into is not None:
        pin_as_before(project, attempt, attempt.into)
        return
    attempt.code = code_of(project, asset)
    attempt.config = config_of(project, asset, attempt.task)
    attempt.sources, attempt.pins = pin_sources(project, asset)
    attempt.base, attempt.skip = base_of(
        project, asset, attempt.heads, attempt.reasons, full=attempt.full, now=attempt.sources
    )
    need_files(project.events, attempt)
    attempt.inputs = pin_upstream(project, asset, attempt.heads, attempt.skip)
    attempt.identity = attempt_identity(
        attempt.code,
        attempt.config,
        {pin.key: pin.data_version for pin in attempt.inputs},
        attempt.sources,
        what_blocks(project, asset, attempt.head),
    )
    log(
        "pinned",
        asset=asset.key,
        inputs={pin.key: pin.version for pin in attempt.inputs},
        sources=[source.path for source in attempt.sources],
    )


def _note_reading(attempt: Attempt, rejects: Rejects, handed: Handed) -> None:
    """Note what reading set aside, paid and has to say; also where it failed."""
    attempt.quarantined = rejects.rows
    attempt.misfits = sum(n for (rule, _), n in rejects.counts.items() if rule in LAYOUT_RULES)
    attempt.usage = handed.usage()
    attempt.hints = rejects.hints
    attempt.warnings += (
        *rejects.warnings,
        *rejects.hints,
        *handed.warnings(),
        *slow_models(attempt.usage),
        *mixed(attempt),
    )


def _result(  # noqa: PLR0915 - one stream, from the function to the rows that stand
    project: Project, attempt: Attempt, staging: Path
) -> Result:
    """Call the function, stream what it returns aside, check every row, and join the old ones."""
    asset, settings = attempt.asset, project.settings
    rejects = Rejects(staging / "rejects.parquet")
    again = given_again(project, attempt, rejects)
    handed = Handed({}, None) if again is not None else arguments_for(project, attempt, rejects)
    like = None if attempt.base is None else schema_of(project, attempt.base)
    try:
        value = again
        if again is None and not handed.idle:
            value = asset.function(**handed.arguments)
        staged = stage(
            value,
            staging / "candidate.parquet",
            key=asset.key,
            columns=asset.columns,
            rejects=rejects,
            chunk_rows=settings.chunk_rows,
            compression=settings.compression,
            progress=attempt.progress,
            like=like,
        )
        attempt.warnings += attempt.pins.need_steady()
        leave_boundary(attempt, taken=0 if again is not None else staged.rows)
        attempt.reached("checking rows")
        columns = _columns(asset, staged.schema, value)
        attempt.rows_in = staged.rows + rejects.rows
        before = dict(rejects.counts)
        base = joinable(project, attempt, staged, columns, staging / "before")
        check = partial(
            check_rows,
            columns=columns,
            settings=settings,
            ordered=asset.ordered,
            keys=keys_for(asset, base, columns),
        )
        deletes = deletes_of(attempt, base, columns, rejects)
        checked = check(staged, rejects=rejects, deletes=deletes)
        checked, rejects = with_corrections(project, attempt, checked, columns, rejects, check)
        aside = rejects.rows
        joined, expected = _expected(
            project, attempt, base, checked, columns, rejects, staging / "joined.parquet"
        )
    finally:
        rejects.close()
        handed.close()
        _note_reading(attempt, rejects, handed)
    attempt.warnings += left_out(staged)
    attempt.warnings += (checked.gone.kept_for,) if checked.gone.kept_for else ()
    drift = drift_checks(attempt, staged.came, columns, project.events)
    attempt.warnings += tuple(check.detail for check in drift)
    log("checked", asset=asset.key, rows=checked.staged.rows, quarantined=rejects.rows)
    attempt.quarantined = aside  # without the rows that a suite set aside: those only block
    balance(attempt, checked)
    volatile = {column.name for column in columns if column.volatile}
    _, attempt.discarded = count_discarded(project, asset.key, [rejects.path], volatile)
    need_retry(project, attempt, base, rejects)
    attempt.checks = (
        *_anomalies(project, attempt, checked, columns),
        *drift,
        *expected,
        *all_checks(project, attempt, base, checked, columns, before),
    )
    attempt.quarantined = rejects.rows
    block(project, attempt, checked, rejects)
    joined = joined or join(project, asset, base, checked, columns, staging / "joined.parquet")
    attempt.warnings += fewer_rows(attempt, joined.rows) if again is None else ()
    version = data_version(columns, joined.rows, joined.content, ordered=asset.ordered)
    return Result(
        checked=checked,
        columns=columns,
        data_version=version,
        rejects=rejects,
        joined=joined,
    )


def _expected(
    project: Project,
    attempt: Attempt,
    base: Base | None,
    checked: Checked,
    columns: tuple[Column, ...],
    rejects: Rejects,
    path: Path,
) -> tuple[Joined | None, tuple[Check, ...]]:
    """Validate the version as it would be, whole, where a suite asks for it; give the checks."""
    suite = suite_for(project, attempt.asset)
    if not suite:
        return None, ()
    joined = join(project, attempt.asset, base, checked, columns, path)
    files = [project.data / file.path for file in joined.kept]
    if joined.written is not None:
        files.append(joined.written.path)
    return joined, validate_suite(project, attempt, suite, files, columns, rejects)


def _anomalies(
    project: Project, attempt: Attempt, checked: Checked, columns: tuple[Column, ...]
) -> tuple[Check, ...]:
    """Hold the rows against the asset's history; rows accepted into a version change nothing."""
    if attempt.into is not None:
        return carried_over(attempt.into)
    said = attempt.asset.anomalies
    return anomaly_checks(project.events, attempt.head, checked.profile, columns, said)


def left_out(staged: Staged) -> tuple[str, ...]:
    """Warn of columns that came and are not in the schema."""
    if not staged.ignored:
        return ()
    return (f"not in the schema, left out: {', '.join(staged.ignored)}",)


def slow_models(usage: tuple[Usage, ...]) -> tuple[str, ...]:
    """Warn of models whose answers take longer on average than they should (NFR-002)."""
    return tuple(
        f"{u.model} took {u.seconds / u.requests:.1f} s an answer on average, more than "
        f"{SLOW_ANSWER:g} s: try fewer `rows_per_request` or `auto`"
        for u in usage
        if u.requests and u.seconds / u.requests > SLOW_ANSWER
    )


def _columns(asset: Asset, schema: object, value: object) -> tuple[Column, ...]:
    """Give the columns as published: declared, or as they came; filled-in ones are volatile."""
    columns = asset.columns if asset.columns is not None else from_arrow(schema)
    filled = value.volatile if isinstance(value, Table) else frozenset()
    if not filled:
        return columns
    return tuple(replace(c, volatile=c.volatile or c.name in filled) for c in columns)


def _keep_rejects(project: Project, attempt: Attempt, staging: Path) -> None:
    """Keep the rows that a failed attempt set aside; those to accept are kept already."""
    rejects = staging / "rejects.parquet"
    if rejects.is_file() and attempt.accepting is None:
        attempt.quarantine_file = f"quarantine/{attempt.asset.key}/{attempt.stamp}.parquet"
        target = project.data / attempt.quarantine_file
        target.parent.mkdir(parents=True, exist_ok=True)
        rejects.replace(target)


def _reset_peak() -> None:
    """Start the process's peak memory anew, where Linux lets us."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return
