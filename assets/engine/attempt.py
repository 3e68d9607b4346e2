"""Materialize one asset: lease, look again, attempt, retry where that can help."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from assets.engine.compare import own_reasons
from assets.engine.current import sync_current
from assets.engine.deaths import doing, interrupted, settle_dead
from assets.engine.due import show_time
from assets.engine.errors import BlockedError, FileDamaged, PassingFailure, Superseded
from assets.engine.failures import as_failure, disk_failure, record_failure
from assets.engine.lease import Holder, lease, new_holder
from assets.engine.log import attempt_log, log
from assets.engine.make import Attempt, make
from assets.engine.plan import heads_of, is_blocked
from assets.engine.project import Project
from assets.engine.reasons import ASKED, EDITED, Reason
from assets.engine.verifying.run import note_damage
from catalog.events import CorruptEventError
from catalog.heads import Head
from catalog.open import wait_for_outages
from catalog.records import Materialized
from resources.disk import keep_reserve
from resources.errors import DataOpsError
from resources.files import need_writable
from resources.hosts import is_hosts

TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. state: made, unchanged (made, identical), fresh (nothing to do) or held."""

    key: str
    state: str
    materialized: Materialized | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a materialization was asked for."""

    run: str
    by: str
    request: str
    force: bool
    task: str | None
    as_of: datetime
    progress: Callable[[int], None] | None
    full: bool = False
    losing: bool = False


def materialize(  # noqa: PLR0913 - how a materialization can be asked for, all by name
    project: Project,
    key: str,
    *,
    run: str,
    by: str = "",
    force: bool = False,
    full: bool = False,
    request: str = "",
    task: str | None = None,
    as_of: datetime | None = None,
    tries: int = TRIES,
    attempt_number: int = 0,
    wait: bool = True,
    waiting: Callable[[Holder], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Make one asset if it is stale, or if `force` asks for it; publish one version or nothing.

    run: the run this belongs to. by: who. full: asks for it anew from its beginning: no version is
    added to, and a Cursor starts without a value; with `force` also where files that it was
    collected from are gone, so that their rows are lost. request: names a demand ("run/task/clear
    count") that is satisfied once, however often its attempt is started. task: a cleaning task in
    place of the declared one. as_of: the moment it is made for (a schedule's tick). tries: how
    often a collection is tried in all. attempt_number: which try of the run's task this is (0: no
    task); a later one takes an earlier one's lease over. wait: whether to wait for another attempt
    to end. progress: told the rows handed over so far.

    Raises DataOpsError of what went wrong (`permanent` says whether a retry can help); what failed
    is recorded, and the last version stays current.
    """
    asset = project.graph.find(key)
    settings = project.settings
    need_writable(settings.data)
    keep_reserve(settings.data)
    wait_for_outages(project.events, settings.outage_seconds)
    now = datetime.now(UTC)
    asked = _Asked(
        run, by, request, force or full, task, as_of or now, progress, full, losing=full and force
    )
    task_id = key if attempt_number else ""
    me = new_holder(uuid4().hex, run, show_time(now), task_id, attempt_number)
    try:
        with lease(
            settings.data / "leases",
            key,
            me,
            seconds=settings.lease_seconds,
            wait=wait,
            waiting=waiting,
        ):
            settle_dead(project)
            return _with_tries(project, key, asked, tries if asset.layer == "raw" else 1)
    except OSError as error:  # the disk failed outside an attempt: lease, cache, current CSV
        raise disk_failure(key, error) from error


def _with_tries(project: Project, key: str, asked: _Asked, tries: int) -> Outcome:
    """Try a collection again where its failure may pass."""
    number = 1
    while True:
        try:
            return _settled(project, key, asked)
        except PassingFailure as error:
            if number >= tries:
                raise
            base = project.settings.retry_seconds
            pause = base * 2 ** (number - 1) * random.uniform(0.5, 1.5)  # noqa: S311
            log("collection failed, trying again", asset=key, error=str(error), pause=pause)
            time.sleep(pause)
            number += 1


def _settled(project: Project, key: str, asked: _Asked) -> Outcome:
    """Attempt it; where another was faster, look again: often nothing is left to do."""
    while True:
        try:
            return _once(project, key, asked)
        except Superseded:
            if asked.force and not asked.request:
                raise
            log("superseded, looking again", asset=key)


def _once(project: Project, key: str, asked: _Asked) -> Outcome:
    """Look at the asset as it is now, and attempt it if there is a reason."""
    asset = project.graph.assets[key]
    heads = heads_of(project, [key, *asset.upstream])
    head = heads[key]
    need_sound(head)
    if asked.request and head.current is not None and head.current.request == asked.request:
        return Outcome(key, "fresh", head.current)
    found = own_reasons(project, asset, heads, asked.as_of, asked.task)
    reasons = [reason for reason in found if reason.kind != EDITED]
    if len(found) > len(reasons):
        sync_current(project, asset, head)
    if not asked.force:
        if head.held:
            return Outcome(key, "held", head.current, tuple(reasons))
        if not reasons:
            sync_current(project, asset, head)
            return Outcome(key, "fresh", head.current, tuple(found))
        _refuse_blocked(project, key, head)
    else:
        reasons = [*reasons, Reason(ASKED)]
    attempt = Attempt(
        asset=asset,
        heads=heads,
        reasons=tuple(reasons),
        run=asked.run,
        by=asked.by,
        request=asked.request,
        task=asked.task,
        as_of=asked.as_of,
        progress=asked.progress,
        full=asked.full,
        losing=asked.losing,
    )
    return _attempt(project, attempt)


def _attempt(project: Project, attempt: Attempt) -> Outcome:
    """Attempt it, with a log of its own; a failure is recorded before it is raised."""
    key = attempt.asset.key
    attempt.log = f"logs/{key}/{attempt.stamp}.jsonl"
    with attempt_log(project.data / attempt.log), doing(project.data, attempt):
        try:
            made = make(project, attempt)
        except Superseded:
            raise
        except BaseException as error:
            if is_hosts(error):  # a signal, or a time-out: theirs, but counted
                if not isinstance(error, Exception):
                    record_failure(project, attempt, interrupted(key, error))
                raise  # it is no failure of the asset, and whoever raised it knows what to do
            failure = as_failure(attempt, error)  # sys.exit() in a function ends no run
            _note_damage(project, attempt, failure)
            record_failure(project, attempt, failure)
            if failure is error:
                raise
            raise failure from error
    project.checksums.save()
    return Outcome(key, "unchanged" if made.unchanged else "made", made, attempt.reasons)


def _note_damage(project: Project, attempt: Attempt, failure: DataOpsError) -> None:
    """Let the next plan know of a damaged file that was met, so that it is made again."""
    if not isinstance(failure, FileDamaged):
        return
    path = str(failure.facts.get("file", ""))
    for key, head in attempt.heads.items():
        if head.current is not None and path.startswith(f"{project.data}/"):
            relative = path.removeprefix(f"{project.data}/")
            note_damage(project, key, head.current, relative)


def _refuse_blocked(project: Project, key: str, head: Head) -> None:
    """Refuse to try again what was blocked on exactly these inputs."""
    if is_blocked(project, project.graph.assets[key], head):
        error = head.last_attempt.error if head.last_attempt is not None else ""
        raise BlockedError(
            f"{key} was blocked on the same code, config and inputs: {error}",
            f"mend the data or the declaration, or ask for it: "
            f"dataops materialize {key} --force",
            asset=key,
        )


def need_sound(head: Head) -> None:
    """Raise CorruptEventError where an asset's record is damaged: what is in force is not known."""
    if head.damage[0]:
        raise CorruptEventError(f"{head.key}: {head.damage[0]}", head.damage[1], asset=head.key)


def refold(project: Project, *, coalesce: bool = False) -> None:
    """Publish the catalog; a failure here loses nothing but time.

    coalesce: more is to come, so at most once a second will do.
    """
    try:
        project.catalog.fold(coalesce=coalesce)
    except (DataOpsError, OSError) as error:
        log("the catalog could not be published", logging.WARNING, asset="", error=str(error))
