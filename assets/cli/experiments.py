"""Measuring a cleaning task: evaluate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assets.cli.app import Json, app
from assets.cli.figures import HEAD, against, cells, figures, measured_facts, use_facts
from assets.cli.looking import show_costs
from assets.cli.show import print_json, print_table

if TYPE_CHECKING:
    from assets.engine.cost import Cost
    from assets.engine.experiments import Evaluation, Scored

Gold = Annotated[
    Path, typer.Option("--gold", help="The gold set: .csv or .jsonl with id, raw, expected.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a model is paid.")]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Ask the model anew, whatever it answered before.")
]
AtLeast = Annotated[
    float | None,
    typer.Option(
        "--at-least", min=0, max=1, help="Exit 1 where the interval's lower end is below this."
    ),
]


def agree(costs: Sequence[Cost | None], yes: bool, json: bool) -> None:
    """Show what models will be paid for, and ask; without a terminal, --yes is the answer."""
    asked = [cost for cost in costs if cost is not None]
    if not asked:
        return
    if not json:
        show_costs(asked)
    if yes or not any(cost.paid for cost in asked):
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("this asks a model, which may cost money: add --yes")
    typer.confirm("Go on?", abort=True)


@app.command()
def evaluate(
    task: Annotated[str, typer.Argument(help="A cleaning task's name, or `rules`.")],
    gold: Gold,
    normalise: Annotated[
        bool, typer.Option("--normalise", help="Compare after NFC and with spaces made one.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many rows, always the same ones.")
    ] = None,
    at_least: AtLeast = None,
    fresh: Fresh = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Measure a cleaning task on a gold set, beside doing nothing and the rules."""
    from assets.engine import experiments, open_project
    from resources.evaluation.gold import read_gold

    project = open_project()
    chosen = experiments.task_of(project, task)
    chosen = experiments.asked_anew(chosen) if fresh else chosen
    rows = experiments.gold_sample(read_gold(gold), limit)
    run = experiments.new_run(project, "evaluate")
    agree([experiments.gold_cost(project, chosen, rows, run)], yes, json)
    found = experiments.evaluate(project, chosen, rows, run, normalise=normalise)
    if json:
        print_json(evaluation_facts(found))
    else:
        _show(found)
    fixed = found.task.measured.fixed
    if at_least is not None and fixed.low < at_least:
        print(
            f"{task}: the interval begins at {fixed.low:.1%}, below {at_least:.1%}", file=sys.stderr
        )
        raise typer.Exit(1)


def _show(found: Evaluation) -> None:
    """Show an evaluation: a measure a line, then by language, kind and column."""
    table = figures("", found.all)
    print_table(table.head, table.lines)
    ran = found.task.ran
    assert ran is not None  # noqa: S101 - a task always runs
    print(f"\n{against('the rules', found.task.name, found.against_rules)}")
    if not ran.models:
        print("No model answered: these are figures of the rules.")
    for title, groups in (
        ("language", found.task.by_language(found.gold)),
        ("kind", found.task.by_kind(found.gold)),
        ("column", found.task.by_column(found.gold)),
    ):
        if len(groups) > 1:
            print()
            rows = [(name or "-", *cells(measured)) for name, measured in groups.items()]
            print_table((title, *HEAD), rows)
    _show_aside(found)
    for warning in ran.warnings:
        print(f"warning: {warning}")


def _show_aside(found: Evaluation) -> None:
    """List the rows that the task set aside: they count as wrong."""
    from resources.evaluation.report import visible

    ran = found.task.ran
    if ran is None or not ran.aside:
        return
    print("\nquarantined, so wrong:")
    rows = [(found.gold[at].id, visible(why)) for at, why in sorted(ran.aside.items())]
    print_table(("id", "reason"), rows)


def evaluation_facts(found: Evaluation) -> dict[str, Any]:
    """Give an evaluation as facts."""
    ran = found.task.ran
    assert ran is not None  # noqa: S101 - a task always runs
    wrong = []
    for place, (row, each) in enumerate(zip(found.gold, found.task.scores, strict=True)):
        if not each.right:
            wrong.append(
                {
                    "id": row.id,
                    "raw": dict(row.raw),
                    "expected": {column: list(right) for column, right in row.expected.items()},
                    "output": found.task.outputs.get(place),
                    "quarantined": ran.aside.get(place, ""),
                    "breaks": each.broken,
                }
            )
    rules = found.against_rules
    return {
        "task": found.task.name,
        "cleaners": [_cleaner_facts(found, each) for each in found.all],
        "against_rules": {
            "only_task_right": rules.only_first,
            "only_rules_right": rules.only_second,
            "p": rules.p,
        },
        "wrong": wrong,
        "warnings": list(ran.warnings),
    }


def _cleaner_facts(found: Evaluation, each: Scored) -> dict[str, Any]:
    """Give one cleaner as facts."""
    groups = {
        title: {name: measured_facts(m) for name, m in split.items()}
        for title, split in (
            ("by_language", each.by_language(found.gold)),
            ("by_kind", each.by_kind(found.gold)),
            ("by_column", each.by_column(found.gold)),
        )
    }
    return {
        "cleaner": each.name,
        **(use_facts(each.ran) if each.ran is not None else {}),
        **measured_facts(each.measured),
        **groups,
    }
