"""What a collector may say about how its source is read; each reader takes some of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypedDict


class ReadOptions(TypedDict, total=False):
    """Options of `Source.read` and `Source.texts`, by name (docs/sources.md).

    format: what the source is, where its name does not tell. encoding: of text files; else BOM,
    UTF-8 or, by a look at the whole file, CP949. delimiter: of CSV; else by name and header.
    table, columns: of a database, by name; or query: one SELECT, and parameters: the values of its
    `:names`. by, since, overlap: only the table's rows whose column `by` is after `since` (all of
    them where it is None), in that order, and those up to `overlap` before it once more.
    sheet: of a workbook, by name or by number from 1 ("*" = all that have rows); else the first
    that has rows. header_rows: how many rows its header takes (1). skip: lines above it (0).
    records: the name or path of the XML elements that are rows; else the child of the root that
    repeats.
    """

    format: str
    encoding: str
    delimiter: str
    table: str
    columns: Sequence[str]
    query: str
    parameters: Mapping[str, Any]
    by: str
    since: Any
    overlap: str | float | timedelta
    sheet: str | int
    header_rows: int
    skip: int
    records: str
