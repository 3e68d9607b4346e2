"""Right, loud or silent: how what was read compares with what a file holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.awkward.readers import Outcome

LOUD: Final = "wrong, and loud"
SILENT: Final = "SILENT"


def judge(read: Outcome, wanted: Outcome) -> str:
    """Judge one file. Spaces around cells, and empty cells at the end of a row, do not count."""
    if read.broke:
        return "traceback"
    if read.trouble:
        return LOUD
    rows, right = [_plain(row) for row in read.rows], [_plain(row) for row in wanted.rows]
    if rows == right:
        same = _plain(read.names) == _plain(wanted.names)
        return "right" if same else "right, other names"
    if read.said:
        return LOUD
    return f"{SILENT}: other {'rows' if len(rows) != len(right) else 'values'}"


def _plain(cells: Sequence[str | None]) -> list[str]:
    """Give cells without spaces around them, and without empty ones at the end."""
    plain = [" ".join((cell or "").replace("\ufeff", "").split()) for cell in cells]
    while plain and not plain[-1]:
        plain.pop()
    return plain
