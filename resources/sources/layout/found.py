"""What was found of a file's layout, for whoever reads its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resources.sources.decoding import Encoding
    from resources.sources.dialect import Dialect
    from resources.sources.layout.width import Width


@dataclass(frozen=True, slots=True)
class Header:
    """How one file is laid out; its rows begin after `begin` bytes (as UTF-8), on line `line`.

    names: the columns that are handed over. width: what becomes of rows with other fields. again:
    the header's own bytes. notes, options: what was assumed, and what would say so for certain.
    """

    encoding: Encoding
    dialect: Dialect
    names: tuple[str, ...]
    begin: int
    line: int
    width: Width
    again: bytes = b""
    notes: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    sure: float = 1.0
