"""Accept: rows from quarantine come back through all checks, and become a version."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from assets.engine.accepting import Accepting
from assets.engine.attempt import refold
from assets.engine.compare import declared_schema, own_reasons
from assets.engine.config import DEFAULT_TASK
from assets.engine.corrections import Correction
from assets.engine.deaths import doing
from assets.engine.due import parse_time, show_time
from assets.engine.errors import NothingAccepted, Superseded
from assets.engine.failures import as_failure, disk_failure
from assets.engine.lease import Holder, lease, new_holder
from assets.engine.log import attempt_log, log
from assets.engine.make import Attempt, make
from assets.engine.plan import heads_of
from assets.engine.project import Project
from assets.engine.quarantine import OpenRow, QuarantineError, open_rows
from assets.engine.reasons import Reason
from assets.model.declare import Asset
from catalog.heads import Head
from catalog.records import ACCEPTED, Materialized
from resources.files import need_writable
from resources.hosts import is_hosts
from resources.rejects import Reject

PERSON: Final = "person"
"""The `llm_model` of a text that a person cleaned."""
_CLEANING: Final = "llm"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of accepting rows: the version, how many stand, and which were refused."""

    version: Materialized
    accepted: int
    refused: tuple[Reject, ...]
    unmatched: int


def accept(
    project: Project,
    key: str,
    rows: Sequence[tuple[OpenRow, str]],
    *,
    by: str,
    why: str = "",
    wait: bool = True,
    waiting: Callable[[Holder], None] | None = None,
) -> Accepted:
    """Bring rows back, each with its values as JSON, through all checks; publish one version.

    Rows that the current version set aside go into it. Where the last attempt was blocked, or the
    asset is a CSV, it is made anew with them, as that attempt was (--full). Rows that break a check
    stay aside.

    Raises QuarantineError where rows are not open any more, NothingAccepted where none holds, and
    whatever making the asset raises; then nothing is changed.
    """
    asset = project.graph.find(key)
    need_writable(project.data)
    now = show_time(datetime.now(UTC))
    me = new_holder(uuid4().hex, f"accept-{uuid4().hex[:8]}", now)
    corrections = [
        Correction(
            rejected=row.reject.row,
            corrected=completed(asset, row, values, now),
            rule=row.reject.rule,
            column=row.reject.column,
            reason=row.reject.reason,
            accepted_by=by,
            accepted_at=now,
            why=why,
        )
        for row, values in rows
    ]
    seconds = project.settings.lease_seconds
    leases = project.data / "leases"
    try:
        with lease(leases, key, me, seconds=seconds, wait=wait, waiting=waiting):
            while True:
                try:
                    return _accept(project, asset, rows, corrections, me.run, by, why)
                except Superseded:
                    log("superseded, looking again", asset=key)
    except OSError as error:
        raise disk_failure(key, error) from error


def completed(asset: Asset, row: OpenRow, values: str, now: str) -> str:
    """Say of a row that no model could clean that a person did; left as it is, its text stands."""
    names = {column.name for column in asset.columns or ()}
    found = json.loads(values)
    if row.reject.rule != _CLEANING or "llm_model" not in names or not isinstance(found, dict):
        return values
    made = {
        "cleaned_text": found.get("raw_text"),
        "llm_model": PERSON,
        "cleaning_task": asset.task or DEFAULT_TASK,
        "processed_at": now.removesuffix("Z"),
    }
    filled = {name: value for name, value in made.items() if found.get(name) is None}
    return json.dumps(found | filled, ensure_ascii=False)


def _accept(
    project: Project,
    asset: Asset,
    rows: Sequence[tuple[OpenRow, str]],
    corrections: Sequence[Correction],
    run: str,
    by: str,
    why: str,
) -> Accepted:
    """Look at the asset as it is now, and make its next version."""
    heads = heads_of(project, [asset.key, *asset.upstream])
    head = heads[asset.key]
    now = {row.id: row for row in open_rows(project, asset.key, head)}
    _need_open(asset, head, rows, now)
    anew = asset.layer == "output" or any(now[row.id].version == 0 for row, _ in rows)
    current, blocked = None if anew else head.current, head.last_attempt
    if current is not None:
        _need_same_schema(asset, current)
    accepting = Accepting(corrections, current)
    moment = datetime.now(UTC)
    reasons = own_reasons(project, asset, heads, moment) if current is None else []
    attempt = Attempt(
        asset=asset,
        heads=heads,
        reasons=(Reason(ACCEPTED, why), *reasons),
        run=run,
        by=by,
        request=current.request if current is not None else "",
        task=None,
        as_of=parse_time(current.as_of) if current is not None else moment,
        progress=None,
        full=anew and blocked is not None and blocked.full,
        accepting=accepting,
    )
    made = _attempt(project, attempt)
    refold(project)
    refused = tuple(accepting.refused)
    return Accepted(made, accepting.accepted, refused, accepting.unmatched)


def _attempt(project: Project, attempt: Attempt) -> Materialized:
    """Attempt it, with a log of its own; who asked is told what fails, nothing else changes."""
    attempt.log = f"logs/{attempt.asset.key}/{attempt.stamp}.jsonl"
    with attempt_log(project.data / attempt.log), doing(project.data, attempt):
        try:
            return make(project, attempt)
        except (Superseded, NothingAccepted):
            raise
        except Exception as error:
            if is_hosts(error):
                raise  # it is no failure of the asset, and whoever raised it knows what to do
            failure = as_failure(attempt, error)
            if failure is error:
                raise
            raise failure from error


def _need_open(
    asset: Asset, head: Head, rows: Sequence[tuple[OpenRow, str]], now: dict[str, OpenRow]
) -> None:
    """Raise QuarantineError where rows cannot be accepted as things stand."""
    key = asset.key
    if head.held:
        raise QuarantineError(
            f"{key} is held at version {head.held}, so nothing may take its place",
            f"release it first: dataops release {key}",
            asset=key,
        )
    gone = [row.id for row, _ in rows if row.id not in now]
    if gone:
        raise QuarantineError(
            f"{key}: {len(gone)} of the rows are not open any more ({', '.join(gone[:3])})",
            f"see which are: dataops quarantine show {key}",
            asset=key,
        )


def _need_same_schema(asset: Asset, current: Materialized) -> None:
    """Refuse to put rows into a version that has another schema than is declared."""
    if declared_schema(asset) != current.declared_schema:
        raise QuarantineError(
            f"{asset.key} declares another schema than version {current.number} has",
            f"make it first (dataops materialize {asset.key}), then look at its quarantine again",
            asset=asset.key,
        )
