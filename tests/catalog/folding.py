"""Processes for the fold's tests: `folding.py write|fold|read DATA [SECONDS]`; facts on stdout."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from catalog.events import FileEventStore
from catalog.records import Released
from catalog.store import Catalog


def write(catalog: Catalog, end: float) -> int:
    """Append events, telling each one that was acknowledged."""
    number = catalog.events.last("raw.killed")
    while time.monotonic() < end:
        number += 1
        event = Released(
            id=f"e{number}", at="2026-01-01T00:00:00Z", key="raw.killed", number=number
        )
        if catalog.events.put("raw.killed", number, event):
            print(number, flush=True)
    return number


def fold(catalog: Catalog, end: float) -> int:
    """Fold as often as possible."""
    folds = 0
    while time.monotonic() < end:
        folds += catalog.fold()
        print(folds, flush=True)
    return folds


def read(catalog: Catalog, end: float) -> int:
    """Read as often as possible: what is seen is complete, and never goes back."""
    reads = highest = 0
    while time.monotonic() < end:
        rows = catalog.query(
            "SELECT (SELECT count(*) FROM changes), (SELECT max(number) FROM changes),"
            " (SELECT count(*) FROM audit), (SELECT max(number) FROM folded)"
        ).rows
        count, number, audited, folded = (value or 0 for value in rows[0])
        if not (count == number == audited == folded >= highest):
            raise SystemExit(f"torn: {rows} after {highest}")
        highest = count
        reads += 1
    return reads


def main() -> None:
    """Do one of them for some seconds."""
    what, data, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    catalog = Catalog(data, FileEventStore(data / "events"))
    done = {"write": write, "fold": fold, "read": read}[what](catalog, time.monotonic() + seconds)
    print(f"done {done}", flush=True)


if __name__ == "__main__":
    main()
