"""Files in and out: CSV to Parquet through a whole materialization, Parquet, and CSV for people.

    make bench-io                           1,000,000 rows, beside pandas and plain DuckDB
    make bench-io BENCH_ARGS=--long         and 5 GB of CSV (needs 15 GB of disk, some minutes)
    python -m benchmarks.io csv --rows 200000 --alone     one measure, smaller, without the others

Each figure is a fresh process's. The product does more than its neighbours: it types columns only
where nothing is lost, keeps what it cannot read, hashes, reads back, checks and publishes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LONG = 5_000_000_000
MEASURES = ("csv", "read", "write", "export")
NAMES = {
    "csv": "CSV -> Parquet, materialized",
    "read": "Parquet read",
    "write": "Parquet write",
    "export": "Parquet -> CSV",
}

Line = tuple[str, str, str, bool]
"""What was measured, what must be, what it was, and whether that is enough."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One CSV and what is made of it, in a folder."""

    folder: Path
    rows: int
    bytes: int = 0
    alone: bool = False

    def run(self, what: str) -> dict[str, Any]:
        """Do one job in a process of its own."""
        job = {
            "what": what,
            "folder": str(self.folder),
            "csv": str(self.folder / "in.csv"),
            "parquet": str(self.folder / "made.parquet"),
            "aside": str(self.folder / "aside"),
            "rows": self.rows,
            "bytes": self.bytes,
        }
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.io_worker", json.dumps(job)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        (self.folder / "aside").unlink(missing_ok=True)
        if answer.returncode:
            raise SystemExit(f"{what} failed:\n{answer.stderr}")
        found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
        return found

    def measures(self, chosen: tuple[str, ...]) -> Iterator[Line]:
        """Make the CSV, then measure; every way must give every row."""
        made = self.run("generate")["rows"]
        size = (self.folder / "in.csv").stat().st_size
        yield f"{made:,} rows, {size / 1e6:,.0f} MB of CSV", "", "", True
        for name in MEASURES:
            if name not in chosen and not (name == "csv" and not self._has_parquet()):
                continue
            found = self.run(f"{name}_product")
            limit = 600.0 if self.bytes else {"export": 60.0}.get(name, 30.0)
            good = found["rows"] == made and found["seconds"] < limit and found["peak_mb"] < 1_000
            speed = f", {size / found['seconds'] / 1e6:.0f} MB/s" if name == "csv" else ""
            yield NAMES[name], f"< {limit:.0f} s, < 1 GB", _told(found) + speed, good
            for other in () if self.alone else ("pandas", "duckdb"):
                beside = self.run(f"{name}_{other}")
                yield f"  {other}", "", _told(beside), beside["rows"] == made

    def _has_parquet(self) -> bool:
        """Tell whether the product has made its Parquet file."""
        return (self.folder / "made.parquet").is_file()


def _told(found: dict[str, Any]) -> str:
    """Say what a job took."""
    return f"{found['seconds']:.1f} s, {found['cpu']:.1f} s CPU, peak {found['peak_mb']:.0f} MB"


def main() -> None:
    """Run the measures that were asked for, print them, and write them down."""
    parser = argparse.ArgumentParser(prog="benchmarks.io", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MEASURES, []], help="some of the measures")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--long", action="store_true", help="also 5 GB of CSV to Parquet")
    parser.add_argument("--alone", action="store_true", help="without pandas and DuckDB")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    asked = parser.parse_args()
    chosen = tuple(asked.names) or MEASURES
    runs = [({"rows": asked.rows}, chosen)] + [({"rows": 0, "bytes": LONG}, ("csv",))] * asked.long
    lines: list[Line] = []
    for size, names in runs:
        folder = Path(tempfile.mkdtemp(prefix="bench-io-", dir=asked.folder))
        try:
            for line in Bench(folder, alone=asked.alone, **size).measures(names):
                lines.append(line)
                missed = "" if line[3] else "MISSED "
                print(f"{line[0]:<40} {line[1]:>16}  {missed}{line[2]}", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    target = ROOT / "benchmarks" / "results" / "io.json"
    target.parent.mkdir(exist_ok=True)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    target.write_text(json.dumps({"at": when, "lines": lines}, indent=1), encoding="utf-8")
    if not all(line[3] for line in lines):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
