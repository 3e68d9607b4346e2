"""Any table as texts: id, source, raw_text, created_at and the rest as metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from resources.errors import SourceError, did_you_mean
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa


def as_texts(table: Table, *, names: Mapping[str, str | None], name: str, now: datetime) -> Table:
    """Give the table as texts; `names` maps text columns to the table's own columns."""

    def schema() -> pa.Schema:
        """Check the names against the table and give the texts' schema."""
        import pyarrow as pa

        for target, own in names.items():
            if own is not None and own not in table.columns:
                raise SourceError(
                    f"{name} has no column {own!r} to take {target} from"
                    f"{did_you_mean(own, table.columns)}; it has {table.columns}",
                    "name one of its columns",
                    column=own,
                )
        number = table.schema.field(names["id"] or "").type
        return pa.schema(
            [
                ("id", number if pa.types.is_integer(number) else pa.string()),
                ("source", pa.string()),
                ("raw_text", pa.string()),
                ("created_at", pa.timestamp("ns")),
                ("metadata", pa.string()),
            ]
        )

    target = None

    def convert(batch: pa.RecordBatch) -> pa.RecordBatch:
        """Convert one batch."""
        import pyarrow as pa

        nonlocal target
        target = target or schema()
        rest = [c for c in batch.schema.names if c not in names.values()]
        records = batch.select(rest).to_pylist() if rest else [{}] * batch.num_rows

        def column(key: str, default: object) -> pa.Array:
            """Take a column, or repeat a default."""
            own = names[key]
            if own is None:
                return pa.array([default] * batch.num_rows, target.field(key).type)
            return batch.column(own).cast(target.field(key).type)

        metadata = [json.dumps(r, ensure_ascii=False, default=str) for r in records]
        arrays = [
            column("id", None),
            column("source", name),
            column("raw_text", None),
            column("created_at", now.replace(tzinfo=None)),
            pa.array(metadata, pa.string()),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=target)

    filled = frozenset() if names["created_at"] else frozenset({"created_at"})
    result = table.map(convert, schema)
    return Table(lambda: result.schema, result.batches, rows=table.rows, volatile=filled)
