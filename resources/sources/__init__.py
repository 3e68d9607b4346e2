"""Sources: files in many formats, read in batches; what cannot be read is set aside, never lost."""

from resources.sources.source import Source

__all__ = ["Source"]
