"""Parquet files, as they are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.rejects import Rejects
from resources.sources import old_times
from resources.sources.column_files import ColumnFiles
from resources.wording import counted

if TYPE_CHECKING:
    import pyarrow as pa

_BUFFER: Final = 1 << 20
"""Bytes of a column read at once: a whole column of a row group otherwise."""
_ROWS: Final = 10_000


class ParquetFiles(ColumnFiles):
    """Parquet files read as one table.

    Times of the old type INT96 count nanoseconds over all years, which no type here can: they are
    microseconds, and nanoseconds where one of them needs these. What then does not fit goes aside.
    """

    format = "a Parquet"

    def __init__(self, files: tuple[Path, ...], rejects: Rejects, *, typed: bool = True) -> None:
        """Read `files`; they hold types of their own."""
        super().__init__(files, rejects, typed=typed)
        self._told: dict[Path, int] = {}

    def schema_of(self, file: Path) -> pa.Schema:
        """Read the schema from a file's footer."""
        with self._open(file, self._unit) as parquet:
            schema: pa.Schema = parquet.schema_arrow
            return schema

    def batches_of(self, file: Path, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream one file, in memory that does not grow with its row groups."""
        with self._open(file, self._unit) as parquet:
            stated = parquet.metadata.num_rows
            batches = _all_stated(file, stated, parquet.iter_batches(batch_size=rows))
            if not old_times.columns_of(parquet):
                yield from batches
                return
            seen = 0
            for batch, (coarse, fine) in zip(batches, self._both(file, rows), strict=True):
                wrong = old_times.inexact(file, coarse, fine, self._unit)
                for reject in old_times.described(file, batch, wrong, self._unit):
                    seen += 1
                    if seen > self._told.get(file, 0):
                        self._told[file] = seen
                        self._rejects.add(reject)
                yield old_times.without(batch, wrong)

    def _open(self, file: Path, unit: str) -> Any:
        """Open a file; times of the old type come in `unit`."""
        import pyarrow.parquet as pq

        return pq.ParquetFile(
            file,
            pre_buffer=False,
            buffer_size=_BUFFER,
            page_checksum_verification=True,
            coerce_int96_timestamp_unit=unit,
        )

    @cached_property
    def _unit(self) -> str:
        """Tell the unit of old times: ns where one of them needs it (one pass over them)."""
        for file in self.files:
            with self._damage(file):
                both = self._both(file, _ROWS)
                if any(old_times.need_nanoseconds(coarse, fine) for coarse, fine in both):
                    return "ns"
        return "us"

    def _both(self, file: Path, rows: int) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        """Stream the columns that hold old times, as milli- and as nanoseconds (which wrap)."""
        with self._open(file, "ms") as one, self._open(file, "ns") as other:
            if names := old_times.columns_of(one):
                yield from zip(
                    one.iter_batches(batch_size=rows, columns=names),
                    other.iter_batches(batch_size=rows, columns=names),
                    strict=True,
                )


def _all_stated(
    file: Path, stated: int, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Stream batches, and hold the count of their rows against what the file's footer states."""
    seen = 0
    for batch in batches:
        seen += batch.num_rows
        yield batch
    if seen != stated:
        raise SourceError(
            f"{file} states {counted(stated)} in its footer, and {seen:,} could be read",
            "write it again with the program that it came from, or take it off source=",
            file=str(file),
            stated=stated,
            read=seen,
        )
