"""The record of plans: what is declared, and each asset's state, appended when they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Generic, TypeVar
from uuid import uuid4

import msgspec

from assets.engine.compare import code_of, declared_schema
from assets.engine.due import show_time
from assets.engine.plan import Plan
from assets.engine.project import Project
from assets.model.code import code_version
from assets.model.plain import plain_text
from catalog.events import tail
from catalog.records import AnyEvent, AssetState, Declared, DeclaredAsset, Planned
from resources.caches import read_cache, write_cache
from resources.hosts import is_hosts

DECLARED: Final = "_declared"
PLANNED: Final = "_planned"
_Fact = TypeVar("_Fact", DeclaredAsset, AssetState)


class _Known(msgspec.Struct, Generic[_Fact], frozen=True):
    """What a stream says, folded up to a number."""

    number: int
    facts: dict[str, _Fact]


def record_plan(project: Project, plan: Plan) -> None:
    """Append what changed since the last plan; two planners at once append the same facts twice."""
    _record(project, DECLARED, DeclaredAsset, _declared(project), _declared_event)
    _record(project, PLANNED, AssetState, _states(plan), _planned_event)


def _declared(project: Project) -> dict[str, DeclaredAsset]:
    """Give the declared graph as facts."""
    graph, root = project.graph, project.settings.root
    facts: dict[str, DeclaredAsset] = {}
    for key in graph.order:
        asset = graph.assets.get(key)
        if asset is None:
            bad = graph.broken[key]
            file = _relative(bad.file, root)
            layer = key.partition(".")[0]
            facts[key] = DeclaredAsset(
                key, layer, file=file, line=bad.line, upstream=bad.upstream, error=bad.error
            )
            continue
        try:
            code, schema = code_version(code_of(project, asset)), declared_schema(asset)
        except Exception as error:
            if is_hosts(error):
                raise
            code = schema = ""  # the plan says what is wrong with it
        facts[key] = DeclaredAsset(
            key,
            asset.layer,
            asset.description,
            _relative(asset.file, root),
            asset.line,
            asset.upstream,
            asset.owner,
            asset.tags,
            asset.schedule,
            asset.task or "",
            asset.source,
            code,
            schema,
            asset.renamed_from,
        )
    return facts


def _relative(file: str, root: Path) -> str:
    """Give a file's path from the project folder."""
    path = Path(file)
    return plain_text(path.relative_to(root).as_posix() if path.is_relative_to(root) else file)


def _states(plan: Plan) -> dict[str, AssetState]:
    """Give the plan's answers as facts."""
    return {
        line.key: AssetState(
            line.key,
            line.state,
            tuple(str(reason) for reason in line.reasons),
            line.held,
            show_time(line.due) if line.due is not None else "",
        )
        for line in plan.lines
    }


def _record(
    project: Project,
    stream: str,
    kind: type[_Fact],
    now: Mapping[str, _Fact],
    event: Callable[[int, list[_Fact], list[str]], AnyEvent],
) -> None:
    """Append the difference between what the stream says and what is."""
    cache = project.data / "cache" / f"{stream.strip('_')}.json"
    known = _load(cache, kind)
    number, facts = known.number, dict(known.facts)
    if number and project.events.lost({stream: number}):
        number, facts = 0, {}  # another data folder's cache, or one older than a restore
    while True:
        for one in tail(project.events, stream, number):
            number += 1
            _apply(facts, one)
        changed = [fact for key, fact in now.items() if facts.get(key) != fact]
        removed = [key for key in facts if key not in now]
        if not changed and not (removed and stream == DECLARED):
            break
        if project.events.put(stream, number + 1, event(number + 1, changed, removed)):
            number, facts = number + 1, dict(now)
            break
    if number != known.number:
        write_cache(cache, msgspec.json.encode(_Known(number, facts)))


def _load(cache: Path, kind: type[_Fact]) -> _Known[_Fact]:
    """Read what was folded before; nothing where there is no usable cache."""
    try:
        text = read_cache(cache)
        if text is None:
            return _Known(0, {})
        known: _Known[_Fact] = msgspec.json.decode(text, type=_Known[kind])  # type: ignore[valid-type]
    except (OSError, ValueError, msgspec.MsgspecError):
        return _Known(0, {})
    return known


def _apply(facts: dict[str, _Fact], event: AnyEvent) -> None:
    """Fold one event."""
    if isinstance(event, Declared):
        for key in event.removed:
            facts.pop(key, None)
        facts.update({a.key: a for a in event.assets})  # type: ignore[misc]
    elif isinstance(event, Planned):
        facts.update({s.key: s for s in event.states})  # type: ignore[misc]


def _declared_event(number: int, changed: list[DeclaredAsset], removed: list[str]) -> AnyEvent:
    """Make the event of a changed graph."""
    return Declared(
        id=uuid4().hex,
        at=show_time(datetime.now(UTC)),
        number=number,
        assets=tuple(changed),
        removed=tuple(removed),
    )


def _planned_event(number: int, changed: list[AssetState], _: list[str]) -> AnyEvent:
    """Make the event of changed states."""
    return Planned(
        id=uuid4().hex, at=show_time(datetime.now(UTC)), number=number, states=tuple(changed)
    )
