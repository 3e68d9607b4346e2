"""How answers are shown: tables for people, JSON for programs, errors as one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table

from catalog.records import Usage
from resources.errors import DataOpsError
from resources.terminal import raw, visible
from resources.wording import counted

STATES: Final = {
    "fresh": "green",
    "stale": "yellow",
    "missing": "yellow",
    "waiting": "cyan",
    "broken": "red",
    "failed": "red",
    "blocked": "red",
    "stopped": "red",
    "made": "green",
    "unchanged": "green",
    "held": "magenta",
    "make": "yellow",
    "wait": "cyan",
    "running": "cyan",
    "ok": "green",
}


class VisibleConsole(Console):
    """A console on which texts cannot act: only its own colours and movements do."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render, and spell out what other people's words would do."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)


def console(*, error: bool = False) -> Console:
    """Give a console; away from a terminal, lines are as long as they need to be."""
    made = VisibleConsole(stderr=error, highlight=False)
    if not made.is_terminal:
        made = VisibleConsole(stderr=error, highlight=False, width=10_000, no_color=True)
    return made


def print_json(value: object) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> object:
    """Write what JSON has no form for."""
    if hasattr(value, "__struct_fields__"):
        import msgspec

        return msgspec.to_builtins(value)
    return str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings; known states get their colour."""
    out = console()
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    table.padding = (0, 2, 0, 0)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    with out.capture() as captured:
        out.print(table)
    lines = [line.rstrip() for line in captured.get().split("\n")]
    print("\n".join(lines).rstrip("\n"), file=raw(sys.stdout))


def _cell(value: object) -> str:
    """Give a cell's text, coloured where it is a state."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else f"{value:,}" if isinstance(value, int) else visible(str(value))
    colour = STATES.get(text)
    return f"[{colour}]{text}[/]" if colour else escape(text)


def emit(
    as_json: bool, data: object, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Show an answer: `data` as JSON, or the rows as a table."""
    if as_json:
        print_json(data)
    else:
        print_table(columns, rows)


def fail(error: DataOpsError, as_json: bool) -> None:
    """Say what went wrong, on stderr; as JSON with its facts for programs."""
    if as_json:
        facts = {name: str(value) for name, value in error.facts.items()}
        text: Mapping[str, Any] = {
            "error": type(error).__name__,
            "problem": error.problem,
            "fix": error.fix,
            "facts": facts,
        }
        print(json.dumps(text, ensure_ascii=False), file=sys.stderr)
    else:
        console(error=True).print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True)


def ago(time: str) -> str:
    """Say how long ago a time of an event is."""
    if not time:
        return ""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "just now"


def size(count: int) -> str:
    """Write a number of bytes for people."""
    value = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return ""


def duration(seconds: float) -> str:
    """Say how long something takes: seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7_200 else f"{seconds / 3_600:,.1f} h"


def usage_line(usage: Usage) -> str:
    """Say what a model did."""
    cached = f", {usage.cached_rows:,} of them known already" if usage.cached_rows else ""
    said = f"{usage.model}: {counted(usage.rows)}, {usage.unique_rows:,} unique{cached}"
    if usage.requests:
        tokens = usage.prompt_tokens + usage.completion_tokens
        said += (
            f"; {usage.requests:,} requests ({usage.failed_requests:,} failed), {tokens:,} tokens"
        )
        said += f", ${usage.cost:,.4f}" if usage.cost else ""
        said += f", {usage.seconds / usage.requests:.1f} s an answer"
    return said
