"""Sources: readers that stream files of any common format into tables, and lose no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.sources.finding import find_files, find_sources
from resources.sources.source import Source
from resources.sources.web.settings import Web

if TYPE_CHECKING:
    from resources.sources.web.options import Auth, Limits, Pages

__all__ = ["Auth", "Limits", "Pages", "Source", "Web", "find_files", "find_sources"]


def __getattr__(name: str) -> object:
    """Import what only web sources need when it is first asked for."""
    if name in ("Auth", "Limits", "Pages"):
        from resources.sources.web import options

        return getattr(options, name)
    raise AttributeError(f"module 'resources.sources' has no attribute {name!r}")
