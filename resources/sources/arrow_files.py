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
        with _opened(file) as reader:
            return reader.schema

    def batches_of(self, file: Path, rows: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """Stream one file in the batches that it was written in."""
        with _opened(file) as reader:
            if hasattr(reader, "num_record_batches"):
                for at in range(reader.num_record_batches):
                    yield reader.get_batch(at)
            else:
                yield from reader


@contextmanager
def _opened(file: Path) -> Generator[Any]:
    """Open a file or a stream; what is not packed in it is read where it lies, page by page."""
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
            yield reader
