"""What a run is asked for, read and checked; and which assets get a turn because of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assets.model.graph import Graph
from resources.errors import DataOpsError, did_you_mean
from resources.task_files import task_files

if TYPE_CHECKING:
    from assets.engine import Plan, Project

ALL_STALE: Final = "all stale"
ONLY_THESE: Final = "only these"
WITH_DOWNSTREAM: Final = "with downstream"
WITH_UPSTREAM: Final = "with upstream"
WORDS: Final = ("select", "scope", "data_source", "task_file")
SCOPES: Final = (ALL_STALE, ONLY_THESE, WITH_DOWNSTREAM, WITH_UPSTREAM)
_MOVING: Final = ("make", "wait", "blocked", "stopped")


class RequestError(DataOpsError):
    """A run was asked for something that does not exist."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run works on. keys: all it may touch; forced: made whatever their state.

    task: a cleaning task in place of the declared ones, "" = none.
    """

    keys: tuple[str, ...]
    forced: tuple[str, ...]
    task: str = ""


def cleaning_tasks(root: Path) -> list[str]:
    """Give the file names of the cleaning tasks, and their bare names."""
    files = [path.name for path in task_files(root)]
    return sorted({*files, *(Path(name).stem for name in files)})


def refuse_unknown(conf: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse what nothing reads: a misspelt word must not turn into a run of everything."""
    for name in conf:
        if name not in known and not name.startswith("airflow/"):
            raise RequestError(
                f"the run's conf has {name!r}, which nothing reads{did_you_mean(name, known)}",
                f"use {', '.join(known)}" if known else "this DAG takes no conf: leave it empty",
            )


def read_request(
    graph: Graph,
    keys: Sequence[str],
    root: Path,
    params: Mapping[str, Any],
    conf: Mapping[str, Any],
) -> Request:
    """Read what a run was asked for; raises RequestError with a sentence for anything unknown."""
    refuse_unknown(conf, WORDS)
    scope = str(params.get("scope") or ALL_STALE)
    if scope not in SCOPES:
        raise RequestError(
            f"scope is {scope!r}{did_you_mean(scope, SCOPES)}", f"use one of {', '.join(SCOPES)}"
        )
    chosen = _known(keys, [str(name) for name in params.get("select") or ()])
    if source := str(params.get("data_source") or ""):
        if chosen or scope != ALL_STALE:
            raise RequestError(
                f"the run asks for data_source {source!r} and for select or scope as well",
                "give one of them: data_source means that raw asset with everything downstream",
            )
        chosen = _known(keys, [source if source.startswith("raw.") else f"raw.{source}"])
        scope = WITH_DOWNSTREAM
    if scope != ALL_STALE and not chosen:
        raise RequestError(f"scope is {scope!r}, but no asset is chosen", "choose some in select")
    wanted = set(chosen) or set(keys)
    if scope == WITH_DOWNSTREAM:
        wanted |= graph.below(chosen)
    elif scope == WITH_UPSTREAM:
        wanted |= graph.above(chosen)
    return Request(
        keys=tuple(key for key in keys if key in wanted),
        forced=() if scope == ALL_STALE else chosen,
        task=_known_task(root, str(params.get("task_file") or "")),
    )


def _known(keys: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Check keys against those of the DAG."""
    for name in names:
        if name not in keys:
            raise RequestError(
                f"this DAG has no asset {name!r}{did_you_mean(name, keys)}",
                f"choose among: {', '.join(keys)}",
            )
    return tuple(dict.fromkeys(names))


def _known_task(root: Path, task: str) -> str:
    """Check a cleaning task's name."""
    tasks = cleaning_tasks(root)
    if task and task not in tasks:
        raise RequestError(
            f"there is no cleaning task {task!r}{did_you_mean(task, tasks)}",
            "put it in resources/tasks/, or choose one that is there",
        )
    return task


def turns_of(project: Project, plan: Plan, request: Request) -> list[str]:
    """Give the keys that get a turn, in order: what may change in this run, and all below it.

    Below: what is made anew may come out different, and then what is made from it is stale.
    """
    working, forced = set(request.keys), set(request.forced)
    turns: dict[str, None] = {}
    for line in plan.lines:
        if line.key in working and (
            line.action in _MOVING
            or line.key in forced
            or (request.task and cleans(project, line.key))
            or any(up in turns for up in project.graph.upstream(line.key))
        ):
            turns[line.key] = None
    return list(turns)


def cleans(project: Project, key: str) -> bool:
    """Tell whether an asset uses a cleaning task."""
    from assets.engine.runs import uses_cleaner

    return uses_cleaner(project, key)
