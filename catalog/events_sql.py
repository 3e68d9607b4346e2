"""The event store in a database, for several machines: unique (stream, number) is put-if-absent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
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

from catalog.notes import DAMAGED, Note
from catalog.records import AnyEvent, Lost, encode
from catalog.seal import link_of, seal
from catalog.streams import checked, follow, is_gone, need_same, previous_link
from resources.errors import SettingError, TransientError

# The driver that this product brings; SQLAlchemy would take another one.
_DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"}
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


class SqlEventStore:
    """Events in one table of any database that SQLAlchemy speaks (tried: PostgreSQL, SQLite)."""

    def __init__(self, url: str) -> None:
        """Keep events at `url`; the table is made when the store is first used."""
        self._engine = _engine(url)
        self._lock = threading.Lock()
        self._ready = False

    def put(self, stream: str, number: int, event: AnyEvent) -> bool:
        """Insert the event and read it back; a number that is taken refuses it."""
        if is_gone(self, stream, number):
            return False
        text = seal(stream, encode(event), previous_link(self, stream, number))
        row = {"stream": stream, "number": number, "body": text}
        try:
            with self._connection() as connection, connection.begin():
                connection.execute(sa.insert(_EVENTS), row)
                there = connection.execute(_body_of(stream, number)).scalar_one()
                need_same(bytes(there), text, self.place_of(stream, number))
                _advance(connection, stream, Note(number, link_of(stream, text)))
        except IntegrityError:
            return False
        return True

    def get(self, stream: str, number: int) -> AnyEvent | None:
        """Read one event; raises CorruptEventError where it cannot be read."""
        text = self.text(stream, number)
        return (
            None if text is None else checked(text, number, self.place_of(stream, number), stream)
        )

    def text(self, stream: str, number: int) -> bytes | None:
        """Read one document."""
        with self._connection() as connection:
            body = connection.execute(_body_of(stream, number)).scalar_one_or_none()
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
            with self._connection() as connection:
                found = connection.execute(query).all()
            if not found:
                return
            for number, body in found:
                yield number, bytes(body)
            after = found[-1][0]

    def notes(self) -> dict[str, Note]:
        """Read the notes of all streams."""
        query = sa.select(_EVENTS.c.stream, _EVENTS.c.body).where(_EVENTS.c.number == _NOTE)
        with self._connection() as connection:
            rows = connection.execute(query).all()
        return {stream: Note.read(stream, bytes(body)) for stream, body in rows}

    def note_of(self, stream: str) -> Note | None:
        """Read the note of one stream."""
        text = self.text(stream, _NOTE)
        note = None if text is None else Note.read(stream, text)
        return None if note == DAMAGED else note

    def note(self, stream: str, note: Note | None) -> None:
        """Write or remove a stream's note."""
        with self._connection() as connection, connection.begin():
            connection.execute(sa.delete(_EVENTS).where(*_at(stream, _NOTE)))
            if note is not None:
                row = {"stream": stream, "number": _NOTE, "body": note.written(stream)}
                connection.execute(sa.insert(_EVENTS), row)

    def stand_in(self, stream: str, number: int, event: Lost, previous: str) -> None:
        """Replace the row, and keep what was there in a table of its own."""
        body = seal(stream, encode(event), previous)
        with self._connection() as connection, connection.begin():
            left = connection.execute(_body_of(stream, number)).scalar_one_or_none()
            if left is not None:
                kept = {"id": uuid4().hex, "stream": stream, "number": number, "body": left}
                connection.execute(sa.insert(_DAMAGED), kept)
                connection.execute(sa.delete(_EVENTS).where(*_at(stream, number)))
            row = {"stream": stream, "number": number, "body": body}
            connection.execute(sa.insert(_EVENTS), row)

    def since(self, stream: str, number: int) -> Iterator[AnyEvent]:
        """Read them by one query."""
        query = (
            sa.select(_EVENTS.c.number, _EVENTS.c.body)
            .where(_EVENTS.c.stream == stream, _EVENTS.c.number > number)
            .order_by(_EVENTS.c.number)
        )
        with self._connection() as connection:
            found = connection.execute(query).all()
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
        with self._connection() as connection:
            return max(known, connection.execute(query).scalar_one() or 0)

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
        with self._connection() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        """Connect; the table is there. Raises TransientError where the database does not answer."""
        try:
            with self._lock:
                if not self._ready:
                    self._make_table()
                    self._ready = True
            with self._engine.connect() as connection:
                yield connection
        except (OperationalError, InterfaceError) as error:
            where = self._engine.url.render_as_string(hide_password=True)
            raise TransientError(
                f"the event store {where} does not answer: {error.orig}",
                "see that the database runs and can be reached, then run the same command again",
                url=where,
            ) from error

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


def _engine(url: str) -> sa.Engine:
    """Make the engine; raises SettingError where the URL is none or its driver is not here."""
    try:
        where = sa.make_url(url)
        where = where.set(drivername=_DRIVERS.get(where.drivername, where.drivername))
        return sa.create_engine(where, pool_pre_ping=True)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise SettingError(
            f"the URL of the event store cannot be used: {error}",
            "write DATAOPS_EVENTS_URL as postgresql://user:password@host/database",
        ) from error
