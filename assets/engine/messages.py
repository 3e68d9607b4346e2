"""Messages: what an alert says, what to do, and where to look."""

from __future__ import annotations

from assets.engine.conditions import Condition
from assets.engine.project import Project
from catalog.heads import Head
from catalog.records import OpenAlert

_HAPPENED = {
    "failed": "failed",
    "blocked": "is blocked by a check",
    "threshold": "is beyond a threshold",
    "overdue": "is overdue",
    "budget": "budget",
    "damaged": "is damaged on disk",
    "disk": "runs full",
}


def tone_of(kind: str) -> str:
    """Give how an alert of a kind is to look."""
    return "warning" if kind in ("threshold", "overdue", "disk") else "failure"


def opened_message(project: Project, condition: Condition, head: Head | None) -> tuple[str, str]:
    """Give the title and the text of an alert that begins."""
    about = f"{condition.key} {_HAPPENED[condition.kind]}" if condition.key else condition.cause
    lines = [f"{condition.problem.rstrip('.')}."]
    if condition.fix:
        lines.append(f"What to do: {condition.fix.rstrip('.')}.")
    current = head.current if head is not None else None
    if condition.kind in ("failed", "blocked") and condition.key:
        below = len(project.graph.below([condition.key]))
        what = "1 asset below it is" if below == 1 else f"{below} assets below it are"
        lines.append(
            (
                f"Version {current.number} ({current.at[:16].replace('T', ' ')} UTC) stays current"
                if current is not None
                else "There is no version yet"
            )
            + (f"; {what} not made from anything newer." if below else ".")
        )
    lines += ["", *_links(project, condition)]
    return f"DataOps: {about}", "\n".join(lines).rstrip()


def recovered_message(project: Project, alert: OpenAlert) -> tuple[str, str]:
    """Give the title and the text of an alert that ended."""
    about = f"{alert.key} recovered" if alert.key else f"over: {alert.cause}"
    what = alert.title.removeprefix("DataOps: ")
    since = alert.since[:16].replace("T", " ")
    page = _page(project, alert.key)
    return f"DataOps: {about}", f"It is over: {what} (since {since} UTC).\n\n{page}".rstrip()


def _links(project: Project, condition: Condition) -> list[str]:
    """Say where to look: log, page, Data Docs."""
    lines = []
    if condition.log:
        lines.append(f"Log: {project.data / condition.log} (dataops logs {condition.key})")
    if page := _page(project, condition.key):
        lines.append(page)
    docs = project.data / "docs" / "index.html"
    if condition.kind in ("blocked", "threshold") and docs.is_file():
        lines.append(f"Data Docs: {docs}")
    return lines


def _page(project: Project, key: str) -> str:
    """Give the asset's page in Airflow, where it has one."""
    if key not in project.graph.assets:
        return ""
    return f"Asset: {project.settings.base_url.rstrip('/')}/dags/materialize__{key}"
