"""Verifying: verify."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from assets.cli.app import Json, Selection, app
from assets.cli.making import user
from assets.cli.show import print_json, print_table, size
from resources.wording import counted

if TYPE_CHECKING:
    from assets.engine.verifying import Verification

_UNITS: Final = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


@app.command()
def verify(
    selection: Selection = None,
    every: Annotated[bool, typer.Option("--all", hidden=True)] = False,
    current: Annotated[
        bool, typer.Option("--current", help="Only versions in force, and what they name.")
    ] = False,
    budget: Annotated[
        str, typer.Option(help="Read about so much (500MB, 2GB), what was not read for longest.")
    ] = "",
    scheduled: Annotated[
        bool,
        typer.Option(
            "--scheduled",
            help="As the daily DAG: enough to read everything within DATAOPS_VERIFY_DAYS.",
        ),
    ] = False,
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Record as lost what no backup has and is not in force."),
    ] = False,
    json: Json = False,
) -> None:
    """Read events and files again and compare them with the record: every byte, or a budget."""
    from assets.engine import make_plan, open_project
    from assets.engine.attempt import refold
    from assets.engine.verifying import verify_project
    from assets.model.select import select
    from resources.files import need_writable

    if every and (current or budget or scheduled):
        raise typer.BadParameter("--all reads everything: leave out what limits it")
    if scheduled and budget:
        raise typer.BadParameter("--scheduled has a budget of its own: leave out --budget")
    most = _bytes_of(budget) if budget else None
    project = open_project()
    need_writable(project.data)
    keys = None
    if selection:
        keys = select(project.graph, selection, lambda: make_plan(project).stale())
    done = verify_project(
        project,
        keys,
        by=user(),
        only_current=current,
        budget=most,
        scheduled=scheduled,
        accept=accept,
    )
    refold(project)
    if json:
        print_json(_facts(done))
    else:
        show_verification(done, project.settings.verify_days)
    if done.findings or done.mended:
        raise typer.Exit(1)


def _bytes_of(text: str) -> int:
    """Read an amount of bytes."""
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None or found[2] not in _UNITS:
        raise typer.BadParameter(f"{text!r} is no amount of bytes: write 500MB or 2GB")
    return int(float(found[1]) * _UNITS[found[2]])


def _facts(done: Verification) -> list[dict[str, object]]:
    """Give each version's file that was read, and whatever else is damaged."""
    lines = [
        {"key": key, "version": version, "file": path, "found": found}
        for key, version, path, found in done.lines
    ]
    told = {line["file"] for line in lines}
    more = [(f, "damaged") for f in done.findings if f.path not in told]
    more += [(f, "made again") for f in done.mended]
    return [
        *lines,
        *(
            {"key": f.key, "version": f.version, "file": f.path, "found": f.found}
            | {"kind": f.kind, "detail": f.detail, "state": state}
            for f, state in more
        ),
    ]


def show_verification(done: Verification, days: float) -> None:
    """Say what was read and what was found."""
    event = done.event
    rows = [(f.key, f.version or "", f.path, f.found, f.detail) for f in done.findings]
    rows += [(f.key, "", f.path, f.found, "made again") for f in done.mended]
    if rows:
        print_table(("asset", "version", "file", "found", ""), rows)
        print()
    # A file that several versions share, as appends do, counts once.
    found = {path: found for _, _, path, found in done.lines}
    good = sum(1 for each in found.values() if each == "ok")
    print(f"{good} of {counted(len(found), 'file')} are what was published")
    print(
        f"read: {counted(event.events, 'event')}, {size(event.bytes)} of "
        f"{size(event.total_bytes)} in {event.files} of {counted(event.total_files, 'file')}; "
        f"everything was read since {event.oldest[:16].replace('T', ' ') or 'the beginning'}"
    )
    if done.behind:
        print(
            f"warning: some files were not read within {days:g} days: raise DATAOPS_VERIFY_MB",
            file=sys.stderr,
        )
    for path in done.accepted:
        print(f"recorded as lost: {path}")
    if done.findings:
        print(
            "make what is in force again with `dataops materialize`, or go back with `dataops "
            "rollback KEY`; restore the rest from a backup, or record it as lost: --accept"
        )
