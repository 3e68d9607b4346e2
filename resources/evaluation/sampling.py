"""Samples: rows drawn by chance, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import TYPE_CHECKING

from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa


def draw(rows: int, count: int, seed: int, *, without: Collection[int] = ()) -> list[int]:
    """Draw `count` of the positions 0 to rows-1, each as likely as any other, in order.

    without: positions that are out of the draw. Where fewer are left, all of them are given.
    """
    random = Random(seed)  # noqa: S311 - a sample anybody can draw again
    if not without:
        return sorted(random.sample(range(rows), min(count, rows)))
    left = [place for place in range(rows) if place not in without]
    return sorted(random.sample(left, min(count, len(left))))


def take(table: Table, places: list[int]) -> pa.Table:
    """Read the rows at these positions (in order) out of a table, batch by batch."""
    import pyarrow as pa

    found: list[pa.RecordBatch] = []
    start = at = 0
    for batch in table.batches():
        end = start + batch.num_rows
        first = at
        while at < len(places) and places[at] < end:
            at += 1
        if at > first:
            inside = pa.array([place - start for place in places[first:at]], pa.int64())
            found.append(batch.take(inside))
        start = end
        if at == len(places):
            break
    return pa.Table.from_batches(found, schema=table.schema)
