"""Which rows of its question a model's reply answers, whatever the shape it is written in."""

from resources.llm.reading.rows import is_readable, read_rows

__all__ = ["is_readable", "read_rows"]
