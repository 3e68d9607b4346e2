"""Reviews in the record: a stream of their own, a table, a view; nothing older is disturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.changes import plan_prune, prune
from catalog.events_sql import SqlEventStore
from catalog.records import Materialized, Reviewed, decode, encode
from catalog.reviews import latest_review, record_review, reviews_of
from resources.evaluation.verdicts import Item, Verdict, write_verdicts
from tests.catalog.conftest import Shelf

KEY = "raw.a"


def session(number: int, version: int = 1, right: int = 9, of: int = 10, **facts: Any) -> Reviewed:
    """Make a session's event."""
    return Reviewed(
        **{
            "id": f"r{number}",
            "at": f"2026-01-02T00:00:{number:02}.000000Z",
            "by": "kim",
            "key": KEY,
            "number": number,
            "version": version,
            "reviewer": "lee",
            "rows": of,
            "good": right,
            "bad": of - right,
            "reviewed_rows": of,
            "right_rows": right,
            "accuracy": right / of,
            "low": 0.5,
            "high": 1.0,
            "file": f"reviews/{KEY}/v{version}_{number}.parquet",
            **facts,
        }
    )


def reviewed(shelf: Shelf, *events: Reviewed) -> None:
    """Record sessions with their files."""
    for event in events:
        verdict = Verdict(Item(0, "1", {"t": "teh"}, {"t": "the"}), True)
        write_verdicts(shelf.data / event.file, [verdict])
        assert shelf.events.put(f"{KEY}/reviews", event.number, event)


@pytest.fixture(params=["files", "sql"])
def store(request: Any, tmp_path: Path) -> Shelf:
    """Give an empty data folder, its events in files or in a database."""
    if request.param == "files":
        return Shelf(tmp_path / "data")
    return Shelf(tmp_path / "data", SqlEventStore(f"sqlite:///{tmp_path}/events.db"))


def test_a_review_reads_back_as_it_was_written() -> None:
    event = session(1)
    assert decode(encode(event)) == event


def test_reviews_stand_in_the_catalog_and_move_no_head(store: Shelf) -> None:
    """The latest of a version counts; the audit names every one."""
    store.version(KEY)
    before = store.head(KEY)
    reviewed(store, session(1, right=5), session(2, right=8), session(3, version=4))
    assert store.sql("SELECT version, reviewed, good, accuracy FROM accuracy ORDER BY 1") == [
        (1, 10, 8, 0.8),
        (4, 10, 9, 0.9),
    ]
    assert store.sql("SELECT count(*) FROM reviews") == [(3,)]
    assert store.sql("SELECT what, number FROM audit WHERE what = 'reviewed' ORDER BY 2") == [
        ("reviewed", 1),
        ("reviewed", 2),
        ("reviewed", 3),
    ]
    assert (
        store.sql('SELECT key, row, "column", verdict FROM verdicts') == [(KEY, 0, "t", "good")] * 3
    )
    assert store.head(KEY) == before
    assert store.catalog.heads([KEY])[KEY] == before


def test_rebuilt_from_the_events_alone_it_is_the_same(store: Shelf) -> None:
    store.version(KEY)
    reviewed(store, session(1))
    asked = "SELECT * FROM accuracy"
    before = store.sql(asked)
    assert store.catalog.rebuild()
    store.catalog.path.unlink()
    assert store.sql(asked) == before
    reviewed(store, session(2, right=1))
    assert store.sql("SELECT accuracy FROM accuracy") == [(0.1,)]


def test_a_verdict_file_that_is_gone_takes_only_its_rows_along(shelf: Any) -> None:
    shelf.version(KEY)
    reviewed(shelf, session(1), session(2))
    (shelf.data / session(1).file).unlink()
    assert shelf.sql("SELECT count(*) FROM verdicts") == [(1,)]
    (shelf.data / session(2).file).unlink()
    shelf.version(KEY)
    assert shelf.sql("SELECT count(*) FROM accuracy") == [(1,)]


def test_prune_ends_versions_and_spares_what_people_found(shelf: Any) -> None:
    for number in range(3):
        shelf.version(KEY, [{"id": number}])
    reviewed(shelf, session(1))
    heads = shelf.catalog.heads([KEY])
    plan = plan_prune(shelf.data, shelf.events, heads, 1, age=-1)
    prune(shelf.data, shelf.events, heads, plan, by="kim")
    assert plan.versions == {KEY: (1, 2)}
    assert (shelf.data / session(1).file).is_file()
    assert shelf.sql("SELECT version FROM accuracy") == [(1,)]
    assert isinstance(shelf.head(KEY).current, Materialized)


def test_two_sessions_that_end_at_once_are_both_counted(shelf: Any) -> None:
    """The second is counted again, with the first before it."""
    seen: list[int] = []

    def count(before: Any) -> Reviewed:
        """Count; another session ends meanwhile, once."""
        seen.append(len(before))
        if len(seen) == 1:
            reviewed(shelf, session(1))
        return session(len(before) + 1)

    assert record_review(shelf.events, KEY, count).number == 2
    assert seen == [0, 1]
    assert [event.number for event in reviews_of(shelf.events, KEY)] == [1, 2]


def test_the_latest_review_of_a_version_is_found(shelf: Any) -> None:
    assert latest_review(shelf.events, KEY, 1) is None
    reviewed(shelf, session(1), session(2, right=3), session(3, version=2))
    found = latest_review(shelf.events, KEY, 1)
    assert found is not None
    assert found.right_rows == 3
