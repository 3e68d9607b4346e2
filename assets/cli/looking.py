"""Looking: list, plan, status, show."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assets.cli.app import Json, Selection, app
from assets.cli.show import ago, duration, emit, print_json, print_table, size
from resources.zones import local

if TYPE_CHECKING:
    from assets.engine import Plan, PlanLine, Project
    from assets.model.declare import Asset


@app.command("list")
def list_assets(selection: Selection = None, json: Json = False) -> None:
    """List what is declared: project files only, nothing else is read."""
    from assets.engine import open_project
    from assets.model.select import select

    project = open_project()
    graph = project.graph
    keys = select(graph, selection, lambda: _stale(project)) if selection else graph.order
    data = []
    for key in keys:
        asset, bad = graph.assets.get(key), graph.broken.get(key)
        file = asset.file if asset is not None else bad.file if bad is not None else ""
        data.append(
            {
                "key": key,
                "layer": key.partition(".")[0],
                "upstream": list(graph.upstream(key)),
                "source": [_shown(one) for one in asset.source] if asset is not None else [],
                "schedule": _scheduled(project, asset) if asset is not None else "",
                "tags": list(asset.tags) if asset is not None else [],
                "description": asset.description if asset is not None else "",
                "file": file,
                "import_seconds": round(graph.seconds.get(file, 0.0), 3),
                "error": bad.error if bad is not None else "",
            }
        )
    said = said_once(project)
    rows = [
        (
            d["key"],
            ", ".join(d["upstream"] or d["source"]),  # type: ignore[arg-type]
            d["schedule"],
            f"broken: {said(d['key'], d['error'])}" if d["error"] else d["description"],
        )
        for d in data
    ]
    emit(json, data, ("asset", "made from", "schedule", "description"), rows)
    if not json:
        for file, seconds in graph.seconds.items():
            print(
                f"\n{file} takes {seconds:.2f} s to import: import what it needs inside functions"
            )


def _scheduled(project: Project, asset: Asset) -> str:
    """Give an asset's schedule, with its time zone where that is not UTC."""
    from assets.engine.due import zone_name

    zone = zone_name(asset, project.settings.timezone)
    return f"{asset.schedule} {zone}" if asset.schedule and zone != "UTC" else asset.schedule


def _shown(source: str) -> str:
    """Give a source as it may be shown."""
    from resources.addresses import is_address, shown

    return shown(source) if is_address(source) else source


def said_once(project: Project) -> Callable[[Any, Any], str]:
    """Give what shortens errors of assets: each is said once, with paths from the project's folder.

    It takes an asset's key and its error.
    """
    first: dict[str, str] = {}
    root = f"{project.settings.root}/"

    def short(key: Any, error: Any) -> str:
        """Say an error, or whose it was."""
        told = first.setdefault(str(error), str(key))
        return str(error).replace(root, "") if told == key or not error else f"as {told}"

    return short


def _stale(project: Project) -> tuple[str, ...]:
    """Give the stale keys."""
    from assets.engine import make_plan

    return make_plan(project).stale()


def planned(
    selection: list[str] | None, *, asked: bool = False
) -> tuple[Project, Plan, tuple[str, ...]]:
    """Open the project, plan, and resolve the selection (without one: everything)."""
    from assets.engine import make_plan, open_project
    from assets.engine.record import record_plan
    from assets.engine.room import low_room
    from assets.model.select import select

    project = open_project()
    if low := low_room(project.settings):
        print(f"warning: {low}", file=sys.stderr)
    plan = make_plan(project)
    graph = project.graph
    keys = select(graph, selection, plan.stale) if selection else graph.order
    if asked and selection:
        plan = make_plan(project, asked=keys)
    with suppress(OSError):  # planning works where nothing can be written; materializing says so
        record_plan(project, plan)
    return project, plan, keys


def plan_facts(line: PlanLine) -> dict[str, Any]:
    """Give a plan line as facts."""
    return {
        "key": line.key,
        "state": line.state,
        "action": line.action,
        "reasons": [
            {"kind": r.kind, "about": r.about, "before": r.before, "after": r.after}
            for r in line.reasons
        ],
        "note": line.note,
        "version": line.version,
        "held": line.held,
    }


def why(line: PlanLine) -> str:
    """Say a line's reasons in one cell."""
    reasons = "; ".join(str(reason) for reason in line.reasons[:3])
    more = f"; and {len(line.reasons) - 3} more" if len(line.reasons) > 3 else ""
    return f"{reasons}{more}" + (f" ({line.note})" if line.note and reasons else line.note)


def warn_of_stray(project: Project) -> None:
    """Warn of suites about assets that are not there."""
    for said in project.suites.stray():
        print(f"warning: {said}", file=sys.stderr)


def warn_of_damage(project: Project) -> None:
    """Warn of what verifying found and no run has put right yet."""
    for found in project.findings.open().values():
        said = f": {found.detail}" if found.detail else ""
        print(f"warning: {found.path} is {found.found}{said}", file=sys.stderr)
    if project.findings.open():
        print("what can be done about it: dataops verify", file=sys.stderr)


def _why(line: PlanLine, said: Callable[[Any, Any], str]) -> str:
    """Say a line's reasons in one cell of a table, an error once."""
    return said(line.key, line.note) if line.state == "broken" else why(line)


@app.command()
def plan(
    selection: Selection = None,
    cost: Annotated[bool, typer.Option("--cost", help="Add what cleaning will cost.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show fresh assets, too.")] = False,
    json: Json = False,
) -> None:
    """Say what is out of date and why, and what would be done; nothing is made."""
    project, made, keys = planned(selection)
    warn_of_stray(project)
    chosen = [line for line in made.lines if line.key in set(keys)]
    shown = chosen if everything or json else [line for line in chosen if line.action != "none"]
    costs = []
    if cost:
        from assets.engine.cost import costs_of

        costs = costs_of(project, [line.key for line in chosen if line.action in ("make", "wait")])
    if json:
        print_json(
            {
                "assets": [plan_facts(line) for line in shown],
                "cost": [c.facts() for c in costs],
                "findings": list(project.findings.open().values()),
            }
        )
        return
    fresh = sum(line.action == "none" for line in chosen)
    if shown:
        once = said_once(project)
        rows = [(line.key, line.state, line.action, _why(line, once)) for line in shown]
        print_table(("asset", "state", "action", "why"), rows)
        print()
    to_make = sum(line.action in ("make", "wait") for line in chosen)
    print(f"{to_make} to make, {fresh} fresh, {len(chosen) - to_make - fresh} left alone")
    warn_of_damage(project)
    if cost:
        show_costs(costs)


def show_costs(costs: list[Any]) -> None:
    """Show what cleaning will cost."""
    rows = [
        (
            c.key,
            c.model,
            c.rows,
            c.unique,
            c.cached,
            c.requests,
            c.tokens,
            _money(c.money),
            duration(c.seconds),
            "not known before its upstream is made" if c.unknown else "estimate" * c.estimate,
        )
        for c in costs
    ]
    columns = (
        "asset",
        "model",
        "rows",
        "unique",
        "cached",
        "requests",
        "tokens",
        "cost",
        "time",
        "",
    )
    if rows:
        print()
        print_table(columns, rows)
        if any(c.money is None and not c.unknown for c in costs):
            print("? = there is no price of that model in resources/prices.yaml")
    else:
        print("Nothing to pay: no asset to make uses a model.")


def _money(usd: float | None) -> str:
    """Write a cost; what is less than a cent is not nothing."""
    if usd is None:
        return "?"
    return "<$0.01" if 0 < usd < 0.01 else f"${usd:,.2f}"


@app.command()
def status(selection: Selection = None, json: Json = False) -> None:
    """Say each asset's state, version, age, lateness and last attempt: exact, not as of a plan."""
    from assets.engine.due import show_time
    from assets.engine.lease import is_alive
    from assets.engine.plan import heads_of

    project, made, keys = planned(selection)
    heads = heads_of(project)
    late = made.late()
    data = []
    for line in made.lines:
        if line.key not in set(keys):
            continue
        above = project.graph.above([line.key]) if late else ()
        behind = [key for key in late if key in above]
        head = heads.get(line.key)
        current = head.current if head is not None else None
        last = head.last_attempt if head is not None else None
        path = project.data / "leases" / f"{line.key}.json"
        running = is_alive(path, project.settings.lease_seconds)
        attempt = "running" if running else last.state if last else "ok" if current else ""
        data.append(
            {
                "key": line.key,
                "state": line.state,
                "held": line.held,
                "version": line.version,
                "rows": current.rows if current else None,
                "bytes": current.bytes if current else None,
                "at": current.at if current else "",
                "last_attempt": attempt,
                "error": last.error if last else "",
                "reasons": [str(reason) for reason in line.reasons],
                "note": line.note,
                "due": show_time(line.due) if line.due is not None else "",
                "timezone": line.zone,
                "late_since": show_time(late[line.key]) if line.key in late else "",
                "late_upstream": behind,
            }
        )
    said = said_once(project)
    rows = [
        (
            d["key"],
            "held" if d["held"] else d["state"],
            d["version"] or "",
            d["rows"],
            size(int(d["bytes"])) if d["bytes"] else "",  # type: ignore[call-overload]
            ago(str(d["at"])),
            _lateness(d),
            d["last_attempt"],
            d["error"] or (said(d["key"], d["note"]) if d["state"] == "broken" else d["note"]),
        )
        for d in data
    ]
    columns = ("asset", "state", "version", "rows", "size", "made", "late", "last attempt", "")
    emit(json, data, columns, rows)


def _lateness(facts: dict[str, Any]) -> str:
    """Say since when an asset is late, or what above it is."""
    if facts["late_since"]:
        return f"since {local(datetime.fromisoformat(facts['late_since']), facts['timezone'])}"
    return f"behind {', '.join(facts['late_upstream'])}" if facts["late_upstream"] else ""
