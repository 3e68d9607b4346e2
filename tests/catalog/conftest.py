"""A data folder with events and real files, written as the engine writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from catalog.events import EventStore, FileEventStore
from catalog.heads import Head
from catalog.records import (
    AnyEvent,
    AssetState,
    Attempted,
    Check,
    Declared,
    DeclaredAsset,
    File,
    Input,
    Materialized,
    Planned,
    RunFinished,
    RunStarted,
    SchemaColumn,
    SourceFile,
    Usage,
)
from catalog.store import Catalog
from resources.export import write_csv
from resources.files import file_facts
from resources.tables import parquet_table

START = datetime(2026, 1, 1, tzinfo=UTC)
Rows = Sequence[Mapping[str, Any]]


class Shelf:
    """One data folder and what is put on it, a minute apart."""

    def __init__(self, data: Path, events: EventStore | None = None) -> None:
        """Begin with nothing."""
        self.data = data
        self.events = FileEventStore(data / "events") if events is None else events
        self.minutes = 0

    @property
    def catalog(self) -> Catalog:
        """Open the catalog as a new process would."""
        return Catalog(self.data, self.events)

    def clock(self) -> datetime:
        """Give the next minute."""
        self.minutes += 1
        return START + timedelta(minutes=self.minutes)

    def head(self, key: str) -> Head:
        """Give the exact head of an asset."""
        return self.catalog.heads([key])[key]

    def put(self, stream: str, event: AnyEvent) -> AnyEvent:
        """Append an event, which has the right number."""
        assert self.events.put(stream, event.number, event)
        return event

    def file(self, key: str, rows: Rows, at: datetime) -> File:
        """Write a version's file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        layer, _, name = key.partition(".")
        path = f"{layer}/{name}_{at:%Y%m%d_%H%M%S}.parquet"
        (self.data / layer).mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), self.data / path)
        if layer == "output":
            parquet, path = self.data / path, path.replace(".parquet", ".csv")
            write_csv(parquet_table([parquet], len(rows)), self.data / path)
            parquet.unlink()
        facts = file_facts(self.data / path)
        return File(path, len(rows), facts.bytes, facts.checksum, "0", facts.mtime_ns)

    def version(
        self, key: str, rows: Rows = ({"id": 1},), *, inputs: tuple[Input, ...] = (), **facts: Any
    ) -> Materialized:
        """Publish a version; files=() and other facts of the event can be given."""
        head, at = self.head(key), self.clock()
        files = facts.pop("files", None) or (self.file(key, rows, at),)
        names = {"int": "int64", "float": "float64", "str": "string", "datetime": "timestamp[us]"}
        columns = tuple(SchemaColumn(n, names[type(v).__name__]) for n, v in rows[0].items())
        data_version = hashlib.sha256(repr([*rows]).encode()).hexdigest()
        event = Materialized(
            **{
                "id": uuid4().hex,
                "at": _text(at),
                "by": "kim",
                "key": key,
                "number": head.number + 1,
                "run": "run-1",
                "attempt": uuid4().hex,
                "as_of": _text(at),
                "started_at": _text(at - timedelta(seconds=2)),
                "why": ("asked for",),
                "inputs": inputs,
                "code_version": "c1",
                "config": {"engine": "rules/1"},
                "data_version": data_version,
                "content_algorithm": "test/1",
                "files": files,
                "rows": len(rows),
                "rows_in": len(rows),
                "bytes": sum(file.bytes for file in files),
                "schema_version": 1,
                "schema_fingerprint": "f1",
                "columns": columns,
                "checks": (Check("unique", "id", "block", True),),
                "seconds": 2.0,
                "cpu_seconds": 1.5,
                "peak_memory": 1_000_000,
                **facts,
            }
        )
        self.put(key, event)
        return event

    def failure(self, key: str, **facts: Any) -> Attempted:
        """Record an attempt that published nothing."""
        head = self.head(key)
        event = Attempted(
            **{
                "id": uuid4().hex,
                "at": _text(self.clock()),
                "by": "airflow",
                "key": key,
                "number": head.attempts + 1,
                "after": head.number,
                "run": "run-1",
                "attempt": uuid4().hex,
                "state": "failed",
                "identity": "i1",
                "error_type": "ValueError",
                "error": "row 7 is no number",
                **facts,
            }
        )
        self.put(f"{key}/attempts", event)
        return event

    def declare(self, assets: Mapping[str, Sequence[str]], removed: tuple[str, ...] = ()) -> None:
        """Declare assets with their upstream."""
        number = self.events.last("_declared") + 1
        facts = tuple(
            DeclaredAsset(key, key.partition(".")[0], f"about {key}", upstream=tuple(upstream))
            for key, upstream in assets.items()
        )
        at = _text(self.clock())
        event = Declared(id=uuid4().hex, at=at, number=number, assets=facts, removed=removed)
        self.put("_declared", event)

    def plan(self, states: Mapping[str, tuple[str, ...]]) -> None:
        """Record a plan's answer: by key the state, then the reasons."""
        number = self.events.last("_planned") + 1
        facts = tuple(AssetState(key, state[0], state[1:]) for key, state in states.items())
        at = _text(self.clock())
        self.put("_planned", Planned(id=uuid4().hex, at=at, number=number, states=facts))

    def run(self, name: str, *, finished: bool = True, failed: int = 0) -> None:
        """Record a run."""
        number = self.events.last("_runs") + 1
        at = _text(self.clock())
        start = RunStarted(
            id=uuid4().hex, at=at, by="lee", number=number, run=name, trigger="cli", planned=3
        )
        self.put("_runs", start)
        if finished:
            state = "failed" if failed else "done"
            end = RunFinished(
                id=uuid4().hex,
                at=_text(self.clock()),
                number=number + 1,
                run=name,
                state=state,
                made=2,
                failed=failed,
            )
            self.put("_runs", end)

    def sql(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Fold, then ask."""
        catalog = self.catalog
        catalog.fold()
        return catalog.query(query, parameters).rows


def _text(at: datetime) -> str:
    """Write a time as events do."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Give an empty data folder."""
    return Shelf(tmp_path / "data")


@pytest.fixture
def full(shelf: Shelf) -> Shelf:
    """Give a data folder where things have happened: two raw assets, one joined, one output."""
    reviews = "raw.reviews"
    joined, report = "processed.joined", "output.report"
    shelf.declare({reviews: (), "raw.shops": (), joined: (reviews, "raw.shops"), report: (joined,)})
    shelf.run("run-1")
    first = shelf.version(
        reviews,
        [{"id": 1, "text": "좋아요"}, {"id": 2, "text": "so so"}],
        sources=(SourceFile("in/reviews.csv", 10, 1, "s1"),),
    )
    shops = shelf.version("raw.shops", [{"id": 1, "name": "Kim's"}])
    made = shelf.version(
        joined,
        [{"id": 1, "text": "좋아요", "score": 0.5}],
        inputs=(_pin(first), _pin(shops)),
        rows_in=2,
        quarantined=1,
        quarantine_file="quarantine/processed.joined/20260101_000000_000000_a.parquet",
        checks=(
            Check("not null", "score", "warn", False, 1, 0.5, 0.2),
            Check("unique", "id", "block", True),
        ),
        usage=(
            Usage("openai/1", "gpt-5-mini", "clean_reviews", 2, 2, 0, 1, 0, 100, 20, 0.25, 1.0),
        ),
    )
    _quarantine(shelf.data / made.quarantine_file)
    shelf.version(report, [{"id": 1, "text": '줄\n"바꿈", 끝'}], inputs=(_pin(made),))
    shelf.version(
        reviews,
        [{"id": 1, "text": "좋아요", "stars": 5}],
        schema_version=2,
        schema_fingerprint="f2",
        why=("source changed: in/reviews.csv",),
    )
    shelf.failure(joined, state="blocked", error="3 rows are not unique")
    shelf.plan({reviews: ("fresh",), joined: ("stale", "upstream changed"), report: ("waiting",)})
    return shelf


def _pin(version: Materialized) -> Input:
    """Pin a version."""
    return Input(version.key, version.number, version.data_version)


def _quarantine(path: Path) -> None:
    """Write a quarantine file."""
    from resources.rejects import Reject, Rejects

    rejects = Rejects(path)
    rejects.add(Reject('{"id": 2}', "not null", "score", "score is missing"))
    rejects.close()
