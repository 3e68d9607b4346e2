"""Quarantine: list, show, accept and discard rows that were set aside."""

from __future__ import annotations

import json as json_text
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assets.cli.app import Json, Key, Selection, app
from assets.cli.making import user
from assets.cli.show import ago, console, emit, print_json, print_table
from resources.wording import counted

if TYPE_CHECKING:
    from assets.engine import Project
    from assets.engine.accept import Accepted
    from assets.engine.lease import Holder
    from assets.engine.quarantine import OpenRow

quarantine = typer.Typer(
    name="quarantine",
    no_args_is_help=True,
    help="Rows that were set aside: look at them, bring them back corrected, or discard them.",
)
app.add_typer(quarantine)
Rows = Annotated[
    list[str] | None, typer.Option("--rows", help="Rows by their ids, as `show` names them.")
]
Every = Annotated[bool, typer.Option("--all", help="All rows that are open.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


@quarantine.command("list")
def list_open(selection: Selection = None, json: Json = False) -> None:
    """List what is open: by asset, version or blocked attempt, and rule."""
    from assets.engine import make_plan, open_project
    from assets.engine.plan import heads_of
    from assets.engine.quarantine import open_rows
    from assets.model.select import select

    project = open_project()
    graph = project.graph
    keys = (
        select(graph, selection, lambda: make_plan(project).stale()) if selection else graph.order
    )
    heads = heads_of(project)
    facts: list[dict[str, Any]] = []
    for key in keys:
        if key in heads:
            facts += _groups(key, open_rows(project, key, heads[key]))
    lines = [
        (
            f["key"],
            f["version"] or "blocked attempt",
            f"{f['rule']} of {f['column']}".removesuffix(" of "),
            f["rows"],
            ago(f["at"]),
            f["reason"],
        )
        for f in facts
    ]
    emit(json, facts, ("asset", "version", "rule", "rows", "set aside", "for example"), lines)
    if not json and not facts:
        print("no row is in quarantine that nobody has decided about")


def _groups(key: str, rows: list[OpenRow]) -> list[dict[str, Any]]:
    """Count an asset's open rows by rule."""
    from resources.llm.masking import mask

    groups = Counter((r.version, r.at, r.reject.rule, r.reject.column) for r in rows)
    example = {(r.version, r.at, r.reject.rule, r.reject.column): r for r in reversed(rows)}
    return [
        {
            "key": key,
            "version": group[0],
            "at": group[1],
            "rule": group[2],
            "column": group[3],
            "rows": count,
            "reason": mask(example[group].reject.reason).text,
        }
        for group, count in groups.most_common()
    ]


@quarantine.command("show")
def show_rows(
    key: Key,
    rows: Rows = None,
    limit: Annotated[int, typer.Option(help="How many to show (0: all).")] = 20,
    raw: Annotated[
        bool, typer.Option("--raw", help="Show personal data, which is hidden otherwise.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Write all open rows, as they are, to be corrected."),
    ] = None,
    xlsx: Annotated[
        Path | None,
        typer.Option("--xlsx", help="The same as a workbook, whose cells Excel leaves alone."),
    ] = None,
    json: Json = False,
) -> None:
    """Show an asset's open rows, each with its rule and reason; or write them as CSV."""
    from assets.engine import open_project
    from assets.engine.quarantine import chosen, open_rows

    project = open_project()
    project.graph.find(key)
    found = chosen(project, key, rows) if rows else open_rows(project, key)
    target = xlsx if xlsx is not None else csv
    if target is not None:
        _write(project, key, found, _suffixed(target, xlsx is not None), json)
        return
    hide: Callable[[str], str] = str if raw else hider(project, key)
    shown = found[:limit] if limit else found
    if json:
        print_json([_facts(row, hide) for row in shown])
        return
    for row in shown:
        _print_row(row, hide)
    if len(shown) < len(found):
        print(f"... and {len(found) - len(shown):,} more; --limit 0 shows all")
    if not found:
        print(f"{key}: no row is in quarantine that nobody has decided about")
    else:
        print(f"to correct them: dataops quarantine show {key} --xlsx FILE")


def _print_row(row: OpenRow, hide: Callable[[str], str]) -> None:
    """Show one row: why it is there, then its values, a line each."""
    from rich.text import Text

    from assets.engine.sheet import unread, values_of

    out, reject = console(), row.reject
    place = f" ({reject.source}, line {reject.line})" if reject.line is not None else ""
    what = f"{reject.rule} of {reject.column}".removesuffix(" of ")
    out.print(Text(f"{row.id}  {what}: {hide(reject.reason)}{place}", style="bold"))
    text = unread(row)
    values = values_of(row) if text is None else {"": text}
    print_table(("", ""), [(f"  {name}", _shown(value, hide)) for name, value in values.items()])
    print()


def _shown(value: Any, hide: Callable[[str], str]) -> str:
    """Give a value for the terminal."""
    from resources.evaluation.report import visible

    text = value if isinstance(value, str) else json_text.dumps(value, ensure_ascii=False)
    return visible(hide(text))[:300]


def _facts(row: OpenRow, hide: Callable[[str], str]) -> dict[str, Any]:
    """Give a row as facts."""
    reject = asdict(row.reject)
    hidden = {name: hide(reject[name]) for name in ("row", "reason", "answer")}
    return {"id": row.id, "version": row.version, "at": row.at, **reject, **hidden}


def hider(project: Project, key: str) -> Callable[[str], str]:
    """Give what hides personal data: as the asset's cleaning task says, else all of it."""
    from resources.llm import find_task, load_task
    from resources.llm.masking import KINDS, mask

    kinds: tuple[str, ...] = KINDS
    task = project.graph.assets[key].task
    if task:
        kinds = load_task(find_task(project.settings.root, task)).mask
    return lambda text: mask(text, kinds).text


def _suffixed(path: Path, workbook: bool) -> Path:
    """Hold a file's name to what is written into it."""
    from resources.workbooks import SUFFIX, is_workbook

    if is_workbook(path) != workbook:
        option, other = ("--xlsx", "--csv") if workbook else ("--csv", "--xlsx")
        ends = f"ends in {SUFFIX}" if workbook else f"does not end in {SUFFIX}"
        raise typer.BadParameter(f"{option} takes a name that {ends}; or say {other} {path}")
    return path


def _write(project: Project, key: str, rows: list[OpenRow], path: Path, json: bool) -> None:
    """Write rows for a spreadsheet."""
    from assets.engine.plan import heads_of
    from assets.engine.quarantine import kept_columns
    from assets.engine.sheet import write_sheet

    asset = project.graph.assets[key]
    current = heads_of(project, [key])[key].current
    columns = [c.name for c in asset.columns or (current.columns if current is not None else ())]
    if asset.columns is None and any(row.version == 0 for row in rows):
        columns = kept_columns(project, key) or columns
    write_sheet(path, key, rows, columns, formula_safe=project.settings.formula_safe)
    if json:
        print_json({"key": key, "rows": len(rows), "file": str(path)})
        return
    print(f"{path}: {counted(len(rows))} in full, personal data too")
    print(f"correct the cells, then: dataops quarantine accept {key} {path}")


@quarantine.command("accept")
def accept_rows(
    key: Key,
    file: Annotated[
        Path | None, typer.Argument(help="The file that `show` wrote, corrected.")
    ] = None,
    rows: Rows = None,
    every: Every = False,
    meant: Annotated[
        list[str] | None,
        typer.Option(
            "--meant",
            help="A column of FILE whose cells are meant as they stand (00501 that became 501).",
        ),
    ] = None,
    reason: Why = "",
    json: Json = False,
) -> None:
    """Bring rows back through all checks: corrected in FILE, or as they are (--rows, --all).

    They become a new version, and take the place of the same bad rows whenever these come again.
    """
    from assets.engine import open_project
    from assets.engine.accept import accept
    from assets.engine.quarantine import chosen, open_rows

    if sum((file is not None, bool(rows), every)) != 1:
        raise typer.BadParameter("say which rows: a corrected FILE, --rows ID, or --all")
    project = open_project()
    project.graph.find(key)
    said = ""
    if file is not None:
        picked, said = _from_sheet(project, key, file, meant or [])
    else:
        found = chosen(project, key, rows) if rows else open_rows(project, key)
        picked = [(row, row.reject.row) for row in found]
    if not picked:
        (
            print_json({"key": key, "accepted": 0})
            if json
            else print(f"{key}: nothing to accept{said}")
        )
        return
    done = accept(
        project, key, picked, by=user(), why=reason, waiting=None if json else _tell_waiting
    )
    _say_accepted(key, done, said, json)
    if done.refused or done.unmatched:
        raise typer.Exit(1)


def _from_sheet(
    project: Project, key: str, path: Path, meant: list[str]
) -> tuple[list[tuple[OpenRow, str]], str]:
    """Read a corrected CSV; give its changed rows, and what to say of the others."""
    from assets.engine.quarantine import decided, open_rows
    from assets.engine.sheet import read_sheet

    kinds = {column.name: column.type for column in project.graph.assets[key].columns or ()}
    sheet = read_sheet(
        path, key, open_rows(project, key), decided(project, key), kinds=kinds, meant=meant
    )
    parts = [f"{_stay(sheet.unchanged)} in quarantine"] if sheet.unchanged else []
    parts += [f"{_were(sheet.decided)} decided before"] if sheet.decided else []
    return list(sheet.rows), "".join(f"; {part}" for part in parts)


def _stay(count: int) -> str:
    """Say how many rows nobody touched."""
    return f"{counted(count, 'unchanged row')} {'stays' if count == 1 else 'stay'}"


def _were(count: int) -> str:
    """Say how many rows were something."""
    return f"{count:,} {'was' if count == 1 else 'were'}"


def _tell_waiting(holder: Holder) -> None:
    """Say who is making the asset right now."""
    print(f"waiting for run {holder.run} (pid {holder.pid} on {holder.host})")


def _say_accepted(key: str, done: Accepted, said: str, json: bool) -> None:
    """Say what came of accepting rows."""
    made = done.version
    if json:
        facts = {"key": key, "version": made.number, "accepted": done.accepted}
        print_json({**facts, "refused": [asdict(r) for r in done.refused], "rows": made.rows})
        return
    what = f"version {made.number}, {counted(made.rows)}, {made.quarantined:,} in quarantine"
    print(f"{key}: {counted(done.accepted)} accepted{said}: {what}")
    for reject in done.refused[:20]:
        print(f"  not accepted: {reject.reason}")
    if len(done.refused) > 20:
        print(f"  ... and {len(done.refused) - 20:,} more")
    if done.unmatched:
        print(f"  {counted(done.unmatched)} did not come again, so nothing was there to replace")


@quarantine.command("discard")
def discard_rows(
    key: Key, rows: Rows = None, every: Every = False, reason: Why = "", json: Json = False
) -> None:
    """Decide that rows are not wanted: they stay in their file, and are no longer open."""
    from assets.engine import open_project
    from assets.engine.corrections import SUITE
    from assets.engine.quarantine import chosen, discard, open_rows
    from resources.files import need_writable

    if bool(rows) == every:
        raise typer.BadParameter("say which rows: --rows ID, or --all")
    project = open_project()
    project.graph.find(key)
    need_writable(project.data)
    found = chosen(project, key, rows) if rows else open_rows(project, key)
    if not found:
        print_json({"key": key, "discarded": 0}) if json else print(f"{key}: nothing to discard")
        return
    event = discard(project, key, found, by=user(), why=reason)
    if json:
        print_json({"key": key, "discarded": len(event.rows)})
    else:
        rows_said = counted(len(event.rows))
        print(f"{key}: {rows_said} discarded, kept for audit in {project.data / event.file}")
        if any(row.version == 0 and not row.reject.rule.startswith(SUITE) for row in found):
            print(f"What is discarded does not count towards the limit: dataops materialize {key}")
        elif any(row.version == 0 for row in found):
            print("The suite still finds what is discarded: change the source or the suite")
