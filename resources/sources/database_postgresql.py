"""PostgreSQL: how a session is set up to read, and what its types become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from resources.sources import database_values as values
from resources.sources.database_values import Kind

if TYPE_CHECKING:
    import sqlalchemy as sa

_NATIVE: Final = frozenset({16, 17, 20, 21, 23, 26, 700, 701, 18, 19, 25, 1042, 1043})
"""Types whose values psycopg2 gives exactly: bool, bytea, numbers, texts. All others come as text,
because as Python objects they are not exact (`infinity` as a date, months in an interval)."""
_TEXTS: Final = frozenset({18, 19, 25, 114, 142, 790, 829, 869, 650, 1042, 1043, 2950, 3802})
_OTHERS: Final = (114, 199, 1083, 1186, 1187, 1266, 1270, 2950, 2951, 3802, 3807)
_LOOK_UP: Final = """
    SELECT a.oid, e.typdelim, CASE WHEN e.typname IN ('json', 'jsonb') THEN 'J'
           ELSE e.typcategory::text END
    FROM pg_catalog.pg_type a JOIN pg_catalog.pg_type e ON e.oid = a.typelem
    WHERE a.oid = ANY(:oids) AND a.typcategory = 'A' AND a.typlen = -1
      AND a.typname NOT IN ('int2vector', 'oidvector')
"""


def set_up(connection: Any, statement_timeout: float) -> None:
    """Make a new session read only, in one snapshot, in UTC, and its values exact."""
    from psycopg2 import extensions

    oids = (set(extensions.string_types) | set(_OTHERS)) - _NATIVE
    caster = extensions.new_type(tuple(oids), "AS_TEXT", extensions.UNICODE)
    extensions.register_type(caster, connection)
    connection.set_client_encoding("UTF8")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(
            "SET default_transaction_read_only = on; SET TIME ZONE 'UTC'; "
            "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; "
            "SET bytea_output = 'hex'; SET extra_float_digits = 1; "
            "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = %s",
            (round(statement_timeout * 1000),),
        )
    connection.autocommit = False
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)


def kinds(cursor: Any, connection: sa.Connection) -> list[Kind]:
    """Give the kinds of a result's columns."""
    described: Sequence[Any] = cursor.description
    known = [_kind(column) for column in described]
    unknown = [c.type_code for c, kind in zip(described, known, strict=True) if kind is None]
    arrays = _arrays(connection, unknown) if unknown else {}
    return [
        kind or arrays.get(column.type_code) or values.text()
        for column, kind in zip(described, known, strict=True)
    ]


def _kind(column: Any) -> Kind | None:
    """Give the kind of a column of a type that is built in; None = look it up."""
    import pyarrow as pa

    oid = column.type_code
    if oid in _TEXTS:
        return values.text()
    if oid == 1700:
        return values.decimal(column.precision, column.scale)
    if oid == 17:
        return values.binary()
    if oid == 1082:
        return values.date()
    if oid in (1114, 1184):
        return values.timestamp(zone=oid == 1184)
    plain = {16: pa.bool_(), 21: pa.int32(), 23: pa.int32(), 20: pa.int64(), 26: pa.int64()}
    plain |= {700: pa.float64(), 701: pa.float64()}
    what = values.SINGLE if oid == 700 else ""
    return values.plain(plain[oid], what) if oid in plain else None


def _arrays(connection: sa.Connection, oids: Sequence[int]) -> dict[int, Kind]:
    """Look up which types are arrays, and of what."""
    import sqlalchemy as sa

    found = connection.execute(sa.text(_LOOK_UP), {"oids": list(oids)})
    return {int(oid): _array(delimiter, element) for oid, delimiter, element in found}


def _array(delimiter: str, element: str) -> Kind:
    """Give the kind of arrays: JSON text."""
    import pyarrow as pa

    return values.converted(
        lambda literal: values.array_json(literal, delimiter, element), pa.string(), "an array"
    )
