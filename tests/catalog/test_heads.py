"""Heads: exact, however the events were folded, and whatever the cache says."""

from __future__ import annotations

import shutil
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.changes import release, rollback
from catalog.events import FileEventStore
from catalog.heads import Head, advance
from catalog.records import AnyEvent, Attempted, File, Materialized, Pruned, Released, RolledBack
from catalog.store import Catalog

KEY = "raw.a"


def version(number: int, stamp: int = 0, schema: int = 1) -> Materialized:
    """Make a version."""
    return Materialized(
        id=f"v{number}",
        at=f"2026-01-01T00:{number:02d}:00Z",
        key=KEY,
        number=number,
        run="r",
        attempt=f"a{number}",
        as_of=f"2026-01-01T00:{number:02d}:00Z",
        code_version="c",
        data_version=f"d{number}",
        content_algorithm="x",
        files=(File(f"raw/a_20260101_{stamp:06d}.parquet", 1, 1, "s", "0"),),
        rows=1,
        rows_in=1,
        bytes=1,
        schema_version=schema,
        schema_fingerprint="f",
    )


def attempt(number: int, after: int) -> Attempted:
    """Make an attempt that failed, begun when the stream had reached `after`."""
    return Attempted(
        id=f"t{number}",
        at="2026-01-01T00:00:00Z",
        key=KEY,
        number=number,
        after=after,
        run="r",
        attempt="a",
        state="failed",
        identity="i",
        error_type="E",
        error="e",
    )


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[AnyEvent], list[AnyEvent]]:
    """Draw what may happen to an asset: its own stream, and its failed attempts."""
    own: list[AnyEvent] = []
    made: list[Materialized] = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        facts: dict[str, Any] = {
            "id": f"e{number}",
            "at": "2026-01-01T00:00:00Z",
            "key": KEY,
            "number": number,
        }
        kind = draw(st.sampled_from(["made", "made", "back", "released", "pruned"]))
        if kind == "made" or not made:
            made.append(version(number, draw(st.integers(0, 9)), draw(st.integers(1, 3))))
            own.append(made[-1])
        elif kind == "back":
            own.append(RolledBack(**facts, to=draw(st.sampled_from(made))))
        elif kind == "released":
            own.append(Released(**facts))
        else:
            own.append(Pruned(**facts, versions=(1,), files=()))
    afters = draw(st.lists(st.integers(0, len(own)), max_size=5))
    return own, [attempt(number, after) for number, after in enumerate(afters, 1)]


@given(streams(), st.data())
def test_how_the_streams_interleave_does_not_matter(
    events: tuple[list[AnyEvent], list[AnyEvent]], data: st.DataObject
) -> None:
    own, attempts = events
    order = data.draw(st.permutations([0] * len(own) + [1] * len(attempts)))
    rest = [iter(own), iter(attempts)]
    mixed = [next(rest[which]) for which in order]
    expected = reduce(advance, [*own, *attempts], Head(KEY))
    assert reduce(advance, mixed, Head(KEY)) == expected
    assert reduce(advance, [*attempts, *own], Head(KEY)) == expected


@given(streams(), st.data())
def test_an_event_that_is_folded_twice_changes_nothing(
    events: tuple[list[AnyEvent], list[AnyEvent]], data: st.DataObject
) -> None:
    every = [*events[0], *events[1]]
    head = reduce(advance, every, Head(KEY))
    for again in data.draw(st.lists(st.sampled_from(every), max_size=5)) if every else []:
        assert advance(head, again) == head


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(streams(), st.data())
def test_heads_and_the_view_current_are_the_same_folded_bit_by_bit_or_at_once(
    tmp_path_factory: pytest.TempPathFactory,
    events: tuple[list[AnyEvent], list[AnyEvent]],
    data: st.DataObject,
) -> None:
    root = tmp_path_factory.mktemp("heads")
    store = FileEventStore(root / "events")
    own, attempts = events
    expected = reduce(advance, [*own, *attempts], Head(KEY))
    order = data.draw(st.permutations([0] * len(own) + [1] * len(attempts)))
    folds = data.draw(st.sets(st.integers(0, len(order)), max_size=2))
    rest, names = [iter(own), iter(attempts)], [KEY, f"{KEY}/attempts"]
    for step, which in enumerate(order):
        event = next(rest[which])
        store.put(names[which], event.number, event)
        if step in folds:
            Catalog(root, store).fold()
    catalog = Catalog(root, store)
    assert catalog.heads([KEY]) == {KEY: expected}
    catalog.fold()
    assert Catalog(root, store).heads([KEY]) == {KEY: expected}
    incremental = _tables(catalog)
    catalog.rebuild()
    assert Catalog(root, store).heads([KEY]) == {KEY: expected}
    assert _tables(catalog) == incremental
    found = catalog.query("SELECT version, held FROM current").rows
    now = expected.current
    assert found == ([(now.number, expected.held)] if now is not None else [])


def _tables(catalog: Catalog) -> list[object]:
    """Give the content of the tables that these events fill."""
    names = ("audit", "materializations", "files", "changes", "attempts", "schema_versions")
    return [catalog.query(f"FROM {name} ORDER BY ALL").rows for name in names]


def test_a_slow_attempt_that_reports_late_does_not_hide_a_newer_one() -> None:
    events: list[AnyEvent] = [version(1), attempt(1, after=1), attempt(2, after=0)]
    head = reduce(advance, events, Head(KEY))
    assert head.last_attempt == attempt(1, after=1)
    assert head.attempts == 2


def test_a_new_version_ends_the_hold_and_outdates_the_attempts_before_it(shelf: Any) -> None:
    shelf.version(KEY, [{"id": 1}])
    shelf.version(KEY, [{"id": 2}])
    rollback(shelf.data, shelf.events, shelf.head(KEY), 1, by="kim")
    shelf.failure(KEY)
    held = shelf.head(KEY)
    assert (held.current.number, held.held, held.last_version) == (1, 1, 2)
    assert held.last_attempt is not None
    shelf.version(KEY, [{"id": 3}])
    made = shelf.head(KEY)
    assert (made.current.number, made.held, made.last_attempt) == (4, 0, None)


def test_a_release_keeps_the_version_and_lifts_the_hold(shelf: Any) -> None:
    shelf.version(KEY, [{"id": 1}])
    shelf.version(KEY, [{"id": 2}])
    rollback(shelf.data, shelf.events, shelf.head(KEY), 1, by="kim")
    release(shelf.events, shelf.head(KEY), by="kim")
    assert (shelf.head(KEY).current.number, shelf.head(KEY).held) == (1, 0)


def test_heads_are_exact_between_two_folds(shelf: Any) -> None:
    shelf.version(KEY)
    shelf.catalog.fold()
    newer = shelf.version(KEY)
    assert shelf.catalog.heads([KEY, "raw.never"]) == {
        KEY: shelf.head(KEY),
        "raw.never": Head("raw.never"),
    }
    assert shelf.head(KEY).current == newer


def test_a_catalog_that_stays_open_sees_what_others_publish(shelf: Any) -> None:
    mine = shelf.catalog
    shelf.version(KEY)
    assert mine.heads([KEY])[KEY].number == 1
    shelf.version(KEY)
    shelf.catalog.fold()
    assert mine.heads([KEY])[KEY].number == 2


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format": 0, "heads": {}, "newest": []}', None])
def test_heads_without_a_usable_cache_are_made_from_events(shelf: Any, damage: Any) -> None:
    made = shelf.version(KEY)
    shelf.catalog.fold()
    if damage is None:
        shelf.catalog.heads_path.unlink()
    else:
        shelf.catalog.heads_path.write_bytes(damage)
    assert shelf.head(KEY).current == made
    shelf.version(KEY)
    shelf.catalog.fold()
    assert b'"raw.a"' in shelf.catalog.heads_path.read_bytes()


def test_a_cache_that_claims_more_than_the_events_hold_is_not_believed(
    shelf: Any, tmp_path: Path
) -> None:
    first = shelf.version(KEY)
    shelf.catalog.fold()
    shutil.copytree(shelf.data / "events", tmp_path / "backup")
    shelf.version(KEY)
    shelf.failure("raw.b")
    shelf.catalog.fold()
    shutil.rmtree(shelf.data / "events")
    shutil.copytree(tmp_path / "backup", shelf.data / "events")
    assert shelf.head(KEY).current == first
    assert shelf.head("raw.b") == Head("raw.b")
    assert shelf.sql("SELECT version FROM materializations") == [(1,)]


def test_a_cache_of_another_data_folder_is_not_believed(shelf: Any, tmp_path: Path) -> None:
    other = type(shelf)(tmp_path / "other")
    other.version(KEY, [{"id": 9}])
    other.catalog.fold()
    mine = shelf.version(KEY)
    shelf.catalog.fold()
    for name in ("cache/heads.json", "cache/folded.json", "catalog.duckdb"):
        shutil.copy2(other.data / name, shelf.data / name)
    assert shelf.head(KEY).current == mine
    assert shelf.sql("SELECT data_version FROM current") == [(mine.data_version,)]


def test_an_event_that_was_taken_away_is_not_counted_from_the_cache(shelf: Any) -> None:
    for _ in range(2):
        first = shelf.version(KEY)
        for number in range(20):
            shelf.version(f"raw.b{number}")
    shelf.catalog.fold()
    (shelf.data / "events" / KEY / "2.json").unlink()
    assert shelf.head(KEY).number == 1
    assert shelf.head(KEY).current != first


def test_an_event_that_cannot_be_read_is_named_and_stops_its_asset_alone(
    shelf: Any, caplog: pytest.LogCaptureFixture
) -> None:
    other = shelf.version("raw.b")
    shelf.version(KEY)
    path = shelf.data / "events" / KEY / "1.json"
    path.write_bytes(path.read_bytes()[:-20])
    assert str(path) in shelf.head(KEY).damage[0]
    assert "backup" in shelf.head(KEY).damage[1]
    assert (shelf.head("raw.b").current, shelf.head("raw.b").damage) == (other, ("", ""))
    assert shelf.sql("SELECT key FROM current") == [("raw.b",)]
    assert str(path) in caplog.text


def test_the_cache_is_a_plain_document(shelf: Any) -> None:
    shelf.version(KEY)
    shelf.catalog.fold()
    cache = msgspec.json.decode(shelf.catalog.heads_path.read_bytes())
    assert cache["heads"][KEY]["number"] == 1
