"""Reviews: review."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from assets.cli.app import Json, Key, app
from assets.cli.experiments import AtLeast
from assets.cli.making import user
from assets.cli.show import console, print_json

if TYPE_CHECKING:
    from assets.engine.project import Project
    from catalog.records import Materialized, Reviewed
    from resources.evaluation.verdicts import Item, Verdict

_KOREAN: Final = {"ㅎ": "g", "ㅠ": "b", "ㅊ": "c", "ㄴ": "s", "ㅂ": "q"}


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
        Path | None, typer.Option("--export", help="Write the rows as CSV, to fill in in Excel.")
    ] = None,
    verdicts: Annotated[
        Path | None, typer.Option("--verdicts", help="Read that CSV back, filled in.")
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
        found = _asked(items)
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
        rows = f"{len(items):,} of {made.rows:,} rows"
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
    from assets.engine.reviewing import export_gold

    done = export_gold(project, key, path)
    if json:
        print_json({"key": key, "file": str(path), "rows": done.rows, "added": done.added})
        return
    print(f"{path}: {done.rows:,} rows, {done.added:,} of them new")
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
    share = f"{event.accuracy:.1%} right ({event.right_rows:,} of {event.reviewed_rows:,} rows)"
    return f"{share}, 95 % interval {event.low:.1%} .. {event.high:.1%}"


def _need_terminal() -> None:
    """Refuse to ask where nobody can answer."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter(
            "reviewing needs a terminal; or write the rows with --export FILE, fill them in, and "
            "read them with --verdicts FILE"
        )


def _asked(items: list[Item]) -> list[Verdict]:
    """Ask about each row on the terminal; quitting or Ctrl-C keeps what was said."""
    found: list[Verdict] = []
    try:
        for place, item in enumerate(items, 1):
            _show(item, f"{place} of {len(items)}, id {item.id}")
            answer = _ask(item)
            if answer == "q":
                break
            if isinstance(answer, str):
                continue
            found.append(answer)
    except (KeyboardInterrupt, EOFError, typer.Abort):
        print()
    return found


def _show(item: Item, title: str) -> None:
    """Show a row: raw and cleaned, what differs marked."""
    from rich.text import Text

    from resources.evaluation.report import marked, visible

    out = console()
    out.print(Text(f"\n{visible(title)}", style="bold"))
    for column, cleaned in item.cleaned.items():
        if len(item.cleaned) > 1:
            out.print(Text(visible(column), style="bold dim"))
        out.print(marks(marked(item.raw[column], cleaned), "raw      ", gone=True))
        out.print(marks(marked(item.raw[column], cleaned), "cleaned  ", gone=False))


def marks(parts: list[tuple[str, str]], label: str, *, gone: bool) -> object:
    """Give one side of a comparison as a line for the terminal."""
    from rich.text import Text

    line = Text()
    line.append(label, style="dim")
    for kind, text in parts:
        if kind == "same":
            line.append(text)
        elif (kind == "del") == gone:
            line.append(text, style="bold red" if gone else "bold green")
    return line


def _ask(item: Item) -> Verdict | str:
    """Ask for a verdict; give "s" to skip and "q" to quit."""
    from resources.evaluation.verdicts import Verdict

    while True:
        pressed = _pressed("[g]ood  [b]ad  [c]orrect  [s]kip  [q]uit: ")
        if pressed in ("s", "q"):
            return pressed
        if pressed in ("g", "b"):
            return Verdict(item, pressed == "g")
        if pressed == "c":
            return Verdict(item, False, _corrections(item))


def _pressed(question: str) -> str:
    """Ask a question that one key answers; the same key of a Korean keyboard will do."""
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard, termios.TCSADRAIN)  # what was typed ahead is not thrown away
        print(question, end="", flush=True)
        key = os.read(keyboard, 1)
        while key and len(key) < 4 and not _is_letter(key):
            key += os.read(keyboard, 1)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    if not key or key == b"\x04":
        raise EOFError
    pressed = key.decode(errors="replace").lower()
    print(pressed if pressed.isprintable() else "")
    return _KOREAN.get(pressed, pressed)


def _is_letter(key: bytes) -> bool:
    """Tell whether these bytes are a whole letter."""
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True


def _corrections(item: Item) -> dict[str, str]:
    """Ask for the right text of each column; an empty answer means: as cleaned."""
    found = {}
    for column, cleaned in item.cleaned.items():
        name = f"{column}: " if len(item.cleaned) > 1 else ""
        text = typer.prompt(f"{name}the right text", default=cleaned, show_default=False)
        if text != cleaned:
            found[column] = text
    return found
