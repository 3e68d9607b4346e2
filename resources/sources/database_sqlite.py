"""SQLite: how a file is opened so that it stays as it is, and what its values become.

SQLite keeps a type with each value, not with a column. So all values of a column are looked at,
inside the database, before it gets a type: the one it is declared with if all values fit it, else
the one that they share, else text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from resources.errors import SourceError, TransientError
from resources.sources import database_values as values
from resources.sources.database_values import Kind

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

_MAGIC: Final = b"SQLite format 3\0"
_EXACT: Final = 1 << 53
_AT_ONCE: Final = 50
"""Columns looked at in one pass: a statement may have 2,000 results."""


class Text(bytes):
    """A text as SQLite keeps it: bytes that need not be UTF-8, and are no blob."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What values a column has: how many of each class, and how many do not fit its type.

    declared: the type in its declaration, in capitals. huge: whole numbers that a float does not
    hold. not_bool, not_date, not_time: values that are not written as one.
    """

    declared: str
    integer: int = 0
    real: int = 0
    text: int = 0
    blob: int = 0
    huge: int = 0
    not_bool: int = 0
    not_date: int = 0
    not_time: int = 0


def open_file(file: Path, timeout: float) -> sqlite3.Connection:
    """Open a file to read it only, without leaving anything beside it.

    A file in WAL mode without a log is opened as immutable: else SQLite would make a log there.
    Raises SourceError for what is no SQLite file.
    """
    head = _head(file)
    log = file.with_name(f"{file.name}-wal")
    still = head[18:20] == b"\x02\x02" and not (log.is_file() and log.stat().st_size)
    options = "mode=ro&immutable=1" if still else "mode=ro"
    connection = sqlite3.connect(
        f"file:{quote(str(file.resolve()))}?{options}",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("BEGIN")
    return connection


def _head(file: Path) -> bytes:
    """Read a file's header; raises SourceError where it is none of SQLite's, or promises more.

    SQLite itself reads what is cut off a file as zeros.
    """
    with file.open("rb") as content:
        head = content.read(100)
    if head and not head.startswith(_MAGIC):
        raise SourceError(
            f"{file} is not an SQLite file (or it is encrypted)",
            "name files by what they hold, or say format=",
            file=str(file),
        )
    size = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big") if head[24:28] == head[92:96] else 0
    promised = pages * (65_536 if size == 1 else size)
    if (there := file.stat().st_size) < promised:
        raise SourceError(
            f"{file} is cut off: it has {there:,} of {promised:,} bytes",
            "fetch it again",
            file=str(file),
        )
    return head


def stamp_of(file: Path) -> tuple[int, int]:
    """Give what changes when a file is written to."""
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def need_same(file: Path, before: tuple[int, int]) -> None:
    """Raise TransientError where a file was written to while it was read."""
    if stamp_of(file) != before:
        raise TransientError(
            f"{file} was written to while it was read",
            "try again when nobody writes to it, or put it in place by renaming",
            file=str(file),
        )


def declared_types(connection: sa.Connection, table: str) -> dict[str, str]:
    """Give a table's columns with their declared types, in capitals."""
    import sqlalchemy as sa

    found = connection.execute(
        sa.text("SELECT name, upper(type) FROM pragma_table_xinfo(:name)"), {"name": table}
    )
    return {str(name): str(kind or "") for name, kind in found}


def look_at(
    connection: sa.Connection, rows: Any, names: Sequence[str], declared: dict[str, str]
) -> list[Look]:
    """Look at all values of all columns of `rows` (a selectable)."""
    import sqlalchemy as sa

    looks = []
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        counts = [
            sa.func.coalesce(sa.func.sum(test), 0)
            for name in some
            for test in _tests(rows.c[name], declared.get(name, ""))
        ]
        found = connection.execute(sa.select(*counts).select_from(rows)).one()
        width = len(counts) // len(some)
        for at, name in enumerate(some):
            numbers = [int(n) for n in found[at * width : (at + 1) * width]]
            looks.append(Look(declared.get(name, ""), *numbers))
    return looks


def _tests(column: Any, declared: str) -> list[Any]:
    """Give the tests of a value, in the order of Look; those that decide nothing are false."""
    import sqlalchemy as sa

    column = sa.type_coerce(column, sa.types.NullType())
    kind, no = sa.func.typeof(column), sa.literal(0)
    whole, text = kind == "integer", kind == "text"
    head = sa.func.replace(sa.func.substr(column, 1, 19), "T", " ")
    tail, year = sa.func.substr(column, 20), sa.func.substr(column, 1, 4)
    fraction = sa.or_(
        tail == "", sa.and_(tail.op("GLOB")(".[0-9]*"), sa.not_(tail.op("GLOB")("?*[^0-9]*")))
    )
    is_time = sa.and_(
        head.op("IS")(sa.func.datetime(head, "+0 days")),
        fraction,
        sa.func.length(column) <= 26,
        year != "0000",
    )
    is_date = sa.and_(column.op("IS")(sa.func.date(column, "+0 days")), year != "0000")
    return [
        whole,
        kind == "real",
        text,
        kind == "blob",
        sa.and_(whole, sa.or_(column > _EXACT, column < -_EXACT)),
        sa.and_(whole, column.not_in([0, 1])) if "BOOL" in declared else no,
        sa.and_(text, sa.not_(is_date)) if declared == "DATE" else no,
        sa.and_(text, sa.not_(is_time)) if _is_time(declared) else no,
    ]


def _is_time(declared: str) -> bool:
    """Tell whether a column is declared to hold moments."""
    return "DATETIME" in declared or "TIMESTAMP" in declared


def kind_of(look: Look, *, typed: bool) -> Kind:
    """Give a column's kind; without `typed` dates, times and yes or no stay as they are kept."""
    import pyarrow as pa

    numbers, others = look.integer + look.real, look.text + look.blob
    if not numbers and not others:
        return _empty(look.declared, typed=typed)
    if (numbers and others) or (look.text and look.blob):
        return values.converted(_mixed, pa.string(), values.MIXED)
    if look.blob:
        return values.binary()
    if look.text:
        return _texts(look, typed=typed)
    if typed and "BOOL" in look.declared and not look.real and not look.not_bool:
        return values.converted(bool, pa.bool_(), "0 or 1")
    if look.real or (_is_decimal(look.declared) and not look.huge):
        if look.huge:
            return values.converted(_mixed, pa.string(), "UTF-8 text")
        return values.plain(pa.float64(), "a number")
    return values.plain(pa.int64(), "a whole number")


def _texts(look: Look, *, typed: bool) -> Kind:
    """Give the kind of a column of texts: dates or times where it is declared so and all fit."""
    import pyarrow as pa

    if typed and look.declared == "DATE" and not look.not_date:
        return _decoded(pa.date32(), "a date")
    if typed and _is_time(look.declared) and not look.not_time:
        return _decoded(pa.timestamp("us"), "a time")
    return _decoded(pa.string(), "UTF-8 text")


def _empty(declared: str, *, typed: bool) -> Kind:
    """Give the kind of a column without any value: what it is declared as, by SQLite's rules."""
    import pyarrow as pa

    if typed and "BOOL" in declared:
        return values.converted(bool, pa.bool_(), "0 or 1")
    if "INT" in declared:
        return values.plain(pa.int64(), "a whole number")
    if declared == "DATE" or _is_time(declared):
        filled = Look(declared, text=1)
        return _texts(filled, typed=typed)
    if any(word in declared for word in ("REAL", "FLOA", "DOUB")) or _is_decimal(declared):
        return values.plain(pa.float64(), "a number")
    return values.binary() if "BLOB" in declared else _decoded(pa.string(), "UTF-8 text")


def _is_decimal(declared: str) -> bool:
    """Tell whether a column is declared to hold numbers with decimals."""
    return declared.startswith(("DEC", "NUMERIC"))


def _decoded(kind: pa.DataType, what: str) -> Kind:
    """Give the kind of texts that are kept as bytes."""
    import pyarrow as pa

    def read(found: Sequence[Any]) -> pa.Array:
        """Decode, all at once, and cast."""
        texts = pa.array(found, pa.binary()).cast(pa.string())
        return texts if kind == pa.string() else texts.cast(kind)

    return Kind(kind, read, what)


def _mixed(value: Any) -> str:
    """Write any value as text: bytes as hex, numbers exactly."""
    if isinstance(value, Text):
        return value.decode()
    return value.hex() if isinstance(value, bytes) else repr(value)


def comparable(column: Any) -> Any:
    """Give a moment that is kept as text in one form, to compare by: with six digits."""
    import sqlalchemy as sa

    whole = sa.func.length(column) == 19
    filled = sa.case((whole, ".000000"), else_="000000")
    return sa.func.substr(sa.func.replace(column, "T", " ").op("||")(filled), 1, 26)
