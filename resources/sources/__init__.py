"""Sources: readers that stream files of any common format into tables, and lose no row."""

from resources.sources.finding import find_files, find_sources
from resources.sources.source import Source

__all__ = ["Source", "find_files", "find_sources"]
