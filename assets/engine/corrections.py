"""Corrections: rows as people put them right, in the place of the rejected rows they are made of.

A correction is found again by the content of the row that was rejected. So it is applied once, to
the rows that are there, and each time the same bad row comes from its source again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

SUITE: Final = "expect_"
"""So begin the rules whose rows are still in the table when they are set aside."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One rejected row and what takes its place, both as JSON; rule, column, reason: of then."""

    rejected: str
    corrected: str
    rule: str
    column: str
    reason: str
    accepted_by: str
    accepted_at: str
    why: str


def content_id(row: str, volatile: Iterable[str] = ()) -> str:
    """Give 12 hex digits of a row's content; `volatile` columns (times of processing) are none."""
    try:
        values = json.loads(row)
    except ValueError:
        values = row
    if isinstance(values, dict):
        values = {name: value for name, value in values.items() if name not in set(volatile)}
    text = json.dumps(values, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def numbered(name: str, nth: int) -> str:
    """Give the id of the nth row of one content: the second is called -2, and so on."""
    return name if nth == 1 else f"{name}-{nth}"


def read_corrections(path: Path) -> list[Correction]:
    """Read a file of corrections, newest first."""
    import pyarrow.parquet as pq

    found = pq.read_table(path).to_pylist()
    return [Correction(**{**one, "accepted_at": f"{one['accepted_at']}Z"}) for one in found]


def write_corrections(path: Path, corrections: Sequence[Correction]) -> None:
    """Write a file of corrections."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [name for name in Correction.__slots__ if name != "accepted_at"]
    lines = [asdict(one) for one in corrections]
    columns = {name: pa.array([line[name] for line in lines], pa.string()) for name in texts}
    times = pa.array([line["accepted_at"].rstrip("Z") for line in lines], pa.string())
    columns["accepted_at"] = times.cast(pa.timestamp("us"))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: columns[name] for name in Correction.__slots__}), path)
    with path.open("rb") as file:
        os.fsync(file.fileno())


class Waiting:
    """Corrections that wait for their rows, by content; the newest of one row comes first."""

    def __init__(self, corrections: Iterable[Correction], volatile: Iterable[str]) -> None:
        """Take them all."""
        self._volatile = frozenset(volatile)
        self._by_id: dict[str, deque[Correction]] = {}
        for one in corrections:
            self._by_id.setdefault(content_id(one.rejected, self._volatile), deque()).append(one)

    def take(self, row: str) -> Correction | None:
        """Give the correction of a row, once."""
        found = self._by_id.get(content_id(row, self._volatile))
        return found.popleft() if found else None

    def of_suites(self) -> list[Correction]:
        """Give those that wait for rows which an expectation set aside."""
        waiting = (one for found in self._by_id.values() for one in found)
        return [one for one in waiting if one.rule.startswith(SUITE)]
