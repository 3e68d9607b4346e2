"""Airflow with more than a toy's assets: what it has to read and keep grows with them, no faster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dags.conftest import Folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dag structure")]
MOST = 3_000_000


def measured(tmp_path: Path, sources: int) -> dict[str, Any]:
    """Measure a project of so many sources, each with three assets and a daily schedule."""
    folder = Folder(tmp_path / f"of_{sources}")
    for number in range(sources):
        text = f"source: incoming/shop_{number:04}*.csv\nschedule: daily\n"
        folder.write(f"resources/pipelines/shop_{number:04}.yaml", text)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("sizes.py")), str(folder.root)],
        env=folder.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_three_thousand_assets_are_read_and_kept_in_proportion(tmp_path: Path) -> None:
    """Twice the sources, about twice the time and place; all in all 3 MB at most."""
    half, whole = measured(tmp_path, 500), measured(tmp_path, 1_000)
    assert set(whole["bytes"]) == {"pipeline", "schedule_daily"}
    assert sum(whole["bytes"].values()) <= MOST
    assert sum(whole["bytes"].values()) < 2.2 * sum(half["bytes"].values())
    assert whole["seconds"] < 3 * half["seconds"]
    assert whole["copies"] == 0


def test_as_many_dags_of_one_asset_as_there_may_be_are_no_more(tmp_path: Path) -> None:
    """Up to a thousand assets each has one; beyond, none has."""
    found = measured(tmp_path, 333)
    assert len(found["bytes"]) == 999 + 2
    assert sum(found["bytes"].values()) <= MOST
    assert found["copies"] == 0
    assert len(measured(tmp_path, 334)["bytes"]) == 2
