"""Collections of awkward files: right or loud, never silent (where a folder of them is named)."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.awkward import LOUD, SILENT, Outcome, judge, our_outcome
from benchmarks.awkward.truth import clean_table

FOLDER = Path(os.environ.get("DATAOPS_COLLECTIONS") or "no collections")


def outcomes(part: str) -> Counter[str]:
    """Count how the files of a part of Pollock came out."""
    files = sorted((FOLDER / "Pollock" / part / "csv").glob("*"))
    if not files:
        pytest.skip("no Pollock here (set DATAOPS_COLLECTIONS to the folder that holds it)")
    clean = FOLDER / "Pollock" / part / "clean"
    return Counter(judge(our_outcome(file), clean_table(clean / file.name)) for file in files)


@pytest.mark.shared_data
def test_two_thirds_of_the_survey_are_right_and_no_row_is_lost_in_silence() -> None:
    found = outcomes("survey_sample")
    assert found["right"] + found["right, other names"] >= 65
    assert found[f"{SILENT}: other rows"] == found["traceback"] == 0


@pytest.mark.slow
@pytest.mark.shared_data
def test_every_polluted_file_is_right_or_loud() -> None:
    found = outcomes("polluted_files")
    assert set(found) <= {"right", "right, other names", LOUD}


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (Outcome(["a"], [["1 "]]), "right"),
        (Outcome(["b"], [["1", None, ""]]), "right, other names"),
        (Outcome(["a"], [["2"]]), f"{SILENT}: other values"),
        (Outcome(["a"], []), f"{SILENT}: other rows"),
        (Outcome(["a"], [["2"]], said=True), LOUD),
        (Outcome(trouble="no"), LOUD),
        (Outcome(trouble="no", broke=True), "traceback"),
    ],
)
def test_an_outcome_is_right_loud_or_silent(read: Outcome, what: str) -> None:
    assert judge(read, Outcome(["a"], [["1"]])) == what
