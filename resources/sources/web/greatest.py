"""The greatest value of one column among the records that went by: where a cursor goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from resources.errors import SourceError, did_you_mean
from resources.sources.json_text import Written

if TYPE_CHECKING:
    import pyarrow as pa

Value = str | int | float


class Greatest:
    """Watches a column ("" = none). value: the greatest so far, a number or text."""

    def __init__(self, column: str, name: str, *, numbers: bool = False) -> None:
        """Watch `column` of the source `name`; numbers: it is declared to hold some."""
        self._column, self._name = column, name
        self._numbers = numbers
        self.value: Value | None = None

    def check(self, schema: pa.Schema) -> None:
        """Refuse a column that the source does not have."""
        if self._column and self._column not in schema.names:
            raise SourceError(
                f"{self._name} has no column {self._column!r} for by="
                f"{did_you_mean(self._column, schema.names)}",
                f"name one of {', '.join(schema.names)}",
                column=self._column,
            )

    def see_batch(self, batch: pa.RecordBatch) -> None:
        """Look at a batch."""
        if not self._column:
            return
        import pyarrow as pa
        import pyarrow.compute as pc

        column = batch.column(self._column)
        if pa.types.is_boolean(column.type):
            raise self._mixed("true and false")
        if pa.types.is_string(column.type) and self._numbers:
            found = [value for value in map(self.form, column.to_pylist()) if value is not None]
            self._see(max(found, default=None))
            return
        if pa.types.is_string(column.type):
            self._need_one_length(column)
        self._see(pc.max(column).as_py())

    def see_row(self, row: Mapping[str, Any]) -> None:
        """Look at a row as it is written."""
        if self._column:
            self._see(self.form(row.get(self._column)))

    def form(self, value: Any) -> Any:
        """Give a value as a cursor keeps it; text that is no number, where one is due, is none."""
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Written) or (self._numbers and isinstance(value, str)):
            try:
                return int(value)
            except ValueError:
                pass
            try:
                number = float(value)
            except ValueError:
                return None
            return number if isfinite(number) else None
        return None if isinstance(value, float) and isnan(value) else value

    def _need_one_length(self, column: pa.Array) -> None:
        """Refuse whole numbers as texts of several lengths: as texts 9 is greater than 10."""
        import pyarrow.compute as pc

        if not pc.all(pc.utf8_is_digit(column)).as_py():
            return
        lengths = pc.min_max(pc.utf8_length(column)).as_py()
        if lengths["min"] != lengths["max"]:
            raise SourceError(
                f"{self._name} has whole numbers as texts in {self._column!r}, which are compared "
                "letter by letter, where '9' comes after '10'",
                f"declare the column as numbers: {self._column}: int64",
                column=self._column,
            )

    def _see(self, value: object) -> None:
        """Keep a value that is greater; texts are compared letter by letter, as times compare."""
        if isinstance(value, date):
            value = value.isoformat()
        if value is None or (isinstance(value, float) and isnan(value)):
            return
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self._mixed(type(value).__name__)
        if self.value is None:
            self.value = value
        elif isinstance(value, str) != isinstance(self.value, str):
            raise self._mixed("numbers and texts")
        elif value > self.value:  # type: ignore[operator]
            self.value = value

    def _mixed(self, what: str) -> SourceError:
        """Say that the values cannot be ordered."""
        return SourceError(
            f"{self._name} has {what} in {self._column!r}, so by= finds no greatest value",
            "name a column of numbers, or of times in one form",
            column=self._column,
        )
