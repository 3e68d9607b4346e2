"""One verification: the record whole, the files as far as asked for, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from msgspec.structs import replace

from assets.engine.due import parse_time, show_time
from assets.engine.findings import MISSING, VERSION
from assets.engine.plan import heads_of
from assets.engine.project import Project
from assets.engine.verifying.named import Named, Register, current_copies
from assets.engine.verifying.reading import Budget, Memory, chosen, look_at, size_of
from catalog.events import CorruptEventError, tail
from catalog.records import Finding, Materialized, Verified
from catalog.verifying import EVENT, NOTE, Fault, mend_faults, verify_record, verify_stream


@dataclass(frozen=True, slots=True)
class Verification:
    """What was read, and what is damaged.

    lines: (key, version, path, found) of each version's file that was read. mended: what was
    damaged and is made again already. behind: more is to be read than may be read in a run.
    """

    lines: tuple[tuple[str, int, str, str], ...]
    findings: tuple[Finding, ...]
    mended: tuple[Finding, ...]
    accepted: tuple[str, ...]
    event: Verified
    behind: bool


def scheduled_budget(project: Project, files: list[Named]) -> Budget:
    """Give what a daily run reads, so that everything is read within the days that are set."""
    total = sum(size_of(project.data / file.path) for file in files)
    days, most = project.settings.verify_days, project.settings.verify_mb * 1_000_000
    return Budget(math.ceil(total / days), days, most)


def verify_project(
    project: Project,
    keys: Collection[str] | None = None,
    *,
    by: str = "",
    only_current: bool = False,
    budget: int | None = None,
    scheduled: bool = False,
    accept: bool = False,
    now: datetime | None = None,
) -> Verification:
    """Read the record, and files: all of the keys' (None = of everything), or as many as asked for.

    only_current: only what is in force. budget: about so many bytes, those first that were not
    read for longest. scheduled: as many as it takes daily to read everything within the days that
    are set. accept: what is lost and not in force is recorded as lost, and no longer told.
    """
    moment = now or datetime.now(UTC)
    at = show_time(moment)
    register = Register()
    events, faults = verify_record(project.events, register.add)
    mended = mend_faults(project.events, faults, accept=accept)
    if mended:
        with suppress(OSError):
            project.catalog.rebuild()
    project.findings.refresh()
    found = [_of(fault, at) for fault in faults if fault not in mended]
    memory = Memory(project.data / "cache" / "verified.json")
    register.remember(memory.named_by({fault.key for fault in faults if fault.key}))
    accepted = set(project.findings.accepted())
    files = [f for f in _files(project, register) if f.path not in accepted]
    asked = [f for f in files if (keys is None or f.key in keys)]
    asked = [f for f in asked if f.in_force or not only_current]
    limit = scheduled_budget(project, files) if scheduled else None
    limit = Budget(budget) if budget is not None else limit
    again = [f for f in files if project.findings.of(f.path) is not None]
    read = {f.path: f for f in (*again, *chosen(asked, memory, project.data, limit, moment))}
    size = 0
    for file in read.values():
        size += size_of(project.data / file.path)
        memory.read(file, at)
        damage = look_at(project.data, file, at)
        found += [damage] if damage is not None else []
    memory.save(files)
    events_of = [f for f in found if f.kind in (EVENT, NOTE)]
    found = [*events_of, *_again(project, found, at, register)]
    let_go = {f.path for f in found if accept and not _in_force(files, f)}
    facts = {
        "events": events,
        "files": len(read),
        "bytes": size,
        "total_files": len(files),
        "total_bytes": sum(size_of(project.data / f.path) for f in files),
        "oldest": min((memory.of(f) for f in files), default=""),
    }
    event = _record(project, found, let_go, by, at, facts)
    return Verification(
        lines=tuple(_lines(register, read, found)),
        findings=event.open,
        mended=tuple(_of(fault, at) for fault in mended),
        accepted=tuple(sorted(let_go)),
        event=event,
        behind=limit is not None and _is_behind(files, memory, limit, moment),
    )


def _of(fault: Fault, at: str) -> Finding:
    """Give a fault of the record as a finding."""
    return Finding(fault.path, fault.kind, fault.key, fault.found, at, detail=fault.why)


def _files(project: Project, register: Register) -> list[Named]:
    """Give everything that is to be there."""
    heads = heads_of(project)
    current = {key: h.current for key, h in heads.items() if h.current is not None}
    outputs = {
        key: project.graph.assets[key].name
        for key in current
        if key.startswith("output.") and key in project.graph.assets
    }
    copies = [c for key, name in outputs.items() for c in current_copies(name, current[key])]
    return register.named(current.values(), copies)


def _in_force(files: list[Named], finding: Finding) -> bool:
    """Tell whether a finding is about a file that is read now, and made again."""
    return any(f.path == finding.path and f.in_force and f.kind == finding.kind for f in files)


def _lines(
    register: Register, read: dict[str, Named], found: list[Finding]
) -> Iterator[tuple[str, int, str, str]]:
    """Give what each version's files were found to be."""
    bad = {finding.path: finding.found for finding in found}
    for version in register.versions:
        if (version.key, version.number) in register.gone:
            continue
        for file in version.every_file:
            if file.path in read:
                yield version.key, version.number, file.path, bad.get(file.path, "ok")


def _is_behind(files: list[Named], memory: Memory, budget: Budget, now: datetime) -> bool:
    """Tell whether something was not read within the days that are set."""
    if not budget.days:
        return False
    return any((now - parse_time(memory.of(f))).days >= budget.days for f in files)


def _record(
    project: Project,
    found: list[Finding],
    let_go: set[str],
    by: str,
    at: str,
    facts: dict[str, object],
) -> Verified:
    """Record what was read and found; whatever is not damaged any more is closed."""
    made: list[Verified] = []

    def event(last: Verified | None) -> Verified:
        """Compare with what was open."""
        before = {one.path: one for one in (last.open if last is not None else ())}
        now = {
            one.path: replace(one, since=before[one.path].since) if one.path in before else one
            for one in found
            if one.path not in let_go
        }
        gone = [one for path, one in before.items() if path not in now]
        gone += [one for one in found if one.path in let_go and one.path not in before]
        accepted = {*(last.accepted if last is not None else ()), *let_go}
        made.append(
            Verified(
                id=uuid4().hex,
                at=at,
                by=by,
                number=0,
                opened=tuple(path for path in now if path not in before),
                closed=tuple(gone),
                open=tuple(now.values()),
                accepted=tuple(sorted(accepted)),
                **facts,  # type: ignore[arg-type]
            )
        )
        return made[-1]

    project.findings.append(event)
    return made[-1]


def recheck(project: Project) -> None:
    """Look again at what was found damaged, and close what a run has put right."""
    project.findings.refresh()
    before = project.findings.open()
    if not before:
        return
    at = show_time(datetime.now(UTC))
    files = [f for f in before.values() if f.kind not in (EVENT, NOTE)]
    memory, known = Memory(project.data / "cache" / "verified.json"), Register()
    known.remember(memory.named_by({f.key for f in files}))
    still = [*_faults_again(project, before.values()), *_again(project, files, at, known)]
    if len(still) != len(before):
        _record(project, still, set(), "", at, {})


def _again(
    project: Project, findings: Collection[Finding], at: str, known: Register
) -> list[Finding]:
    """Give the damaged files that are so as things are now: a run or a prune may have come."""
    if not findings:
        return []
    register = _register(project, findings)
    register.remember(known.files.values())
    names = {file.path: file for file in _files(project, register)}
    again = [names[f.path] for f in findings if f.path in names and f.kind not in (EVENT, NOTE)]
    looked = [look_at(project.data, file, at) for file in again]
    return [found for found in looked if found is not None]


def _faults_again(project: Project, findings: Collection[Finding]) -> list[Finding]:
    """Give the damaged events that are so still."""
    events = {f.path: f for f in findings if f.kind in (EVENT, NOTE)}
    streams = {path.removeprefix("events/").rpartition("/")[0] for path in events}
    faults = {f.path for s in sorted(streams) for f in verify_stream(project.events, s)}
    return [finding for path, finding in events.items() if path in faults or finding.kind == NOTE]


def _register(project: Project, findings: Collection[Finding]) -> Register:
    """Read what the assets that have findings name."""
    register = Register()
    keys = {finding.key for finding in findings if finding.key}
    streams = (f"{key}{below}" for key in sorted(keys) for below in ("", "/attempts", "/reviews"))
    for stream in streams:
        with suppress(CorruptEventError):
            for event in tail(project.events, stream, 0):
                register.add(stream, event)
    return register


def note_damage(project: Project, key: str, version: Materialized, path: str) -> None:
    """Record a damaged file that an attempt came across, so that the next plan makes it again."""
    file = next((f for f in version.every_file if f.path == path), None)
    if file is None:
        return
    at = show_time(datetime.now(UTC))
    named = Named(path, VERSION, key, version.number, file.checksum, version.at)
    found = look_at(project.data, named, at)
    if found is not None and found.found != MISSING:
        project.findings.add(found)
