"""Lineage of versions: which exact versions went into one, and which ones it went into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from catalog.store import Catalog


@dataclass(frozen=True, slots=True)
class Step:
    """One version on the way; distance: how many steps away. sources: what a raw one was read from.

    current: whether it is in force now, so whether whoever looks today sees it.
    """

    key: str
    version: int
    distance: int
    made_at: datetime
    current: bool
    sources: tuple[str, ...]
    files: tuple[str, ...]


_FACTS: Final = """
SELECT w.key, w.version, w.distance, m.created_at, c.key IS NOT NULL,
  (SELECT coalesce(list(s.path ORDER BY s.path), []) FROM sources s
   WHERE s.key = w.key AND s.version = w.version),
  (SELECT coalesce(list(f.path ORDER BY f.ordinal), []) FROM files f
   WHERE f.key = w.key AND f.version = w.version)
FROM {walk}(?, ?) w
JOIN materializations m ON m.key = w.key AND m.version = w.version
LEFT JOIN current c ON c.key = w.key AND c.version = w.version
ORDER BY w.distance, w.key, w.version
"""


def made_from(catalog: Catalog, key: str, version: int) -> tuple[Step, ...]:
    """Give every version that went into this one, nearest first, as of the last fold."""
    return _walk(catalog, "made_from", key, version)


def used_by(catalog: Catalog, key: str, version: int) -> tuple[Step, ...]:
    """Give every version that this one went into, nearest first, as of the last fold."""
    return _walk(catalog, "used_by", key, version)


def _walk(catalog: Catalog, macro: str, key: str, version: int) -> tuple[Step, ...]:
    """Run one of the macros of schema.sql, and add what is known of each version."""
    con = catalog.connect()
    try:
        found = con.execute(_FACTS.format(walk=macro), [key, version]).fetchall()
    finally:
        con.close()
    return tuple(
        Step(one, number, distance, made_at, current, tuple(sources), tuple(files))
        for one, number, distance, made_at, current, sources, files in found
    )
