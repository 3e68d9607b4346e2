"""Kill children at random instants while they publish; run as a script, it prints what it saw.

usage: killing.py PROJECT ROUNDS LONGEST_SECONDS KEY
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import duckdb  # noqa: F401 - imported once, before forking
import pandas as pd  # noqa: F401
import pyarrow.parquet as pq

from assets.engine import materialize, open_project
from assets.engine.attempt import refold
from assets.engine.runs import finish_run
from catalog.changes import versions_of
from resources.files import file_facts

LEAST = 20
"""So many kills must hit a child at work, and so many versions be there: else more rounds come."""


def child(root: Path, key: str, acks: Path) -> None:
    """Publish versions for ever, telling each one after it was acknowledged."""
    project = open_project(root)
    with acks.open("a") as told:
        while True:
            made = materialize(project, key, run="killed", force=True).materialized
            assert made is not None
            told.write(f"{made.number} {made.data_version}\n")
            told.flush()
            refold(project)


def _lines(path: Path) -> int:
    """Count lines."""
    return len(path.read_text().splitlines())


def main() -> None:
    """Fork, kill, look; ROUNDS times."""
    root, rounds, longest, key = (
        Path(sys.argv[1]),
        int(sys.argv[2]),
        float(sys.argv[3]),
        sys.argv[4],
    )
    acks = root / "acks"
    acks.touch()
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    in_work = done = 0
    while done < rounds or (done < 20 * rounds and min(in_work, _lines(acks)) <= LEAST):
        done += 1
        if done > rounds:  # on a busy machine children take longer to get to work
            longest *= 1.01
        pid = os.fork()
        if pid == 0:
            child(root, key, acks)
        time.sleep(chance.uniform(0, longest))
        in_work += (root / "data/leases" / f"{key}.json").exists()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    pid = os.fork()
    if pid == 0:
        materialize(open_project(root), key, run="last", force=True)
        finish_run(open_project(root), "last")
        os._exit(0)
    ended = os.waitpid(pid, 0)[1]
    project = open_project(root)
    versions = {v.number: v for v in versions_of(project.events, key)}
    lost = [
        line
        for line in acks.read_text().splitlines()
        if versions[int(line.split()[0])].data_version != line.split()[1]
    ]
    bad = [
        file.path
        for version in versions.values()
        for file in version.files
        if file_facts(root / "data" / file.path).checksum != file.checksum
    ]
    halves = []
    for path in (root / "data/raw").iterdir():
        try:
            pq.read_table(path)
        except Exception:
            halves.append(path.name)
    print(
        json.dumps(
            {
                "seed": seed,
                "last": ended,
                "acknowledged": _lines(acks),
                "versions": len(versions),
                "contiguous": sorted(versions) == list(range(1, len(versions) + 1)),
                "lost": lost,
                "bad": bad,
                "halves": halves,
                "in_work": in_work,
            }
        )
    )


if __name__ == "__main__":
    main()
