"""Columns as plain facts: what schemas, readers, checks and the catalog share."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resources.errors import DataOpsError
from resources.values.written import Written

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp[ns]": "TIMESTAMP_NS",
    "timestamp[us]": "TIMESTAMP",
    "timestamp[us,UTC]": "TIMESTAMPTZ",
    "json": "VARCHAR",
    "binary": "BLOB",
}
ZONED = "timestamp[us,UTC]"
"""The type of moments: times with a zone, which are kept as UTC."""
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name as users see it, its type, and what must hold for every row.

    `type` is one of string, int32, int64, float64, bool, date, timestamp[ns], timestamp[us],
    timestamp[us,UTC], decimal(p,s), json, binary; a column nobody declared may carry any other
    Arrow type's name.
    `volatile` columns (times of processing) do not count towards the data version.
    `max_missing` is the share of missing values (0..1) above which a check warns.
    `written`: how its texts are read; it is no part of the column as it is published.
    """

    name: str
    type: str
    nullable: bool = True
    unique: bool = False
    allowed: tuple[str | int | float | bool, ...] = ()
    volatile: bool = False
    max_missing: float | None = None
    written: Written | None = None

    @property
    def is_text(self) -> bool:
        """Tell whether this is free text: a string that is neither a key nor one of a fixed set."""
        return self.type == "string" and not self.allowed and not self.unique

    def facts(self) -> dict[str, object]:
        """Give the column as JSON-ready facts, in one fixed order."""
        return {
            "name": self.name,
            "type": self.type,
            "nullable": self.nullable,
            "unique": self.unique,
            "allowed": list(self.allowed),
            "volatile": self.volatile,
            "max_missing": self.max_missing,
        }


def fingerprint(columns: Iterable[Column]) -> str:
    """Give 16 hex digits that change when any name, type or rule of the columns changes."""
    text = json.dumps([c.facts() for c in columns], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sql_type(column: Column) -> str:
    """Give the DuckDB type of a declared column."""
    if (decimal := _DECIMAL.fullmatch(column.type)) is not None:
        return f"DECIMAL({decimal[1]},{decimal[2]})"
    try:
        return _PLAIN[column.type]
    except KeyError:
        raise DataOpsError(
            f"column {column.name!r} has the type {column.type!r}, which cannot be declared",
            f"use one of {', '.join(_PLAIN)} or decimal(p,s)",
            column=column.name,
        ) from None


def arrow_type(column: Column) -> pa.DataType:
    """Give the Arrow type of a declared column."""
    import pyarrow as pa

    if (decimal := _DECIMAL.fullmatch(column.type)) is not None:
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    kinds = {
        "string": pa.string(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "date": pa.date32(),
        "timestamp[ns]": pa.timestamp("ns"),
        "timestamp[us]": pa.timestamp("us"),
        "timestamp[us,UTC]": pa.timestamp("us", "UTC"),
        "json": pa.string(),
        "binary": pa.binary(),
    }
    sql_type(column)  # raises the sentence for a type that cannot be declared
    return kinds[column.type]


def from_arrow(schema: pa.Schema) -> tuple[Column, ...]:
    """Describe the columns of an Arrow schema that nobody declared."""
    names = {
        "string": "string",
        "large_string": "string",
        "string_view": "string",
        "double": "float64",
        "date32[day]": "date",
        "timestamp[us, tz=UTC]": "timestamp[us,UTC]",
    }
    return tuple(
        Column(
            field.name,
            names.get(
                str(field.type), str(field.type).replace("decimal128", "decimal").replace(", ", ",")
            ),
        )
        for field in schema
    )
