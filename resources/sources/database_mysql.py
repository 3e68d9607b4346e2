"""MySQL and MariaDB: how a session is set up to read, and what their types become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from resources.sources import database_values as values
from resources.sources.database_values import Kind

if TYPE_CHECKING:
    import sqlalchemy as sa

_UNSIGNED: Final = 32
_BYTES: Final = 63
"""The character set of what is no text."""
_PATIENCE: Final = 3600
"""Seconds that the server waits for a reader that is busy with the rows it has."""


def arguments(statement_timeout: float, connect_timeout: float) -> dict[str, Any]:
    """Give the driver's arguments: values come as the server writes them, in Unicode."""
    from pymysql.converters import conversions

    return {
        "charset": "utf8mb4",
        "connect_timeout": max(1, round(connect_timeout)),
        "read_timeout": round(statement_timeout) + 30,
        "local_infile": False,
        "conv": {kind: how for kind, how in conversions.items() if not isinstance(kind, int)},
    }


def set_up(connection: Any, statement_timeout: float) -> None:
    """Make a new session read only, in one snapshot, in UTC."""
    mariadb = "mariadb" in connection.get_server_info().lower()
    limit = "max_statement_time" if mariadb else "max_execution_time"
    amount = statement_timeout if mariadb else round(statement_timeout * 1000)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET SESSION time_zone = '+00:00', {limit} = {amount}, net_write_timeout = {_PATIENCE}"
        )
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def give_up(cursor: Any) -> None:
    """Have a cursor forget its rows, or it would read them all from a closed connection."""
    result = getattr(cursor, "_result", None)
    if result is not None:
        result.unbuffered_active = False


def kinds(cursor: Any, connection: sa.Connection) -> list[Kind]:  # noqa: ARG001 - as for PostgreSQL
    """Give the kinds of a result's columns.

    DB-API's description tells neither unsigned numbers from signed ones nor bytes from text, so
    this reads the fields as the server described them, which PyMySQL keeps to itself.
    """
    return [_kind(field) for field in cursor._result.fields]


def _kind(field: Any) -> Kind:
    """Give the kind of one column."""
    import pyarrow as pa
    from pymysql.constants import FIELD_TYPE

    code, unsigned = field.type_code, bool(field.flags & _UNSIGNED)
    if code in (FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DECIMAL):
        signs = (0 if unsigned else 1) + (1 if field.scale else 0)
        return values.decimal(field.length - signs, field.scale)
    if code in (FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE):
        return values.date()
    if code in (FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP):
        return values.timestamp()
    if code == FIELD_TYPE.BIT:
        return _bits(field.length)
    numbers = {
        FIELD_TYPE.TINY: pa.int32(),
        FIELD_TYPE.SHORT: pa.int32(),
        FIELD_TYPE.INT24: pa.int32(),
        FIELD_TYPE.YEAR: pa.int32(),
        FIELD_TYPE.LONG: pa.int64() if unsigned else pa.int32(),
        FIELD_TYPE.LONGLONG: pa.uint64() if unsigned else pa.int64(),
        FIELD_TYPE.FLOAT: pa.float64(),
        FIELD_TYPE.DOUBLE: pa.float64(),
    }
    if code == FIELD_TYPE.FLOAT:
        return values.written(pa.float64(), values.SINGLE)
    if code in numbers:
        return values.written(numbers[code], str(numbers[code]))
    texts = (FIELD_TYPE.JSON, FIELD_TYPE.TIME, FIELD_TYPE.NULL)
    is_bytes = field.charsetnr == _BYTES and code not in texts
    return values.binary() if is_bytes else values.text()


def _bits(length: int) -> Kind:
    """Give the kind of bits: one of them says yes or no, several are a number."""
    import pyarrow as pa

    if length == 1:
        return values.converted(lambda bits: bits != b"\0", pa.bool_(), "a bit")
    return values.converted(lambda bits: int.from_bytes(bits, "big"), pa.uint64(), "bits")
