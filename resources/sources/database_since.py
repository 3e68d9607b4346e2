"""The value from which an incremental read goes on, in the type of its column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import ceil, isnan
from typing import TYPE_CHECKING, Any

from resources.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa


def first_value(place: str, by: str, kind: pa.DataType, since: Any, overlap: Any) -> Any:
    """Give the value after which rows are wanted: `since`, less `overlap`, in the column's type.

    Whoever remembers the value may have kept it as text or as a number. Raises SourceError where
    it is none of the column's type, or where the type has no such amounts.
    """
    import pyarrow as pa

    try:
        value = _value(kind, since)
    except (ValueError, TypeError, ArithmeticError):
        raise SourceError(
            f"{place}: since={since!r} is not a value of {by!r}, which holds {kind}",
            "give a value as the column holds it, or None for all rows",
            source=place,
            option="since",
            column=by,
        ) from None
    if overlap is None:
        return value
    moments, dates = pa.types.is_timestamp(kind), pa.types.is_date(kind)
    amount = overlap
    if dates and isinstance(amount, timedelta):
        amount = timedelta(days=ceil(amount / timedelta(days=1)))  # a part of a day is a day
    if isinstance(amount, timedelta) != (moments or dates) or pa.types.is_string(kind):
        raise SourceError(
            f"{place}: overlap={overlap!r} is no amount of {by!r}, which holds {kind}",
            "give a time ('2 hours') for a column of times, a number for one of numbers",
            source=place,
            option="overlap",
            column=by,
        )
    if isinstance(amount, float) and not isinstance(value, float):
        amount = type(value)(amount)
    try:
        return value - amount
    except OverflowError:
        return value.min


def _value(kind: pa.DataType, since: Any) -> Any:
    """Read a value as one of a type; raises ValueError, TypeError or ArithmeticError."""
    import pyarrow as pa

    if isinstance(since, bool) or pa.types.is_boolean(kind) or pa.types.is_binary(kind):
        raise TypeError
    if pa.types.is_integer(kind):
        return int(since) if not isinstance(since, float) or since.is_integer() else _no()
    if pa.types.is_decimal(kind):
        try:
            return Decimal(str(since))
        except InvalidOperation:
            return _no()
    if pa.types.is_floating(kind):
        return float(since)
    if pa.types.is_timestamp(kind):
        return _moment(since)
    if pa.types.is_date(kind):
        return since if type(since) is date else _moment(since).date()
    return since.isoformat(" ") if isinstance(since, datetime) else str(since)


def _no() -> Any:
    """Refuse a value."""
    raise ValueError


def _moment(since: Any) -> datetime:
    """Read a moment; with a zone it becomes UTC, without one it is as the column has it."""
    if isinstance(since, str):
        since = datetime.fromisoformat(since.strip())
    elif not isinstance(since, datetime):
        since = datetime(since.year, since.month, since.day)  # noqa: DTZ001 - as the column has it
    moment: datetime = since
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def remembered(value: Any) -> str | int | float | None:
    """Give a value as a cursor keeps it: a number, or text that `first_value` reads."""
    if isinstance(value, float) and isnan(value):
        return None  # nothing is beyond it, and it is not even itself
    if value is None or isinstance(value, int | float | str):
        return value
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)
