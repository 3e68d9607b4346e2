"""Quality: quality."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from assets.cli.app import Json, Selection, app
from assets.cli.show import ago, emit, print_table

_LATEST: Final = """
SELECT q.*, c.missing_before, c.missing_after, c.errors_before, c.errors_after, c.score_before,
  c.missing_change, c.errors_change, c.score_change
FROM quality q LEFT JOIN quality_change c ON c.key = q.key AND c.version = q.version
WHERE list_contains(?::VARCHAR[], q.key)
QUALIFY row_number() OVER (PARTITION BY q.key ORDER BY q.created_at DESC) <= ?
ORDER BY q.key, q.created_at DESC
"""
_BEFORE_AFTER: Final = ("asset", "version", "missing", "errors", "score")


@app.command()
def quality(
    selection: Selection = None,
    limit: Annotated[int, typer.Option(help="How many of the newest versions of each.")] = 1,
    json: Json = False,
) -> None:
    """Show how good each asset is, 0 to 100, its trend, and what cleaning changed."""
    from assets.engine import make_plan, open_project
    from assets.model.select import select

    project = open_project()
    graph = project.graph
    keys = (
        select(graph, selection, lambda: make_plan(project).stale()) if selection else graph.order
    )
    project.catalog.fold(wait=2.0)
    answer = project.catalog.query(_LATEST, [list(keys), limit])
    found = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    found.sort(key=lambda one: list(keys).index(one["key"]))
    rows = [_row(one) for one in found]
    columns = ("asset", "version", "when", "score", "", "there", "valid", "once", "checks passed")
    emit(json, found, columns, rows)
    cleaned = [one for one in found if one["score_before"] is not None]
    if cleaned and not json:
        print("\nbefore and after: what each version was made from, and what it is")
        print_table(_BEFORE_AFTER, [_change(one) for one in cleaned])


def _row(found: dict[str, Any]) -> tuple[object, ...]:
    """Give a version's line; a blocked attempt has no version."""
    change = found["change"]
    parts = (found[name] for name in ("complete", "valid", "unique_rows", "checks"))
    return (
        found["key"],
        found["version"] or "blocked",
        ago(f"{found['created_at']}Z"),
        _number(found["score"]),
        f"{change:+.1f}" if change else "",
        *(_share(part) for part in parts),
    )


def _change(found: dict[str, Any]) -> tuple[object, ...]:
    """Give a version's figures beside those of what it was made from."""
    return (
        found["key"],
        found["version"],
        _both(found["missing_before"], found["missing_after"]),
        _both(found["errors_before"], found["errors_after"]),
        f"{_number(found['score_before'])} -> {_number(found['score'])}",
    )


def _both(before: float | None, after: float | None) -> str:
    """Say a share before and after, and what became of it."""
    said = f"{_share(before)} -> {_share(after)}"
    if before and after is not None:
        said += f" ({(after - before) / before:+.0%})"
    return said


def _share(part: float | None) -> str:
    """Write a share."""
    return "" if part is None else f"{part:.2%}".replace(".00%", "%")


def _number(score: float | None) -> str:
    """Write a score."""
    return "" if score is None else f"{score:.1f}"
