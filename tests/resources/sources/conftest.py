"""Reading a file as a collector does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resources.columns import Column
from resources.rejects import Reject, Rejects, read_rejects
from resources.sources import Source

Row = dict[str, Any]


class Reading:
    """One source, and what reading it gave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rejects = Rejects(folder / "rejects.parquet")

    def write(self, name: str, content: bytes | str) -> Path:
        """Write a file as it is, byte for byte."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def source(self, *files: Path | str, columns: tuple[Column, ...] | None = None) -> Source:
        """Make a source of files in the folder."""
        paths = tuple(self.folder / file for file in files)
        return Source(paths, name="reviews", columns=columns, rejects=self.rejects)

    def rows(self, *files: Path | str, **options: Any) -> list[Row]:
        """Read all rows."""
        rows: list[Row] = self.source(*files).read(**options).to_arrow().to_pylist()
        return rows

    def set_aside(self) -> list[Reject]:
        """Give the rejects."""
        self.rejects.close()
        return list(read_rejects(self.rejects.path)) if self.rejects.path.exists() else []


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    """Give a folder to read from."""
    return Reading(tmp_path)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Reading]:
    """Give folders to read from, as many as asked for (Hypothesis asks often)."""
    return lambda: Reading(tmp_path_factory.mktemp("reading"))
