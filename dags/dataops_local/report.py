"""What a run came to, asset by asset, and where to look next."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

from dataops_local.watch import PIPELINE, error_of

if TYPE_CHECKING:
    from rich.console import Console

    from assets.engine import PlanLine, Project
    from catalog.heads import Head
    from catalog.records import Materialized

_STYLES: Final = {
    "made": "green",
    "unchanged": "green",
    "fresh": "dim",
    "held": "cyan",
    "stale": "yellow",
    "waiting": "yellow",
}
_OVER: Final = ("success", "skipped")


def report(
    project: Project, run: str, tasks: Mapping[str, str], logs: Path, console: Console
) -> int:
    """Print state, rows, file and time of every asset; give how many are not as they should be.

    tasks: the state in which each of the run's tasks ended. logs: where Airflow keeps theirs.
    """
    from assets.engine import make_plan
    from assets.engine.plan import heads_of

    plan, heads = make_plan(project), heads_of(project)
    table = Table("asset", "state", "rows", "file", "time", box=None, header_style="bold")
    wrong: list[str] = []
    for line in plan.lines:
        state = _state(line, heads.get(line.key), run, tasks.get(line.key, ""))
        # What became stale behind its task's back (a tick, another source file) is the next run's.
        if state not in ("made", "unchanged", "fresh", "held") and tasks.get(line.key) not in _OVER:
            wrong.append(line.key)
        table.add_row(
            line.key,
            f"[{_STYLES.get(state, 'red')}]{state}[/]",
            *_facts(project, heads.get(line.key), run),
        )
    console.print(table)
    for key, head in heads.items():
        if head.current is not None and head.current.run == run:
            _tell_use(key, head.current, console)
    for key in wrong:
        if tasks.get(key) == "failed":
            said = error_of(project, key, run) or f"See {_log(logs, run, key)}."
            console.print(f"[red]{key}[/]: {escape(said)}", soft_wrap=True, highlight=False)
    return len(wrong)


def _tell_use(key: str, made: Materialized, console: Console) -> None:
    """Print what models did for a version, and what somebody should know."""
    from assets.cli.show import usage_line

    for usage in made.usage:
        if usage.requests or usage.cached_rows:
            console.print(f"{key}: {escape(usage_line(usage))}", soft_wrap=True, highlight=False)
    for warning in made.warnings:
        said = escape(f"warning: {warning}")
        console.print(f"[yellow]{key}[/]: {said}", soft_wrap=True, highlight=False)


def _state(line: PlanLine, head: Head | None, run: str, task: str) -> str:
    """Say what became of an asset in a run: its task's end where that went wrong, else its plan."""
    current = head.current if head is not None else None
    if task == "failed":
        last = head.last_attempt if head is not None else None
        return last.state if last is not None and last.run == run else "failed"
    if task == "upstream_failed":
        return "stopped"
    if line.held:
        return "held"
    if current is not None and current.run == run:
        return "unchanged" if current.unchanged else "made"
    return line.state


def _facts(project: Project, head: Head | None, run: str) -> tuple[str, str, str]:
    """Give rows, file and seconds of an asset's current version."""
    current = head.current if head is not None else None
    if current is None:
        return "", "", ""
    file = project.data / current.files[0].path if current.files else None
    root = project.settings.root
    shown = (
        "" if file is None else str(file.relative_to(root) if file.is_relative_to(root) else file)
    )
    more = f" and {len(current.files) - 1} more" if len(current.files) > 1 else ""
    return (
        f"{current.rows:,}",
        shown + more,
        f"{current.seconds:.1f} s" if current.run == run else "",
    )


def _log(logs: Path, run: str, task: str) -> Path:
    """Give the folder of a task's logs, one file a try."""
    return logs / f"dag_id={PIPELINE}" / f"run_id={run}" / f"task_id={task}"


def where_next(project: Project, console: Console) -> None:
    """Say where things are and what to type next."""
    tool = Path(sys.executable).with_name("dataops")
    tool = tool.relative_to(Path.cwd()) if tool.is_relative_to(Path.cwd()) else tool
    for word, text in (
        ("CSV", project.data / "output" / "current"),
        ("catalog", project.data / "catalog.duckdb"),
        ("pages", project.data / "docs" / "index.html"),
        ("next", f"{tool} status · {tool} sql 'from state' · make up (the Airflow UI)"),
    ):
        console.print(f"{word:<8} {text}", soft_wrap=True, highlight=False)
