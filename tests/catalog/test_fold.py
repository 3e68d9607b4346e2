"""Folding: each event once, published in one step, whoever else is at work or dies."""

from __future__ import annotations

import fcntl
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from catalog.errors import FoldError
from catalog.reading import CatalogInUseError

SCRIPT = Path(__file__).with_name("folding.py")
EVENTS = "SELECT count(*), count(DISTINCT event_id) FROM audit"


def start(what: str, data: Path, seconds: float) -> subprocess.Popen[str]:
    """Start a process of folding.py."""
    command = [sys.executable, str(SCRIPT), what, str(data), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> str:
    """Wait for a process that must end well; give what it said last."""
    said, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong
    return said.splitlines()[-1]


def test_each_event_is_folded_once(full: Any) -> None:
    catalog = full.catalog
    assert catalog.fold()
    first = catalog.query(EVENTS).rows
    full.version("raw.shops")
    catalog.fold()
    full.catalog.fold()
    ((count, unique),) = full.catalog.query(EVENTS).rows
    assert count == unique == first[0][0] + 1
    incremental = full.sql("FROM audit ORDER BY ALL")
    full.catalog.rebuild()
    assert full.sql("FROM audit ORDER BY ALL") == incremental


def test_folding_when_nothing_is_new_leaves_the_file_alone(full: Any) -> None:
    full.catalog.fold()
    before = full.catalog.path.stat()
    assert full.catalog.fold()
    after = full.catalog.path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_folding_several_times_in_a_second_is_put_off_until_it_is_asked_for(full: Any) -> None:
    catalog = full.catalog
    assert catalog.fold(coalesce=True)
    full.version("raw.shops")
    assert not catalog.fold(coalesce=True)
    assert catalog.fold()
    assert full.sql("SELECT version FROM current WHERE key = 'raw.shops'") == [(2,)]


def test_whoever_finds_the_lock_taken_leaves_the_work_to_the_holder(full: Any) -> None:
    full.catalog.fold()
    full.version("raw.shops")
    with (full.data / "catalog.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not full.catalog.fold(wait=0.05)
    assert full.catalog.fold(wait=0)
    assert full.sql("SELECT version FROM current WHERE key = 'raw.shops'") == [(2,)]


def test_where_nothing_can_be_written_what_was_published_is_read(
    full: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.catalog.fold()

    def refused(*_: object, **__: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("catalog.fold.fold_lock", refused)  # root may write everywhere
    assert not full.catalog.fold()
    assert full.catalog.query("SELECT count(*) FROM current").rows == [(4,)]


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut", "foreign", "edited"])
def test_a_catalog_that_is_not_what_was_published_is_made_anew(full: Any, damage: str) -> None:
    full.catalog.fold()
    path = full.catalog.path
    if damage == "garbage":
        path.write_bytes(b"no database")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-5000])
    elif damage == "foreign":
        path.unlink()
        duckdb.connect(path).execute("CREATE TABLE mine AS SELECT 1 AS x").close()
    else:
        with duckdb.connect(path) as con:
            con.execute("DELETE FROM audit")
    assert full.sql(EVENTS)[0] == (10, 10)
    assert len(full.sql("FROM current")) == 4


def test_a_disk_that_cannot_take_the_catalog_costs_only_the_catalog(
    full: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full.catalog.fold()
    full.version("raw.shops")

    def full_disk(*_: object) -> None:
        raise duckdb.IOException("could not write: no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("catalog.tables.Tables.flush", full_disk)
        assert not full.catalog.fold()
        assert "no space left" in caplog.text
        with pytest.raises(FoldError, match="no space left"):
            full.catalog.rebuild()
    assert full.catalog.query(EVENTS).rows == [(10, 10)]
    assert full.sql(EVENTS) == [(11, 11)]


SESSION = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
con.execute("CREATE TABLE scratch AS SELECT 1 AS x")
print("open", flush=True)
sys.stdin.readline()
con.execute("DELETE FROM audit")
con.close()
"""


def test_a_session_that_writes_stops_nobody_and_spoils_nothing(full: Any) -> None:
    full.catalog.fold()
    command = [sys.executable, "-c", SESSION, str(full.catalog.path)]
    session = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
    assert session.stdout is not None
    assert session.stdout.readline() == "open\n"
    assert full.sql(EVENTS) == [(10, 10)]
    full.version("raw.shops")
    assert full.sql(EVENTS) == [(11, 11)]
    session.communicate("go\n", timeout=60)
    assert session.returncode == 0
    full.version("raw.shops")
    assert full.sql(EVENTS) == [(12, 12)]


IDLE = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_session_that_could_write_but_does_not_stops_nobody(full: Any) -> None:
    full.catalog.fold()
    command = [sys.executable, "-c", IDLE, str(full.catalog.path)]
    session = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
    assert session.stdout is not None
    assert session.stdout.readline() == "open\n"
    assert full.catalog.query(EVENTS).rows == [(10, 10)]
    session.communicate("go\n", timeout=60)
    assert full.catalog.query(EVENTS).rows == [(10, 10)]


def test_a_catalog_that_cannot_be_opened_nor_made_says_how_to_go_on(
    full: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.catalog.fold()
    full.catalog.path.write_bytes(b"no database")
    monkeypatch.setattr("catalog.store.Catalog._fold", lambda *_, **__: False)
    with pytest.raises(CatalogInUseError, match="duckdb -readonly"):
        full.catalog.query(EVENTS)


def test_what_a_dead_session_wrote_beside_the_file_does_not_count(full: Any) -> None:
    full.catalog.fold()
    script = (
        "import duckdb, os, sys; con = duckdb.connect(sys.argv[1]); "
        "con.execute('DELETE FROM audit'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(full.catalog.path)], check=True)
    assert full.catalog.path.with_name("catalog.duckdb.wal").exists()
    assert full.sql(EVENTS) == [(10, 10)]


def test_a_fold_that_died_before_publishing_is_taken_up_by_the_next(
    full: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.catalog.fold()
    full.version("raw.shops")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("catalog.fold.sync_folder", dies)  # replaced, and dead
    with pytest.raises(KeyboardInterrupt):
        full.catalog.fold()
    monkeypatch.undo()
    assert full.sql(EVENTS) == [(11, 11)]
    assert full.sql("SELECT version FROM current WHERE key = 'raw.shops'") == [(2,)]


def test_what_a_dead_fold_left_is_swept(full: Any) -> None:
    left = full.data / ".staging" / "catalog-1.duckdb"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    full.catalog.fold()
    assert list(left.parent.iterdir()) == []


def test_a_restored_backup_of_the_events_takes_the_catalog_back(full: Any, tmp_path: Path) -> None:
    shutil.copytree(full.data / "events", tmp_path / "backup")
    full.version("raw.shops")
    full.version("raw.late")
    full.catalog.fold()
    shutil.rmtree(full.data / "events")
    shutil.copytree(tmp_path / "backup", full.data / "events")
    assert full.sql(EVENTS) == [(10, 10)]
    assert full.sql("SELECT count(*) FROM current WHERE key = 'raw.late'") == [(0,)]


def test_the_published_file_is_in_the_format_of_todays_shells(full: Any) -> None:
    full.catalog.fold()
    con = duckdb.connect()
    con.execute(f"ATTACH '{full.catalog.path}' AS c (READ_ONLY)")
    tags = con.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'c'").fetchall()
    assert "v1.5.0" in str(tags[0][0])


@pytest.mark.slow
def test_two_processes_fold_and_a_third_reads_while_a_fourth_writes(shelf: Any) -> None:
    (shelf.data / "events").mkdir(parents=True)
    shelf.catalog.fold()
    started = [start(what, shelf.data, 6) for what in ("fold", "fold", "read", "write")]
    said = [ended(process) for process in started]
    assert int(said[2].split()[1]) > 3
    written = int(said[3].split()[1])
    assert shelf.sql(EVENTS) == [(written, written)]
    assert shelf.head("raw.killed").number == written


@pytest.mark.slow
def test_a_fold_killed_at_any_instant_leaves_a_readable_catalog(shelf: Any) -> None:
    shelf.version("raw.a")
    shelf.catalog.fold()
    chance = random.Random(time.time_ns())
    writer = start("write", shelf.data, 60)
    for _ in range(20):
        folder = start("fold", shelf.data, 60)
        assert folder.stdout is not None
        folder.stdout.readline()  # it is at work
        time.sleep(chance.uniform(0, 0.25))
        folder.kill()
        folder.communicate()
        assert shelf.catalog.query("SELECT count(*) FROM materializations").rows == [(1,)]
        assert shelf.catalog.query("SELECT id FROM raw.a").rows == [(1,)]
    writer.terminate()
    said, _ = writer.communicate()
    acknowledged = sum(line.isdigit() for line in said.splitlines())
    ((count, unique),) = shelf.sql(EVENTS)
    assert count == unique >= acknowledged + 1
    assert shelf.head("raw.killed").number == count - 1
