"""Data Docs: docs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from assets.cli.app import Json, Selection, app
from assets.cli.show import emit


@app.command()
def docs(
    selection: Selection = None,
    open_: Annotated[bool, typer.Option("--open", help="Open them in a browser.")] = False,
    json: Json = False,
) -> None:
    """Bring the Data Docs in data/docs/ up to date and say which checks are not met.

    Runs keep them up to date; the exit code is 1 where a current version does not meet a check.
    """
    from assets.engine import make_plan, open_project
    from assets.engine.docs import build_docs, docs_index
    from assets.engine.plan import heads_of
    from assets.model.select import select
    from resources.files import need_writable

    project = open_project()
    graph = project.graph
    keys = (
        select(graph, selection, lambda: make_plan(project).stale()) if selection else graph.order
    )
    need_writable(project.data)
    lines = build_docs(project, heads_of(project))
    chosen = [lines[key] for key in keys if key in lines]
    facts = [_facts(line) for line in chosen if line.entry or line.blocked]
    index = docs_index(project)
    head = ("asset", "version", "rows", "expectations", "result", "")
    rows = [
        (f["name"], f["version"], f["rows"], f["expectations"], f["result"], ", ".join(f["failed"]))
        for f in facts
    ]
    emit(json, {"index": str(index), "assets": facts}, head, rows)
    if not json:
        print(f"\n{index}")
    if open_:
        typer.launch(index.as_uri())
    if any(fact["failed"] for fact in facts):
        raise typer.Exit(1)


def _facts(line: Any) -> dict[str, Any]:
    """Give an asset's line as facts; a blocked attempt says so beside the current version."""
    shown = line.entry or line.blocked
    failed = [*shown.failed, *(line.blocked.failed if line.blocked else ())]
    word = "blocked" if line.blocked else "failed" if shown.failed else "ok"
    return {
        "name": line.key,
        "version": int(line.entry.page.removesuffix(".html")) if line.entry else 0,
        "rows": shown.rows,
        "expectations": shown.checks,
        "result": word,
        "passed": word == "ok",
        "failed": list(dict.fromkeys(failed)),
        "page": f"{line.key}/{(line.blocked or shown).page}",
    }
