"""Alerts: alerts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from assets.cli.app import Json, app
from assets.cli.show import emit
from resources.errors import SettingError

if TYPE_CHECKING:
    from assets.engine import Project
    from resources.alerts import Rule


@app.command()
def alerts(
    send: Annotated[
        bool, typer.Option("--send", help="Look now, and tell people what is new.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Send everybody a message, to see that it arrives.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what people were told of and is not over, and who is told of what."""
    from assets.engine import open_project
    from assets.engine.alerting import open_alerts, tell
    from resources.alerts import load_rules

    project = open_project()
    rules = load_rules(project.settings.root)
    problems: list[str] = []
    if test:
        problems = _try(project, rules)
    elif send:
        problems = tell(project)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not test:
        found = open_alerts(project)
        rows = [
            (a.since[:16].replace("T", " "), a.kind, a.key, a.text.splitlines()[0], _reached(a))
            for a in found
        ]
        data = [
            {"since": a.since, "kind": a.kind, "key": a.key, "title": a.title, "text": a.text}
            | {"to": list(a.to), "pending": list(a.pending)}
            for a in found
        ]
        emit(json, data, ("since", "kind", "asset", "what", "told"), rows)
        if not json:
            _say(rules, len(rows))
    if problems:
        raise typer.Exit(1)


def _reached(alert: object) -> str:
    """Say who was told, and who was not reached."""
    to, pending = getattr(alert, "to", ()), getattr(alert, "pending", ())
    return ", ".join(f"{name} (not reached)" if name in pending else name for name in to)


def _say(rules: tuple[Rule, ...], count: int) -> None:
    """Say who is told of what."""
    if not count:
        print("No alert is open.")
    for rule in rules:
        print(f"{rule.to} is told of: {', '.join(rule.when)} of {', '.join(rule.assets)}")
    if not rules:
        print(
            "Nobody is told of anything: set DATAOPS_CONNECTION_ALERTS to an address such as "
            "mailtos://... or slack://..., or write resources/alerts.yaml (docs/alerts.md)"
        )


def _try(project: Project, rules: tuple[Rule, ...]) -> list[str]:
    """Send a message to each connection; give what went wrong."""
    from resources.alerts import deliver

    if not rules:
        raise SettingError(
            "there is nobody to tell",
            "set DATAOPS_CONNECTION_ALERTS, or write resources/alerts.yaml (docs/alerts.md)",
        )
    problems = []
    for name in dict.fromkeys(rule.to for rule in rules):
        place = project.settings.root
        problem = deliver(name, "DataOps: a test", f"Alerts of the project {place} arrive here.")
        problems += [problem] if problem else []
        if not problem:
            print(f"{name}: sent")
    return problems
