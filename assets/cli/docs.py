"""Data Docs: docs."""

from __future__ import annotations

from dataclasses import asdict

import typer

from assets.cli.app import Json, Selection, app
from assets.cli.show import emit


@app.command()
def docs(selection: Selection = None, json: Json = False) -> None:
    """Write Great Expectations Data Docs of the current versions to data/docs/."""
    from assets.engine import make_plan, open_project
    from assets.engine.arguments import table_of
    from assets.engine.plan import heads_of
    from assets.model.select import select
    from resources.expectations import build_docs, suite_of
    from resources.files import need_writable

    project = open_project()
    graph = project.graph
    keys = (
        select(graph, selection, lambda: make_plan(project).stale()) if selection else graph.order
    )
    need_writable(project.data)
    heads = heads_of(project)
    tables = []
    for key in keys:
        asset, head = graph.assets.get(key), heads.get(key)
        if asset is None or asset.columns is None or asset.layer == "output" or head is None:
            continue
        if head.current is not None:
            version = head.current
            tables.append(
                (key, version.number, table_of(project, version), suite_of(asset.columns))
            )
    validated = build_docs(project.data / "docs", tables)
    index = project.data / "docs" / "index.html"
    rows = [
        (
            v.name,
            v.version,
            v.rows,
            v.expectations,
            "ok" if v.passed else "failed",
            ", ".join(v.failed),
        )
        for v in validated
    ]
    data = {"index": str(index), "assets": [asdict(one) for one in validated]}
    emit(json, data, ("asset", "version", "rows", "expectations", "result", ""), rows)
    if not json:
        print(f"\n{index}")
    if any(not one.passed for one in validated):
        raise typer.Exit(1)
