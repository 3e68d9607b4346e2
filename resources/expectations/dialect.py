"""DuckDB for SQLAlchemy, as far as Great Expectations needs it.

The dialect calls itself `postgresql`, whose SQL DuckDB speaks: Great Expectations knows what
PostgreSQL can do, so nothing of it is patched. What differs is said here: how a regular expression
is matched, how columns are described, and that every result has a cursor of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from sqlalchemy import types
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect

if TYPE_CHECKING:
    import duckdb

_NAME: Final = "dataopsduckdb"
_OPEN: Final[dict[str, Session]] = {}


class Statement(NamedTuple):
    """A statement that ran: its SQL, its values, and the names of its result's columns."""

    sql: str
    values: tuple[Any, ...]
    columns: tuple[str, ...]


class Session:
    """A DuckDB connection that SQLAlchemy may use, and the statements it ran.

    url: what to hand `create_engine`. statements: what ran, in order.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """Offer the connection."""
        self.con = con
        self.token = uuid4().hex
        self.url = f"{_NAME}://{self.token}/"
        self.statements: list[Statement] = []


@contextmanager
def session(con: duckdb.DuckDBPyConnection) -> Iterator[Session]:
    """Offer a DuckDB connection to SQLAlchemy for as long as the block runs."""
    registry.register(_NAME, __name__, "DuckDBDialect")
    one = Session(con)
    _OPEN[one.token] = one
    try:
        yield one
    finally:
        del _OPEN[one.token]


class _Driver:
    """Python's database interface (PEP 249) on DuckDB, as far as SQLAlchemy asks for it."""

    paramstyle = "qmark"
    apilevel = "2.0"
    threadsafety = 1

    def __getattr__(self, name: str) -> Any:
        """Give DuckDB's own errors."""
        import duckdb

        return getattr(duckdb, name)

    def connect(self, token: str) -> _Connection:
        """Give a connection to a session's database."""
        return _Connection(_OPEN[token])


class _Connection:
    """A connection of the pool. Nothing is written, so there is nothing to commit."""

    def __init__(self, session: Session) -> None:
        """Serve a session."""
        self.session = session

    def cursor(self) -> _Cursor:
        """Give a cursor."""
        return _Cursor(self.session)

    def commit(self) -> None:
        """Do nothing."""

    def rollback(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Leave the session's connection open: it is not ours."""


class _Cursor:
    """Runs a statement on a cursor of its own, so that results do not end one another."""

    arraysize = 1
    lastrowid = None
    rowcount = -1

    def __init__(self, session: Session) -> None:
        """Serve a session."""
        self._session = session
        self._cursor = session.con.cursor()
        self.description: Sequence[Any] | None = None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> _Cursor:
        """Run a statement."""
        self._cursor.execute(sql, list(values))
        self.description = self._cursor.description
        columns = tuple(str(column[0]) for column in self.description or ())
        self._session.statements.append(Statement(sql, tuple(values), columns))
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Give the next row."""
        row: tuple[Any, ...] | None = self._cursor.fetchone()
        return row

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Give the next rows."""
        rows: list[tuple[Any, ...]] = self._cursor.fetchmany(size or self.arraysize)
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give all rows that are left."""
        rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        return rows

    def close(self) -> None:
        """End the cursor."""
        self._cursor.close()


class _Native(types.UserDefinedType[Any]):
    """A type by DuckDB's own name."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        """Take its name, such as DECIMAL(10,2)."""
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """Write it in SQL."""
        return self.name


class _Compiler(PGCompiler):
    """PostgreSQL's SQL, but regular expressions by DuckDB's function."""

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:
        """Write `~` and `!~`: in DuckDB they would have to match the whole text."""
        if operator.opstring not in ("~", "!~"):
            plain = super().visit_custom_op_binary
            return str(plain(element, operator, **kw))  # type: ignore[no-untyped-call]
        left, right = (self.process(side, **kw) for side in (element.left, element.right))
        matches = f"regexp_matches(CAST({left} AS VARCHAR), {right})"
        return matches if operator.opstring == "~" else f"NOT {matches}"


class DuckDBDialect(PGDialect):
    """Works on a session's connection; only what validating needs."""

    driver = _NAME
    statement_compiler = _Compiler
    supports_statement_cache = True
    default_paramstyle = "qmark"

    @classmethod
    def import_dbapi(cls) -> Any:
        """Give the driver."""
        return _Driver()

    def create_connect_args(self, url: Any) -> tuple[list[Any], dict[str, Any]]:
        """Give what `connect` is called with: the session that the URL names."""
        return [url.host], {}

    def initialize(self, _: Any) -> None:
        """Ask the database nothing: what PostgreSQL would answer does not apply."""
        self.server_version_info = (16, 0)
        self.default_schema_name = "main"

    def get_columns(
        self,
        connection: Any,
        table_name: str,
        schema: str | None = None,  # noqa: ARG002 - SQLAlchemy's own parameter
        **_: Any,
    ) -> list[Any]:
        """Describe a table or view."""
        quoted = self.identifier_preparer.quote_identifier(table_name)
        rows = connection.exec_driver_sql(f"DESCRIBE {quoted}").fetchall()
        return [
            {"name": row[0], "type": _Native(row[1]), "nullable": True, "default": None}
            for row in rows
        ]

    def get_pk_constraint(self, *_: Any, **__: Any) -> Any:
        """Say that there is none: a staged file has no keys."""
        return {"constrained_columns": [], "name": None}

    def has_table(self, *_: Any, **__: Any) -> bool:
        """Say that the view is there."""
        return True
