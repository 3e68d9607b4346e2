"""How wide and how large data may be, in every format: one table of limits, and what guards them.

docs/limits.md is this table for people. A limit is for all formats alike, so that a file that is
saved in another one is not read in part or at another price.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from resources.errors import SourceError

_Record = TypeVar("_Record", bound=Mapping[str, Any])
MOST_COLUMNS: Final = 5_000
"""Columns of one table."""
LARGEST_RECORD: Final = 64 << 20
"""Bytes (of XML: letters) that one record, line or element may take."""
_CELLS: Final = 2_000_000


def chunked(records: Iterable[_Record], rows: int) -> Iterator[list[_Record]]:
    """Give records so many rows at a time, fewer where they are wide: memory holds a chunk."""
    chunk: list[_Record] = []
    cells = 0
    for record in records:
        chunk.append(record)
        cells += len(record)
        if len(chunk) >= rows or cells >= _CELLS:
            yield chunk
            chunk, cells = [], 0
    if chunk:
        yield chunk


def check_width(file: Path | str, count: int, what: str = "columns", where: str = "") -> None:
    """Hold a table to so many columns; raises SourceError that names file, place and limit.

    what: how its format calls them. where: the part of the file, such as a sheet.
    """
    if count <= MOST_COLUMNS:
        return
    place = f"{file}, {where}," if where else f"{file}"
    raise SourceError(
        f"{place} has {count:,} {what}; a table is read with up to {MOST_COLUMNS:,}",
        "write what is keyed by data as rows, or read fewer of them with code of your own",
        file=str(file),
        limit=MOST_COLUMNS,
    )
