"""Measure validating before publish: a suite of 12 expectations on the push-down into DuckDB.

Each figure is a fresh process, Great Expectations' import included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Target:
    """What a run may cost. cpu: seconds; None where nothing was promised."""

    rows: int
    cpu: float | None
    memory: int


TARGETS = (Target(1_000_000, 15, 1_000), Target(10_000_000, None, 1_500))
SUITE = """
    Expectation("expect_column_values_to_not_be_null", {"column": "id"}),
    Expectation("expect_column_values_to_be_unique", {"column": "id"}),
    Expectation("expect_column_values_to_be_between",
                {"column": "rating", "min_value": 1, "max_value": 5}),
    Expectation("expect_column_values_to_be_in_set",
                {"column": "kind", "value_set": ["good", "bad", "so-so"]}),
    Expectation("expect_column_values_to_match_regex", {"column": "text", "regex": "^review"}),
    Expectation("expect_column_values_to_not_match_regex",
                {"column": "text", "regex": "[0-9]{3}-[0-9]{4}-[0-9]{4}"}),
    Expectation("expect_column_value_lengths_to_be_between",
                {"column": "text", "min_value": 5, "max_value": 500}),
    Expectation("expect_column_mean_to_be_between",
                {"column": "rating", "min_value": 2, "max_value": 4}),
    Expectation("expect_column_median_to_be_between",
                {"column": "rating", "min_value": 2, "max_value": 4}),
    Expectation("expect_column_stdev_to_be_between",
                {"column": "rating", "min_value": 0, "max_value": 3}),
    Expectation("expect_column_unique_value_count_to_be_between",
                {"column": "text", "min_value": 1000}),
    Expectation("expect_table_row_count_to_be_between", {"min_value": 1000}),
"""
WORK = """
import json, resource, sys, time
from pathlib import Path
from resources.expectations import Expectation
from resources.expectations.validation import validating
suite = [SUITE]
broken = Expectation("expect_column_values_to_be_between", {"column": "rating", "min_value": 2})
with validating([Path(sys.argv[1])], memory_mb=400, spill=Path(sys.argv[1] + ".spill")) as batch:
    found = batch.validate(suite)
    bad = [one.detail() for one in found if not one.passed]
    assert not bad, bad
    if len(sys.argv) > 2:
        (missed,) = batch.validate([broken])
        aside = sum(rows.num_rows for rows in batch.offending(broken, missed.sentence))
        assert aside == missed.rows > 0
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


def main() -> int:
    """Write the rows, validate them, print CPU and memory beside their targets."""
    parser = argparse.ArgumentParser(prog="benchmarks.quality")
    parser.add_argument("--long", action="store_true", help="10,000,000 rows as well")
    targets = TARGETS if parser.parse_args().long else TARGETS[:1]
    missed = 0
    print(f"{'12 expectations, all rows':38} {'CPU s':>7} {'at most':>8} {'MB':>7} {'at most':>8}")
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.parquet"
            _write(file, target.rows)
            for aside in (False, True):
                cpu, memory = _once(file, aside)
                over = memory > target.memory or (target.cpu is not None and cpu > target.cpu)
                missed += over and not aside
                what = f"{target.rows:,} rows" + (", a fifth set aside" if aside else "")
                limit = "" if target.cpu is None else f"{target.cpu:g}"
                print(
                    f"{what:38} {cpu:7.1f} {limit:>8} {memory:7.0f} {target.memory:>8,}"
                    f" {'MISSED' if over else 'ok'}",
                    flush=True,
                )
    return 1 if missed else 0


def _write(file: Path, rows: int) -> None:
    """Write rows of reviews, 200 characters of text on average."""
    import duckdb

    with duckdb.connect(config={"memory_limit": "600MB", "threads": 2}) as con:
        con.execute(f"""
            COPY (
              SELECT i AS id, ['good', 'bad', 'so-so'][1 + i % 3] AS kind, 1 + i % 5 AS rating,
                'review ' || i || repeat(' good film', 10 + i % 20) AS text,
                TIMESTAMP '2026-01-01' + INTERVAL (i) SECOND AS created_at
              FROM range({rows}) t(i)
            ) TO '{file}' (FORMAT parquet, ROW_GROUP_SIZE 100000)
            """)


def _once(file: Path, aside: bool) -> tuple[float, float]:
    """Validate once in a fresh process; give CPU seconds and peak memory in MB."""
    script = WORK.replace("SUITE", SUITE)
    command = [sys.executable, "-c", script, str(file), *(["aside"] if aside else [])]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(answer.stderr)
    cpu, memory = json.loads(answer.stdout.splitlines()[-1])
    return cpu, memory


if __name__ == "__main__":
    sys.exit(main())
