"""A data folder and its record belong to each other, and neither is taken for another."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from catalog import identity
from catalog.events import EventStore
from catalog.identity import Identity, OtherRecordError, adopt, hold_files, identity_of
from catalog.open import open_events, wait_for_outages
from catalog.records import Released
from resources.outages import is_outage, outlast
from tests.postgresql import running


def put(store: EventStore, number: int = 1) -> None:
    """Record something."""
    at = datetime.now(UTC).isoformat()
    event = Released(id=uuid4().hex, at=at, by="kim", key="raw.a", number=number, reason="")
    assert store.put("raw.a", number, event)


def folder(tmp_path: Path, name: str = "data") -> Path:
    """Make a data folder."""
    made = tmp_path / name
    made.mkdir()
    return made


def database(tmp_path: Path, name: str) -> str:
    """Name a database."""
    return f"sqlite:///{tmp_path / name}"


def opened(data: Path, url: str = "") -> EventStore:
    """Open the record of a data folder as a command does."""
    store = open_events(url, data / "events", data=data)
    store.streams()
    return store


def test_a_host_without_the_setting_is_refused(tmp_path: Path) -> None:
    """It would begin a second record beside the first, in files."""
    data, url = folder(tmp_path), database(tmp_path, "one.db")
    put(opened(data, url))
    with pytest.raises(OtherRecordError, match="DATAOPS_EVENTS_URL is not set here"):
        opened(data)
    opened(data, url)


def test_a_copied_folder_is_refused_by_another_record_until_it_is_adopted(tmp_path: Path) -> None:
    """And the sentence says how."""
    data, one, two = folder(tmp_path), database(tmp_path, "1.db"), database(tmp_path, "2.db")
    put(opened(data, one))
    other = folder(tmp_path, "other")
    put(opened(other, two))
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    with pytest.raises(OtherRecordError, match="dataops adopt"):
        opened(copy, two)
    store = open_events(two, copy / "events")
    adopt(copy, store)  # type: ignore[arg-type]
    assert opened(copy, two).last("raw.a") == 1
    with pytest.raises(OtherRecordError):
        opened(copy, one)


def test_an_empty_folder_beside_a_record_with_events_is_refused(tmp_path: Path) -> None:
    """Where the data are not mounted, everything would be made again."""
    url = database(tmp_path, "one.db")
    put(opened(folder(tmp_path), url))
    with pytest.raises(OtherRecordError, match="is it mounted"):
        opened(folder(tmp_path, "unmounted"), url)


def test_a_folder_with_events_in_files_is_refused_by_a_database(tmp_path: Path) -> None:
    """Its history would be gone without a word."""
    data = folder(tmp_path)
    put(opened(data))
    with pytest.raises(OtherRecordError, match="its events are files"):
        opened(data, database(tmp_path, "one.db"))


def test_an_old_project_gets_an_identity_without_a_word(tmp_path: Path) -> None:
    """In files and in a database."""
    data = folder(tmp_path)
    put(opened(data))
    for path in (data / ".identity", data / "events" / ".identity"):
        path.unlink()
    opened(data)
    assert identity_of(data) is not None
    second, url = folder(tmp_path, "second"), database(tmp_path, "old.db")
    put(open_events(url, second / "events"))  # as an earlier release: nobody looks
    opened(second, url)
    found = identity_of(second)
    assert found is not None
    assert found.settled


def test_a_death_between_the_two_identities_is_gone_on_from(tmp_path: Path) -> None:
    """The folder's comes first, and says that it is not settled."""
    data, url = folder(tmp_path), database(tmp_path, "one.db")
    begun = Identity("abc", "sqlite", settled=False).sealed()
    (data / ".identity").write_bytes(msgspec.json.encode(begun))
    put(opened(data, url))
    settled = identity_of(data)
    assert settled is not None
    assert (settled.id, settled.settled) == ("abc", True)
    assert opened(data, url).last("raw.a") == 1


def test_an_outage_costs_a_wait_and_a_refusal_does_not() -> None:
    """What may pass is waited for, as long as was said, and no longer."""
    clock, asked = [0.0], [0]

    def work() -> str:
        """Answer after five minutes."""
        asked[0] += 1
        if clock[0] < 300:
            raise ConnectionError("connection refused")
        return "here"

    def sleep(seconds: float) -> None:
        """Let time pass."""
        clock[0] += seconds

    def passes(error: Exception) -> bool:
        """Tell an outage."""
        return is_outage(str(error))

    assert outlast(work, passes, 3600, "it", clock=lambda: clock[0], sleep=sleep) == "here"
    assert asked[0] > 10
    clock[0] = 0.0
    with pytest.raises(ConnectionError):
        outlast(work, passes, 60, "it", clock=lambda: clock[0], sleep=sleep)
    assert clock[0] == pytest.approx(60)
    assert not is_outage('FATAL: password authentication failed for user "kim"')
    assert not is_outage('FATAL: database "nosuch" does not exist')
    assert is_outage("FATAL: the database system is starting up")


def test_a_postgresql_that_is_stopped_and_started_costs_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is put while it is away is there once, when it is back."""
    warned: list[str] = []
    with running() as url:
        home = Path(url.partition("host=")[2])
        store = opened(folder(tmp_path), url)
        put(store)
        wait_for_outages(store, 120)
        control(home, "stop", "-m", "immediate")
        record = logging.getLogger("dataops.record")

        def told(message: str, *_: object) -> None:
            """Start it again when somebody waits for it."""
            warned.append(message)
            if len(warned) == 1:
                control(home, "start", "-o", f"-k {home} -c listen_addresses=''")

        monkeypatch.setattr(record, "warning", told)
        put(store, 2)
        assert store.last("raw.a") == 2
    assert len(warned) == 2


def control(home: Path, *words: str) -> None:
    """Stop or start a server of tests."""
    (initdb,) = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1:] or [
        Path(shutil.which("initdb") or "")
    ]
    become = ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []
    server = [
        str(initdb.with_name("pg_ctl")),
        "-D",
        str(home / "db"),
        "-w",
        "-l",
        str(home / "log"),
    ]
    subprocess.run([*become, *server, *words], check=True, stdout=subprocess.DEVNULL, cwd=home)


def test_of_two_first_writers_at_once_both_take_the_identity_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is between the events' identity and the folder's when this one begins."""
    data, keep = folder(tmp_path), identity._keep
    faster = Identity("faster", "files")

    def late(place: Path, known: Identity) -> None:
        """Come after the other one."""
        keep(data / "events", faster)
        keep(place, known)

    monkeypatch.setattr(identity, "_keep", late)
    hold_files(data, begun=True)
    monkeypatch.undo()
    hold_files(data, begun=True)
    found = identity_of(data)
    assert found is not None
    assert found.id == "faster"


@pytest.mark.parametrize("damaged", ["", "events"])
def test_a_damaged_identity_is_made_again_from_the_one_beside_it(
    tmp_path: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    hold_files(tmp_path, begun=True)
    path = tmp_path / damaged / ".identity"
    whole = path.read_bytes()
    for place in range(len(whole)):
        spoiled = bytearray(whole)
        spoiled[place] ^= 4
        path.write_bytes(bytes(spoiled))
        hold_files(tmp_path)
        assert identity_of(path.parent) == identity_of(tmp_path)
    assert path.read_bytes() == whole
    assert "made again" in caplog.text
