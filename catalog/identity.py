"""Identity: a data folder and its record carry the same id, so that neither is taken for another.

The folder says in `.identity` which record it belongs to: files beside it, or a database. A folder
whose events are in a database is refused where that database is not named, or another is; a record
whose data lie elsewhere is refused beside an empty folder (one that is not mounted, say).
"""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from resources.errors import SettingError
from resources.files import replace_file, sync_folder

_RECORD: Final = logging.getLogger("dataops.record")
FILES: Final = "files"
_NAME: Final = ".identity"
_ADOPT: Final = "dataops adopt"


class OtherRecordError(SettingError):
    """A data folder and a record that do not belong to each other."""


class Identity(msgspec.Struct, frozen=True):
    """Whose a data folder is. record: FILES, or where the database is, without its secrets.

    settled: False until the record carries the id as well, so that a process may die in between.
    checksum: of the rest, as it is written down.
    """

    id: str
    record: str
    settled: bool = True
    checksum: str = ""

    def sealed(self) -> Identity:
        """Give it with its checksum."""
        text = f"{self.id}|{self.record}|{self.settled}"
        return replace(self, checksum=hashlib.sha256(text.encode()).hexdigest()[:16])


class Record(Protocol):
    """A record in a database, as far as its identity goes."""

    shown: str

    def identity(self) -> str:
        """Give its id, "" where it has none."""

    def identify(self, identity: str) -> None:
        """Give it an id, unless it has one."""

    def is_used(self) -> bool:
        """Tell whether it holds an event."""


def identity_of(data: Path) -> Identity | None:
    """Read whose a data folder is; None where it does not say."""
    return _read(data / _NAME)


def _read(path: Path) -> Identity | None:
    """Read one identity; raises OtherRecordError where it is damaged."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None  # who writes there says so
    try:
        found = msgspec.json.decode(text, type=Identity)
        if found.sealed() != found:
            raise ValueError("it is not as it was written")
        return found
    except (msgspec.MsgspecError, ValueError) as error:
        raise OtherRecordError(
            f"{path} cannot be read: {error}",
            f"restore it; or see that the settings name the right record, then: {_ADOPT}",
            file=str(path),
        ) from error


def hold_files(data: Path, *, begun: bool = False) -> None:
    """See that a data folder keeps its events in files; one that does not say so yet says so now.

    begun: its first event is being written. Raises OtherRecordError.
    """
    events = data / "events"
    _remake_damaged(data, events)
    mine = identity_of(data)
    if mine is not None and mine.record != FILES:
        raise OtherRecordError(
            f"the events of the data folder {data} are in {mine.record}, and DATAOPS_EVENTS_URL "
            "is not set here",
            f"set it to that database, in .env or in the environment; to begin a new record in "
            f"files all the same: {_ADOPT}",
            folder=str(data),
        )
    theirs = _read(events / _NAME)
    if mine is not None and theirs is not None and mine.id != theirs.id:
        raise OtherRecordError(
            f"the events in {events} belong to another data folder than {data}",
            f"put back those that belong to it; to go on with these: {_ADOPT}",
            folder=str(data),
        )
    if (mine is None or theirs is None) and (begun or _has_streams(events)):
        _keep(events, mine or theirs or Identity(uuid4().hex, FILES))
        # Of several first writers one was faster: the folder takes what the events say by now.
        # What cannot be read back, on a disk that fails, is the next one's to mend or to refuse.
        with suppress(OtherRecordError):
            settled = _read(events / _NAME)
            if settled is not None:
                _keep(data, settled)


def _remake_damaged(data: Path, events: Path) -> None:
    """Make an identity that cannot be read again from the one beside it, with a warning.

    Only from one that says that the events are files; else nobody knows to whom the folder belongs.
    """
    found: dict[Path, Identity | None] = {}
    for folder in (data, events):
        with suppress(OtherRecordError):
            found[folder] = _read(folder / _NAME)
    for folder, other in ((data, events), (events, data)):
        known = found.get(other)
        if folder not in found and known is not None and known.record == FILES:
            _RECORD.warning(
                "%s could not be read: it was made again like %s", folder / _NAME, other / _NAME
            )
            with suppress(OSError):
                _write(folder, known)


def _has_streams(events: Path) -> bool:
    """Tell whether there are events in files."""
    with suppress(OSError), os.scandir(events) as entries:
        return any(not entry.name.startswith(".") for entry in entries)
    return False


def _keep(folder: Path, identity: Identity) -> None:
    """Write an identity where there is none; a disk that is full is no reason to stop."""
    path = folder / _NAME
    aside = path.with_name(f"{_NAME}.{os.getpid()}.{os.urandom(4).hex()}")
    with suppress(OSError):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(msgspec.json.encode(identity.sealed()))
            os.link(aside, path)
            sync_folder(folder)
        finally:
            aside.unlink(missing_ok=True)


def hold_database(data: Path, record: Record) -> None:
    """See that a data folder and a record in a database belong to each other.

    Where neither says so yet (a new project, or one of an earlier release), both say so now.
    Raises OtherRecordError.
    """
    mine, theirs = identity_of(data), record.identity()
    if mine is not None and mine.record == FILES:
        raise _stranger(data, record, f"its events are files, in {data / 'events'}")
    if mine is not None and mine.settled:
        if theirs != mine.id:
            raise _stranger(data, record, f"it belongs to {mine.record}")
        return
    if mine is None and theirs and record.is_used():
        raise _stranger(data, record, "it says of none that it is its own; is it mounted?")
    if mine is None and _has_streams(data / "events") and not record.is_used():
        raise _stranger(data, record, f"its events are files, in {data / 'events'}")
    _bind(data, record, mine.id if mine is not None else theirs or uuid4().hex)


def _bind(data: Path, record: Record, wanted: str) -> None:
    """Let both say that they belong together; nothing where the folder cannot be written."""
    _keep(data, Identity(wanted, record.shown, settled=False))
    mine = identity_of(data)
    if mine is None:
        return
    record.identify(mine.id)
    if record.identity() != mine.id:
        raise _stranger(data, record, "another data folder was faster")
    with suppress(OSError):
        _write(data, Identity(mine.id, record.shown))


def _write(folder: Path, identity: Identity) -> None:
    """Write an identity in place of another."""
    replace_file(folder / _NAME, msgspec.json.encode(identity.sealed()))


def _stranger(data: Path, record: Record, why: str) -> OtherRecordError:
    """Say that a data folder and a record do not belong together."""
    return OtherRecordError(
        f"the record in {record.shown} does not belong to the data folder {data}: {why}",
        "set DATAOPS_DATA and DATAOPS_EVENTS_URL to two that belong together; to let this folder "
        f"belong to that record from now on: {_ADOPT}",
        folder=str(data),
        record=record.shown,
    )


def adopt(data: Path, record: Record | None) -> Identity:
    """Let a data folder belong to a record from now on: to one in a database, or to its files."""
    if record is None:
        made = Identity(uuid4().hex, FILES)
        (data / "events").mkdir(parents=True, exist_ok=True)
        _write(data / "events", made)
    else:
        record.identify(uuid4().hex)
        made = Identity(record.identity(), record.shown)
    _write(data, made)
    return made
