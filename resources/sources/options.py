"""What a collector may say about how its source is read; each reader takes some of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from resources.sources.web.options import Auth, Limits, Pages


class ReadOptions(TypedDict, total=False):
    """Options of `Source.read` and `Source.texts`, by name (docs/sources.md).

    format: what the source is, where its name does not tell. encoding: of text files; else BOM,
    UTF-8 or, by a look at the whole file, CP949 or cp1252.
    Of CSV: delimiter, else by name and header; quote and escape ("" = none); comment: what lines
    that are passed over begin with; skip: lines before the header; header: False where the first
    row is no header; header_rows: how many rows it takes; trailing: what becomes of fields that
    rows have beside the header's ("drop", "keep", "index") or lack ("fill"), or how many lines at
    the end are no rows; names: the columns' names. What is not said is told by the first lines.
    Of JSON: records: the path to the records ("items", "data.items"); flatten: True, or how deep
    nested objects become columns (`a.b`).
    Of plain text: split: a row per "line", "paragraph" or "file".
    Of packed files: member: which of a zip archive (a name or pattern); max_unpacked_gb, max_ratio:
    how much may come out of one, in gigabytes and times its packed size.
    Of a database: table and columns, by name; or query: one SELECT, and parameters: the values of
    its `:names`. by, since, overlap: only the table's rows whose column `by` is after `since` (all
    of them where it is None), in that order, and those up to `overlap` before it once more.
    Of a workbook: sheet, by name or by number from 1 ("*" = all that have rows), else the first
    that has rows; header_rows: how many rows its header takes (1); skip: lines above it (0).
    Of XML: records: the name or path of the elements that are rows, else the child of the root that
    repeats.
    Of web sources: records, the dotted path of the list of records in an answer; pages (how they
    follow each other), auth, headers, params (since goes where one says "{since}"), rate (requests
    per second), limits: as objects or as mappings of their fields; by: the column of source.last.
    """

    format: str
    encoding: str
    delimiter: str
    quote: str
    escape: str
    comment: str
    skip: int
    header: bool
    trailing: str | int
    names: Sequence[str]
    records: str
    flatten: bool | int
    split: str
    member: str
    max_unpacked_gb: float
    max_ratio: float
    table: str
    columns: Sequence[str]
    query: str
    parameters: Mapping[str, Any]
    by: str
    since: Any
    overlap: str | float | timedelta
    sheet: str | int
    header_rows: int
    pages: Pages | Mapping[str, Any] | str
    auth: Auth | Mapping[str, Any]
    headers: Mapping[str, str]
    params: Mapping[str, Any]
    rate: float
    limits: Limits | Mapping[str, Any]
