"""The content of a table as one sum: equal rows give an equal sum, whatever their order or file.

Algorithm `md5-json/1`: each row becomes a JSON object of its non-volatile columns, the object's MD5
its lower 64 bits, and the sum of those over all rows is exact (128 bits). Sums of files add up.
With `ordered`, the row's position is part of the object. Not proof against an adversary.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Final

from assets.engine.sql import quoted
from resources.columns import ZONED, Column

ALGORITHM: Final = "md5-json/1"


def _in_utc(kind: str, column: str) -> str:
    """Give a column whose text is the same on every machine: DuckDB writes moments in its zone."""
    return f"timezone('UTC', {column})" if kind == ZONED else column


def row_hash(columns: Iterable[Column], *, ordered: bool = False) -> str:
    """Give the SQL expression of one row's hash (UBIGINT)."""
    kinds = {c.name: c.type for c in columns if not c.volatile}
    names = list(kinds)
    fields = [f"{quoted(name)} := {_in_utc(kinds[name], quoted(name))}" for name in names]
    if ordered:
        fields.append('"file_row_number" := file_row_number')
    if not fields:
        return "0::UBIGINT"
    return f"md5_number_lower(to_json(struct_pack({', '.join(fields)}))::VARCHAR)"


def data_version(columns: Sequence[Column], rows: int, content: str, *, ordered: bool) -> str:
    """Give the data version (16 hex digits): names and types, row count and content sum."""
    shape = [[c.name, c.type] for c in columns]
    text = json.dumps([ALGORITHM, ordered, shape, rows, content], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
