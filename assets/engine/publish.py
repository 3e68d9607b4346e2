"""Publishing: the file gets its final name, then one event by put-if-absent makes it a version."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from assets.engine.boundaries import inline, keep_boundary
from assets.engine.checks import Checked
from assets.engine.checksums import checksums_of
from assets.engine.compare import declared_schema
from assets.engine.content import ALGORITHM
from assets.engine.current import write_current
from assets.engine.deaths.memory import peak_memory
from assets.engine.due import show_time
from assets.engine.errors import Superseded
from assets.engine.increment import is_full
from assets.engine.joining import Joined
from assets.engine.log import log
from assets.engine.project import Project
from assets.engine.reasons import CORRUPTED, MISSING
from assets.engine.workbook import keep_workbook
from assets.model.code import code_version
from assets.model.modes import DELETE, REPLACE
from catalog.records import File, Materialized, Pruned, SchemaColumn
from resources.columns import Column, fingerprint
from resources.files import link_version, sync_folder
from resources.rejects import Rejects

if TYPE_CHECKING:
    from assets.engine.make import Attempt


@dataclass(frozen=True, slots=True)
class Result:
    """A checked result, still aside."""

    checked: Checked
    columns: tuple[Column, ...]
    data_version: str
    rejects: Rejects
    joined: Joined


def publish(project: Project, attempt: Attempt, result: Result) -> Materialized:
    """Make the result the asset's next version; raises Superseded where another was faster."""
    unchanged = _is_unchanged(attempt, result)
    linked: Path | None = None
    workbook: File | None = None
    quarantine = provenance = corrections = boundary = deleted = None
    try:
        if unchanged and attempt.head.current is not None:
            files = attempt.head.current.files
        else:
            linked, file = _final_file(project, attempt, result)
            files = (*result.joined.kept, file)
        workbook = keep_workbook(project, attempt, result, unchanged=unchanged)
        quarantine = _keep_quarantine(project, attempt, result)
        provenance = _keep_provenance(project, attempt, result)
        corrections = _keep_corrections(project, attempt, result)
        boundary = keep_boundary(project, attempt)
        deleted = _keep_deleted(project, attempt, result)
        event = _put(project, attempt, _event(project, attempt, result, files, workbook))
    except Superseded:
        # Only an attempt that knows it lost may take its files back; after any other failure the
        # event may have been written, so they stay until prune finds that nothing names them.
        for path in (linked, quarantine, provenance, corrections, boundary, deleted):
            if path is not None:
                path.unlink(missing_ok=True)
        before = attempt.head.current
        if workbook is not None and (before is None or workbook != before.workbook):
            (project.data / workbook.path).unlink(missing_ok=True)
        raise
    _restore(project, attempt, event)
    if attempt.asset.layer == "output":
        write_current(project, attempt.asset.name, event)
    return event


def _restore(project: Project, attempt: Attempt, made: Materialized) -> None:
    """Give damaged files of the version before their bytes back, where these were made again."""
    current = attempt.head.current
    bad = {r.about for r in attempt.reasons if r.kind in (MISSING, CORRUPTED)}
    same = {file.checksum: file.path for file in made.every_file}
    for file in current.every_file if current is not None else ():
        if file.path not in bad or same.get(file.checksum, file.path) == file.path:
            continue
        path = project.data / file.path
        aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        os.link(project.data / same[file.checksum], aside)
        aside.replace(path)
        sync_folder(path.parent)
        log("restored", asset=made.key, file=file.path)


def _is_unchanged(attempt: Attempt, result: Result) -> bool:
    """Tell whether the current version already holds exactly this, intact."""
    current = attempt.head.current
    if result.joined.written is None:
        return True
    return (
        current is not None
        and current.data_version == result.data_version
        and current.content_algorithm == ALGORITHM
        and not any(reason.kind in (MISSING, CORRUPTED) for reason in attempt.reasons)
        and current.config.get("csv.formula_safe") == attempt.config.get("csv.formula_safe")
    )


def _final_file(project: Project, attempt: Attempt, result: Result) -> tuple[Path, File]:
    """Give the staged rows their final form and name."""
    asset, staged = attempt.asset, result.joined.written
    assert staged is not None  # noqa: S101 - without a new row the result is unchanged
    facts, source, suffix = staged.facts, staged.path, ".parquet"
    if asset.layer == "output":
        from resources.export import write_csv
        from resources.tables import parquet_table

        source, suffix = staged.path.with_name("export.csv"), ".csv"
        table = parquet_table([staged.path], staged.rows)
        facts = write_csv(table, source, formula_safe=project.settings.formula_safe)
    attempt.reached("publishing", source)
    target = link_version(
        source,
        project.data / asset.layer,
        asset.name,
        suffix,
        at=datetime.now(UTC),
        after=attempt.head.last_stamp,
    )
    return target, File(
        path=f"{asset.layer}/{target.name}",
        rows=staged.rows,
        bytes=facts.bytes,
        checksum=facts.checksum,
        content=result.joined.written_content,
        mtime_ns=target.stat().st_mtime_ns,
    )


def _keep_quarantine(project: Project, attempt: Attempt, result: Result) -> Path | None:
    """Move the rows set aside to where the version's record names them."""
    if not result.rejects.rows:
        return None
    attempt.quarantine_file = f"quarantine/{attempt.asset.key}/{attempt.stamp}.parquet"
    target = project.data / attempt.quarantine_file
    target.parent.mkdir(parents=True, exist_ok=True)
    result.rejects.path.replace(target)
    return target


def _keep_provenance(project: Project, attempt: Attempt, result: Result) -> Path | None:
    """Move the record of how each row was made to where the version's record names it."""
    staged = result.rejects.path.with_name("provenance.parquet")
    if not staged.is_file():
        return None
    attempt.provenance_file = f"provenance/{attempt.asset.key}/{attempt.stamp}.parquet"
    target = project.data / attempt.provenance_file
    target.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(target)
    return target


def _keep_corrections(project: Project, attempt: Attempt, result: Result) -> Path | None:
    """Move the corrections in force to where the version's record names them, if some are new."""
    staged = result.rejects.path.with_name("corrections.parquet")
    if not staged.is_file():
        return None
    attempt.corrections_file = f"corrections/{attempt.asset.key}/{attempt.stamp}.parquet"
    target = project.data / attempt.corrections_file
    target.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(target)
    sync_folder(target.parent)
    return target


def _keep_deleted(project: Project, attempt: Attempt, result: Result) -> Path | None:
    """Put the keys that were deleted where they stay."""
    staged = result.checked.gone.file
    if staged is None:
        return None
    attempt.deleted_file = f"deleted/{attempt.asset.key}/{attempt.stamp}.parquet"
    target = project.data / attempt.deleted_file
    target.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(target)
    sync_folder(target.parent)
    return target


def calls_of(project: Project, attempt: Attempt) -> str:
    """Give the attempt's log of calls to models ("" where there were none)."""
    return attempt.calls_file if (project.data / attempt.calls_file).is_file() else ""


def source_calls_of(project: Project, attempt: Attempt) -> str:
    """Give the attempt's log of requests to web sources ("" where there were none)."""
    there = (project.data / attempt.source_calls_file).is_file()
    return attempt.source_calls_file if there else ""


def _event(
    project: Project,
    attempt: Attempt,
    result: Result,
    files: tuple[File, ...],
    workbook: File | None,
) -> Materialized:
    """Write down everything about the version."""
    asset, head, checked, joined = attempt.asset, attempt.head, result.checked, result.joined
    base = attempt.base
    stands = base if joined.written is None else None
    unchanged = head.current is not None and files == head.current.files
    schema = fingerprint(result.columns) if stands is None else stands.schema_fingerprint
    same = head.current is not None and head.current.schema_fingerprint == schema
    number = head.current.schema_version if same and head.current else head.schema_version + 1
    return Materialized(
        id=uuid4().hex,
        at=show_time(datetime.now(UTC)),
        by=attempt.by,
        key=asset.key,
        number=head.number + 1,
        run=attempt.run,
        attempt=attempt.id,
        request=attempt.request,
        as_of=show_time(attempt.as_of),
        why=tuple(str(reason) for reason in attempt.reasons),
        inputs=attempt.inputs,
        sources=attempt.sources,
        code_version=code_version(attempt.code),
        code=attempt.code,
        config=attempt.config,
        data_version=result.data_version if stands is None else stands.data_version,
        content_algorithm=ALGORITHM,
        unchanged=unchanged,
        files=files,
        rows=joined.rows,
        mode=REPLACE if base is None else asset.mode,
        base=base.number if base is not None and joined.grown and base.key == asset.key else 0,
        added=checked.staged.rows,
        replaced=joined.replaced,
        deleted=joined.deleted,
        deleted_keys=checked.gone.named,
        deleted_file=attempt.deleted_file,
        marks=checked.gone.marks,
        full=base is not None and asset.missing == DELETE and is_full(attempt),
        cursor=attempt.cursor.stored() if attempt.cursor is not None else "",
        boundary=inline(attempt.boundary),
        boundary_file=attempt.boundary_file,
        rows_in=attempt.rows_in,
        duplicates=checked.duplicates,
        quarantined=result.rejects.rows,
        retry_rows=result.rejects.retry_rows,
        quarantine_file=attempt.quarantine_file,
        bytes=sum(file.bytes for file in files),
        schema_version=number,
        schema_fingerprint=schema,
        declared_schema=declared_schema(asset),
        columns=stands.columns if stands is not None else _columns(result.columns),
        checks=attempt.checks,
        usage=attempt.usage,
        calls_file=calls_of(project, attempt),
        source_calls_file=source_calls_of(project, attempt),
        provenance_file=attempt.provenance_file,
        validation_file=attempt.validation_file,
        profile=checked.profile,
        accepted=attempt.accepted,
        corrections_file=attempt.corrections_file,
        warnings=attempt.warnings,
        seconds=round(time.monotonic() - attempt.started, 3),
        cpu_seconds=round(time.process_time() - attempt.cpu, 3),
        peak_memory=peak_memory(),
        started_at=show_time(attempt.begun),
        log=attempt.log,
        host=socket.gethostname(),
        release=_release(),
        workbook=workbook,
        checksums=checksums_of(
            project.data,
            attempt.quarantine_file,
            calls_of(project, attempt),
            source_calls_of(project, attempt),
            attempt.provenance_file,
            attempt.validation_file,
            attempt.corrections_file,
            attempt.boundary_file,
            attempt.deleted_file,
        ),
    )


def _columns(columns: Sequence[Column]) -> tuple[SchemaColumn, ...]:
    """Write columns as events do."""
    return tuple(
        SchemaColumn(c.name, c.type, c.nullable, c.unique, tuple(c.allowed), c.volatile)
        for c in columns
    )


def _put(project: Project, attempt: Attempt, event: Materialized) -> Materialized:
    """Take the next number; a prune may have taken it, anything else means: superseded."""
    from msgspec.structs import replace

    while not project.events.put(event.key, event.number, event):
        other = project.events.get(event.key, event.number)
        if isinstance(other, Materialized) and other.attempt == attempt.id:
            return other
        if not isinstance(other, Pruned):
            what = (
                f"run {other.run} published"
                if isinstance(other, Materialized)
                else "it was rolled back or released"
            )
            raise Superseded(
                f"{event.key}: while this attempt ran, {what} (number {event.number}); "
                "this attempt published nothing",
                f"look at it with: dataops history {event.key}",
                asset=event.key,
            )
        event = replace(event, number=event.number + 1)
    return event


def _release() -> str:
    """Give the product's version."""
    try:
        return version("dataops")
    except PackageNotFoundError:
        return "source"
