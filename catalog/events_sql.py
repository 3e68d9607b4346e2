"""The event store in a database, for several machines: unique (stream, number) is put-if-absent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

# catalog.open imports this module only where a database is named.
import sqlalchemy as sa  # noqa: TID253
from sqlalchemy.exc import (  # noqa: TID253
    ArgumentError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)

from catalog.identity import hold_database
from catalog.notes import DAMAGED, Note
from catalog.records import AnyEvent, Lost, encode
from catalog.seal import link_of, seal
from catalog.streams import checked, follow, is_gone, need_same, previous_link
from resources.connections import shown
from resources.errors import SettingError, TransientError
from resources.outages import is_outage, outlast

# The driver that this product brings; SQLAlchemy would take another one.
_DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"}
# How soon it is seen that nobody is at the other end, in seconds.
_SOON = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
_Answer = TypeVar("_Answer")
_METADATA = sa.MetaData()
# The number of the row that notes how far its stream goes: a last event that is gone is missed.
_NOTE = 0
_EVENTS = sa.Table(
    "dataops_events",
    _METADATA,
    sa.Column("stream", sa.String(300), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
# What is left of events that were damaged.
_DAMAGED = sa.Table(
    "dataops_damaged_events",
    _METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("stream", sa.String(300), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
# One row: which data folder this record belongs to (catalog/identity.py).
_IDENTITY = sa.Table(
    "dataops_identity",
    _METADATA,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(32), nullable=False),
)


class SqlEventStore:
    """Events in one table of PostgreSQL, or of SQLite."""

    def __init__(self, url: str, data: Path | None = None) -> None:
        """Keep events at `url`; the table is made when the store is first used.

        data: the data folder that they tell of, which has to be this record's (None = not looked
        at).
        """
        self._engine = _engine(url)
        self._data = data
        self._patience = 0.0
        self._lock = threading.RLock()
        self._ready = False
        self.shown = shown(url)

    def put(self, stream: str, number: int, event: AnyEvent) -> bool:
        """Insert the event and read it back; a number that is taken refuses it."""
        if is_gone(self, stream, number):
            return False
        text = seal(stream, encode(event), previous_link(self, stream, number))
        row = {"stream": stream, "number": number, "body": text}

        def insert(connection: sa.Connection) -> None:
            """Take the number, and note it."""
            with connection.begin():
                connection.execute(sa.insert(_EVENTS), row)
                there = connection.execute(_body_of(stream, number)).scalar_one()
                need_same(bytes(there), text, self.place_of(stream, number))
                _advance(connection, stream, Note(number, link_of(stream, text)))

        try:
            self._ask(insert)
        except IntegrityError:
            # Ours, where an outage came between the commit and its answer.
            return self.text(stream, number) == text
        return True

    def get(self, stream: str, number: int) -> AnyEvent | None:
        """Read one event; raises CorruptEventError where it cannot be read."""
        text = self.text(stream, number)
        return (
            None if text is None else checked(text, number, self.place_of(stream, number), stream)
        )

    def text(self, stream: str, number: int) -> bytes | None:
        """Read one document."""
        body = self._ask(lambda c: c.execute(_body_of(stream, number)).scalar_one_or_none())
        return None if body is None else bytes(body)

    def place_of(self, stream: str, number: int) -> str:
        """Name the event."""
        return f"{stream} {number}"

    def texts(self, stream: str) -> Iterator[tuple[int, bytes]]:
        """Read a stream's documents, some hundreds at a time."""
        after = 0
        while True:
            query = (
                sa.select(_EVENTS.c.number, _EVENTS.c.body)
                .where(_EVENTS.c.stream == stream, _EVENTS.c.number > after)
                .order_by(_EVENTS.c.number)
                .limit(500)
            )
            found = self._all(query)
            if not found:
                return
            for number, body in found:
                yield number, bytes(body)
            after = found[-1][0]

    def notes(self) -> dict[str, Note]:
        """Read the notes of all streams."""
        query = sa.select(_EVENTS.c.stream, _EVENTS.c.body).where(_EVENTS.c.number == _NOTE)
        rows = self._all(query)
        return {stream: Note.read(stream, bytes(body)) for stream, body in rows}

    def note_of(self, stream: str) -> Note | None:
        """Read the note of one stream."""
        text = self.text(stream, _NOTE)
        note = None if text is None else Note.read(stream, text)
        return None if note == DAMAGED else note

    def note(self, stream: str, note: Note | None) -> None:
        """Write or remove a stream's note."""

        def write(connection: sa.Connection) -> None:
            """Replace the row."""
            with connection.begin():
                connection.execute(sa.delete(_EVENTS).where(*_at(stream, _NOTE)))
                if note is not None:
                    row = {"stream": stream, "number": _NOTE, "body": note.written(stream)}
                    connection.execute(sa.insert(_EVENTS), row)

        self._ask(write)

    def stand_in(self, stream: str, number: int, event: Lost, previous: str) -> None:
        """Replace the row, and keep what was there in a table of its own."""
        body = seal(stream, encode(event), previous)

        def replace(connection: sa.Connection) -> None:
            """Move what is left aside, and stand in its place."""
            with connection.begin():
                left = connection.execute(_body_of(stream, number)).scalar_one_or_none()
                if left is not None:
                    kept = {"id": uuid4().hex, "stream": stream, "number": number, "body": left}
                    connection.execute(sa.insert(_DAMAGED), kept)
                    connection.execute(sa.delete(_EVENTS).where(*_at(stream, number)))
                row = {"stream": stream, "number": number, "body": body}
                connection.execute(sa.insert(_EVENTS), row)

        self._ask(replace)

    def since(self, stream: str, number: int) -> Iterator[AnyEvent]:
        """Read them by one query."""
        query = (
            sa.select(_EVENTS.c.number, _EVENTS.c.body)
            .where(_EVENTS.c.stream == stream, _EVENTS.c.number > number)
            .order_by(_EVENTS.c.number)
        )
        found = self._all(query)
        before = ""
        for at, body in found:
            if at != number + 1:
                return
            text, where = bytes(body), self.place_of(stream, at)
            event = checked(text, at, where, stream)
            before = follow(text, before, where, stream)
            yield event
            number = at

    def last(self, stream: str, known: int = 0) -> int:
        """Give the highest number."""
        query = sa.select(sa.func.max(_EVENTS.c.number)).where(_EVENTS.c.stream == stream)
        return max(known, self._ask(lambda c: c.execute(query).scalar_one()) or 0)

    def streams(self) -> list[str]:
        """Give the names of all streams, sorted."""
        return sorted(stream for stream, number in self._highest().items() if number != _NOTE)

    def advanced(self, heads: Mapping[str, int]) -> list[str]:
        """Give those that have more than is known, by one query over all streams."""
        highest = self._highest()
        return [stream for stream, number in heads.items() if highest.get(stream, 0) > number]

    def lost(self, heads: Mapping[str, int]) -> list[str]:
        """Give those that have less than is known, by one query over all streams."""
        highest = self._highest()
        return [stream for stream, number in heads.items() if highest.get(stream, 0) < number]

    def _highest(self) -> dict[str, int]:
        """Give every stream's highest number."""
        highest = sa.func.max(_EVENTS.c.number)
        query = sa.select(_EVENTS.c.stream, highest).group_by(_EVENTS.c.stream)
        return {row[0]: row[1] for row in self._all(query)}

    def identity(self) -> str:
        """Read which data folder this record belongs to, "" where it does not say."""
        query = sa.select(_IDENTITY.c.id).where(_IDENTITY.c.one == 1)
        return self._ask(lambda c: c.execute(query).scalar_one_or_none()) or ""

    def identify(self, identity: str) -> None:
        """Write it, unless it is written."""

        def insert(connection: sa.Connection) -> None:
            """Take the one row."""
            with connection.begin():
                connection.execute(sa.insert(_IDENTITY), {"one": 1, "id": identity})

        try:
            self._ask(insert)
        except IntegrityError:
            return

    def is_used(self) -> bool:
        """Tell whether there is an event."""
        query = sa.select(_EVENTS.c.number).where(_EVENTS.c.number != _NOTE).limit(1)
        return bool(self._all(query))

    def be_patient(self, seconds: float) -> None:
        """Wait so long, from now on, for a database that is away."""
        self._patience = seconds

    def _all(self, query: sa.Select[Any]) -> list[Any]:
        """Give all rows that a query finds."""
        return list(self._ask(lambda connection: connection.execute(query).all()))

    def _ask(self, work: Callable[[sa.Connection], _Answer]) -> _Answer:
        """Do something with a connection; the tables are there, and the record is the folder's.

        What an outage interrupts is done again from its beginning: each is one transaction. Raises
        TransientError where the database does not answer for longer than patience lasts.
        """
        where = self._engine.url.render_as_string(hide_password=True)

        def once() -> _Answer:
            """Try it once."""
            self._prepare()
            with self._engine.connect() as connection:
                return work(connection)

        try:
            return outlast(once, _passes, self._patience, f"the event store {where}")
        except (OperationalError, InterfaceError) as error:
            raise TransientError(
                f"the event store {where} does not answer: {error.orig}",
                "see that the database runs and can be reached, then run the same command again",
                url=where,
            ) from error

    def _prepare(self) -> None:
        """Make the tables at first use, and see that the data folder is this record's."""
        with self._lock:
            if self._ready:
                return
            self._make_table()
            self._ready = True  # what follows asks as well
            try:
                if self._data is not None:
                    hold_database(self._data, self)
            except BaseException:
                self._ready = False
                raise

    def _make_table(self) -> None:
        """Make the table; where another process makes it at the same moment, look again."""
        try:
            _METADATA.create_all(self._engine)
        except SQLAlchemyError:
            there = sa.inspect(self._engine).get_table_names()
            if not {table.name for table in _METADATA.tables.values()} <= set(there):
                raise


def _at(stream: str, number: int) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Say where a row is."""
    return _EVENTS.c.stream == stream, _EVENTS.c.number == number


def _body_of(stream: str, number: int) -> sa.Select[Any]:
    """Ask for one document."""
    return sa.select(_EVENTS.c.body).where(*_at(stream, number))


def _advance(connection: sa.Connection, stream: str, note: Note) -> None:
    """Note a stream's last event, in the transaction that put it there."""
    row = {"stream": stream, "number": _NOTE, "body": note.written(stream)}
    change = sa.update(_EVENTS).where(*_at(stream, _NOTE)).values(body=row["body"])
    if not connection.execute(change).rowcount:
        connection.execute(sa.insert(_EVENTS), row)


def _passes(error: Exception) -> bool:
    """Tell whether a database is merely away."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    return bool(error.connection_invalidated) or is_outage(str(error.orig))


def _engine(url: str) -> sa.Engine:
    """Make the engine; raises SettingError where the URL is none or its driver is not here."""
    try:
        where = sa.make_url(url)
        where = where.set(drivername=_DRIVERS.get(where.drivername, where.drivername))
        if where.get_backend_name() not in ("postgresql", "sqlite"):
            raise ArgumentError(f"{where.get_backend_name()} is not supported")
        if where.get_backend_name() == "sqlite" and where.database in (None, "", ":memory:"):
            raise ArgumentError("it names no file, so that events would end with the process")
        if where.drivername == _DRIVERS["postgresql"]:
            where = where.update_query_dict({**_SOON, **where.query})
        return sa.create_engine(where, pool_pre_ping=True)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise SettingError(
            f"the URL of the event store cannot be used: {error}",
            "write DATAOPS_EVENTS_URL as postgresql://user:password@host/database",
        ) from error
