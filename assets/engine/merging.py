"""Merging: which files of a version are written again with new rows, and writing them.

Files stay as they are, but for those that hold replaced rows, and for the newest ones once there
are many small ones: what stays of them goes into the new file, in front of the new rows. So rows
keep their order, and a row is written again a few times in its life at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assets.engine.known import Base
from assets.engine.stage import Staged, StagedWriter, read_batches
from catalog.records import File
from resources.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

FANOUT: Final = 32
"""So many of the newest files, of one size, become one."""
LARGE: Final = 1_000_000
"""Files of so many rows are never merged."""


def parted(base: Base, touched: set[Path]) -> tuple[tuple[Path, ...], tuple[File, ...]]:
    """Give the files whose rows are written again, in order, and those that stay."""
    if not base.files:
        return base.paths, ()
    pairs = list(zip(base.paths, base.files, strict=True))
    rest = [pair for pair in pairs if pair[0] not in touched]
    stay = rest[: len(rest) - worn([file for _, file in rest])]
    paths = {path for path, _ in stay}
    again = tuple(path for path in base.paths if path not in paths)
    return again, tuple(file for _, file in stay)


def worn(files: Sequence[File]) -> int:
    """Give how many of the last files are to become one: at least FANOUT, none of them LARGE.

    Sizes are powers of FANOUT, in rows. All rows of what becomes one rise to a larger size, so none
    is written again more often than there are sizes; only where large and small files take turns
    are they merged without, so that there are never very many.
    """
    sizes = [_size(file.rows) for file in files]
    for most in sorted(set(sizes)):
        run = next((at for at, size in enumerate(reversed(sizes)) if size > most), len(sizes))
        rises = _size(sum(file.rows for file in files[len(files) - run :])) > most
        if most < _size(LARGE) and ((run >= FANOUT and rises) or run >= 4 * FANOUT):
            return run
    return 0


def _size(rows: int) -> int:
    """Give a file's size as a power of FANOUT, those of LARGE and more rows as one."""
    return int(math.log(min(max(rows, 1), LARGE) + 0.5, FANOUT))


def rewrite(
    again: Sequence[Path],
    new: Staged,
    leaving: Mapping[Path, np.ndarray],
    to: Path,
    settings: Settings,
) -> Staged:
    """Write the old rows that stay, then the new ones, to one file."""
    writer = StagedWriter(to, new.schema, settings.compression)
    try:
        for path in again:
            for batch in _staying(path, leaving.get(path), settings.chunk_rows):
                writer.write(batch.select(new.schema.names).cast(new.schema))
        for batch in read_batches(new.path, settings.chunk_rows):
            writer.write(batch)
        facts = writer.close()
    except BaseException:
        writer.abort()
        raise
    return Staged(to, facts, writer.rows, new.schema)


def _staying(path: Path, places: np.ndarray | None, size: int) -> Iterator[pa.RecordBatch]:
    """Stream a file's rows but those at these places."""
    import numpy as np
    import pyarrow as pa

    start = 0
    for batch in read_batches(path, size):
        if places is None:
            yield batch
            continue
        keep = np.ones(batch.num_rows, dtype=bool)
        low, high = np.searchsorted(places, [start, start + batch.num_rows])
        keep[places[low:high] - start] = False
        start += batch.num_rows
        yield batch.filter(pa.array(keep))
