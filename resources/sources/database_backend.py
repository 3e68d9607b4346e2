"""Databases, each opened to be read only: a server behind a connection, or an SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from resources.sources import database_mysql, database_postgresql, database_sqlite
from resources.sources.database_errors import Speaker, failures, setting_of
from resources.sources.database_values import Kind

if TYPE_CHECKING:
    import sqlalchemy as sa

CONNECT_SECONDS: Final = 10.0
STATEMENT_SECONDS: Final = 3600.0


class Backend(Protocol):
    """One database: how it is called, how one gets in, and what it does in its own way."""

    @property
    def place(self) -> str:
        """Give the name in sentences and quarantine."""

    @property
    def speaker(self) -> Speaker:
        """Give who says what goes wrong."""

    def connect(self) -> Any:
        """Open a connection for a with-block, in a read-only transaction."""

    def kinds(
        self, connection: sa.Connection, rows: Any, cursor: Any, table: str, *, typed: bool
    ) -> list[Kind]:
        """Give the kinds of the columns of `rows`; `cursor` has their description."""

    def begin(self, connection: sa.Connection) -> None:
        """Make the connection hand over values as `kinds` reads them."""

    def end(self, cursor: Any) -> None:
        """Give a cursor up, with the rows that it still has."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL, MySQL or MariaDB server."""

    place: str
    url: sa.URL
    speaker: Speaker
    connect_timeout: float

    @cached_property
    def engine(self) -> sa.Engine:
        """Make the engine; it keeps no connection open."""
        import sqlalchemy as sa
        from sqlalchemy.pool import NullPool

        own, dialect = database_postgresql, self.speaker.dialect
        options: dict[str, Any] = {"connect_args": self._arguments()}
        if dialect == "postgresql":
            options["use_native_hstore"] = False
        engine = sa.create_engine(self.url, poolclass=NullPool, hide_parameters=True, **options)
        set_up = own.set_up if dialect == "postgresql" else database_mysql.set_up

        @sa.event.listens_for(engine, "connect")
        def _(connection: Any, _: Any) -> None:
            """Set up a new session, after SQLAlchemy did."""
            set_up(connection, self.speaker.statement_timeout)

        return engine

    def _arguments(self) -> dict[str, Any]:
        """Give the driver's arguments."""
        if self.speaker.dialect == "postgresql":
            given = {
                "application_name": "dataops",
                "keepalives_idle": 30,
                "keepalives_interval": 10,
                "keepalives_count": 3,
            }
            wait = max(1, round(self.connect_timeout))
            return {
                "connect_timeout": wait,
                **{name: value for name, value in given.items() if name not in self.url.query},
            }
        arguments = database_mysql.arguments(self.speaker.statement_timeout, self.connect_timeout)
        if self.url.password:  # as the server reads it; the driver would take it for Latin-1
            arguments["password"] = str(self.url.password).encode()
        return arguments

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """Open a connection; at the end it is cut, whatever the server still wanted to send."""
        try:
            connection = self.engine.connect()
        except failures(self.speaker.dialect) as error:
            raise self.speaker.connecting(error) from None
        try:
            yield connection
        finally:
            connection.invalidate()
            connection.close()

    def kinds(
        self,
        connection: sa.Connection,
        rows: Any,  # noqa: ARG002 - as every backend
        cursor: Any,
        table: str,  # noqa: ARG002
        *,
        typed: bool,  # noqa: ARG002 - a server's columns have types, and all can be cast
    ) -> list[Kind]:
        """Give the kinds of the columns that a cursor describes."""
        if self.speaker.dialect == "postgresql":
            return database_postgresql.kinds(cursor, connection)
        return database_mysql.kinds(cursor, connection)

    def begin(self, connection: sa.Connection) -> None:
        """Do nothing: values come as `kinds` reads them from the start."""

    def end(self, cursor: Any) -> None:
        """Give a cursor up, with the rows that it still has."""
        if self.speaker.dialect == "mysql":
            database_mysql.give_up(cursor)


@dataclass(frozen=True)
class SqliteFile:
    """An SQLite file."""

    file: Path
    timeout: float = CONNECT_SECONDS
    name: str = ""
    speaker: Speaker = field(init=False)

    def __post_init__(self) -> None:
        """Say what goes wrong in the file's name, or in the connection's."""
        setting = setting_of(self.name) if self.name else ""
        speaker = Speaker(self.place, setting, "sqlite", server=str(self.file))
        object.__setattr__(self, "speaker", speaker)

    @property
    def place(self) -> str:
        """Give the name in sentences and quarantine."""
        return f"sql:{self.name}" if self.name else str(self.file)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """Open the file; raises TransientError where it was written to in the meantime."""
        import sqlalchemy as sa
        from sqlalchemy.pool import NullPool

        def open_file() -> Any:
            """Open it in our own way."""
            return database_sqlite.open_file(self.file, self.timeout)

        try:
            before = database_sqlite.stamp_of(self.file)
            engine = sa.create_engine("sqlite://", creator=open_file, poolclass=NullPool)
            connection = engine.connect()
        except failures("sqlite") as error:
            raise self.speaker.connecting(error) from None
        try:
            yield connection
            database_sqlite.need_same(self.file, before)
        finally:
            connection.invalidate()
            connection.close()

    def kinds(
        self,
        connection: sa.Connection,
        rows: Any,
        cursor: Any,
        table: str,
        *,
        typed: bool,
    ) -> list[Kind]:
        """Look at all values, and give the kinds of the columns."""
        names = [column[0] for column in cursor.description]
        declared = database_sqlite.declared_types(connection, table) if table else {}
        looks = database_sqlite.look_at(connection, rows, names, declared)
        return [database_sqlite.kind_of(look, typed=typed) for look in looks]

    def begin(self, connection: sa.Connection) -> None:
        """Hand texts over as bytes, which need not be UTF-8, told from blobs."""
        driver: Any = connection.connection.driver_connection
        driver.text_factory = database_sqlite.Text

    def end(self, cursor: Any) -> None:
        """Do nothing: closing the file is enough."""
