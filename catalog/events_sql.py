"""The event store in a database, for several machines: unique (stream, number) is put-if-absent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# catalog.open imports this module only where a database is named.
import sqlalchemy as sa  # noqa: TID253
from sqlalchemy.exc import (  # noqa: TID253
    ArgumentError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)

from catalog.events import checked
from catalog.records import AnyEvent, encode
from resources.errors import SettingError, TransientError

# The driver that this product brings; SQLAlchemy would take another one.
_DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"}
_METADATA = sa.MetaData()
_EVENTS = sa.Table(
    "dataops_events",
    _METADATA,
    sa.Column("stream", sa.String(300), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
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
        """Insert the event; a number that is taken refuses it."""
        row = {"stream": stream, "number": number, "body": encode(event)}
        try:
            with self._connection() as connection, connection.begin():
                connection.execute(sa.insert(_EVENTS), row)
        except IntegrityError:
            return False
        return True

    def get(self, stream: str, number: int) -> AnyEvent | None:
        """Read one event; raises CorruptEventError where it cannot be read."""
        query = sa.select(_EVENTS.c.body).where(
            _EVENTS.c.stream == stream, _EVENTS.c.number == number
        )
        with self._connection() as connection:
            body = connection.execute(query).scalar_one_or_none()
        return None if body is None else checked(bytes(body), number, f"{stream} {number}")

    def since(self, stream: str, number: int) -> Iterator[AnyEvent]:
        """Read them by one query."""
        query = (
            sa.select(_EVENTS.c.number, _EVENTS.c.body)
            .where(_EVENTS.c.stream == stream, _EVENTS.c.number > number)
            .order_by(_EVENTS.c.number)
        )
        with self._connection() as connection:
            found = connection.execute(query).all()
        for at, body in found:
            if at != number + 1:
                return
            yield checked(bytes(body), at, f"{stream} {at}")
            number = at

    def last(self, stream: str, known: int = 0) -> int:
        """Give the highest number."""
        query = sa.select(sa.func.max(_EVENTS.c.number)).where(_EVENTS.c.stream == stream)
        with self._connection() as connection:
            return max(known, connection.execute(query).scalar_one() or 0)

    def streams(self) -> list[str]:
        """Give the names of all streams, sorted."""
        return sorted(self._highest())

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
            if not sa.inspect(self._engine).has_table(_EVENTS.name):
                raise


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
