"""Runs: what Airflow or the command line started, recorded from start to end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from assets.engine.alerting import tell
from assets.engine.attempt import Outcome, materialize, refold
from assets.engine.current import sync_current
from assets.engine.deaths import begin_run, end_run
from assets.engine.docs import build_docs, docs_index
from assets.engine.due import show_time
from assets.engine.lease import Holder
from assets.engine.log import log
from assets.engine.plan import heads_of, make_plan
from assets.engine.project import Project
from assets.engine.record import record_plan
from assets.engine.verifying import recheck
from catalog.heads import Head
from catalog.records import AnyEvent, RunFinished, RunStarted
from resources.errors import DataOpsError

STREAM = "_runs"


def start_run(
    project: Project,
    run: str,
    *,
    trigger: str,
    by: str,
    select: Sequence[str] = (),
    planned: int = 0,
) -> None:
    """Record that a run began. select: the keys it was limited to; planned: how many to look at."""
    if trigger == "cli":  # this process is the whole run
        hold_run(project, run)
    _append(
        project,
        lambda number: RunStarted(
            id=uuid4().hex,
            at=show_time(datetime.now(UTC)),
            by=by,
            number=number,
            run=run,
            trigger=trigger,
            select=tuple(select),
            planned=planned,
        ),
    )


def hold_run(project: Project, run: str) -> None:
    """Note that this process is all that is left of a run: where it dies, the run has failed."""
    begin_run(project.data, run, show_time(datetime.now(UTC)))


def leave_run(project: Project, run: str) -> None:
    """Note that another process goes on with a run that this one held."""
    end_run(project.data, run)


def finish_run(project: Project, run: str, *, failed: Sequence[str] = ()) -> dict[str, Any]:
    """Record that a run ended, bring CSVs and docs in line, tell people, publish the catalog."""
    heads = heads_of(project)
    made = unchanged = 0
    for key, head in heads.items():
        asset = project.graph.assets.get(key)
        if asset is not None:
            sync_current(project, asset, head)
        if head.current is not None and head.current.run == run:
            made += not head.current.unchanged
            unchanged += head.current.unchanged
    state = "failed" if failed else "done"
    _append(
        project,
        lambda number: RunFinished(
            id=uuid4().hex,
            at=show_time(datetime.now(UTC)),
            number=number,
            run=run,
            state=state,
            made=made,
            unchanged=unchanged,
            fresh=len(project.graph.assets) - made - unchanged - len(failed),
            failed=len(failed),
        ),
    )
    _look_again(project)
    end_run(project.data, run)
    with suppress(OSError):
        record_plan(project, make_plan(project))
    _bring_docs_up(project, heads)
    tell(project, over=failed)
    refold(project)
    return {
        "run": run,
        "state": state,
        "made": made,
        "unchanged": unchanged,
        "failed": list(failed),
        "docs": str(docs_index(project)),
    }


def _look_again(project: Project) -> None:
    """Close what was found damaged and is right again; a failure here must not hide the run's."""
    try:
        recheck(project)
    except (DataOpsError, OSError) as error:
        log("what was found damaged could not be looked at again", asset="", error=str(error))


def _bring_docs_up(project: Project, heads: Mapping[str, Head]) -> None:
    """Show the run in the Data Docs; a failure here must not hide what came of it."""
    try:
        build_docs(project, heads)
    except (DataOpsError, OSError) as error:
        log("the Data Docs could not be built", asset="", error=str(error))


def _append(project: Project, event: Any) -> AnyEvent:
    """Put an event at the end of the runs' stream."""
    number = 0
    while True:
        number = project.events.last(STREAM, number) + 1
        made: AnyEvent = event(number)
        if project.events.put(STREAM, number, made):
            return made


def materialize_all(  # noqa: PLR0913 - who is told of what, all by name
    project: Project,
    keys: Sequence[str],
    *,
    run: str,
    by: str,
    forced: frozenset[str] = frozenset(),
    full: frozenset[str] = frozenset(),
    task: str | None = None,
    waiting: Callable[[Holder], None] | None = None,
    started: Callable[[str], Callable[[int], None] | None] = lambda _key: None,
    ended: Callable[[str, Outcome | DataOpsError | str], None] = lambda _key, _result: None,
) -> list[str]:
    """Make assets one after the other, in the order given; give the keys that failed.

    What is downstream of a failure is left alone: `ended` is told a sentence instead of an outcome.
    forced: those that are made whatever their state; full: those that are made anew from their
    beginning; both: also where rows are lost by that. started: told each key, gives
    who wants to hear of its rows. waiting: told who is being waited for.
    """
    failed: list[str] = []
    stopped: set[str] = set()
    for key in keys:
        if key in stopped:
            ended(key, "something above it failed")
            continue
        progress = started(key)
        try:
            outcome = materialize(
                project,
                key,
                run=run,
                by=by,
                force=key in forced,
                full=key in full,
                task=task if uses_cleaner(project, key) else None,
                waiting=waiting,
                progress=progress,
            )
        except DataOpsError as error:
            failed.append(key)
            stopped |= project.graph.below([key])
            ended(key, error)
        else:
            ended(key, outcome)
    return failed


def uses_cleaner(project: Project, key: str) -> bool:
    """Tell whether an asset uses a cleaning task."""
    asset = project.graph.assets.get(key)
    return asset is not None and any(a.kind == "cleaner" for a in asset.arguments)
