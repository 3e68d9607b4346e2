"""Rows of an API that share the cursor's last value: none is lost, none is there twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from resources.errors import SourceError
from tests.assets.conftest import Home
from tests.assets.test_ties import WAYS
from tests.web_server import Request, WebServer

PIPELINE = """
    source: {url}/ev
    read: {{records: items, rate: 1000, params: {{after: "{{since}}"}}}}
    mode: {mode}
    cursor: at
    {on}
    {columns}
    clean: false
    output: false
    """
TIMES = "columns: {id: int64, at: string, v: string}"
COLUMNS = "columns: {id: int64, at: int64, v: string}"


class Api:
    """An API over rows; it gives those at a value and after it, in its own order."""

    def __init__(self, home: Home, server: WebServer) -> None:
        """Begin without a row."""
        self.home, self.server = home, server
        self.rows: list[dict[str, Any]] = []
        self.reads: Callable[[str], Any] = str
        server.on("/ev", self.answer)

    def answer(self, request: Request) -> dict[str, Any]:
        """Give what is asked for."""
        after = request.params.get("after")
        found = [
            row
            for row in self.rows
            if after is None or (row["at"] is not None and row["at"] >= self.reads(after))
        ]
        return {"items": found[::-1]}

    def declare(self, mode: str, on: str, columns: str = "") -> None:
        """Declare the pipeline."""
        text = PIPELINE.format(url=self.server.url, mode=mode, on=on, columns=columns)
        self.home.write("resources/pipelines/ev.yaml", text)

    def add(self, *rows: tuple[int, Any, str]) -> None:
        """Add rows."""
        self.rows += [dict(zip(("id", "at", "v"), row, strict=True)) for row in rows]

    def collect(self) -> list[int]:
        """Collect, and give the ids of the version."""
        self.home.make("raw.ev", force=True)
        return sorted(int(row["id"]) for row in self.home.rows("raw.ev"))


@pytest.fixture
def api(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Give a project and an API that it may read."""
    with WebServer() as server:
        inner = home.open
        setting = {"DATAOPS_HTTP_ALLOW": f"127.0.0.1:{server.port}"}
        monkeypatch.setattr(home, "open", lambda **env: inner(**setting, **env))
        yield Api(home, server)


@pytest.mark.parametrize(("mode", "on"), WAYS)
@pytest.mark.parametrize(
    ("values", "reads", "columns"),
    [
        (["2024-01-01", "2024-01-02"], str, ""),
        (["2024-01-01T10:00:00Z", "2024-01-02T10:00:00Z"], str, TIMES),
        ([9, 10], int, ""),
        ([9, 10], int, COLUMNS),
        ([-1.5, 0.7], float, COLUMNS.replace("at: int64", "at: float64")),
    ],
)
def test_rows_that_come_later_with_the_last_value_are_taken(
    api: Api, values: list[Any], reads: Callable[[str], Any], columns: str, mode: str, on: str
) -> None:
    """As of a database, in whatever order they come."""
    api.reads = reads
    api.declare(mode, on, columns)
    api.add((1, values[0], "a"), (2, values[1], "b"), (5, values[1], "b"))
    assert api.collect() == [1, 2, 5]
    api.add((3, values[1], "c"), (4, values[1], "d"))
    for _ in range(2):
        assert api.collect() == [1, 2, 3, 4, 5]
    assert str(values[1])[:10] in str(api.server.asked("/ev")[-1].params["after"])


@pytest.mark.parametrize(("mode", "on"), WAYS)
def test_a_row_without_a_value_is_there_once_when_it_gets_one(api: Api, mode: str, on: str) -> None:
    """An append waits for the value, and says so; an upsert replaces."""
    api.reads = int
    api.declare(mode, on)
    api.add((1, 5, "a"), (2, None, "b"))
    assert api.collect() == ([1] if mode == "append" else [1, 2])
    if mode == "append":
        assert "1 row of" in api.home.current("raw.ev").warnings[0]
    api.rows[1]["at"] = 6
    assert [api.collect() for _ in range(2)] == [[1, 2], [1, 2]]


def test_numbers_as_texts_are_refused(api: Api) -> None:
    """As texts 9 is greater than 10: rows would be lost."""
    api.declare("append", "")
    api.add((1, "9", "a"), (2, "010", "b"))
    with pytest.raises(SourceError, match="letter by letter"):
        api.collect()


def test_an_api_that_leaves_out_the_value_itself_is_said(api: Api) -> None:
    """Rows that come later with the last value would be lost."""
    api.reads = lambda after: int(after) + 1
    api.declare("append", "")
    api.add((1, 5, "a"))
    assert api.collect() == [1]
    api.add((2, 5, "b"), (3, 6, "c"))
    assert api.collect() == [1, 3]
    assert "leaves out the value itself" in api.home.current("raw.ev").warnings[0]
