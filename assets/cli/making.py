"""Making: materialize."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from assets.cli.app import Json, Selection, app
from assets.cli.looking import (
    plan_facts,
    planned,
    said_once,
    show_costs,
    warn_of_stray,
    why,
)
from assets.cli.show import STATES, console, print_json, print_table, usage_line
from resources.errors import DataOpsError
from resources.wording import counted

if TYPE_CHECKING:
    from assets.engine import Outcome
    from assets.engine.lease import Holder
    from catalog.records import Materialized


@app.command()
def materialize(
    selection: Selection = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be made.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Make the selected ones whatever their state.")
    ] = False,
    full: Annotated[
        bool,
        typer.Option("--full", help="Make the selected ones anew from their beginning: all rows."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before paid cleaning.")
    ] = False,
    task: Annotated[
        str | None,
        typer.Option(help="Clean with this cleaning task, in place of the declared one."),
    ] = None,
    json: Json = False,
) -> None:
    """Make what is stale (of the selected), in dependency order; --force makes it in any case.

    What is incremental adds new rows, also with --force; --full collects everything anew, and
    --full --force does so even where files that rows came from are gone.
    """
    asked = force or full
    if asked and not selection:
        word = "--full" if full else "--force"
        raise typer.BadParameter(f"say what to make, for example: dataops materialize {word} raw.x")
    project, made, keys = planned(selection, asked=asked)
    warn_of_stray(project)
    chosen_keys, none = frozenset(keys), frozenset[str]()
    anew = chosen_keys if asked else none
    todo = made.to_make(keys)
    if task is not None:
        todo = _with_task(project, made, keys)
    chosen = [line for line in made.lines if line.key in set(keys)]
    refused = [line for line in chosen if line.action in ("blocked", "stopped")]
    if dry_run:
        lines = [line for line in chosen if line.key in set(todo)]
        if json:
            print_json([plan_facts(line) for line in lines])
        else:
            print_table(("asset", "state", "why"), [(li.key, li.state, why(li)) for li in lines])
            print(f"\n{len(lines)} would be made")
        return
    _agree(project, todo, anew, task, yes, json)
    how = {
        "forced": chosen_keys if force else none,
        "full": chosen_keys if full else none,
        "task": task,
    }
    failed = _run(project, todo, selection, how, json) if todo else []
    if not todo and not json and not refused:
        print(
            f"{len(chosen)} fresh, nothing to do"
            + ("" if not selection else " (--force makes them anew)")
        )
    if json and not todo:
        print_json([])
    said = said_once(project)
    for line in refused:
        note = said(line.key, line.note) if line.state == "broken" else line.note
        more = f"; what helps: dataops show {line.key}" if line.action == "blocked" else ""
        print(f"{line.key}: {line.action}: {note}{more}", file=sys.stderr)
    if failed or refused:
        raise typer.Exit(1)


def _with_task(project: Any, made: Any, keys: Any) -> tuple[str, ...]:
    """Add the cleaned assets that another cleaning task makes stale, and what is below them."""
    from assets.engine.runs import uses_cleaner

    cleaned = [key for key in keys if uses_cleaner(project, key)]
    if not cleaned:
        raise typer.BadParameter(
            "none of the selected assets cleans anything, so --task has no use"
        )
    wanted = set(made.to_make(keys)) | set(cleaned) | (project.graph.below(cleaned) & set(keys))
    return tuple(key for key in project.graph.order if key in wanted)


def _agree(
    project: Any,
    todo: tuple[str, ...],
    forced: frozenset[str],
    task: str | None,
    yes: bool,
    json: bool,
) -> None:
    """Show the cost of paid cleaning, and ask; without a terminal, --yes is the answer."""
    from assets.engine.cost import costs_of

    costs = costs_of(project, todo, task, forced=forced)
    if not costs:
        return
    if not json:
        show_costs(costs)
    if yes or not any(cost.paid for cost in costs):
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "this run pays for a model: look at `dataops plan --cost`, then add --yes"
        )
    typer.confirm("Go on?", abort=True)


def _run(
    project: Any,
    todo: tuple[str, ...],
    selection: list[str] | None,
    how: dict[str, Any],
    json: bool,
) -> list[str]:
    """Make the assets, showing progress; give the keys that failed."""
    from assets.engine.runs import finish_run, materialize_all, start_run

    run, by = f"cli-{uuid4().hex[:8]}", user()
    start_run(project, run, trigger="cli", by=by, select=selection or (), planned=len(todo))
    screen = _Screen(json)
    failed: list[str] = ["interrupted"]
    try:
        failed = materialize_all(
            project,
            todo,
            run=run,
            by=by,
            **how,
            waiting=screen.waiting,
            started=screen.started,
            ended=screen.ended,
        )
    finally:
        screen.close()
        summary = finish_run(project, run, failed=failed)
    if failed and not json:
        print(f"Data Docs: {summary['docs']}", file=sys.stderr)
    return failed


def user() -> str:
    """Say who runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


class _Screen:
    """Progress: a moving line on a terminal, one line an asset elsewhere, JSON at the end."""

    def __init__(self, json: bool) -> None:
        """Choose how to show it."""
        self._json = json
        self._out = console()
        self._facts: list[dict[str, Any]] = []
        self._status = self._out.status("") if self._out.is_terminal and not json else None
        self._began = 0.0
        if self._status is not None:
            self._status.start()

    def started(self, key: str) -> Callable[[int], None] | None:
        """Show that an asset is being made; give who wants to hear of its rows."""
        self._began = time.monotonic()
        if self._status is None:
            return None
        status = self._status
        status.update(f"{key} ...")

        def rows(count: int) -> None:
            """Show the rows so far and their speed."""
            speed = count / max(time.monotonic() - self._began, 0.001)
            status.update(f"{key}: {counted(count)}, {speed:,.0f} a second")

        return rows

    def waiting(self, holder: Holder) -> None:
        """Say who is making the asset right now."""
        if not self._json:
            where = f"pid {holder.pid} on {holder.host}, since {holder.since}"
            self._out.print(f"waiting for run {holder.run} ({where})", soft_wrap=True)

    def ended(self, key: str, result: Outcome | DataOpsError | str) -> None:
        """Show what came of an asset."""
        state, text = _words(result)
        if self._json:
            self._facts.append(_facts(key, state, result))
        else:
            from rich.markup import escape

            colour = STATES.get(state, "red")
            self._out.print(f"{key}: [{colour}]{state}[/] {escape(text)}".rstrip(), soft_wrap=True)

    def close(self) -> None:
        """End the moving line; print the JSON."""
        if self._status is not None:
            self._status.stop()
        if self._json:
            print_json(self._facts)


def _words(result: Outcome | DataOpsError | str) -> tuple[str, str]:
    """Give a result's state and the rest of its line."""
    if isinstance(result, str):
        return "stopped", f"({result})"
    if isinstance(result, DataOpsError):
        return "failed", str(result)
    made = result.materialized
    if made is None or result.state in ("fresh", "held"):
        return result.state, ""
    plural = "" if made.duplicates == 1 else "s"
    aside = f", {made.duplicates:,} duplicate{plural}" if made.duplicates else ""
    aside += f", {made.quarantined:,} in quarantine" if made.quarantined else ""
    said = [
        f"version {made.number}, {counted(made.rows)}{_added(made)}{aside}, {made.seconds:.1f} s"
    ]
    said += [usage_line(usage) for usage in made.usage if usage.requests or usage.cached_rows]
    said += [f"warning: {warning}" for warning in made.warnings]
    return result.state, "\n  ".join(said)


def _added(made: Materialized) -> str:
    """Say what new rows joined old ones."""
    if made.mode == "replace":
        return ""
    place = f", {made.replaced:,} of them in place of old ones" if made.replaced else ""
    gone = f", {made.deleted:,} deleted" if made.deleted else ""
    return f" ({made.added:,} new{place}{gone})"


def _facts(key: str, state: str, result: Outcome | DataOpsError | str) -> dict[str, Any]:
    """Give a result as facts."""
    import msgspec

    if isinstance(result, DataOpsError):
        return {"key": key, "state": state, "error": result.problem, "fix": result.fix}
    if isinstance(result, str):
        return {"key": key, "state": state, "error": result}
    return {"key": key, "state": state, "materialized": msgspec.to_builtins(result.materialized)}
