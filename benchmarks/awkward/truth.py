"""What the files of a collection hold, by what stands beside them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

from benchmarks.awkward.readers import Outcome

csv.field_size_limit(1 << 28)


def clean_table(file: Path) -> Outcome:
    """Read a clean CSV: a header, commas, quotation marks written twice."""
    text = file.read_bytes().decode("utf-8-sig")
    names, *rows = [*csv.reader(io.StringIO(text, newline=""))] or [[]]
    return Outcome(names, rows)


def spectrum_table(file: Path) -> Outcome:
    """Read a list of objects of texts."""
    given = json.loads(file.read_text(encoding="utf-8"))
    found = given if isinstance(given, list) else [given]
    return Outcome(list(found[0]) if found else [], [list(row.values()) for row in found])


def json_table(file: Path) -> Outcome:
    """Read a JSON document as Python does, as rows; what Python refuses has a row nobody reads."""
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return Outcome(["no JSON"], [["no JSON"]])
    rows = found if isinstance(found, list) else [found]
    objects = [row for row in rows if isinstance(row, dict)]
    names = list(dict.fromkeys(name for row in objects for name in row))
    if len(objects) < len(rows):
        return Outcome(["no table"], [["no table"]])
    return Outcome(names, [[_text(row.get(name)) for name in names] for row in objects])


def _text(value: object) -> str:
    """Write a value as the reader does."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def loaded(table: Outcome) -> Outcome:
    """Give a table with its cells as the values that they are the JSON of, where they are."""
    return replace(table, rows=[[_value(cell) for cell in row] for row in table.rows])


def _value(cell: str | None) -> str:
    """Write a cell that is JSON in one way."""
    try:
        return repr(json.loads(cell or ""))
    except ValueError:
        return repr(cell or "")


def parquet_rows(file: Path) -> int:
    """Give how many rows a Parquet file says it has, -1 where it cannot be asked."""
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(file).num_rows)
    except Exception:  # noqa: BLE001 - a damaged file is what some of them are
        return -1
