"""What is asked of a database: a table from a value on, or one SELECT with its values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, NoReturn

from resources.errors import SourceError

_UNITS: Final = ("seconds", "minutes", "hours", "days", "weeks")
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?) *([a-z]+)")


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a database, checked: either a table, or a query.

    by, since, overlap: rows of the table whose `by` is after `since`, and those up to `overlap`
    before it once more. onward: "" so; "append" or "upsert" where a cursor goes on: rows with its
    own value once more, too (not where `strict`), and of rows without a value none (append) or all
    (upsert).
    """

    table: str = ""
    columns: tuple[str, ...] = ()
    query: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""
    since: Any = None
    overlap: timedelta | float | None = None
    onward: str = ""
    strict: bool = False

    @property
    def digest(self) -> str:
        """Give 16 hex digits of what is asked, values left out."""
        asked = [self.table, self.columns, self.query, self.by]
        return hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()[:16]


def request_of(
    place: str,
    *,
    table: str | None = None,
    columns: Sequence[str] | None = None,
    query: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    by: str | None = None,
    since: Any = None,
    overlap: str | float | timedelta | None = None,
) -> Request:
    """Check the options with one another; raises SourceError naming the option."""
    if table and query:
        _refuse(place, "query", "table= and query= are both given", "say one of them")
    if parameters and not query:
        _refuse(place, "parameters", "parameters= is given without query=", "name them in a query")
    if isinstance(columns, str) or (columns is not None and not columns):
        _refuse(place, "columns", f"columns={columns!r} is no list of names", "list the columns")
    for option, value in (("columns", columns), ("by", by)):
        if query and value:
            _refuse(place, option, f"{option}= goes with table=", "write it into the query")
    if since is not None and not by:
        fix = "name the column that grows: by='updated_at'"
        if query:
            fix = "use it in the query: `where updated_at > :since`, parameters={'since': ...}"
        _refuse(place, "since", "since= is given without by=", fix)
    if overlap is not None and not by:
        _refuse(place, "overlap", "overlap= is given without by=", "name the column that grows")
    if by and columns and by not in columns:
        _refuse(place, "columns", f"columns= leaves out {by!r}, the column of by=", "add it")
    return Request(
        table=table or "",
        columns=tuple(columns or ()),
        query=(query or "").strip(),
        parameters=dict(parameters or {}),
        by=by or "",
        since=since,
        overlap=None if overlap is None else _span(place, overlap),
    )


def _span(place: str, overlap: str | float | timedelta) -> timedelta | float:
    """Read an overlap: a number, a timedelta, or a text such as "2 hours"."""
    if isinstance(overlap, int | float | timedelta) and not isinstance(overlap, bool):
        if (overlap.total_seconds() if isinstance(overlap, timedelta) else overlap) >= 0:
            return overlap
    elif isinstance(overlap, str) and (match := _SPAN.fullmatch(overlap.strip().lower())):
        unit = match[2] if match[2].endswith("s") else f"{match[2]}s"
        if unit in _UNITS:
            return timedelta(**{unit: float(match[1])})
    return _refuse(
        place,
        "overlap",
        f"overlap={overlap!r} is no amount",
        "give a number, or a time such as '30 minutes', '2 hours', '1 day'",
    )


def _refuse(place: str, option: str, problem: str, fix: str) -> NoReturn:
    """Raise SourceError for an option."""
    raise SourceError(f"{place}: {problem}", fix, source=place, option=option)
