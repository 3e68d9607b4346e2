"""The plan: for every asset its state, the reasons for it, and what would be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from assets.engine.compare import (
    code_of,
    own_reasons,
    what_blocks,
)
from assets.engine.config import config_of, sources_now
from assets.engine.deaths import settle_dead
from assets.engine.due import due_at, zone_name
from assets.engine.identity import attempt_identity
from assets.engine.increment import how
from assets.engine.project import Project
from assets.engine.reasons import (
    ASKED,
    EDITED,
    MISSING,
    UPSTREAM,
    Reason,
)
from assets.model.declare import Asset
from assets.model.plain import plain_text
from catalog.heads import Head
from resources.errors import DataOpsError, SourceError
from resources.hosts import is_hosts
from resources.sources.places import is_place

MAKE: Final = "make"
WAIT: Final = "wait"
NONE: Final = "none"
HELD: Final = "held"
BLOCKED: Final = "blocked"
STOPPED: Final = "stopped"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One asset in the plan.

    state: missing, stale, waiting, fresh or broken. action: make, wait (made if its upstream comes
    out different), none, held, blocked (failed its checks on the same inputs) or stopped (something
    above it cannot be made). version: the current one, 0 without. held: the version held, or 0.
    due: when it is to be made next, by its own schedule or `fresh_for`; zone: whose time it is in.
    """

    key: str
    state: str
    action: str
    reasons: tuple[Reason, ...] = ()
    note: str = ""
    version: int = 0
    held: int = 0
    due: datetime | None = None
    zone: str = ""

    @property
    def layer(self) -> str:
        """Give the asset's layer."""
        return self.key.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for a project at one moment: every asset, upstream before downstream."""

    lines: tuple[PlanLine, ...]
    as_of: datetime

    def __getitem__(self, key: str) -> PlanLine:
        """Give one asset's line."""
        return next(line for line in self.lines if line.key == key)

    def to_make(self, keys: Iterable[str] | None = None) -> tuple[str, ...]:
        """Give the keys to work on, in order: those to make, and those waiting on others."""
        chosen = None if keys is None else set(keys)
        return tuple(
            line.key
            for line in self.lines
            if line.action in (MAKE, WAIT) and (chosen is None or line.key in chosen)
        )

    def late(self) -> dict[str, datetime]:
        """Give the assets whose time to be made has passed, and since when; held ones wait."""
        lines = ((line.key, line.due) for line in self.lines if not line.held)
        return {key: due for key, due in lines if due is not None and due <= self.as_of}

    def stale(self) -> tuple[str, ...]:
        """Give the keys that are not fresh (one that is held is left alone)."""
        return tuple(line.key for line in self.lines if _moves(line))


def make_plan(
    project: Project,
    *,
    asked: Iterable[str] = (),
    now: datetime | None = None,
    heads: Mapping[str, Head] | None = None,
) -> Plan:
    """Compare what is declared with what exists; `asked` are keys to make whatever their state.

    now: the moment to plan for (a schedule's tick; default the present).
    """
    moment = now or datetime.now(UTC)
    graph = project.graph
    settle_dead(project)
    heads = heads if heads is not None else heads_of(project)
    wanted = frozenset(asked)
    project.findings.refresh()
    lines: dict[str, PlanLine] = {}
    for key in graph.order:
        asset = graph.assets.get(key)
        if asset is None:
            bad = graph.broken[key]
            had = heads[key].current
            version = had.number if had is not None else 0
            lines[key] = PlanLine(key, "broken", STOPPED, note=bad.error, version=version)
            continue
        lines[key] = _contained(project, asset, heads, lines, key in wanted, moment)
    project.code.save()
    project.checksums.save()
    return Plan(tuple(lines.values()), moment)


def heads_of(project: Project, keys: Iterable[str] | None = None) -> dict[str, Head]:
    """Give the heads of assets, of broken ones too; a renamed one goes on with its old history."""
    wanted = set(project.graph.order if keys is None else keys)
    olds = {
        asset.renamed_from: key
        for key in wanted
        if (asset := project.graph.assets.get(key)) is not None and asset.renamed_from
    }
    heads = project.catalog.heads([*wanted, *olds])
    for old, key in olds.items():
        if heads[key].current is None and heads[old].current is not None:
            heads[key] = msgspec.structs.replace(
                heads[old], key=key, number=heads[key].number, attempts=heads[key].attempts
            )
    return heads


def _contained(
    project: Project,
    asset: Asset,
    heads: Mapping[str, Head],
    lines: Mapping[str, PlanLine],
    asked: bool,
    now: datetime,
) -> PlanLine:
    """Give one asset's line; what goes wrong with it, whatever it is, stays its own affair."""
    try:
        return _line(project, asset, heads, lines, asked, now)
    except Exception as error:
        if is_hosts(error):
            raise
        current = heads[asset.key].current
        version = current.number if current is not None else 0
        note = plain_text(
            f"{asset.file}, line {asset.line}: {asset.key} cannot be planned "
            f"({type(error).__name__}: {error}). Mend its declaration."
        )
        return PlanLine(asset.key, "broken", STOPPED, note=note, version=version)


def _line(
    project: Project,
    asset: Asset,
    heads: Mapping[str, Head],
    lines: Mapping[str, PlanLine],
    asked: bool,
    now: datetime,
) -> PlanLine:
    """Give one asset's line; its upstream's lines are there already."""
    head = heads[asset.key]
    version = head.current.number if head.current is not None else 0
    if head.damage[0]:
        note = str(DataOpsError(*head.damage))
        return PlanLine(asset.key, "broken", STOPPED, note=note, version=version)
    try:
        return _judged(project, asset, heads, lines, asked, now, version)
    except SourceError as error:
        place = f"{asset.file}, line {asset.line}: {error}"
        return PlanLine(asset.key, "broken", STOPPED, note=plain_text(place), version=version)
    except DataOpsError as error:
        return PlanLine(asset.key, "broken", STOPPED, note=plain_text(str(error)), version=version)


def _judged(
    project: Project,
    asset: Asset,
    heads: Mapping[str, Head],
    lines: Mapping[str, PlanLine],
    asked: bool,
    now: datetime,
    version: int,
) -> PlanLine:
    """Give the line of an asset whose record is sound."""
    head = heads[asset.key]
    reasons = own_reasons(project, asset, heads, now)
    moving = [up for up in asset.upstream if _moves(lines[up])]
    if head.current is None:
        state = "missing"
    elif reasons:
        state = "missing" if all(r.kind == MISSING for r in reasons) else "stale"
    else:
        state = "waiting" if moving else "fresh"
        reasons = [_announced(lines[up]) for up in moving]
    if asked:
        reasons = [*reasons, Reason(ASKED)]
    action, note = _action(project, asset, head, lines, state, asked)
    if action == MAKE and not moving and not note:
        note = how(project, asset, heads, reasons)
    zone = zone_name(asset, project.settings.timezone)
    due = due_at(asset, head.last_as_of or head.current.as_of, zone) if head.current else None
    return PlanLine(asset.key, state, action, tuple(reasons), note, version, head.held, due, zone)


def _announced(upstream: PlanLine) -> Reason:
    """Say that an upstream will have another version."""
    before = f"version {upstream.version}" if upstream.version else ""
    return Reason(UPSTREAM, upstream.key, before, "to be made")


def _moves(line: PlanLine) -> bool:
    """Tell whether an upstream's line announces another version; a held one stays as it is."""
    if line.reasons and all(reason.kind == EDITED for reason in line.reasons):
        return False  # only a copy is put right
    return line.state != "fresh" and line.action != HELD


def _action(
    project: Project,
    asset: Asset,
    head: Head,
    lines: Mapping[str, PlanLine],
    state: str,
    asked: bool,
) -> tuple[str, str]:
    """Say what would be done about an asset, and why not."""
    if not asked:
        if state == "fresh":
            return (HELD, f"held at {head.held}") if head.held else (NONE, "")
        if head.held:
            return HELD, f"held at {head.held}; `dataops release {asset.key}` lets it move on"
    for up in asset.upstream:
        above = lines[up]
        # What is asked for by name may use the last good version of what is above it.
        usable = asked and above.version and above.state != "broken"
        if above.action in (STOPPED, BLOCKED) and not usable:
            return STOPPED, f"{up} is {'broken' if above.state == 'broken' else above.action}"
    if not asked and state in ("stale", "missing") and is_blocked(project, asset, head, lines):
        assert head.last_attempt is not None  # noqa: S101 - is_blocked looked
        return BLOCKED, f"blocked on these inputs: {head.last_attempt.error}"
    if state == "waiting" and not asked:
        return WAIT, ""
    return MAKE, ""


def is_blocked(
    project: Project, asset: Asset, head: Head, lines: Mapping[str, PlanLine] | None = None
) -> bool:
    """Tell whether the last attempt was blocked on exactly what is there now.

    A collector of a place, or without a declared source, reads a world that we cannot see: it may
    try again.
    """
    last = head.last_attempt
    if last is None or last.state != "blocked":
        return False
    if asset.layer == "raw" and (not asset.source or any(map(is_place, asset.source))):
        return False
    return last.identity == current_identity(project, asset, head, lines)


def current_identity(
    project: Project, asset: Asset, head: Head, lines: Mapping[str, PlanLine] | None = None
) -> str:
    """Give the identity that an attempt made now would have; "" while its upstream still moves."""
    if lines is not None and any(_moves(lines[up]) for up in asset.upstream):
        return ""
    heads = heads_of(project, asset.upstream)
    inputs = {up: h.current.data_version for up in asset.upstream if (h := heads[up]).current}
    return attempt_identity(
        code_of(project, asset),
        config_of(project, asset),
        inputs,
        sources_now(project, asset),
        what_blocks(project, asset, head),
    )
