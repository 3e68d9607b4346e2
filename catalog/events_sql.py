"""The event store in a database, for several machines: a unique key is put-if-absent."""

from __future__ import annotations

import threading

import sqlalchemy as sa  # noqa: TID253 - imported only where an event URL is set
from sqlalchemy.exc import IntegrityError  # noqa: TID253 - see above

from catalog.records import AnyEvent, decode, encode

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
        self._engine = sa.create_engine(url, pool_pre_ping=True)
        self._lock = threading.Lock()
        self._ready = False

    def put(self, stream: str, number: int, event: AnyEvent) -> bool:
        """Insert the event; a number that is taken refuses it."""
        row = {"stream": stream, "number": number, "body": encode(event)}
        try:
            with self._connected().begin() as connection:
                connection.execute(sa.insert(_EVENTS), row)
        except IntegrityError:
            return False
        return True

    def get(self, stream: str, number: int) -> AnyEvent | None:
        """Read one event."""
        query = sa.select(_EVENTS.c.body).where(
            _EVENTS.c.stream == stream, _EVENTS.c.number == number
        )
        with self._connected().connect() as connection:
            body = connection.execute(query).scalar_one_or_none()
        return None if body is None else decode(bytes(body))

    def last(self, stream: str, known: int = 0) -> int:
        """Give the highest number."""
        query = sa.select(sa.func.max(_EVENTS.c.number)).where(_EVENTS.c.stream == stream)
        with self._connected().connect() as connection:
            return max(known, connection.execute(query).scalar_one() or 0)

    def streams(self) -> list[str]:
        """Give the names of all streams, sorted."""
        return sorted(self._highest())

    def advanced(self, heads: dict[str, int]) -> list[str]:
        """Give those that have more than is known, by one query over all streams."""
        highest = self._highest()
        return [stream for stream, number in heads.items() if highest.get(stream, 0) > number]

    def _highest(self) -> dict[str, int]:
        """Give every stream's highest number."""
        query = sa.select(_EVENTS.c.stream, sa.func.max(_EVENTS.c.number)).group_by(
            _EVENTS.c.stream
        )
        with self._connected().connect() as connection:
            return dict(connection.execute(query).tuples().all())

    def _connected(self) -> sa.Engine:
        """Give the engine, with its table."""
        with self._lock:
            if not self._ready:
                _METADATA.create_all(self._engine)
                self._ready = True
        return self._engine
