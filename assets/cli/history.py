"""History: history, rollback, release, prune."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from assets.cli.app import Json, Key, Selection, app
from assets.cli.making import user
from assets.cli.show import ago, emit, print_json, size


@app.command()
def history(
    key: Key,
    limit: Annotated[int, typer.Option(help="How many of the newest to show (0: all).")] = 20,
    json: Json = False,
) -> None:
    """Show what happened to an asset: versions, rollbacks, failed attempts; newest first."""
    import msgspec

    from assets.engine import open_project
    from assets.engine.deaths import settle_dead
    from catalog.changes import history as events_of
    from catalog.records import Attempted

    project = open_project()
    project.graph.find(key)
    settle_dead(project)
    found = events_of(project.events, key)
    found.sort(key=lambda e: (e.after + 0.5 if isinstance(e, Attempted) else e.number, e.at))
    found = found[-limit:][::-1] if limit else found[::-1]
    rows = [_row(event) for event in found]
    columns = ("", "what", "when", "by", "rows", "took", "why")
    emit(json, [msgspec.to_builtins(event) for event in found], columns, rows)


def _row(event: Any) -> tuple[object, ...]:
    """Give an event's line."""
    from catalog.records import Attempted, Materialized, Pruned, RolledBack

    when, by = ago(event.at), event.by
    if isinstance(event, Materialized):
        done = {"append": "appended", "upsert": "upserted"}.get(event.mode, "made")
        what = "unchanged" if event.unchanged else done
        why = "; ".join(event.why) + (f" (cursor {event.cursor})" if event.cursor else "")
        gone = f", -{event.deleted:,}" if event.deleted else ""
        rows = f"{event.rows:,}" + (f" (+{event.added:,}{gone})" if done != "made" else "")
        return event.number, what, when, by, rows, f"{event.seconds:.1f} s", why
    if isinstance(event, Attempted):
        return "", event.state, when, by, event.rows or "", f"{event.seconds:.1f} s", event.error
    if isinstance(event, RolledBack):
        text = f"to version {event.to.number}, and held. {event.reason}"
        return event.number, "rolled back", when, by, event.to.rows, "", text
    if isinstance(event, Pruned):
        text = f"versions {', '.join(str(v) for v in event.versions)} ({size(event.bytes)})"
        return event.number, "pruned", when, by, "", "", text
    return event.number, "released", when, by, "", "", event.reason


@app.command()
def rollback(
    key: Key,
    to: Annotated[
        int | None, typer.Option("--to", help="The version (default: the one before).")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    json: Json = False,
) -> None:
    """Make an old version current and hold it: nothing remakes the asset until it is released."""
    from assets.engine import open_project
    from assets.engine.attempt import refold
    from assets.engine.current import write_current
    from assets.engine.plan import heads_of
    from catalog.changes import rollback as roll_back
    from resources.files import need_writable

    project = open_project()
    asset = project.graph.find(key)
    need_writable(project.data)
    head = heads_of(project, [key])[key]
    change = roll_back(project.data, project.events, head, to, by=user(), reason=reason)
    if asset.layer == "output":
        write_current(project, asset.name, change.to)
    refold(project)
    if json:
        print_json({"key": key, "current": change.to.number, "held": True})
    else:
        print(f"{key}: version {change.to.number} is current, and held.")
        print(f"Release it: dataops release {key}")


@app.command()
def release(
    key: Key,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    json: Json = False,
) -> None:
    """Lift the hold of a rollback: the next run may make the asset again."""
    from assets.engine import make_plan, open_project
    from assets.engine.attempt import refold
    from assets.engine.plan import heads_of
    from catalog.changes import release as lift

    project = open_project()
    project.graph.find(key)
    lift(project.events, heads_of(project, [key])[key], by=user(), reason=reason)
    refold(project)
    line = make_plan(project)[key]
    if json:
        print_json({"key": key, "current": line.version, "held": False, "state": line.state})
    else:
        print(f"{key}: released; version {line.version} is current and {line.state}")


@app.command()
def prune(
    keep: Annotated[int, typer.Option(help="How many of the newest versions stay.", min=1)],
    selection: Selection = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would end.")] = False,
    json: Json = False,
) -> None:
    """End the bytes of old versions; current and held ones stay, and so does the record."""
    from assets.engine import make_plan, open_project
    from assets.engine.attempt import refold
    from assets.engine.plan import heads_of
    from assets.model.select import select
    from catalog.changes import plan_prune
    from catalog.changes import prune as end

    project = open_project()
    graph = project.graph
    keys = set(
        select(graph, selection, lambda: make_plan(project).stale()) if selection else graph.order
    )
    # Files count as nobody's only when no asset that has a history names them.
    known = {s for s in project.events.streams() if "." in s and "/" not in s}
    heads = heads_of(project, known | set(graph.assets))
    plan = plan_prune(project.data, project.events, heads, keep)
    if selection:
        from dataclasses import replace

        plan = replace(
            plan,
            versions={k: v for k, v in plan.versions.items() if k in keys},
            files={k: v for k, v in plan.files.items() if k in keys},
            orphans=(),
        )
    if not dry_run:
        end(project.data, project.events, heads, plan, by=user())
        refold(project)
    data = {
        "versions": plan.versions,
        "orphans": plan.orphans,
        "bytes": plan.bytes,
        "done": not dry_run,
    }
    rows = [(k, ", ".join(str(n) for n in v), len(plan.files[k])) for k, v in plan.versions.items()]
    rows += [(path, "not named by any version", 1) for path in plan.orphans]
    emit(json, data, ("asset", "versions", "files"), rows)
    if not json:
        files = sum(len(f) for f in plan.files.values()) + len(plan.orphans)
        print(f"{files} files, {size(plan.bytes)} {'would end' if dry_run else 'ended'}")
