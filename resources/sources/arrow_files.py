"""Arrow's own files (Feather is one) and streams, as they are."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.sources.column_files import ColumnFiles

if TYPE_CHECKING:
    import pyarrow as pa

_FILE: Final = b"ARROW1"
_FEATHER_1: Final = b"FEA1"


class ArrowFiles(ColumnFiles):
    """Arrow files and streams read as one table; told apart by how they begin, not by name."""

    format = "an Arrow"

    def schema_of(self, file: Path) -> pa.Schema:
        """Read a file's schema."""
        with _opened(file) as (reader, _):
            return reader.schema

    def batches_of(self, file: Path, rows: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """Stream one file in the batches that it was written in."""
        with _opened(file) as (reader, source):
            if hasattr(reader, "num_record_batches"):
                for at in range(reader.num_record_batches):
                    yield reader.get_batch(at)
                return
            end = source.tell()
            for batch in reader:
                yield batch
                end = source.tell()
            if source.tell() == end:  # else a mark that says so was read behind the last batch
                self._rejects.warn(
                    f"{file.name} is an Arrow stream without a mark at its end: rows may be "
                    "missing, if it was cut off; fetch it again, or write it with its writer closed"
                )


@contextmanager
def _opened(file: Path) -> Generator[tuple[Any, Any]]:
    """Open a file or a stream, and give it with what it is read from.

    What is not packed in it is read where it lies, page by page.
    """
    import pyarrow as pa

    with file.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(_FEATHER_1):
        raise SourceError(
            f"{file} is a Feather file of version 1, which Arrow no longer reads",
            "write it again with pandas.read_feather(...).to_feather(...) of an older pyarrow, "
            "or as Parquet",
            file=str(file),
        )
    with pa.memory_map(str(file)) as source:
        opened = pa.ipc.open_file if head.startswith(_FILE) else pa.ipc.open_stream
        with opened(source) as reader:
            yield reader, source
