"""Dates and times that Arrow can count, but no calendar here can show: before 1, after 9999."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

PATTERN: Final = r"^(?:[1-9]\d{3}|0[1-9]\d\d|00[1-9]\d|000[1-9])-"
"""What a date or time of the years 1 to 9999 begins with."""
_DAYS: Final = (-719_162, 2_932_896)
_PER_DAY: Final = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000}


def beyond(values: pa.Array) -> pa.Array | None:
    """Tell which dates or times lie beyond the years 1 to 9999 (None = the type has no such)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_date(kind):
        per_day = 1 if pa.types.is_date32(kind) else _PER_DAY["ms"]
    elif pa.types.is_timestamp(kind) and kind.unit in _PER_DAY:
        per_day = _PER_DAY[kind.unit]
    else:
        return None
    counts = counted(values)
    first, last = _DAYS[0] * per_day, (_DAYS[1] + 1) * per_day - 1
    found = pc.min_max(counts)
    low, high = found["min"].as_py(), found["max"].as_py()
    if low is None or (first <= low and high <= last):
        return None
    return pc.fill_null(pc.or_(pc.less(counts, first), pc.greater(counts, last)), False)


def counted(values: pa.Array) -> pa.Array:
    """Give dates or times as what they count since 1970."""
    import pyarrow as pa

    return values.view(pa.int32() if pa.types.is_date32(values.type) else pa.int64())


def within(values: pa.Array) -> pa.Array:
    """Give dates or times back; raises ArrowInvalid where one lies beyond the years 1 to 9999."""
    import pyarrow as pa

    if beyond(values) is not None:
        raise pa.ArrowInvalid("a date beyond the years 1 to 9999")
    return values


def any_beyond(values: pa.Array) -> bool:
    """Tell whether a date or time in values that may be nested lies beyond the years 1 to 9999."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_struct(kind):
        return any(any_beyond(inner) for inner in values.flatten())
    if pa.types.is_map(kind):
        return any_beyond(values.keys) or any_beyond(values.items)
    if pa.types.is_nested(kind):
        return any_beyond(values.flatten())
    return beyond(values) is not None
