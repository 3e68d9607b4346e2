"""A place on disk for rows that are read once and asked for several times, packed."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from resources.errors import TransientError

if TYPE_CHECKING:
    import pyarrow as pa

_CELLS: Final = 1_000_000
_ROWS: Final = 10_000


class Spool:
    """Rows of texts, with the columns of one sheet; `kinds` says what each column holds."""

    def __init__(self, names: Sequence[str]) -> None:
        """Take rows of these columns."""
        import pyarrow as pa

        self.kinds: list[set[str]] = [set() for _ in names]
        self._schema = pa.schema([(name, pa.string()) for name in names])
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as this
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_stream(self._file, self._schema, options=options)
        self._rows: list[list[str | None]] = []
        self._most = max(min(_ROWS, _CELLS // max(len(names), 1)), 1)

    def add(self, cells: Sequence[tuple[int, str, str]]) -> None:
        """Take one row."""
        row: list[str | None] = [None] * len(self.kinds)
        for at, kind, text in cells:
            row[at] = text
            self.kinds[at].add(kind)
        self._rows.append(row)
        if len(self._rows) >= self._most:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Take no more rows; without an error they can be read now."""
        with room(), self._file:
            if kind is None:
                self._write()
                self._writer.close()
                self._file.flush()
                self._bytes = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Stream the rows."""
        import pyarrow as pa

        yield from pa.ipc.open_stream(pa.py_buffer(self._bytes))

    def _write(self) -> None:
        """Put the waiting rows on disk."""
        import pyarrow as pa

        if not self._rows:
            return
        columns: Any = zip(*self._rows, strict=True)
        arrays = [pa.array(column, pa.string()) for column in columns]
        with room():
            self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows.clear()


@contextmanager
def room() -> Generator[None]:
    """Say that temporary files have no room where one cannot be written."""
    try:
        yield
    except OSError as error:
        raise TransientError(
            f"the folder for temporary files, {tempfile.gettempdir()}, takes no more ({error})",
            "make room there, or set TMPDIR to another folder",
        ) from error
