"""Reading a web source as a collector does, from a real server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resources.columns import Column
from resources.rejects import Reject, Rejects, read_rejects
from resources.sources import Source, Web
from tests.web_server import WebServer


class Reading:
    """A server, and what reading it gives."""

    def __init__(self, server: WebServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.rejects = Rejects(folder / "staging" / "rejects.parquet")
        self.web = Web(
            allow=f"127.0.0.1:{server.port}",
            calls=folder / "calls.jsonl",
            cache=folder / "cache",
            pause=0.01,
            environment={},
        )

    def knows(self, **environment: str) -> None:
        """Set environment variables for the source."""
        self.web = replace(self.web, environment=environment)

    def source(self, *addresses: str, columns: tuple[Column, ...] | None = None) -> Source:
        """Make a source of addresses."""
        return Source(
            addresses,
            name="reviews",
            columns=columns,
            rejects=self.rejects,
            web=self.web,
        )

    def rows(self, *addresses: str, **options: Any) -> list[dict[str, Any]]:
        """Read all rows."""
        options.setdefault("rate", 1_000)
        rows: list[dict[str, Any]] = self.source(*addresses).read(**options).to_arrow().to_pylist()
        return rows

    def set_aside(self) -> list[Reject]:
        """Give the rejects."""
        self.rejects.close()
        return list(read_rejects(self.rejects.path)) if self.rejects.path.exists() else []

    def calls(self) -> list[dict[str, Any]]:
        """Give the log of calls."""
        assert self.web.calls is not None
        return [json.loads(line) for line in self.web.calls.read_text().splitlines()]

    def written(self) -> str:
        """Give all that was written below the folder, as text."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


@pytest.fixture(scope="module")
def running() -> Iterator[WebServer]:
    """Run a server."""
    with WebServer() as server:
        yield server


@pytest.fixture
def web(running: WebServer, tmp_path: Path) -> Reading:
    """Give a server without any path, and a folder to read into."""
    running._answers.clear()
    running.requests.clear()
    return Reading(running, tmp_path)
