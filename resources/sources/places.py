"""Places: sources that are no files, told by how their name begins."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PLACES: Final = ("sql:", "https://", "http://")
"""How the names of places begin: `sql:shop` is the database of the connection `shop`, `https://...`
a web address."""


def is_place(source: str | Path) -> bool:
    """Tell whether a declared source is a place, not a file."""
    return isinstance(source, str) and source.startswith(PLACES)
