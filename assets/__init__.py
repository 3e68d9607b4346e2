"""Declare data as typed assets. Everything a file under assets/ needs is named here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.model.arguments import Params
from assets.model.cursor import Cursor
from assets.model.declare import asset
from assets.model.schema import (
    Int32,
    Json,
    MaxMissing,
    Name,
    Precision,
    Schema,
    TimestampNs,
    TimestampTz,
    Unique,
    Volatile,
)
from resources.expectations import Expectation
from resources.tables import Table
from resources.values import Written

if TYPE_CHECKING:
    from resources.llm import Cleaner
    from resources.sources import Auth, Limits, Pages, Source
    from resources.tables import Previous

__all__ = [
    "Auth",
    "Cleaner",
    "Cursor",
    "Expectation",
    "Int32",
    "Json",
    "Limits",
    "MaxMissing",
    "Name",
    "Pages",
    "Params",
    "Precision",
    "Previous",
    "Schema",
    "Source",
    "Table",
    "TimestampNs",
    "TimestampTz",
    "Unique",
    "Volatile",
    "Written",
    "asset",
]


def __getattr__(name: str) -> object:
    """Import what only annotations need when it is first asked for: declaring stays cheap."""
    if name == "Cleaner":
        from resources.llm import Cleaner

        return Cleaner
    if name in ("Auth", "Limits", "Pages", "Source"):
        from resources import sources

        return getattr(sources, name)
    if name == "Previous":
        from resources.tables import Previous

        return Previous
    raise AttributeError(f"module 'assets' has no attribute {name!r}")
