"""What a collector may say about how its source is read; each reader takes some of it."""

from __future__ import annotations

from typing import TypedDict


class ReadOptions(TypedDict, total=False):
    """Options of `Source.read` and `Source.texts`, by name (docs/sources.md).

    format: what the source is, where its name does not tell. encoding: of text files; else BOM,
    UTF-8 or, by a look at the whole file, CP949. delimiter: of CSV; else by name and header.
    """

    format: str
    encoding: str
    delimiter: str
