"""Quality: how good a version is, from 0 to 100; the same formula as the view `quality`.

0.3 x values that are there + 0.4 x rows that are valid + 0.1 x rows that are no repetition
+ 0.2 x checks that passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from catalog.records import Check, Materialized

WEIGHTS: Final = {"complete": 0.3, "valid": 0.4, "unique_rows": 0.1, "checks": 0.2}


@dataclass(frozen=True, slots=True)
class Score:
    """A version's score and its parts, shares from 0 to 1."""

    score: float
    complete: float
    valid: float
    unique_rows: float
    checks: float


def _warns(check: Check) -> bool:
    """Tell an expectation of a suite whose rows were published; others' are in quarantine."""
    return not check.passed and check.severity == "warn" and check.name.startswith("expect_")


def score_of(version: Materialized) -> Score:
    """Score a version by what its event counts."""
    missing = sum(c.rows for c in version.checks if c.name == "missing values")
    cells, came = version.rows * len(version.columns), version.rows_in
    suite = (c.rows for c in version.checks if _warns(c))
    bad = version.quarantined / came if came else 0.0
    # A suite is about the version as a whole, also where only some of its rows came now.
    bad += max(suite, default=0) / version.rows if version.rows else 0.0
    passed = sum(check.passed for check in version.checks)
    parts = {
        "complete": 1 - missing / cells if cells else 1.0,
        "valid": max(1 - bad, 0.0),
        "unique_rows": 1 - version.duplicates / came if came else 1.0,
        "checks": passed / len(version.checks) if version.checks else 1.0,
    }
    score = 100 * sum(weight * parts[name] for name, weight in WEIGHTS.items())
    return Score(round(score, 1), **parts)
