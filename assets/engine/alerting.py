"""Alerting: compare what is wrong now with what people were told, and tell the difference.

The record decides who tells: whoever puts the next event of the stream `_alerts` first does. So a
cause is told once, however many tries and processes find it; who is killed between the event and
the message leaves it pending, and the next look delivers it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from msgspec.structs import replace

from assets.engine.budgets import budget_conditions
from assets.engine.conditions import Condition, conditions
from assets.engine.deaths import settle_dead
from assets.engine.due import parse_time, show_time
from assets.engine.log import log
from assets.engine.messages import opened_message, recovered_message, tone_of
from assets.engine.plan import heads_of
from assets.engine.project import Project
from assets.engine.room import short_of_room
from catalog.events import last_event
from catalog.heads import Head
from catalog.records import Alerted, OpenAlert
from resources.alerts import Rule, deliver, load_rules
from resources.alerts.rules import meant
from resources.errors import DataOpsError
from resources.hosts import is_hosts

STREAM: Final = "_alerts"
_AGAIN: Final = timedelta(seconds=90)
"""After so long, whoever was delivering a message is taken to be gone."""
Deliver = Callable[[str, str, str, str], str]


def tell(project: Project, *, over: Collection[str] = ()) -> list[str]:
    """Tell people what is new; give what could not be delivered. Never raises: a run goes on.

    over: assets that nobody is trying to make any more, so that their failures are final.
    """
    try:
        settle_dead(project)
        rules = load_rules(project.settings.root)
        if not rules:
            return []
        return reconcile(project, rules, datetime.now(UTC), over=over)
    except Exception as error:
        if is_hosts(error):
            raise
        # An alert that fails must not fail the run.
        log("alerts could not be sent", logging.WARNING, trace=True, error=str(error))
        return [str(error)]


def open_alerts(project: Project) -> tuple[OpenAlert, ...]:
    """Give the alerts that are open."""
    last = last_event(project.events, STREAM)
    return last.open if isinstance(last, Alerted) else ()


def reconcile(
    project: Project,
    rules: Sequence[Rule],
    now: datetime,
    *,
    over: Collection[str] = (),
    send: Deliver = deliver,
) -> list[str]:
    """Open alerts for what is new, close what has passed, deliver what is pending."""
    while True:
        number, last = project.events.last(STREAM), last_event(project.events, STREAM)
        before = last.open if isinstance(last, Alerted) else ()
        heads = heads_of(project)
        found = [*conditions(project, heads, now, over=over), *budget_conditions(project, heads)]
        found += short_of_room(project.settings)
        event = _compared(project, before, found, heads, rules, now, over)
        if event is None:
            break
        if project.events.put(STREAM, number + 1, replace(event, number=number + 1)):
            return _deliver(project, event, send)
    late = [a for a in before if a.pending and now - parse_time(a.since) > _AGAIN]
    return _deliver(project, _event(now, open=before), send, late) if late else []


def _event(now: datetime, **facts: Any) -> Alerted:
    """Make an event; its number is filled in where it is put."""
    return Alerted(id=uuid4().hex, at=show_time(now), number=0, **facts)


def _compared(
    project: Project,
    before: Sequence[OpenAlert],
    found: Sequence[Condition],
    heads: Mapping[str, Head],
    rules: Sequence[Rule],
    now: datetime,
    over: Collection[str],
) -> Alerted | None:
    """Give what has changed since people were told, None where nothing has."""
    known, there = {a.id for a in before}, {c.id for c in found}
    opened = [_opened(project, c, heads, rules, now) for c in found if c.id not in known]
    # What may still be being tried again neither begins nor ends.
    trying = {k for k, h in heads.items() if h.last_attempt is not None and k not in over}
    stay = [a for a in before if a.id in there or (a.key in trying and a.kind == "failed")]
    kept = {a.id for a in stay}
    closed = tuple(a for a in before if a.id not in kept)
    fresh = {a.id: a for a in opened if a.to}
    if not fresh and not closed:
        return None
    return _event(now, opened=tuple(fresh), closed=closed, open=(*stay, *fresh.values()))


def _opened(
    project: Project,
    condition: Condition,
    heads: Mapping[str, Head],
    rules: Sequence[Rule],
    now: datetime,
) -> OpenAlert:
    """Make the alert of a condition."""
    to = meant(rules, condition.kind, condition.key)
    title, text = opened_message(project, condition, heads.get(condition.key))
    return OpenAlert(
        id=condition.id,
        kind=condition.kind,
        key=condition.key,
        cause=condition.cause,
        title=title,
        text=text,
        since=show_time(now),
        to=to,
        pending=to,
    )


def _deliver(
    project: Project, event: Alerted, send: Deliver, late: Sequence[OpenAlert] = ()
) -> list[str]:
    """Send what an event asks for, and record what arrived."""
    fresh = [a for a in event.open if a.id in event.opened] or list(late)
    problems: list[str] = []
    reached: dict[str, set[str]] = {}
    for to, alerts in _together(fresh):
        title, text = _joined(alerts)
        problem = send(to, title, text, tone_of(alerts[0].kind))
        problems += [problem] if problem else []
        for alert in alerts if not problem else ():
            reached.setdefault(alert.id, set()).add(to)
    open_ids = {(a.kind, a.key) for a in event.open}
    for alert in event.closed:
        if (alert.kind, alert.key) in open_ids or alert.pending == alert.to:
            continue  # another cause took its place, or nobody ever heard of it
        title, text = recovered_message(project, alert)
        problems += [p for p in (send(to, title, text, "success") for to in alert.to) if p]
    for problem in dict.fromkeys(problems):
        log("an alert did not arrive", logging.WARNING, problem=problem)
    if reached or problems:
        _record(project, reached, problems)
    return list(dict.fromkeys(problems))


def _together(alerts: Sequence[OpenAlert]) -> list[tuple[str, list[OpenAlert]]]:
    """Group alerts of one kind and cause by whom they are for: one message each."""
    groups: dict[tuple[str, str, str], list[OpenAlert]] = {}
    for alert in alerts:
        for to in alert.pending:
            groups.setdefault((to, alert.kind, alert.cause), []).append(alert)
    return [(to, group) for (to, _, _), group in groups.items()]


def _joined(alerts: Sequence[OpenAlert]) -> tuple[str, str]:
    """Give one message for alerts of one cause."""
    first = alerts[0]
    if len(alerts) == 1:
        return first.title, first.text
    keys = ", ".join(alert.key for alert in alerts[:10])
    more = f" and {len(alerts) - 10} more" if len(alerts) > 10 else ""
    title = f"DataOps: {len(alerts)} assets {first.kind}: {keys}{more}"
    return title, f"{keys}{more}: the same cause. Of the first:\n\n{first.text}"


def _record(project: Project, reached: Mapping[str, set[str]], problems: Sequence[str]) -> None:
    """Record what was delivered, on top of whatever happened meanwhile."""
    try:
        while True:
            number, last = project.events.last(STREAM), last_event(project.events, STREAM)
            now = last.open if isinstance(last, Alerted) else ()
            after = tuple(
                replace(a, pending=tuple(to for to in a.pending if to not in reached.get(a.id, ())))
                for a in now
            )
            event = _event(
                datetime.now(UTC),
                delivered=tuple(sorted(reached)),
                undelivered=tuple(dict.fromkeys(problems)),
                open=after,
            )
            if project.events.put(STREAM, number + 1, replace(event, number=number + 1)):
                return
    except (OSError, DataOpsError) as error:
        log("deliveries could not be recorded", logging.WARNING, error=str(error))
