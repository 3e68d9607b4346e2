"""Reviews: review."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assets.cli.app import Json, Key, app
from assets.cli.experiments import AtLeast
from assets.cli.judging import ask_about
from assets.cli.making import user
from assets.cli.show import print_json
from resources.wording import counted

if TYPE_CHECKING:
    from assets.engine.project import Project
    from catalog.records import Materialized, Reviewed
    from resources.evaluation.verdicts import Item, Verdict


@app.command()
def review(  # noqa: PLR0913, PLR0917 - options, all by name
    key: Key,
    sample: Annotated[int, typer.Option("--sample", min=1, help="How many rows to draw.")] = 20,
    seed: Annotated[
        int | None, typer.Option(help="Draw the same rows again (default: by chance).")
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="The version (default: the current one).")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who looks (default: you).")] = "",
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the rows, to be filled in: .xlsx or .csv."),
    ] = None,
    verdicts: Annotated[
        Path | None, typer.Option("--verdicts", help="Read that file back, filled in.")
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option("--gold", help="Put what is right by all reviews into a gold set."),
    ] = None,
    at_least: AtLeast = None,
    json: Json = False,
) -> None:
    """Look at rows drawn by chance and say which are right; the catalog keeps the accuracy."""
    from assets.engine import open_project
    from resources.files import need_writable

    if sum(path is not None for path in (export, verdicts, gold)) > 1:
        raise typer.BadParameter("--export, --verdicts and --gold are three steps: take one")
    project = open_project()
    project.graph.find(key)
    if gold is not None:
        _to_gold(project, key, gold, json)
        return
    need_writable(project.data)
    if verdicts is None and export is None:
        _need_terminal()
    if verdicts is not None:
        made, found = _from_sheet(project, key, verdicts)
    else:
        made, items = _drawn(project, key, version, sample, seed, json)
        if export is not None:
            _to_sheet(project, made, items, export, json)
            return
        found = ask_about(items)
    _keep(project, made, found, by, at_least, json)


def _drawn(
    project: Project, key: str, version: int | None, sample: int, seed: int | None, json: bool
) -> tuple[Materialized, list[Item]]:
    """Draw rows; say by which seed, and where none is left."""
    import secrets

    from assets.engine.reviewing import ReviewError, draw_items, version_of

    made = version_of(project, key, version)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    items = draw_items(project, made, sample, seed)
    if not items:
        raise ReviewError(
            f"every row of version {made.number} of {key} is reviewed",
            "nothing is left to do until there is another version",
            asset=key,
        )
    if not json:
        rows = f"{len(items):,} of {counted(made.rows)}"
        print(f"{key}, version {made.number}: {rows}, drawn with --seed {seed}")
    return made, items


def _to_sheet(
    project: Project, made: Materialized, items: list[Item], path: Path, json: bool
) -> None:
    """Write rows for a spreadsheet."""
    from resources.evaluation.verdicts import export_items

    safe = project.settings.formula_safe
    export_items(path, made.key, made.number, items, formula_safe=safe)
    if json:
        facts = {"key": made.key, "version": made.number, "rows": len(items), "file": str(path)}
        print_json(facts)
        return
    print(f"{path}: write good or bad into `verdict`, the right text into `corrected`, then")
    print(f"dataops review {made.key} --verdicts {path}")


def _from_sheet(project: Project, key: str, path: Path) -> tuple[Materialized, list[Verdict]]:
    """Read verdicts from a spreadsheet's CSV."""
    from assets.engine.reviewing import items_at, version_of
    from resources.evaluation.verdicts import read_sheet

    sheet = read_sheet(path, key)
    made = version_of(project, key, sheet.version)
    items = items_at(project, made, sheet.rows)
    return made, sheet.verdicts({item.row: item for item in items})


def _to_gold(project: Project, key: str, path: Path, json: bool) -> None:
    """Write gold."""
    from assets.engine.review_gold import export_gold

    done = export_gold(project, key, path)
    if json:
        print_json({"key": key, "file": str(path), "rows": done.rows, "added": done.added})
        return
    print(f"{path}: {counted(done.rows)}, {done.added:,} of them new")
    print(f"measure with it: dataops evaluate TASK --gold {path}")


def _keep(
    project: Project,
    made: Materialized,
    verdicts: list[Verdict],
    by: str,
    at_least: float | None,
    json: bool,
) -> None:
    """Record verdicts, and say how accurate the version is so far."""
    from assets.engine.reviewing import ENOUGH, record

    if not verdicts:
        print("no verdict, so nothing is recorded", file=sys.stderr)
        raise typer.Exit(1 if at_least is not None else 0)
    event = record(project, made, verdicts, by=user(), reviewer=by or user())
    if json:
        import msgspec

        print_json(msgspec.to_builtins(event))
    else:
        print(f"{event.rows:,} verdicts recorded: {event.good:,} good, {event.bad:,} bad")
        print(f"{event.key}, version {event.version}: {accuracy(event)}")
    if event.accuracy < ENOUGH:
        print(f"warning: fewer than {ENOUGH:.0%} of the rows are right", file=sys.stderr)
    if at_least is not None and event.low < at_least:
        said = f"the interval begins at {event.low:.1%}, below {at_least:.1%}"
        print(f"{event.key}: {said}", file=sys.stderr)
        raise typer.Exit(1)


def accuracy(event: Reviewed) -> str:
    """Say how accurate a version is, as far as people have looked."""
    share = f"{event.accuracy:.1%} right ({event.right_rows:,} of {counted(event.reviewed_rows)})"
    return f"{share}, 95 % interval {event.low:.1%} .. {event.high:.1%}"


def _need_terminal() -> None:
    """Refuse to ask where nobody can answer."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter(
            "reviewing needs a terminal; or write the rows with --export FILE, fill them in, and "
            "read them with --verdicts FILE"
        )
