"""The record verifies itself: sealed and chained events, the same of files and databases."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.events import CorruptEventError, EventStore, FileEventStore, checked, last_event, tail
from catalog.notes import Note
from catalog.open import open_events
from catalog.records import Lost, Released, RunFinished, encode
from catalog.seal import fault_of, link_of, previous_of, seal
from catalog.verifying import mend_faults, verify_record
from resources.errors import TransientError
from tests.postgresql import running

pytestmark = pytest.mark.xdist_group("postgresql")  # one server is enough


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """Start a real PostgreSQL; stopped at the end."""
    with running() as url:
        yield url


class Kept:
    """A store, and what somebody does behind its back."""

    def __init__(self, store: EventStore) -> None:
        """Take a store."""
        self.store = store

    def write(self, stream: str, number: int, text: bytes | None) -> None:
        """Change or remove a document."""
        if isinstance(self.store, FileEventStore):
            path = self.store.folder / stream / f"{number}.json"
            path.parent.mkdir(exist_ok=True)
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_bytes(text)
            return
        import sqlalchemy as sa

        from catalog.events_sql import _EVENTS, SqlEventStore

        assert isinstance(self.store, SqlEventStore)
        where = (_EVENTS.c.stream == stream, _EVENTS.c.number == number)
        with self.store._engine.begin() as connection:
            connection.execute(sa.delete(_EVENTS).where(*where))
            if text is not None:
                row = {"stream": stream, "number": number, "body": text}
                connection.execute(sa.insert(_EVENTS), row)

    def found(self) -> list[tuple[str, int, str]]:
        """Verify."""
        return [(f.stream, f.number, f.found) for f in verify_record(self.store)[1]]


@pytest.fixture(params=["files", "sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """Give a store of each kind with a few streams."""
    if request.param == "postgresql":
        import sqlalchemy as sa

        url = request.getfixturevalue("postgresql")
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS dataops_events"))
        engine.dispose()
    else:
        url = "" if request.param == "files" else f"sqlite:///{tmp_path / 'events.db'}"
    store = open_events(url, tmp_path / "events")
    for number in range(1, 5):
        for stream in ("raw.a", "raw.b", "raw.a/attempts"):
            assert store.put(stream, number, event(number))
        assert store.put("_runs", number, finished(number))
    return Kept(store)


def event(number: int, who: str = "kim") -> Released:
    """Make a small event."""
    at = "2026-01-01T00:00:00Z"
    return Released(id=f"{number}-{who}", at=at, by=who, key="raw.a", number=number)


def finished(number: int) -> RunFinished:
    """Make an event of bookkeeping."""
    return RunFinished(
        id=f"r{number}", at="2026-01-01T00:00:00Z", number=number, run="r", state="x"
    )


def test_every_event_names_the_one_before_it(kept: Kept) -> None:
    texts = dict(kept.store.texts("raw.a"))
    assert previous_of(texts[1]) == ""
    for number in (2, 3, 4):
        assert previous_of(texts[number]) == link_of("raw.a", texts[number - 1])
    assert kept.store.note_of("raw.a") == Note(4, link_of("raw.a", texts[4]))
    assert kept.found() == []


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize("stream", ["raw.a", "raw.a/attempts", "_runs"])
def test_an_event_that_is_gone_is_named(kept: Kept, stream: str, number: int) -> None:
    kept.write(stream, number, None)
    assert kept.found() == [(stream, number, "missing")]


def test_an_event_that_was_changed_is_named(kept: Kept) -> None:
    text = kept.store.text("raw.a", 4)
    assert text is not None
    kept.write("raw.a", 4, text.replace(b'"kim"', b'"lee"'))
    assert kept.found() == [("raw.a", 4, "corrupted")]
    with pytest.raises(CorruptEventError, match="was changed since it was written"):
        kept.store.get("raw.a", 4)


def test_an_event_of_another_stream_does_not_fit(kept: Kept) -> None:
    """Both are event 3, and the same but for where they stand."""
    text = kept.store.text("raw.b", 3)
    kept.write("raw.a", 3, text)
    assert kept.found() == [("raw.a", 3, "corrupted")]


def test_an_event_that_was_written_anew_and_sealed_does_not_fit_its_neighbours(kept: Kept) -> None:
    """As somebody would who knows the format."""
    before = kept.store.text("raw.a", 1)
    assert before is not None
    forged = seal("raw.a", encode(event(2, "lee")), link_of("raw.a", before))
    kept.write("raw.a", 2, forged)
    assert kept.found() == [("raw.a", 3, "corrupted")]
    with pytest.raises(CorruptEventError, match="one of the two was replaced"):
        list(tail(kept.store, "raw.a", 0))


def test_a_last_event_that_was_written_anew_is_not_the_one_that_was_noted(kept: Kept) -> None:
    before = kept.store.text("raw.a", 3)
    assert before is not None
    kept.write("raw.a", 4, seal("raw.a", encode(event(4, "lee")), link_of("raw.a", before)))
    assert kept.found() == [("raw.a", 4, "corrupted")]


def test_a_seal_that_was_taken_off_is_missed(kept: Kept) -> None:
    kept.write("raw.a", 4, encode(event(4)))
    assert ("raw.a", 4, "corrupted") in kept.found()


def test_a_damaged_note_is_made_again(kept: Kept) -> None:
    note = kept.store.note_of("raw.a")
    kept.store.note("raw.a", None)
    found = verify_record(kept.store)[1]
    assert [(f.stream, f.number) for f in found] == [("raw.a", 0)]
    mend_faults(kept.store, found)
    assert (kept.found(), kept.store.note_of("raw.a")) == ([], note)


@pytest.mark.parametrize("number", [1, 3, 4])
@pytest.mark.parametrize("text", [None, b"\xff\x00", b"{}"])
def test_lost_bookkeeping_is_replaced_and_goes_on(
    kept: Kept, number: int, text: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    kept.write("_runs", number, text)
    told = list(tail(kept.store, "_runs", 0))
    assert [one.number for one in told] == [1, 2, 3, 4]
    assert [isinstance(one, Lost) for one in told] == [n == number for n in (1, 2, 3, 4)]
    assert f"the event {number} of _runs was lost" in caplog.text
    assert kept.store.put("_runs", 5, finished(5))
    assert kept.found() == []


@pytest.mark.parametrize("text", [None, b"\xff\x00"])
def test_the_last_one_that_says_something_is_found_behind_damage(
    kept: Kept, text: bytes | None
) -> None:
    kept.write("_runs", 4, text)
    assert last_event(kept.store, "_runs") == finished(3)


def test_a_number_whose_event_is_gone_is_not_taken_again(kept: Kept) -> None:
    """Bookkeeping goes on behind it; an asset's history stops, or the loss would go unseen."""
    kept.write("raw.a", 4, None)
    with pytest.raises(CorruptEventError, match="event 4 of raw.a is gone"):
        kept.store.put("raw.a", 4, event(4, "lee"))
    kept.write("_runs", 4, None)
    assert not kept.store.put("_runs", 4, finished(4))
    assert kept.store.put("_runs", 5, finished(5))


def test_a_loss_that_is_accepted_goes_on_the_record(kept: Kept) -> None:
    kept.write("raw.a", 2, b"garbled")
    faults = verify_record(kept.store)[1]
    assert mend_faults(kept.store, faults) == []
    assert mend_faults(kept.store, faults, accept=True) == faults
    assert kept.found() == []
    assert [isinstance(one, Lost) for one in tail(kept.store, "raw.a", 0)] == [False, True] + [
        False
    ] * 2


def test_events_without_seals_are_valid_and_held_fast_by_the_first_sealed_one(kept: Kept) -> None:
    for number in range(1, 4):
        kept.write("raw.old", number, encode(event(number)))
    assert [one.number for one in tail(kept.store, "raw.old", 0)] == [1, 2, 3]
    assert kept.found() == []
    assert kept.store.put("raw.old", 4, event(4))
    assert kept.found() == []
    kept.write("raw.old", 3, encode(event(3, "lee")))
    assert kept.found() == [("raw.old", 4, "corrupted")]


def test_what_reads_back_otherwise_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short write, or a disk that lies."""
    store = FileEventStore(tmp_path / "events")
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self)[:-1])
    with pytest.raises(TransientError, match="reads back"):
        store.put("raw.a", 1, event(1))
    monkeypatch.undo()
    assert (store.last("raw.a"), store.put("raw.a", 1, event(1))) == (0, True)
    assert [p.name for p in (tmp_path / "events" / "raw.a").iterdir()] == ["1.json"]


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_any_changed_byte_breaks_the_seal(where: int, flip: int) -> None:
    text = bytearray(seal("raw.a", encode(event(7)), "a" * 64))
    text[where % len(text)] ^= flip
    with pytest.raises(CorruptEventError):
        checked(bytes(text), 7, "raw.a/7.json", "raw.a")


@given(st.integers(0, 10**9), st.integers(1, 40))
def test_any_missing_bytes_break_the_seal(where: int, count: int) -> None:
    text = seal("raw.a", encode(event(7)), "a" * 64)
    at = where % (len(text) - count)
    with pytest.raises(CorruptEventError):
        checked(text[:at] + text[at + count :], 7, "raw.a/7.json", "raw.a")


def test_random_histories_verify(tmp_path: Path) -> None:
    """However writers took turns, and whatever bookkeeping was lost between."""
    chance = random.Random(5)
    store = FileEventStore(tmp_path / "events")
    kept = Kept(store)
    for step in range(150):
        stream = chance.choice(["raw.a", "_runs", "raw.a/attempts"])
        number = store.last(stream) + 1
        made: Any = finished(number) if stream == "_runs" else event(number)
        store.put(stream, number, made)
        if step % 10 == 0 and store.last("_runs"):
            gone = chance.randint(1, store.last("_runs"))
            kept.write("_runs", gone, chance.choice([None, b"x"]))
            list(tail(store, "_runs", 0))
    assert kept.found() == []
    assert fault_of("raw.a", next(store.texts("raw.a"))[1]) == ""
