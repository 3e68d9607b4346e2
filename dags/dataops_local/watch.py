"""A run of the pipeline as it goes: one line for each asset whose state changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape

from dataops_local.rest import Client, quoted
from resources.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from assets.engine import Project

PIPELINE: Final = "pipeline"
_ENDED: Final = ("success", "failed")
_WORDS: Final = {
    "running": ("running", "dim"),
    "skipped": ("fresh", "dim"),
    "up_for_reschedule": ("waiting: another run makes it", "yellow"),
    "upstream_failed": ("stopped: something above it failed", "red"),
}
_POLL: Final = 0.4


def watch(
    client: Client, project: Project, run: str, check: Callable[[], None], console: Console
) -> tuple[str, dict[str, str]]:
    """Show a run until it has ended; give its state and the state of each task.

    check: raises where Airflow itself has ended.
    """
    shown: dict[str, str] = {}
    began, told = time.monotonic(), False
    where = f"/dags/{PIPELINE}/dagRuns/{quoted(run)}"
    while True:
        check()
        state: str = client.get(where)["state"]
        for one in client.task_instances(PIPELINE, run):
            key, now = one["task_id"], one["state"] or "none"
            if shown.get(key) != now:
                shown[key] = now
                if line := _line(project, run, one):
                    console.print(line, soft_wrap=True, highlight=False)
        if state in _ENDED:
            return state, shown
        if state == "queued" and not told and time.monotonic() - began > 5:
            console.print("Waiting: another run of the pipeline is at work")
            told = True
        time.sleep(_POLL)


def _line(project: Project, run: str, one: dict[str, Any]) -> str:
    """Say what happened to an asset; nothing for other tasks and for what the plan skipped."""
    key, state = str(one["task_id"]), str(one["state"])
    if "." not in key or (state == "skipped" and not one["try_number"]):
        return ""
    if state in _WORDS:
        word, style = _WORDS[state]
        return f"  {key}: [{style}]{word}[/]"
    if state == "success":
        return f"  {key}: [green]{_came(project, key)}[/]"
    if state in ("failed", "up_for_retry"):
        word = "failed" if state == "failed" else "failed, Airflow tries again"
        return f"  {key}: [red]{word}[/] {escape(error_of(project, key, run))}".rstrip()
    return ""


def _came(project: Project, key: str) -> str:
    """Say what was made of an asset."""
    from assets.engine.plan import heads_of

    made = heads_of(project, [key])[key].current
    if made is None:
        return "done"
    word = "unchanged," if made.unchanged else "made"
    return f"{word} {counted(made.rows)} in {made.seconds:.1f} s"


def error_of(project: Project, key: str, run: str) -> str:
    """Give the sentence of an asset's failure in a run, "" where the engine recorded none."""
    from assets.engine.plan import heads_of

    if key in project.graph.broken:
        return f"{project.graph.broken[key].error}."
    last = heads_of(project, [key])[key].last_attempt
    return f"{last.error}. {last.fix}." if last is not None and last.run == run else ""
