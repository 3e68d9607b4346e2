"""Changes that people make: rolled back and held, released, pruned; never to bytes that are gone."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from catalog.changes import (
    ChangeError,
    history,
    plan_prune,
    prune,
    pruned_of,
    release,
    rollback,
    versions_of,
)
from catalog.events import FileEventStore
from catalog.records import AnyEvent, Pruned, SourceFile

KEY = "raw.a"


class Interrupted(FileEventStore):
    """A store where something happens just before the next event is put."""

    def __init__(self, folder: Path, what: Any) -> None:
        """Do `what` before the first put."""
        super().__init__(folder)
        self.what = what

    def put(self, stream: str, number: int, event: AnyEvent) -> bool:
        """Let it happen, then put."""
        what, self.what = self.what, lambda: None
        what()
        return super().put(stream, number, event)


def several(shelf: Any, count: int = 4, key: str = KEY) -> list[Path]:
    """Publish versions; give their files."""
    made = [shelf.version(key, [{"id": number}]) for number in range(count)]
    return [shelf.data / version.files[0].path for version in made]


def plan(shelf: Any, keep: int, **options: Any) -> Any:
    """Plan to prune everything."""
    heads = shelf.catalog.heads(s for s in shelf.events.streams() if "." in s and "/" not in s)
    return heads, plan_prune(shelf.data, shelf.events, heads, keep, **options)


def do_prune(shelf: Any, keep: int, **options: Any) -> Any:
    """Prune everything; give the plan."""
    heads, made = plan(shelf, keep, **options)
    prune(shelf.data, shelf.events, heads, made, by="kim")
    return made


# Roll back and release


def test_a_rollback_says_who_why_and_to_what(shelf: Any) -> None:
    several(shelf, 2)
    made = rollback(shelf.data, shelf.events, shelf.head(KEY), 1, by="kim", reason="wrong prices")
    assert (made.number, made.by, made.reason, made.to.number) == (3, "kim", "wrong prices", 1)
    assert shelf.sql("SELECT version, held FROM current") == [(1, 1)]
    assert shelf.sql("SELECT id FROM raw.a") == [(0,)]


def test_without_a_number_a_rollback_goes_to_the_last_other_data(shelf: Any) -> None:
    for number in (1, 2, 2):
        shelf.version(KEY, [{"id": number}])
    made = rollback(shelf.data, shelf.events, shelf.head(KEY), None, by="kim")
    assert made.to.number == 1


@pytest.mark.parametrize("to", [None, 7, 2])
def test_a_rollback_to_no_version_names_those_there_are(shelf: Any, to: int | None) -> None:
    several(shelf, 1)
    shelf.failure(KEY)
    with pytest.raises(ChangeError, match="the versions whose files are there: 1"):
        rollback(shelf.data, shelf.events, shelf.head(KEY), to, by="kim")


@pytest.mark.parametrize("damage", ["gone", "flipped"])
def test_a_rollback_to_damaged_bytes_is_refused(shelf: Any, damage: str) -> None:
    first, _ = several(shelf, 2)
    if damage == "gone":
        first.unlink()
    else:
        first.write_bytes(first.read_bytes()[:-1] + b"?")
    with pytest.raises(ChangeError, match=f"cannot come back: {first} is lost or damaged"):
        rollback(shelf.data, shelf.events, shelf.head(KEY), 1, by="kim")
    assert shelf.head(KEY).held == 0


def test_a_rollback_to_a_pruned_version_is_refused(shelf: Any) -> None:
    several(shelf, 3)
    do_prune(shelf, 1)
    with pytest.raises(ChangeError, match=r"version 1 no longer: it was pruned.*are there: 3"):
        rollback(shelf.data, shelf.events, shelf.head(KEY), 1, by="kim")
    with pytest.raises(ChangeError, match="no version with other data"):
        rollback(shelf.data, shelf.events, shelf.head(KEY), None, by="kim")


def test_a_rollback_that_comes_second_to_a_version_goes_behind_it(shelf: Any) -> None:
    several(shelf, 2)
    store = Interrupted(shelf.events.folder, lambda: shelf.version(KEY, [{"id": 9}]))
    made = rollback(shelf.data, store, shelf.head(KEY), 1, by="kim")
    assert made.number == 4
    assert shelf.head(KEY).held == 1


def test_a_rollback_that_comes_second_to_a_prune_is_refused(shelf: Any) -> None:
    several(shelf, 3)
    store = Interrupted(shelf.events.folder, lambda: do_prune(shelf, 1))
    with pytest.raises(ChangeError, match="it was pruned"):
        rollback(shelf.data, store, shelf.head(KEY), 1, by="kim")


def test_what_is_not_held_cannot_be_released(shelf: Any) -> None:
    several(shelf, 1)
    with pytest.raises(ChangeError, match="not held"):
        release(shelf.events, shelf.head(KEY), by="kim")


def test_two_people_who_release_at_once_release_once(shelf: Any) -> None:
    several(shelf, 2)
    rollback(shelf.data, shelf.events, shelf.head(KEY), 1, by="kim")
    head = shelf.head(KEY)
    store = Interrupted(
        shelf.events.folder, lambda: release(shelf.events, head, by="lee", reason="checked")
    )
    with pytest.raises(ChangeError, match="not held"):
        release(store, head, by="kim")
    assert len(history(shelf.events, KEY)) == 4


# Prune


def test_a_prune_keeps_the_newest_versions_and_the_record_of_all(shelf: Any) -> None:
    files = several(shelf, 4)
    size = files[0].stat().st_size + files[1].stat().st_size
    made = do_prune(shelf, 2)
    assert (made.versions, made.bytes) == ({KEY: (1, 2)}, size)
    assert [file.exists() for file in files] == [False, False, True, True]
    assert len(versions_of(shelf.events, KEY)) == 4
    assert pruned_of(shelf.events, KEY) == {1, 2}
    assert shelf.sql("SELECT kind, versions FROM changes") == [("pruned", [1, 2])]


def test_planning_a_prune_ends_nothing(shelf: Any) -> None:
    files = several(shelf, 3)
    _, made = plan(shelf, 1)
    assert made.files == {KEY: tuple(f"raw/{file.name}" for file in files[:2])}
    assert all(file.exists() for file in files)
    assert len(history(shelf.events, KEY)) == 3


def test_a_prune_spares_what_is_current_and_held(shelf: Any) -> None:
    files = several(shelf, 4)
    rollback(shelf.data, shelf.events, shelf.head(KEY), 1, by="kim")
    do_prune(shelf, 1)
    assert [file.exists() for file in files] == [True, False, False, True]
    release(shelf.events, shelf.head(KEY), by="kim")
    do_prune(shelf, 1)
    assert files[0].exists()


def test_a_prune_spares_files_that_a_version_shares(shelf: Any) -> None:
    first = shelf.version("raw.log", [{"id": 1}])
    more = shelf.file("raw.log", [{"id": 2}], shelf.clock())
    shelf.version("raw.log", [{"id": 1}, {"id": 2}], files=(*first.files, more))
    made = do_prune(shelf, 1)
    assert made.versions == {"raw.log": (1,)}
    assert made.files == {"raw.log": ()}
    assert (shelf.data / first.files[0].path).exists()


def test_a_prune_done_again_does_nothing(shelf: Any) -> None:
    several(shelf, 3)
    do_prune(shelf, 1)
    before = len(history(shelf.events, KEY))
    made = do_prune(shelf, 1)
    assert (made.versions, made.orphans, made.bytes) == ({}, (), 0)
    assert len(history(shelf.events, KEY)) == before


def test_a_prune_of_everything_is_refused(shelf: Any) -> None:
    with pytest.raises(ChangeError, match="at least one"):
        plan(shelf, 0)


def test_a_prune_that_comes_second_to_a_rollback_spares_its_version(shelf: Any) -> None:
    files = several(shelf, 4)
    heads, made = plan(shelf, 1)
    head = shelf.head(KEY)
    store = Interrupted(
        shelf.events.folder, lambda: rollback(shelf.data, shelf.events, head, 2, by="lee")
    )
    prune(shelf.data, store, heads, made, by="kim")
    assert [file.exists() for file in files] == [False, True, False, True]
    assert pruned_of(shelf.events, KEY) == {1, 3}


def test_two_prunes_at_once_end_each_version_once(shelf: Any) -> None:
    several(shelf, 5)
    heads, made = plan(shelf, 1)
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        prune(shelf.data, shelf.events, heads, made, by="kim")

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends = [e for e in history(shelf.events, KEY) if isinstance(e, Pruned)]
    assert [e.versions for e in ends] == [(1, 2, 3, 4)]


def test_a_prune_that_died_behind_its_event_is_finished_by_the_next(
    shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = several(shelf, 3)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", dies)
        with pytest.raises(KeyboardInterrupt):
            do_prune(shelf, 1)
    assert files[0].exists()
    made = do_prune(shelf, 1)
    assert set(made.orphans) >= {f"raw/{file.name}" for file in files[:2]}
    assert [file.exists() for file in files] == [False, False, True]


# Files that dead processes left


def test_files_of_dead_attempts_go_when_they_are_old(shelf: Any) -> None:
    dead = shelf.data / shelf.file(KEY, [{"id": 9}], shelf.clock()).path
    several(shelf, 1)
    staged = shelf.data / ".staging" / "attempt-1" / "candidate.parquet"
    aside = shelf.data / "events" / KEY / ".2.77.abcdefabcdef"
    for path in (staged, aside):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    assert do_prune(shelf, 1).orphans == ()
    made = do_prune(shelf, 1, age=-1.0)
    assert set(made.orphans) == {
        f"raw/{dead.name}",
        ".staging/attempt-1",
        f"events/{KEY}/{aside.name}",
    }
    assert not any(path.exists() for path in (dead, staged, aside))


def test_files_that_may_be_somebodys_stay(shelf: Any) -> None:
    old = shelf.clock()
    source = "raw/a_20200101_000000.parquet"
    shelf.version(KEY, [{"id": 1}], sources=(SourceFile(f"data/{source}", 1, 1, "s"),))
    mine = [
        "raw/notes.parquet",
        "raw/a_20200101_000000.csv",
        "raw/other_20200101_000000.parquet",
        "raw/a_20200230_x.parquet",
        source,
        "output/current/a.csv",
    ]
    newer = shelf.file(KEY, [{"id": 2}], shelf.clock().replace(year=old.year + 1)).path
    for name in mine:
        (shelf.data / name).parent.mkdir(parents=True, exist_ok=True)
        (shelf.data / name).write_bytes(b"mine")
    made = do_prune(shelf, 1, age=-1.0)
    assert made.orphans == ()
    assert all((shelf.data / name).exists() for name in (*mine, newer))


def test_a_wrong_event_store_costs_no_file(shelf: Any, tmp_path: Path) -> None:
    files = several(shelf, 2)
    elsewhere = FileEventStore(tmp_path / "elsewhere")
    made = plan_prune(shelf.data, elsewhere, shelf.catalog.heads([KEY]), 1, age=-1.0)
    assert made.orphans == ()
    assert all(os.access(file, os.R_OK) for file in files)
