"""Types that hold all values of two others, where nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

_FLOAT_BITS: Final = {16: 11, 32: 24, 64: 53}
_MOST_DIGITS: Final = 38
_UNITS: Final = ("s", "ms", "us", "ns")


def widened(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Give the smallest type that holds every value of both; None where there is none.

    Whole numbers become longer ones, a date a time of that day, a decimal one with more digits.
    """
    import pyarrow as pa

    is_a = pa.types
    if one == other:
        return one
    if is_a.is_null(one) or is_a.is_null(other):
        return other if is_a.is_null(one) else one
    if is_a.is_integer(one) and is_a.is_integer(other):
        return _integer(one, other)
    if is_a.is_floating(one) and is_a.is_floating(other):
        return one if one.bit_width > other.bit_width else other
    if is_a.is_decimal(one) and is_a.is_decimal(other):
        return _decimal(one, other)
    if is_a.is_floating(one) and is_a.is_integer(other):
        one, other = other, one
    if is_a.is_integer(one) and is_a.is_floating(other):
        fits = _digits(one) <= _FLOAT_BITS[other.bit_width]
        return other if fits else pa.float64() if _digits(one) <= _FLOAT_BITS[64] else None
    return _moment(one, other)


def _digits(kind: pa.DataType) -> int:
    """Give how many binary digits an integer type's values may have."""
    import pyarrow as pa

    return int(kind.bit_width) - bool(pa.types.is_signed_integer(kind))


def _integer(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Give the integer type that holds both."""
    import pyarrow as pa

    signed = pa.types.is_signed_integer(one) or pa.types.is_signed_integer(other)
    digits = max(_digits(one), _digits(other))
    ways = (pa.int8(), pa.int16(), pa.int32(), pa.int64())
    if not signed:
        ways = (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    return next((kind for kind in ways if _digits(kind) >= digits), None)


def _decimal(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Give the decimal type that holds both, up to 38 digits."""
    import pyarrow as pa

    scale = max(one.scale, other.scale)
    digits = scale + max(one.precision - one.scale, other.precision - other.scale)
    return pa.decimal128(digits, scale) if digits <= _MOST_DIGITS else None


def _moment(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Give the type of times that holds dates and times, both without a zone or with the same."""
    import pyarrow as pa

    is_a = pa.types
    if is_a.is_date(one) and is_a.is_date(other):
        return pa.date32()
    if is_a.is_timestamp(one) and is_a.is_date(other):
        one, other = other, one
    if is_a.is_date(one) and is_a.is_timestamp(other):
        # Nanoseconds end in 2262, and a date may be of any year: it does not fit them for certain.
        fine = other.tz is None and other.unit != "ns"
        return other if fine else None
    if not (is_a.is_timestamp(one) and is_a.is_timestamp(other)) or one.tz != other.tz:
        return None
    units = {_UNITS.index(one.unit), _UNITS.index(other.unit)}
    return pa.timestamp(_UNITS[max(units)], one.tz) if max(units) < _UNITS.index("ns") else None
