"""Kill collections at random instants, ten runs long; run as a script, it prints what it saw.

usage: killing_appends.py PROJECT ROUNDS KILLS LONGEST_SECONDS
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import duckdb  # noqa: F401 - imported once, before forking
import pandas as pd  # noqa: F401
import pyarrow.parquet as pq

from assets.engine import materialize, open_project
from catalog.changes import versions_of

KEYS = ("raw.a", "processed.a_clean")


def collect(root: Path) -> None:
    """Bring both assets up to date."""
    project = open_project(root)
    for key in KEYS:
        materialize(project, key, run="collect")


def ids(root: Path, key: str) -> list[int]:
    """Give the ids of an asset's current rows."""
    current = open_project(root).catalog.heads([key])[key].current
    files = [] if current is None else [root / "data" / file.path for file in current.files]
    return [n for file in files for n in pq.read_table(file).column("id").to_pylist()]


def main() -> None:
    """Add rows, kill a few collections, let one end, look; ROUNDS times."""
    root, rounds, kills, longest = (
        Path(sys.argv[1]),
        int(sys.argv[2]),
        int(sys.argv[3]),
        float(sys.argv[4]),
    )
    chance = random.Random(seed := random.randrange(1 << 30))
    wrong, in_work, total = [], 0, 0
    for number in range(rounds):
        more = 400 if number == 0 else 40
        with closing(sqlite3.connect(root / "world.db")) as world, world:
            world.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER, text TEXT)")
            rows = [(total + n, f"text &amp; {total + n}") for n in range(more)]
            world.executemany("INSERT INTO t VALUES (?, ?)", rows)
        total += more
        for _ in range(kills):
            pid = os.fork()
            if pid == 0:
                collect(root)
                os._exit(0)
            time.sleep(chance.uniform(0, longest))
            in_work += any((root / "data/leases").glob("*.json"))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        pid = os.fork()
        if pid == 0:
            collect(root)
            os._exit(0)
        os.waitpid(pid, 0)
        wrong += [(number, key) for key in KEYS if ids(root, key) != list(range(total))]
    project = open_project(root)
    versions = versions_of(project.events, "raw.a")
    print(
        json.dumps(
            {
                "seed": seed,
                "wrong": wrong,
                "in_work": in_work,
                "added": sum(version.added for version in versions),
                "handed": sum(version.rows_in for version in versions),
                "cursors": [json.loads(version.cursor) for version in versions],
                "total": total,
            }
        )
    )


if __name__ == "__main__":
    main()
