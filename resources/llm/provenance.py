"""Where each row of a result comes from: a Parquet file beside the version, a row per row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


class Provenance:
    """Writes how rows were made, batch by batch, in the order of the result.

    position: from 0, in the order in which rows left the cleaner. id: the row's `id`, as text.
    item: digest of what was asked for the row ("" = nothing was). origin: fresh, cache or rules.
    attempts: requests that held the row (0 where none did in this run).
    """

    def __init__(self, path: Path | None) -> None:
        """Write to `path` (None: nowhere); the file appears with the first batch."""
        self.path = path
        self.rows = 0
        self._writer: pq.ParquetWriter | None = None

    def add(
        self, ids: pa.Array | None, columns: dict[str, Sequence[Any]], task: str, config: str
    ) -> None:
        """Write a batch. columns: item, model, origin and attempts."""
        if self.path is None:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = len(columns["model"])
        schema = _schema()
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self.path, schema)
        values: dict[str, Any] = {
            "position": range(self.rows, self.rows + rows),
            "id": ids.cast(pa.string()) if ids is not None else pa.nulls(rows, pa.string()),
            "task": pa.repeat(pa.scalar(task), rows),
            "config_version": pa.repeat(pa.scalar(config), rows),
            **columns,
        }
        arrays = [
            v if isinstance(v := values[field.name], pa.Array) else pa.array(v, field.type)
            for field in schema
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
        self.rows += rows

    def close(self) -> None:
        """Finish the file; without a row there is none."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _schema() -> pa.Schema:
    """Give the columns of a provenance file."""
    import pyarrow as pa

    return pa.schema(
        [
            ("position", pa.int64()),
            ("id", pa.string()),
            ("item", pa.string()),
            ("model", pa.string()),
            ("task", pa.string()),
            ("config_version", pa.string()),
            ("origin", pa.string()),
            ("attempts", pa.int32()),
        ]
    )
