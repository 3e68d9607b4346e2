"""Asking: sql, schema, lineage, path, logs."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from assets.cli.app import Json, Key, app
from assets.cli.show import ago, emit, print_json, print_table
from resources.export import neutral
from resources.terminal import raw
from resources.wording import counted

if TYPE_CHECKING:
    from catalog.reading import Answer

_SHOWN = 1_000
_WIDE = 100
_LINES = 20_000
_LONGEST = 2_000


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="SQL over catalog and assets, e.g. 'from current'.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Answer as CSV.")] = False,
    json: Json = False,
) -> None:
    """Ask the catalog and the assets (raw.reviews) in DuckDB's SQL; nothing can be written."""
    from assets.engine import open_project
    from assets.engine.deaths import settle_dead

    project = open_project()
    settle_dead(project)
    project.catalog.fold(wait=2.0)
    answer = project.catalog.query(query, limit=None if as_csv or json else _SHOWN)
    if json:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
    elif as_csv:
        _print_csv(answer, formula_safe=project.settings.formula_safe)
    else:
        _print_answer(answer)


def _print_csv(answer: Answer, *, formula_safe: bool) -> None:
    """Print rows as CSV: byte for byte for a program, made visible on a terminal."""
    out = sys.stdout if sys.stdout.isatty() else raw(sys.stdout)
    writer = csv.writer(_Lines(out), lineterminator="\r\n")
    for row in ([tuple(answer.columns)], answer.rows):
        writer.writerows([neutral(v) for v in one] if formula_safe else one for one in row)


class _Lines:
    """Rows of CSV that end with LF.

    The writer is told CR LF, so that a bare carriage return in a field is quoted: Python 3.11
    quotes only what it ends rows with, and a reader would take the rest for another row.
    """

    def __init__(self, out: TextIO) -> None:
        """Write to `out`."""
        self._out = out

    def write(self, row: str) -> int:
        """Write a row."""
        return self._out.write(row.removesuffix("\r\n") + "\n")


def _print_answer(answer: Answer) -> None:
    """Print rows as a table; of many columns, each on a line of its own."""
    rows = [tuple(_short(value) for value in row) for row in answer.rows]
    if len(answer.columns) <= _WIDE:
        print_table(answer.columns, rows)
    else:
        rows = rows[: max(1, _LINES // len(answer.columns))]
        for number, row in enumerate(rows, 1):
            print(f"row {number}")
            print_table(("column", "value"), zip(answer.columns, row, strict=True))
    if len(rows) < len(answer.rows) or not answer.complete:
        print(f"... the first {counted(len(rows))}; --csv or --json give all")


def _short(value: object) -> object:
    """Cut a value that fills the screen, and say how long it is; a line's end is a sign."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    cut = f"{text[:_LONGEST]}... ({len(text):,} characters; --csv or --json give all)"
    return (text if len(text) <= _LONGEST else cut).replace("\r\n", "\n").replace("\n", "⏎")


@app.command()
def schema(
    key: Key,
    diff: Annotated[
        str | None, typer.Option("--diff", help="Two schema versions to compare, such as 1:2.")
    ] = None,
    json: Json = False,
) -> None:
    """Show an asset's schema versions, or the difference between two."""
    from assets.engine import open_project

    project = open_project()
    project.graph.find(key)
    project.catalog.fold(wait=2.0)
    con = project.catalog.connect()
    if diff is not None:
        first, colon, second = diff.partition(":")
        if not (colon and first.isdigit() and second.isdigit()):
            raise typer.BadParameter("write two schema versions, such as --diff 1:2")
        found = con.execute("FROM schema_diff(?, ?, ?)", [key, int(first), int(second)])
    else:
        found = con.execute(
            "SELECT schema_version, since_version, name, type, nullable, is_unique, allowed "
            "FROM schema_versions JOIN schema_columns USING (key, schema_version) "
            "WHERE key = ? ORDER BY schema_version DESC, ordinal",
            [key],
        )
    columns = [part[0] for part in found.description or ()]
    rows = found.fetchall()
    emit(json, [dict(zip(columns, row, strict=True)) for row in rows], columns, rows)


@app.command()
def lineage(
    key: Key,
    version: Annotated[
        int | None, typer.Option(help="Trace one version: which exact versions it came from.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what an asset is made from and what is made from it, with the versions used."""
    if version is not None:
        _trace(key, version, json)
        return
    from assets.engine import open_project
    from assets.engine.plan import heads_of

    project = open_project()
    graph = project.graph
    graph.find(key)
    above, below = graph.above([key]), graph.below([key])
    inside = [k for k in graph.order if k in above or k in below or k == key]
    heads = heads_of(project, [k for k in inside if k in graph.assets])
    data: list[dict[str, Any]] = []
    for one in inside:
        current = heads[one].current if one in heads else None
        data.append(
            {
                "key": one,
                "where": "upstream" if one in above else "downstream" if one in below else "",
                "version": current.number if current else None,
                "made_from": [
                    {"key": pin.key, "version": pin.version, "data_version": pin.data_version}
                    for pin in (current.inputs if current else ())
                ],
                "sources": [source.path for source in (current.sources if current else ())],
                "files": [file.path for file in (current.files if current else ())],
                "upstream": list(graph.upstream(one)),
            }
        )
    rows = [
        (
            d["where"],
            d["key"],
            d["version"] or "",
            ", ".join(f"{p['key']} version {p['version']}" for p in d["made_from"])
            or ", ".join(d["sources"] or d["upstream"]),
            ", ".join(d["files"]),
        )
        for d in data
    ]
    emit(json, data, ("", "asset", "version", "made from", "file"), rows)


def _trace(key: str, version: int, json: bool) -> None:
    """Show the versions that went into one version, and those that it went into."""
    from assets.engine import open_project
    from catalog.lineage import made_from, used_by

    project = open_project()
    project.graph.find(key)
    project.catalog.fold(wait=2.0)
    walks = (("made from", made_from), ("used by", used_by))
    found = [(word, step) for word, walk in walks for step in walk(project.catalog, key, version)]
    data = [{"where": word, **asdict(step)} for word, step in found]
    rows = [
        (
            word,
            step.key,
            step.version,
            step.current,
            ", ".join(step.sources),
            ", ".join(step.files),
        )
        for word, step in found
    ]
    emit(json, data, ("", "asset", "version", "current", "sources", "files"), rows)


@app.command()
def path(
    key: Key,
    version: Annotated[int | None, typer.Option(help="Which version (default: current).")] = None,
    json: Json = False,
) -> None:
    """Print the files of an asset's current (or another) version, one a line."""
    from assets.engine import open_project
    from assets.engine.plan import heads_of
    from assets.model.errors import UnknownKeyError
    from catalog.records import Materialized

    project = open_project()
    project.graph.find(key)
    found: object
    if version is None:
        found = heads_of(project, [key])[key].current
    else:
        found = project.events.get(key, version)
    if not isinstance(found, Materialized):
        raise UnknownKeyError(
            f"{key} has no version{'' if version is None else f' {version}'}",
            f"dataops history {key} shows its versions",
            asset=key,
        )
    files = [str(project.data / file.path) for file in found.files]
    if json:
        print_json({"key": key, "version": found.number, "files": files})
    else:
        print("\n".join(files))


@app.command()
def logs(
    key: Key,
    attempt: Annotated[str, typer.Option(help="Part of an attempt's log file name.")] = "",
    json: Json = False,
) -> None:
    """Show the log of an asset's last attempt (or another), with its stack trace."""
    import json as codec

    from assets.engine import open_project

    project = open_project()
    project.graph.find(key)
    folder = project.data / "logs" / key
    found = sorted(f for f in folder.glob("*.jsonl") if attempt in f.name)
    if not found:
        print(f"{key} was never attempted" + (f" as {attempt!r}" if attempt else ""))
        return
    lines = [codec.loads(line) for line in found[-1].read_text(encoding="utf-8").splitlines()]
    if json:
        print_json(lines)
        return
    print(f"{found[-1]} ({ago(lines[0]['time'])})" if lines else found[-1])
    for line in lines:
        facts = {k: v for k, v in line.items() if k not in ("time", "level", "message", "stack")}
        text = " ".join(f"{name}={value}" for name, value in facts.items())
        print(f"{line['time'][11:23]} {line['level']:7} {line['message']} {text}".rstrip())
        if "stack" in line:
            print(line["stack"])
