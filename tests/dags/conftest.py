"""A project in a temporary folder, and real Airflow running it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "dags"))  # as Airflow and serve.py have it


class Folder:
    """A project folder, and what people do in one."""

    def __init__(self, root: Path) -> None:
        """Make the folders."""
        self.root = root
        for folder in ("assets/raw", "assets/processed", "assets/output", "resources/tasks"):
            (root / folder).mkdir(parents=True)

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text), encoding="utf-8")
        return target

    def environment(self, **more: str) -> dict[str, str]:
        """Give the environment in which this is the project."""
        return {
            **{n: v for n, v in os.environ.items() if not n.startswith(("AIRFLOW", "DATAOPS_"))},
            "AIRFLOW_HOME": str(self.root / ".airflow"),
            "DATAOPS_ROOT": str(self.root),
            **more,
        }

    def dags(self, **environment: str) -> dict[str, Any]:
        """Load the DAG file in a process of its own; give what Airflow would see."""
        script = Path(__file__).with_name("structure.py")
        done = subprocess.run(
            [sys.executable, str(script)],
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return facts


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give an empty project."""
    return Folder(tmp_path)
