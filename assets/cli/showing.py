"""Showing: all about one asset."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from assets.cli.app import Json, Key, app
from assets.cli.looking import plan_facts, why
from assets.cli.quarantine import hider
from assets.cli.review import accuracy
from assets.cli.show import ago, print_json, print_table, size, usage_line
from resources.wording import counted
from resources.zones import local

if TYPE_CHECKING:
    from assets.engine import PlanLine, Project
    from assets.model.declare import Asset
    from catalog.heads import Head
    from catalog.records import Check, Materialized, Reviewed
    from resources.rejects import Reject

_EXAMPLES = 10
_SHOWN = 5


@app.command()
def show(key: Key, json: Json = False) -> None:
    """Show all about one asset: version, files, columns, checks, inputs, rows in quarantine."""
    import msgspec

    from assets.engine import make_plan, open_project
    from assets.engine.plan import heads_of

    project = open_project()
    asset = project.graph.find(key)
    line = make_plan(project)[key]
    head = heads_of(project, [key])[key]
    aside, rejects = _quarantine(project, head)
    hide = hider(project, key)
    if json:
        print_json(
            {
                **plan_facts(line),
                "description": asset.description,
                "file": asset.file,
                "line": asset.line,
                "mode": asset.mode,
                "on": list(asset.on),
                "current": msgspec.to_builtins(head.current),
                "last_attempt": msgspec.to_builtins(head.last_attempt),
                "quarantine": [asdict(_hidden(reject, hide)) for reject in rejects],
                "reviewed": msgspec.to_builtins(_last_review(project, head)),
            }
        )
        return
    print_table(("", ""), _facts(project, asset, line, head))
    if rejects:
        print(f"\nin quarantine ({project.data / aside}), the first {len(rejects)}")
        print(f"(what is open: dataops quarantine show {key}):")
        hidden = [_hidden(reject, hide) for reject in rejects]
        print_table(("rule", "reason", "row"), [(r.rule, r.reason, r.row[:120]) for r in hidden])


def _hidden(reject: Reject, hide: Callable[[str], str]) -> Reject:
    """Hide personal data in a row; `dataops quarantine show KEY --raw` shows it."""
    return replace(
        reject, row=hide(reject.row), reason=hide(reject.reason), answer=hide(reject.answer)
    )


def _last_review(project: Project, head: Head) -> Reviewed | None:
    """Give the last review of the current version."""
    from catalog.reviews import latest_review

    current = head.current
    return latest_review(project.events, head.key, current.number) if current is not None else None


def _quarantine(project: Project, head: Head) -> tuple[str, list[Reject]]:
    """Give the quarantine file of the last attempt, else of the current version, and some rows."""
    from resources.rejects import read_rejects

    last, current = head.last_attempt, head.current
    aside = last.quarantine_file if last is not None else ""
    aside = aside or (current.quarantine_file if current is not None else "")
    if not aside or not (project.data / aside).is_file():
        return "", []
    return aside, list(islice(read_rejects(project.data / aside), _EXAMPLES))


def _facts(project: Project, asset: Asset, line: PlanLine, head: Head) -> list[tuple[str, object]]:
    """Give an asset's facts, a line each."""
    facts: list[tuple[str, object]] = [
        ("asset", asset.key),
        ("what", asset.description),
        ("declared in", f"{asset.file}:{asset.line}"),
        ("state", f"held at {line.held}" if line.held else line.state),
        ("why", why(line)),
        *_due(line),
    ]
    if asset.mode != "replace":
        facts.append(("mode", asset.mode + (f" on {', '.join(asset.on)}" if asset.on else "")))
    if head.current is not None:
        facts += _version(project, head.current)
        facts.append(("quality", _quality(head.current)))
    review = _last_review(project, head)
    if review is not None:
        facts.append(("accuracy", f"{accuracy(review)}, {ago(review.at)}"))
    last = head.last_attempt
    if last is not None:
        fix = last.fix[:1].upper() + last.fix[1:]
        facts.append(("last attempt", f"{last.state}: {last.error}. {fix}."))
        facts.append(("log", project.data / last.log))
    return facts


def _version(project: Project, version: Materialized) -> list[tuple[str, object]]:
    """Give a version's facts."""
    made_from = [f"{pin.key} version {pin.version}" for pin in version.inputs]
    columns = ", ".join(f"{c.name} {c.type}" for c in version.columns)
    who = f"{ago(version.at)}, by {version.by or '?'}, run {version.run}"
    return [
        ("version", f"{version.number} ({who})"),
        ("rows", _books(version)),
        *_deleted(project, version),
        *([("cursor", version.cursor)] if version.cursor else []),
        ("files", _list(str(project.data / file.path) for file in version.every_file)),
        ("checksum", _list(file.checksum for file in version.every_file)),
        ("data version", version.data_version),
        ("schema", f"version {version.schema_version}: {columns}"),
        ("made from", ", ".join(made_from or [source.path for source in version.sources])),
        ("took", _effort(version)),
        *[
            ("model", usage_line(usage))
            for usage in version.usage
            if usage.requests or usage.cached_rows
        ],
        *[("warning", warning) for warning in version.warnings],
        ("checks", "; ".join(_check(c) for c in version.checks if not c.passed) or "all passed"),
    ]


def _deleted(project: Project, version: Materialized) -> list[tuple[str, object]]:
    """Name the rows that are gone."""
    if not version.deleted:
        return []
    more = version.deleted - len(version.deleted_keys)
    named = "; ".join(version.deleted_keys) + (f" and {more:,} more" if more else "")
    return [("deleted", f"{named} (all keys: {project.data / version.deleted_file})")]


def _due(line: PlanLine) -> list[tuple[str, object]]:
    """Say when an asset is to be made next, or since when it is late."""
    if line.due is None:
        return []
    when = local(line.due, line.zone)
    return [("late", f"since {when}") if line.due <= datetime.now(UTC) else ("due", when)]


def _quality(version: Materialized) -> str:
    """Say how good a version is."""
    from catalog.quality import score_of

    found = score_of(version)
    return (
        f"{found.score:.1f} of 100: {found.complete:.2%} of the values are there, "
        f"{found.valid:.2%} of the rows valid, {found.unique_rows:.2%} no repetition, "
        f"{found.checks:.0%} of the checks passed"
    )


def _check(check: Check) -> str:
    """Say what a check found."""
    what = f"{check.name} of {check.column}" if check.column else check.name
    return f"{what}: {check.detail or counted(check.rows)}"


def _books(version: Materialized) -> str:
    """Say where a version's rows went."""
    aside = f"{counted(version.duplicates, 'duplicate')} - {version.quarantined:,} in quarantine"
    if version.mode != "replace":
        before = version.rows - version.added + version.replaced + version.deleted
        gone = f" - {version.replaced:,} replaced" if version.replaced else ""
        gone += f" - {version.deleted:,} deleted" if version.deleted else ""
        aside += f" - {version.marks:,} that say so" if version.marks else ""
        return f"{version.rows:,} = {before:,} before{gone} + {version.rows_in:,} in - {aside}"
    return f"{version.rows:,} = {version.rows_in:,} in - {aside}"


def _list(parts: Iterable[str]) -> str:
    """Name the first few, and how many there are."""
    every = list(parts)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _effort(version: Materialized) -> str:
    """Say what a version took."""
    spent = f"{version.seconds:.1f} s, {version.cpu_seconds:.1f} s CPU"
    return f"{spent}, peak {size(version.peak_memory)}"
