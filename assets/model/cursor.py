"""`Cursor`: how far a source was collected, kept with the version that it moved with."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime

from assets.model.errors import CursorError

Value = str | int | float
"""What a cursor can hold; a time is ISO 8601 text."""


class Cursor:
    """How far an asset was collected; annotate a parameter with it to be handed it.

    `value` is None before the first version, and after `--full`. What `advance` makes of it is
    kept with the version that is published, and with nothing else: a run that fails leaves it
    where it was, and a rollback moves it back.
    """

    def __init__(
        self, key: str, stored: str = "", further: Callable[[object], bool] | None = None
    ) -> None:
        """Begin for the asset `key` where its current version's record says ("" = nowhere).

        further: tells of a value whether a source says that it is the last one, by its own order.
        """
        self._key = key
        self._source_says = further
        self._value: Value | None = json.loads(stored) if stored else None
        self._told = False

    @property
    def value(self) -> Value | None:
        """Give how far the source was collected: text, number, or None."""
        return self._value

    @property
    def told(self) -> bool:
        """Tell whether it was advanced to a value, be it the one at which it stood."""
        return self._told

    def advance(self, value: object, *, back: bool = False) -> None:
        """Move to `value` if that is further; `back=True` moves to it in any case.

        A value that is missing (None, NaN, NaT: the largest of no rows) leaves it where it is.
        Raises CursorError for another kind of value than before.
        """
        new = self._plain(value)
        if new is None:
            return
        self._told = True
        if self._source_says is not None and self._source_says(new):
            self._value = new
            return
        if self._value is None or back or self._further(new, self._value):
            self._value = new

    def stored(self) -> str:
        """Give the value as the record keeps it: JSON text, "" for none."""
        return "" if self._value is None else json.dumps(self._value, ensure_ascii=False)

    def _plain(self, value: object) -> Value | None:
        """Turn times into ISO text and numpy's scalars into Python's; None where one is missing."""
        if type(value).__name__ == "NaTType":
            return None
        if isinstance(value, datetime):
            moment = value.astimezone(UTC) if value.tzinfo is not None else value
            return moment.isoformat()
        if isinstance(value, date):
            return value.isoformat()
        if hasattr(value, "item") and not isinstance(value, str | int | float):
            value = value.item()
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        plain = isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
        if isinstance(value, bool) or not plain:
            raise CursorError(
                f"{self._key} advances its cursor to {value!r} ({type(value).__name__})",
                "advance it to a number, a text or a time",
                asset=self._key,
            )
        if isinstance(value, float) and value.is_integer() and not isinstance(self._value, float):
            return int(value)  # pandas makes a column of whole numbers float where one is missing
        return value  # type: ignore[return-value] # `plain` looked

    def _further(self, new: Value, old: Value) -> bool:
        """Tell whether `new` is beyond `old`; raises CursorError where they cannot be compared."""
        if isinstance(new, str) and isinstance(old, str):
            return self._later(new, old)
        if isinstance(new, str) or isinstance(old, str):
            raise CursorError(
                f"{self._key} has the cursor {old!r} and advances it to {new!r}, which is "
                f"{'a text' if isinstance(new, str) else 'a number'}",
                "advance it to values of one kind; to begin anew: "
                f"dataops materialize {self._key} --full",
                asset=self._key,
            )
        return new > old

    def _later(self, new: str, old: str) -> bool:
        """Compare two texts: times as times, anything else letter by letter."""
        before, after = _time(old), _time(new)
        if before is not None and after is not None:
            if (before.tzinfo is None) != (after.tzinfo is None):
                raise CursorError(
                    f"{self._key} has the cursor {old!r} and advances it to {new!r}: only one of "
                    "them has a time zone",
                    "advance it to times with a zone, or to times without",
                    asset=self._key,
                )
            return after > before
        if old.isdigit() and new.isdigit() and len(old) != len(new):
            raise CursorError(
                f"{self._key} advances its cursor from {old!r} to {new!r}: as texts they are "
                "compared letter by letter, where '9' comes after '10'",
                "advance it to int(...), or to texts of one length",
                asset=self._key,
            )
        return new > old


def _time(text: str) -> datetime | None:
    """Read ISO 8601 text; None where it is none (digits alone are a number, not a date)."""
    if text.isdigit():
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
