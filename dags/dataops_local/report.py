"""What a run came to, asset by asset, and where to look next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from assets.engine import Project

STYLES = {"made": "green", "unchanged": "green", "fresh": "dim", "held": "cyan"}


def report(project: Project, run: str, seconds: float | None) -> int:
    """Print state, rows, file and time of every asset; give the exit code (1: something failed)."""
    from assets.engine import make_plan
    from assets.engine.plan import heads_of

    console = Console(width=None if Console().is_terminal else 140)
    plan, heads = make_plan(project), heads_of(project)
    table = Table("asset", "state", "rows", "file", "time", box=None, header_style="bold")
    failed = 0
    errors: list[str] = []
    for line in plan.lines:
        head = heads.get(line.key)
        current = head.current if head is not None else None
        mine = current is not None and current.run == run
        state = line.state
        if current is not None and line.state == "fresh":
            state = ("unchanged" if current.unchanged else "made") if mine else "fresh"
        if line.held:
            state = "held"
        last = head.last_attempt if head is not None else None
        if line.state not in ("fresh",) and not line.held:
            failed += 1
            if last is not None and last.run == run:
                state = last.state
                errors.append(f"{line.key}: {last.error}. {last.fix}.")
            elif line.note:
                errors.append(f"{line.key}: {line.note}")
        table.add_row(
            line.key,
            f"[{STYLES.get(state, 'red')}]{state}[/]",
            f"{current.rows:,}" if current is not None else "",
            current.files[0].path if current is not None and current.files else "",
            f"{current.seconds:.1f} s" if mine and current is not None else "",
        )
    console.print(table)
    for error in errors:
        console.print(f"[red]{error}[/]", soft_wrap=True)
    if seconds is not None:
        console.print(f"\n{'Failed' if failed else 'Done'} in {seconds:.0f} s.")
    _where(console, project)
    return 1 if failed else 0


def _where(console: Console, project: Project) -> None:
    """Say where things are and what to type next."""
    data = project.data
    console.print(f"CSV      {data / 'output' / 'current'}", soft_wrap=True)
    console.print(f"catalog  {data / 'catalog.duckdb'}", soft_wrap=True)
    console.print(f"docs     {project.settings.root / 'README.md'} and docs/", soft_wrap=True)
    console.print(
        "next     .venv/bin/dataops plan · .venv/bin/dataops sql 'from current' · "
        "make up (the Airflow UI)",
        soft_wrap=True,
    )
