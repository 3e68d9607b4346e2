"""Events: numbered, append-only, each number taken once; the same of files and databases."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog.events import CorruptEventError, EventStore, FileEventStore, checked, tail
from catalog.events_sql import SqlEventStore
from catalog.open import open_events
from catalog.records import Released, decode, encode
from resources.errors import SettingError, TransientError
from tests.postgresql import running

pytestmark = pytest.mark.xdist_group("postgresql")  # one server is enough
STORES = ["files", "sqlite", "postgresql"]


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """Start a real PostgreSQL; stopped at the end."""
    with running() as url:
        yield url


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> EventStore:
    """Give an empty store of each kind."""
    return _open(request.param, request, tmp_path)


def _open(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> EventStore:
    """Open an empty store."""
    if kind == "files":
        return open_events("", tmp_path / "events")
    if kind == "sqlite":
        return open_events(f"sqlite:///{tmp_path / 'events.db'}", tmp_path)
    import sqlalchemy as sa

    url = request.getfixturevalue("postgresql")
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS dataops_events"))
    engine.dispose()
    return open_events(url, tmp_path)


def event(number: int, who: str = "kim", key: str = "raw.a") -> Released:
    """Make a small event."""
    return Released(
        id=f"{key}-{number}-{who}", at="2026-01-01T00:00:00Z", by=who, key=key, number=number
    )


def test_an_event_comes_back_as_it_was_put(store: EventStore) -> None:
    assert store.put("raw.a", 1, event(1, "김"))
    assert store.get("raw.a", 1) == event(1, "김")
    assert store.get("raw.a", 2) is None


def test_a_number_that_is_taken_is_never_changed(store: EventStore) -> None:
    assert store.put("raw.a", 1, event(1, "first"))
    assert not store.put("raw.a", 1, event(1, "second"))
    assert store.get("raw.a", 1) == event(1, "first")


def test_of_many_writers_on_one_number_exactly_one_wins(store: EventStore) -> None:
    barrier = threading.Barrier(8)

    def write(who: str) -> bool:
        """Put the event; what goes wrong here goes wrong in the test."""
        barrier.wait()
        return store.put("raw.a", 1, event(1, who))

    writers = [str(number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        won = [who for who, put in zip(writers, pool.map(write, writers), strict=True) if put]
    assert len(won) == 1
    assert store.get("raw.a", 1) == event(1, won[0])


def test_streams_know_how_far_they_go(store: EventStore) -> None:
    assert store.streams() == []
    assert store.last("raw.a") == 0
    for number in (1, 2, 3):
        store.put("raw.a", number, event(number))
    store.put("raw.b/attempts", 1, event(1))
    assert store.last("raw.a") == store.last("raw.a", 2) == 3
    assert {"raw.a", "raw.b/attempts"} <= set(store.streams())


def test_a_store_tells_which_streams_moved_and_which_lost_events(store: EventStore) -> None:
    for number in (1, 2):
        store.put("raw.a", number, event(number))
    known = {"raw.a": 2, "raw.b": 0}
    assert store.advanced(known) == []
    assert store.lost(known) == []
    store.put("raw.a", 3, event(3))
    store.put("raw.b", 1, event(1))
    assert store.advanced(known) == ["raw.a", "raw.b"]
    assert store.lost({"raw.a": 4, "raw.b": 1, "raw.c": 1}) == ["raw.a", "raw.c"]


def test_a_tail_goes_on_behind_what_is_known(store: EventStore) -> None:
    for number in (1, 2, 3):
        store.put("raw.a", number, event(number))
    assert [one.number for one in tail(store, "raw.a", 0)] == [1, 2, 3]
    assert [one.number for one in tail(store, "raw.a", 2)] == [3]
    assert list(tail(store, "raw.a", 3)) == list(tail(store, "raw.none", 0)) == []


def test_a_number_that_is_gone_below_later_ones_is_an_error(store: EventStore) -> None:
    for number in (1, 3):
        store.put("raw.a", number, event(number))
    with pytest.raises(CorruptEventError, match="event 2 of raw.a is gone"):
        list(tail(store, "raw.a", 0))


def test_two_processes_that_open_a_new_database_at_once_both_find_the_table(
    tmp_path: Path, postgresql: str
) -> None:
    script = (
        "import sys; from catalog.events_sql import SqlEventStore; "
        "print(SqlEventStore(sys.argv[1]).last('raw.zzz'))"
    )
    command = [sys.executable, "-c", script]
    for url in (f"sqlite:///{tmp_path / 'new.db'}", postgresql):
        started = [subprocess.Popen([*command, url], stdout=subprocess.PIPE) for _ in range(2)]
        assert [process.communicate()[0].strip() for process in started] == [b"0", b"0"]


def test_a_database_that_does_not_answer_may_answer_later() -> None:
    store = SqlEventStore("postgresql://someone:secret@/none?host=/nowhere")
    with pytest.raises(TransientError, match="does not answer") as raised:
        store.streams()
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["postgres", "nosuch://host/db", "oracle+none://host/db"])
def test_a_url_that_names_no_database_is_said_with_its_setting(url: str) -> None:
    with pytest.raises(SettingError, match="DATAOPS_EVENTS_URL"):
        SqlEventStore(url)


@pytest.mark.parametrize("text", [b"", b'{"kind": "released"', b'{"kind": "danced"}', b"[]"])
def test_an_event_that_cannot_be_read_is_named_by_its_file(tmp_path: Path, text: bytes) -> None:
    store = FileEventStore(tmp_path)
    store.put("raw.a", 1, event(1))
    path = tmp_path / "raw.a" / "1.json"
    path.unlink()
    path.write_bytes(text)
    with pytest.raises(CorruptEventError, match=str(path)):
        store.get("raw.a", 1)


def test_an_event_of_a_newer_release_says_so(tmp_path: Path) -> None:
    store = FileEventStore(tmp_path)
    (tmp_path / "raw.a").mkdir()
    (tmp_path / "raw.a" / "1.json").write_bytes(b'{"kind": "sung", "format": 9, "number": 1}')
    with pytest.raises(
        CorruptEventError, match=r"format 9; this release reads up to 1.*[Uu]pgrade"
    ):
        store.get("raw.a", 1)


def test_an_event_under_another_number_is_an_error(tmp_path: Path) -> None:
    store = FileEventStore(tmp_path)
    store.put("raw.a", 1, event(1))
    shutil.copy(tmp_path / "raw.a" / "1.json", tmp_path / "raw.a" / "2.json")
    with pytest.raises(CorruptEventError, match="says that it is number 1"):
        store.get("raw.a", 2)


def test_what_a_killed_writer_left_aside_is_no_event(tmp_path: Path) -> None:
    store = FileEventStore(tmp_path)
    store.put("raw.a", 1, event(1))
    (tmp_path / "raw.a" / ".2.77.abcdefabcdef").write_bytes(b"{")
    assert store.last("raw.a") == 1
    assert [one.number for one in tail(store, "raw.a", 0)] == [1]


def test_an_event_is_one_readable_json_document() -> None:
    text = encode(event(1)).decode()
    assert '\n "kind": "released"' in text
    assert '"format": 1' in text
    assert decode(text.encode()) == event(1)


def test_an_event_of_a_kind_that_came_later_says_to_upgrade() -> None:
    """Not to look for a backup: nothing is damaged."""
    text = b'{"kind": "tagged", "format": 1, "id": "x", "at": "2026-01-01T00:00:00Z", "number": 1}'
    with pytest.raises(CorruptEventError, match="'tagged', which this release does not know") as e:
        checked(text, 1, "raw.a/1.json")
    assert "upgrade" in e.value.fix
