"""The boundary: the rows that had the cursor's value when it was left there, by their content.

Kept with the version: so many rows of each content, as digests of what the source gave. A digest
does not hang on the type that a column was taken for: 1 and 1.0, and a time in another form, are
the same; texts count as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any, Final

from resources.sources.json_text import Written

MOST: Final = 200_000
"""So many rows of one value are kept apart by their content; more of them need a key."""
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Boundary:
    """What was there at a cursor's value.

    by: the column; at: the value. columns: those that a digest is made of, in order. rows: how
    many of each digest.
    """

    by: str
    at: Value
    columns: tuple[str, ...]
    rows: Mapping[str, int] = field(default_factory=dict)

    def written(self) -> str:
        """Give it as the record keeps it."""
        facts = {"by": self.by, "at": self.at, "columns": self.columns, "rows": dict(self.rows)}
        return json.dumps(facts, ensure_ascii=False)


def read_boundary(text: str) -> Boundary | None:
    """Read what `written` gave; None for "" (versions of before kept none)."""
    if not text:
        return None
    facts = json.loads(text)
    return Boundary(facts["by"], facts["at"], tuple(facts["columns"]), facts["rows"])


def digest_of(names: Sequence[str], values: Sequence[Any]) -> str:
    """Give 24 hex digits of a row's content."""
    pairs = [[name, plain(value)] for name, value in zip(names, values, strict=True)]
    text = json.dumps(pairs, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def plain(value: Any) -> Any:  # noqa: PLR0911 - a line for each type
    """Give a value in the one form that all types of it share."""
    if value is None or isinstance(value, bool):
        return value if value is None else str(value).lower()
    if isinstance(value, Written):
        return _number(Decimal(value))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, bytes | memoryview):
        found = bytes(value)
        try:
            return _text(found.decode())
        except UnicodeDecodeError:
            return ["bytes", found.hex()]
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else str(value)


def _number(value: float | Decimal) -> str:
    """Write a number; 1, 1.0 and 1.00 alike, and 0 without a sign."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not exact.is_finite():
        return str(exact)
    return format(exact.normalize(_EXACT), "f") if exact else "0"


def _text(value: str) -> str:
    """Give a text as it is; a time in ISO 8601 in one form."""
    if 16 <= len(value) <= 40 and value[4:5] == "-" and value[:4].isdigit():
        try:
            return _moment(datetime.fromisoformat(value))
        except ValueError:
            return str(value)
    return str(value)


def _moment(value: datetime) -> str:
    """Write a time; with a zone as UTC."""
    moment = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat()
