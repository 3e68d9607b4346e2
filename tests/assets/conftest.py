"""A small project in a temporary folder, to declare, plan and make things in."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assets.engine import Outcome, Plan, PlanLine, Project, make_plan, materialize, open_project
from assets.engine.runs import materialize_all
from catalog.records import Materialized
from resources.errors import DataOpsError
from resources.settings import load_settings
from tests.shared_data import FOLDER


class Home:
    """A project folder, and what people do in one."""

    def __init__(self, root: Path) -> None:
        """Make the folders."""
        self.root = root
        for folder in ("assets/raw", "assets/processed", "assets/output", "resources/tasks"):
            (root / folder).mkdir(parents=True)

    @property
    def data(self) -> Path:
        """Give the data folder."""
        return self.root / "data"

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project: code below assets/, anything else as it is."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text), encoding="utf-8")
        return target

    def open(self, **environment: str) -> Project:
        """Open the project anew, as a new process would."""
        environment = {
            "DATAOPS_RETRY_SECONDS": "0",
            "DATAOPS_SOURCES_ALLOW": str(FOLDER),
            **environment,
        }
        return open_project(settings=load_settings(self.root, environment))

    def plan(self, now: datetime | None = None, asked: tuple[str, ...] = ()) -> Plan:
        """Plan."""
        return make_plan(self.open(), now=now, asked=asked)

    def line(self, key: str, now: datetime | None = None) -> PlanLine:
        """Give one asset's plan line."""
        return self.plan(now)[key]

    def states(self) -> dict[str, str]:
        """Give every asset's state."""
        return {line.key: line.state for line in self.plan().lines}

    def reasons(self, key: str, now: datetime | None = None) -> list[str]:
        """Give the kinds of an asset's reasons."""
        return [reason.kind for reason in self.line(key, now).reasons]

    def make(self, key: str, **options: Any) -> Outcome:
        """Materialize one asset."""
        return materialize(self.open(), key, run="test", by="tester", **options)

    def run(self, **options: Any) -> dict[str, str]:
        """Make everything that is stale; give what came of each asset that was looked at."""
        project = self.open()
        came: dict[str, str] = {}

        def ended(key: str, result: Outcome | DataOpsError | str) -> None:
            """Note a result."""
            came[key] = result.state if isinstance(result, Outcome) else f"failed: {result}"

        todo = make_plan(project).to_make()
        materialize_all(project, todo, run="test", by="tester", ended=ended, **options)
        return came

    def current(self, key: str) -> Materialized:
        """Give an asset's current version."""
        current = self.open().catalog.heads([key])[key].current
        assert current is not None
        return current

    def rows(self, key: str) -> list[dict[str, Any]]:
        """Read an asset's current rows."""
        import pyarrow.parquet as pq

        files = [self.data / file.path for file in self.current(key).files]
        return [row for file in files for row in pq.read_table(file).to_pylist()]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give an empty project."""
    return Home(tmp_path)


CHAIN = {
    "assets/raw/a.py": """
        from assets import asset

        @asset(chain=False, source="in.csv")
        def a():
            import pandas as pd
            return pd.read_csv({path!r})
        """,
    "assets/processed/b.py": """
        from assets import Table, asset

        @asset(upstream=["raw.a"])
        def b(a: Table) -> Table:
            return a
        """,
    "assets/processed/c.py": """
        from assets import Table, asset

        @asset(upstream=["processed.b"])
        def c(b: Table) -> Table:
            return b
        """,
}


@pytest.fixture
def chain(home: Home) -> Home:
    """Give a project with raw.a -> processed.b -> processed.c, all made."""
    source = home.write("in.csv", "x,y\n1,one\n2,two\n")
    for path, text in CHAIN.items():
        home.write(path, text.replace("{path!r}", repr(str(source))))
    assert set(home.run().values()) == {"made"}
    return home


@pytest.fixture
def edit() -> Callable[[Path, str, str], None]:
    """Give a function that edits a file."""

    def change(path: Path, old: str, new: str) -> None:
        """Replace `old`, which must be there, by `new`."""
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change
