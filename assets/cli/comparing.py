"""Comparing two cleaning tasks: ab."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assets.cli.app import Json, app, complete_key
from assets.cli.experiments import Fresh, Yes, agree
from assets.cli.figures import against, answered, figures, measured_facts, money, use_facts
from assets.cli.show import console, print_json, print_table
from resources.wording import counted

if TYPE_CHECKING:
    from rich.text import Text

    from assets.engine.comparing import Comparison, Judged, Sample
    from assets.engine.project import Project
    from resources.evaluation.gold import GoldRow
    from resources.evaluation.page import Difference, Figures
    from resources.evaluation.running import Ran
    from resources.llm import CleaningTask

_SHOWN = 20


@app.command()
def ab(  # noqa: PLR0913, PLR0917 - options, all by name
    task_a: Annotated[str, typer.Argument(help="A cleaning task's name, or `rules`.")],
    task_b: Annotated[str, typer.Argument(help="Another one's.")],
    asset: Annotated[
        str,
        typer.Option("--asset", help="Whose rows to clean: a key.", autocompletion=complete_key),
    ] = "",
    sample: Annotated[int, typer.Option("--sample", min=1, help="How many rows to draw.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed draws the same rows.")] = 1,
    gold: Annotated[
        Path | None, typer.Option("--gold", help="A gold set to judge both on as well.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="The page (default: in data/experiments/).")
    ] = None,
    normalise: Annotated[
        bool, typer.Option("--normalise", help="Compare with gold after NFC and spaces made one.")
    ] = False,
    fresh: Fresh = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Clean the same rows with two tasks, and show what differs, what it took and who is right."""
    from assets.engine import comparing, open_project
    from assets.engine.experiments import asked_anew, task_of
    from resources.evaluation.gold import read_gold

    if not asset and gold is None:
        raise typer.BadParameter("name rows to clean: --asset KEY, --gold FILE, or both")
    project = open_project()
    tasks = (task_of(project, task_a), task_of(project, task_b))
    alike = tasks[0].answer_facts() == tasks[1].answer_facts()
    if fresh or alike:  # else the second would only read what the first was answered
        tasks = (asked_anew(tasks[0]), asked_anew(tasks[1]))
    drawn = comparing.draw_rows(project, asset, sample, seed) if asset else None
    rows = read_gold(gold) if gold is not None else []
    _agree(project, tasks, drawn, rows, yes, json)
    judged = comparing.judge(project, *tasks, rows, normalise=normalise) if rows else None
    if drawn is not None:
        found = comparing.compare(project, *tasks, drawn.rows)
        about = (
            f"{len(drawn.rows):,} of {counted(drawn.of)} of {drawn.key}, version {drawn.version}"
        )
        about += f", drawn with --seed {seed}"
    else:
        assert judged is not None  # noqa: S101 - without an asset there is gold
        found, about = comparing.on_gold(judged, rows), f"{counted(len(rows))} of {gold}"
    path = html or comparing.report_path(project, tasks[0].name, tasks[1].name)
    _write(path, about, found, judged)
    if json:
        print_json(_facts(about, found, judged, path))
    else:
        _show(about, found, judged)
        print(f"\n{path}")


def _agree(
    project: Project,
    tasks: tuple[CleaningTask, CleaningTask],
    drawn: Sample | None,
    gold: list[GoldRow],
    yes: bool,
    json: bool,
) -> None:
    """Show what both tasks will cost, and ask."""
    from assets.engine.experiments import cost_of, gold_cost, new_run

    run = new_run(project, "ab")
    costs = [cost_of(project, task, drawn.rows, run) for task in tasks if drawn is not None]
    costs += [gold_cost(project, task, gold, run) for task in tasks if gold]
    agree(costs, yes, json)


def _tables(found: Comparison, judged: Judged | None) -> list[Figures]:
    """Give the figures: what both made of the rows and took for it, and of gold."""
    from resources.evaluation.page import Figures

    ran = (found.first, found.second)
    lines = [
        ("rows", *[found.rows] * 2),
        ("came out alike", *[found.same] * 2),
        ("came out differently", *[len(found.differences)] * 2),
        ("set aside", *(len(each.aside) for each in ran)),
        ("answered by (rows)", *map(answered, ran)),
        ("known already", *(each.known for each in ran)),
        ("requests", *(each.requests for each in ran)),
        ("tokens", *(each.tokens for each in ran)),
        ("cost", *map(money, ran)),
        ("a request took", *map(_took, ran)),
    ]
    tables = [Figures("The same rows", ("", *_names(found)), lines)]
    if judged is not None:
        named = zip(_names(found), (judged.first, judged.second), strict=True)
        both = [replace(each, name=name) for name, each in named]
        tables.append(figures("On the gold set", [*judged.baselines, *both]))
    return tables


def _took(ran: Ran) -> str:
    """Write how long a request took."""
    return "-" if ran.latency is None else f"{ran.latency:.2f} s"


def _names(found: Comparison) -> tuple[str, str]:
    """Name the two tasks."""
    return f"A: {found.first.task}", f"B: {found.second.task}"


def _verdict(found: Comparison, judged: Judged | None) -> list[str]:
    """Say who is right more often, and which figures are no model's."""
    said = [] if judged is None else [against(found.second.task, found.first.task, judged.paired)]
    silent = [ran.task for ran in (found.first, found.second) if not ran.models]
    if silent:
        said.append(f"No model answered for {' and '.join(silent)}: that is the rules' work.")
    return said + [w for ran in (found.first, found.second) for w in ran.warnings]


def _write(path: Path, about: str, found: Comparison, judged: Judged | None) -> None:
    """Write the page."""
    from resources.evaluation.page import comparison_page
    from resources.files import replace_file

    title = f"{found.first.task} and {found.second.task}, side by side"
    lines = [about, *_verdict(found, judged)]
    page = comparison_page(title, lines, _tables(found, judged), _names(found), found.differences)
    replace_file(path, page.encode())


def _show(about: str, found: Comparison, judged: Judged | None) -> None:
    """Show a comparison on the terminal."""
    print(about)
    for table in _tables(found, judged):
        print()
        print_table(table.head, table.lines)
    for line in _verdict(found, judged):
        print(f"\n{line}")
    shown = found.differences[:_SHOWN]
    if shown:
        print(f"\n{len(shown)} of {counted(len(found.differences))} that came out differently:")
    for difference in shown:
        _show_difference(difference)


def _show_difference(row: Difference) -> None:
    """Show one row: raw, and what each task changed in it."""
    from rich.text import Text

    from resources.evaluation.report import visible

    out = console()
    out.print(Text(f"\nid {visible(row.id)}", style="bold"))
    for name, raw in row.raw.items():
        label = f"{visible(name)} " if len(row.raw) > 1 else ""
        out.print(Text(f"{label}raw  {visible(raw)}"), soft_wrap=True)
        for side, made, why in (
            ("A", row.first, row.why_first),
            ("B", row.second, row.why_second),
        ):
            line = Text(f"{label}{side}    ")
            if made is None:
                line.append(f"set aside: {visible(why)}", style="yellow")
            else:
                line.append(_marked(raw, made[name], plain=out.color_system is None))
            out.print(line, soft_wrap=True)


def _marked(raw: str, text: str, *, plain: bool) -> Text:
    """Give a text with its changes in colour; without colours as [-gone-]{+new+}."""
    from rich.text import Text

    from resources.evaluation.report import marked

    line = Text()
    for kind, part in marked(raw, text):
        if kind == "same":
            line.append(part)
        elif kind == "del":
            line.append(f"[-{part}-]" if plain else part, style="red strike")
        else:
            line.append(f"{{+{part}+}}" if plain else part, style="green underline")
    return line


def _facts(about: str, found: Comparison, judged: Judged | None, path: Path) -> dict[str, Any]:
    """Give a comparison as facts."""
    facts: dict[str, Any] = {
        "about": about,
        "rows": found.rows,
        "same": found.same,
        "different": len(found.differences),
        "tasks": [_ran_facts(ran) for ran in (found.first, found.second)],
        "differences": [asdict(each) for each in found.differences],
        "html": str(path),
    }
    if judged is not None:
        paired = judged.paired
        every = (*judged.baselines, judged.first, judged.second)
        facts["gold"] = {
            "cleaners": [{"cleaner": s.name, **measured_facts(s.measured)} for s in every],
            "only_a_right": paired.only_first,
            "only_b_right": paired.only_second,
            "p": paired.p,
        }
    return facts


def _ran_facts(ran: Ran) -> dict[str, Any]:
    """Give one task's run as facts."""
    return {"task": ran.task, "set_aside": len(ran.aside), **use_facts(ran)}
