"""Real data that lies beside the project on some machines, and is never part of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(
    os.environ.get("DATAOPS_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
)


def shared(name: str) -> Path:
    """Give a file of the real data; skip the test where there is none."""
    file = FOLDER / name
    if not file.is_file():
        pytest.skip(f"no real data here: {name} (set DATAOPS_SHARED_DATA to its folder)")
    return file
