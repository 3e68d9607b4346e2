"""Data Docs of a project: pages for what is new since they were built last, and the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from assets.engine.project import Project
from assets.model.declare import Asset
from catalog.fold import fold_lock
from catalog.heads import Head
from catalog.records import Attempted, Check, Materialized
from resources.expectations.core import core
from resources.expectations.found import Found, read_found
from resources.expectations.pages import (
    Entry,
    Line,
    asset_page,
    index_page,
    state_of,
    version_page,
)
from resources.files import replace_file
from resources.wording import counted

FOLDER: Final = "docs"
_SAID: Final = {
    "rows": "Must have at least 1 row.",
    "columns": "Must have the declared columns, in their order.",
    "type": "{column} values must be of type {type}.",
    "not null": "{column} values must never be null.",
    "allowed": "{column} values must belong to this set: {allowed}.",
    "unique": "{column} values must be unique.",
    "missing values": "{column} values may be missing in at most {threshold} of the rows.",
    "gaps": "{column} values may be missing.",
    "quarantined rows": "At most {threshold} of the rows may be set aside.",
    "undeclared columns": "There should be no columns beside the declared ones.",
}
"""What the schema's checks expect, in words; other checks say it in their detail."""


class _Shown(msgspec.Struct, frozen=True, gc=False):
    """How far an asset's pages go: the last events they show, and its line in the index."""

    number: int
    attempts: int
    line: Line


class _State(msgspec.Struct, gc=False):
    """What the docs show."""

    shown: dict[str, _Shown] = {}


def docs_index(project: Project) -> Path:
    """Give the path of the index."""
    return project.data / FOLDER / "index.html"


def page_of(event: Materialized | Attempted) -> str:
    """Give the name of an event's page, in its asset's folder."""
    name = "attempt-" if isinstance(event, Attempted) else ""
    return f"{name}{event.number}.html"


def build_docs(project: Project, heads: Mapping[str, Head]) -> dict[str, Line]:
    """Write the pages of what is new, and the index; give the line of every asset.

    In time proportional to what is new: nothing is validated again, no data is read. Whoever finds
    another process building leaves it to that one.
    """
    folder = project.data / FOLDER
    with fold_lock(folder / ".lock", 30) as held:
        state = _load(folder / "state.json")
        if not held:
            return {key: one.line for key, one in state.shown.items()}
        before = dict(state.shown)
        known = {key for key in project.graph.order if key in heads}
        state.shown = {key: one for key, one in before.items() if key in known}
        for key in project.graph.order:
            asset = project.graph.assets.get(key)
            if asset is not None and key in heads:
                _bring_up(project, asset, heads[key], state)
        if state.shown != before or not (folder / "index.html").is_file():
            lines = [state.shown[key].line for key in project.graph.order if key in state.shown]
            _write(
                folder / "index.html", index_page(lines, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
            )
            replace_file(folder / "state.json", msgspec.json.encode(state))
        return {key: one.line for key, one in state.shown.items()}


def _bring_up(project: Project, asset: Asset, head: Head, state: _State) -> None:
    """Write the pages of an asset's new events, and let go of the oldest."""
    key, keep = asset.key, project.settings.docs_keep
    shown = state.shown.get(key) or _Shown(0, 0, Line(key, ""))
    if (head.number, head.attempts) == (shown.number, shown.attempts) and key in state.shown:
        if shown.line.about != asset.description:
            line = msgspec.structs.replace(shown.line, about=asset.description)
            state.shown[key] = msgspec.structs.replace(shown, line=line)
        return
    folder = project.data / FOLDER / key
    entries = {one.page: one for one in _entries(folder / "entries.json")}
    for event in _new_events(project, head, shown, keep):
        entry = _write_page(project, asset, event)
        entries[entry.page] = entry
    current = _entry_of(project, asset, head, entries)
    blocked = None
    if head.last_attempt is not None:
        blocked = entries.get(page_of(head.last_attempt))
    newest = sorted(entries.values(), key=lambda one: one.at, reverse=True)
    kept = newest[:keep] + [one for one in newest[keep:] if one == current]
    _let_go(project, key, {one.page for one in kept}, keep)
    if kept:
        replace_file(folder / "entries.json", msgspec.json.encode(kept))
        _write(folder / "index.html", asset_page(key, asset.description, kept))
    line = Line(key, asset.description, current, blocked)
    state.shown[key] = _Shown(head.number, head.attempts, line)


def _new_events(
    project: Project, head: Head, shown: _Shown, keep: int
) -> Iterator[Materialized | Attempted]:
    """Give versions and blocked attempts since the docs were built, at most `keep` of each."""
    for number in range(max(shown.number, head.number - keep) + 1, head.number + 1):
        event = project.events.get(head.key, number)
        if isinstance(event, Materialized):
            yield event
    for number in range(max(shown.attempts, head.attempts - keep) + 1, head.attempts + 1):
        attempt = project.events.get(f"{head.key}/attempts", number)
        if isinstance(attempt, Attempted) and attempt.state == "blocked":
            yield attempt


def _entry_of(
    project: Project, asset: Asset, head: Head, entries: dict[str, Entry]
) -> Entry | None:
    """Give the current version's entry, made where its page was let go or never made."""
    if head.current is None:
        return None
    page = page_of(head.current)
    if page not in entries:
        entries[page] = _write_page(project, asset, head.current)
    return entries[page]


def _write_page(project: Project, asset: Asset, event: Materialized | Attempted) -> Entry:
    """Write the page of one version or blocked attempt."""
    found = _found(project, asset, event)
    version = isinstance(event, Materialized)
    entry = Entry(
        title=f"{'version' if version else 'blocked attempt'} {event.number}",
        page=page_of(event),
        at=event.at,
        state=state_of(found) if version else "fail",
        rows=event.rows,
        checks=len(found),
        failed=tuple(" ".join(filter(None, (f.name, f.column))) for f in found if not f.passed),
    )
    error = event.error if isinstance(event, Attempted) else ""
    html = version_page(asset.key, entry, _facts(project, event), found, error)
    _write(project.data / FOLDER / asset.key / entry.page, html)
    return entry


def _facts(project: Project, event: Materialized | Attempted) -> list[tuple[str, str]]:
    """Give what is known of an event, for the part that is folded."""
    facts = [
        ("Run", event.run),
        ("Time (UTC)", event.at),
        ("By", event.by),
        ("Rows", f"{event.rows:,}"),
        ("In quarantine", f"{event.quarantined:,}" if event.quarantined else ""),
        ("Quarantine file", str(project.data / event.quarantine_file)),
        ("Log", str(project.data / event.log)),
        ("Seconds", f"{event.seconds:g}"),
    ]
    if not event.quarantine_file:
        facts = [fact for fact in facts if fact[0] != "Quarantine file"]
    if isinstance(event, Materialized):
        facts[1:1] = [("Why", "; ".join(event.why)), ("Code version", event.code_version)]
    return facts


def _found(project: Project, asset: Asset, event: Materialized | Attempted) -> list[Found]:
    """Give all that was checked: the suite's expectations in full, the schema's checks in words."""
    kept = read_found(project.data / event.validation_file) if event.validation_file else []
    columns = {
        column.name: column
        for column in (event.columns if isinstance(event, Materialized) else asset.columns or ())
    }
    rest = [check for check in event.checks if not (kept and check.name in core())]
    found = kept + [_in_words(check, columns, event.rows) for check in rest]
    order = {name: position for position, name in enumerate(["", *columns])}
    return sorted(found, key=lambda one: order.get(one.column, len(order)))


def _in_words(check: Check, columns: Mapping[str, object], rows: int) -> Found:
    """Give a check as an expectation."""
    column = columns.get(check.column)
    threshold = "any share" if check.threshold is None else f"{check.threshold:.3g}"
    if check.name in ("missing values", "quarantined rows") and check.threshold is not None:
        threshold = f"{check.threshold:.2%}"
    words = check.name
    if check.name == "missing values" and check.threshold is None:
        words = "gaps"
    sentence = _SAID.get(words, check.detail or f"{check.name}.").format(
        column=check.column,
        type=getattr(column, "type", "declared"),
        allowed=", ".join(str(one) for one in getattr(column, "allowed", ())) or "the declared one",
        threshold=threshold,
    )
    observed = ""
    if check.value is not None:
        share = check.name in ("missing values", "quarantined rows")
        observed = f"{check.value:.2%}" if share else f"{check.value:,.6g}"
    elif check.rows:
        observed = f"{counted(check.rows)} set aside"
    elif check.detail and check.name in _SAID:
        observed = check.detail
    return Found(
        name=check.name,
        column=check.column,
        severity="critical" if check.severity == "block" else "warning",
        passed=check.passed,
        sentence=sentence,
        observed=observed,
        rows=check.rows,
        of=rows or None,
        mostly=check.threshold,
    )


def _let_go(project: Project, key: str, pages: set[str], keep: int) -> None:
    """Remove the pages that are not kept, and what the oldest were made from."""
    for page in (project.data / FOLDER / key).glob("*.html"):
        if page.name != "index.html" and page.name not in pages:
            page.unlink(missing_ok=True)
    for file in sorted((project.data / "validations" / key).glob("*.json"))[:-keep]:
        file.unlink(missing_ok=True)


def _load(path: Path) -> _State:
    """Read what the docs show; nothing where that cannot be read, so all is made anew."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_State)
    except (OSError, ValueError, msgspec.MsgspecError):
        return _State()


def _entries(path: Path) -> Sequence[Entry]:
    """Read an asset's entries."""
    with suppress(OSError, ValueError, msgspec.MsgspecError):
        return msgspec.json.decode(path.read_bytes(), type=list[Entry])
    return ()


def _write(path: Path, html: str) -> None:
    """Write a page in one step."""
    replace_file(path, html.encode())
