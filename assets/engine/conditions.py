"""Conditions: what people want to be told of, as things stand now. Each has one cause."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from assets.engine.compare import own_reasons
from assets.engine.drift import CHANGED, GONE
from assets.engine.due import parse_time, zone_name
from assets.engine.project import Project
from assets.model.declare import Asset
from assets.model.schedules import next_tick
from catalog.events import CorruptEventError, last_event
from catalog.heads import Head
from catalog.records import Attempted, Finding, Materialized, Reviewed
from resources.alerts.delivery import without_secrets
from resources.errors import DataOpsError
from resources.llm.masking import mask
from resources.zones import local

RIGHT: Final = 0.9
"""Share of reviewed rows that has to be right (requirement 14.1)."""
_PASSING: Final = "PassingFailure"
_TRIED_AGAIN: Final = timedelta(minutes=3)
"""How long somebody may still be trying again what failed in passing."""
_LONGEST: Final = 1_000
_CHANGING = re.compile(r"[0-9a-f]{8,}|\d+")


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong now. cause: what it is about; the same cause is told once.

    key: the asset's ("" = none in particular). problem, fix: in sentences. log: the attempt's.
    """

    kind: str
    key: str
    cause: str
    problem: str
    fix: str
    log: str = ""

    @property
    def id(self) -> str:
        """Give what tells this condition from others."""
        return f"{self.kind}:{self.key}:{self.cause}"


def conditions(
    project: Project, heads: Mapping[str, Head], now: datetime, *, over: Collection[str] = ()
) -> list[Condition]:
    """Give everything that is wrong now. over: assets that nobody is trying to make any more."""
    found = [*_broken(project), *_damaged(project)]
    for key, asset in project.graph.assets.items():
        head = heads.get(key)
        if head is None:
            continue
        attempt = head.last_attempt
        if attempt is not None and (key in over or not _may_pass(attempt, now)):
            found.extend(_failed(project, asset, heads, attempt, now))
        elif attempt is None:
            found.extend(_overdue(project, asset, head, now))
        if head.current is not None:
            found.extend(_thresholds(key, head.current))
            found.extend(_accuracy(project, key, head.current))
    return found


def cause_of(problem: str, key: str = "") -> str:
    """Give what a problem is about: the same for every try, whatever numbers and names it tells."""
    name = re.escape(key.rpartition(".")[2])
    text = _CHANGING.sub("#", re.sub(rf"\b{name}\b", "", problem) if key else problem)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _broken(project: Project) -> Iterator[Condition]:
    """Give the files that do not load."""
    for key, bad in project.graph.broken.items():
        cause = cause_of(bad.error)
        yield Condition("failed", key, cause, f"{key} does not load: {bad.error}", bad.file)


def _damaged(project: Project) -> Iterator[Condition]:
    """Give what verifying found, one condition for each asset."""
    project.findings.refresh()
    by_key: dict[str, list[Finding]] = {}
    for finding in project.findings.open().values():
        by_key.setdefault(finding.key, []).append(finding)
    for key, found in by_key.items():
        first = found[0]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        paths = "\n".join(sorted(f.path for f in found))
        what = f"{first.path} is {first.found}" + (f" ({first.detail})" if first.detail else "")
        yield Condition(
            "damaged",
            key,
            hashlib.sha256(paths.encode()).hexdigest()[:12],
            f"{key or 'the record'}: {what}{more}",
            "what is in force is made again by the next run; restore the rest from a backup, or "
            "record it as lost (dataops verify --accept). See all: dataops verify",
        )


def _may_pass(attempt: Attempted, now: datetime) -> bool:
    """Tell whether what failed may just be being tried again."""
    return attempt.error_type == _PASSING and now - parse_time(attempt.at) < _TRIED_AGAIN


def _failed(
    project: Project, asset: Asset, heads: Mapping[str, Head], attempt: Attempted, now: datetime
) -> Iterator[Condition]:
    """Describe an asset whose last attempt published nothing, unless nothing is left to make."""
    key = asset.key
    if heads[key].current is not None and all(up in heads for up in asset.upstream):
        with suppress(DataOpsError):  # what is wrong with its config is no recovery
            if not own_reasons(project, asset, heads, now):
                return
    cause = cause_of(f"{attempt.error_type}: {attempt.error}", key)
    problem = mask(without_secrets(attempt.error[:_LONGEST])).text
    yield Condition(attempt.state, key, cause, problem, attempt.fix, attempt.log)


def _thresholds(key: str, current: Materialized) -> Iterator[Condition]:
    """Give the limits that the current version does not keep."""
    for check in current.checks:
        if check.passed or check.severity != "warn" or check.threshold is None:
            continue
        if check.detail and check.name in (GONE, CHANGED):
            yield _drifted(key, current, check.name, check.column, check.detail)
            continue
        what = f"{check.name} of {check.column}" if check.column else check.name
        value = "" if check.value is None else f" is {check.value:.4g}"
        yield Condition(
            "threshold",
            key,
            f"{check.name} {check.column}".strip(),
            f"{key}, version {current.number}: {what}{value}, the threshold is "
            f"{check.threshold:.4g}",
            f"look at the rows (dataops show {key}); mend the data, or the threshold",
            current.log,
        )


def _drifted(key: str, current: Materialized, name: str, column: str, detail: str) -> Condition:
    """Describe columns that are not what they were at the source."""
    return Condition(
        "threshold",
        key,
        f"{name} {column}",
        f"{key}, version {current.number}: {detail}",
        f"ask the source; declare the columns, so that such a version is stopped (show {key})",
        current.log,
    )


def _accuracy(project: Project, key: str, current: Materialized) -> Iterator[Condition]:
    """Give a version that people found too often wrong."""
    stream = f"{key}/reviews"
    try:
        review = last_event(project.events, stream)
    except CorruptEventError:
        return  # verifying tells of it
    if not isinstance(review, Reviewed) or review.version != current.number:
        return
    if review.accuracy < RIGHT:
        yield Condition(
            "threshold",
            key,
            "accuracy",
            f"{key}, version {current.number}: {review.accuracy:.1%} of {review.reviewed_rows} "
            f"reviewed rows are right, fewer than {RIGHT:.0%}",
            "look at the verdicts (dataops sql 'FROM verdicts'), then mend the cleaning task",
        )


def _overdue(project: Project, asset: Asset, head: Head, now: datetime) -> Iterator[Condition]:
    """Give a raw asset that is late; one that is held is so on purpose."""
    if head.current is None or head.held or not (asset.schedule or asset.fresh_for):
        return
    made = parse_time(head.last_as_of or head.current.as_of)
    zone = zone_name(asset, project.settings.timezone)
    due = (
        next_tick(asset.schedule, made, zone)
        if asset.schedule
        else made + (asset.fresh_for or now - now)
    )
    grace = timedelta(minutes=project.settings.overdue_minutes)
    if now > due + grace:
        yield Condition(
            "overdue",
            asset.key,
            "overdue",
            f"{asset.key} was due at {local(due, zone)} and is not made",
            "look whether the scheduler runs (Airflow's page, or `make up`), "
            f"or make it now: dataops materialize {asset.key}+",
        )
