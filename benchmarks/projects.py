"""Projects to measure on: many small assets, and a long history behind them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from msgspec.structs import replace

_RAW = '''"""The root."""

from assets import asset


@asset(chain=False)
def {name}():
    """Make the rows."""
    import pyarrow as pa

    return pa.table({{"n": [1, 2, 3]}})
'''
_DERIVED = '''"""Asset {name}."""

from assets import Table, asset


@asset(upstream={upstream})
def {name}({arguments}) -> Table:
    """Hand on the first."""
    return {first}
'''

_PIPELINE = """description: Orders of shop {name}
source: incoming/{name}*.csv
read: {{encoding: cp949, delimiter: ";"}}
columns:
  id: {{type: integer, unique: true}}
  note: {{type: text, optional: true}}
  rating: {{type: integer, allowed: [1, 2, 3, 4, 5], optional: true}}
clean: rules
output: {{columns: [id, note]}}
schedule: daily
tags: [shop]
"""


def mix(count: int) -> list[tuple[int, ...]]:
    """Give upstream numbers: a third chains of 50, a third fans of 100, a third diamonds."""
    edges: list[tuple[int, ...]] = [()]
    while len(edges) < count:
        number = len(edges)
        third = 3 * number // count
        if third == 0:
            edges.append((number - 1 if number % 50 else 0,))
        elif third == 1:
            edges.append((number - number % 100 - 1 if number % 100 else 0,))
        else:
            place = number % 3
            edges.append((number - 2, number - 1) if place == 0 else (number - place,))
    return edges


def write_project(root: Path, count: int) -> None:
    """Write a project of `count` assets, one file each."""
    for folder in ("assets/raw", "assets/processed", "resources/tasks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number, upstream in enumerate(mix(count)):
        name = f"a{number}"
        if not upstream:
            (root / "assets/raw" / f"{name}.py").write_text(_RAW.format(name=name))
            continue
        keys = [f"{'processed' if up else 'raw'}.a{up}" for up in dict.fromkeys(upstream)]
        names = [key.partition(".")[2] for key in keys]
        arguments = ", ".join(f"{one}: Table" for one in names)
        text = _DERIVED.format(name=name, upstream=keys, arguments=arguments, first=names[0])
        (root / "assets/processed" / f"{name}.py").write_text(text)


def write_pipelines(root: Path, count: int) -> None:
    """Write a project of `count` pipelines in YAML, three assets each."""
    folder = root / "resources/pipelines"
    folder.mkdir(parents=True)
    for number in range(count):
        name = f"shop{number}"
        (folder / f"{name}.yaml").write_text(_PIPELINE.format(name=name))


def write_history(root: Path, versions: int) -> None:
    """Write `versions` events for every asset, as if each had been made so often."""
    from assets.engine import open_project
    from assets.engine.compare import code_of
    from assets.model.code import code_version
    from catalog.records import File, Input, Materialized, SchemaColumn, encode

    project = open_project(root)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for key in project.graph.order:
        asset = project.graph.assets[key]
        path = f"{asset.layer}/{asset.name}_20260101_000000.parquet"
        file = project.data / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 100)
        code = code_of(project, asset)
        event = Materialized(
            id="",
            at="",
            key=key,
            number=1,
            run="bench",
            attempt="bench",
            as_of=start.isoformat(),
            why=("never materialized",),
            inputs=tuple(Input(up, versions, f"data-of-{up}") for up in asset.upstream),
            code_version=code_version(code),
            code=code,
            data_version=f"data-of-{key}",
            content_algorithm="md5-json/1",
            files=(File(path, 3, 100, "0" * 64, "1", file.stat().st_mtime_ns),),
            rows=3,
            rows_in=3,
            bytes=100,
            schema_version=1,
            schema_fingerprint="0" * 16,
            columns=(SchemaColumn("n", "int64"),),
        )
        folder = project.data / "events" / key
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, versions + 1):
            moment = (start + timedelta(days=number)).isoformat().replace("+00:00", "Z")
            made = replace(event, id=uuid4().hex, number=number, at=moment, as_of=moment)
            (folder / f"{number}.json").write_bytes(encode(made))
    project.code.save()
    os.sync()
