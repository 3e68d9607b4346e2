"""Parquet files, as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resources.sources.column_files import ColumnFiles

if TYPE_CHECKING:
    import pyarrow as pa

_BUFFER: Final = 1 << 20
"""Bytes of a column read at once: a whole column of a row group otherwise."""


class ParquetFiles(ColumnFiles):
    """Parquet files read as one table."""

    format = "a Parquet"

    def schema_of(self, file: Path) -> pa.Schema:
        """Read the schema from a file's footer."""
        import pyarrow.parquet as pq

        return pq.read_schema(file)

    def batches_of(self, file: Path, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream one file, in memory that does not grow with its row groups."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(
            file, pre_buffer=False, buffer_size=_BUFFER, page_checksum_verification=True
        ) as parquet:
            yield from parquet.iter_batches(batch_size=rows)
