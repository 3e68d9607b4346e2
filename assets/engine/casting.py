"""Casting: values get the types of their columns, without loss; what does not fit is told."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from resources.values.times import cast_times

if TYPE_CHECKING:
    import pyarrow as pa

_EXACT: Final = 1 << 53


def cast_array(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast without loss; an empty text is a missing value for every type but text.

    Raises ArrowInvalid for what does not fit, also where Arrow would wrap, round or narrow it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if array.type == kind:
        return array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    text = pa.types.is_string(array.type)
    if text and not (pa.types.is_string(kind) or pa.types.is_binary(kind)):
        array = pc.if_else(pc.equal(array, ""), None, array)
    if text and pa.types.is_timestamp(kind):
        return cast_times(array, kind)
    _refuse_counts(array.type, kind)
    if pa.types.is_floating(array.type) and pa.types.is_decimal(kind):
        return cast_array(array.cast(pa.string()), kind)  # as it is written: Arrow rounds a number
    if pa.types.is_decimal(array.type) and pa.types.is_floating(kind):
        made = array.cast(pa.string()).cast(kind)  # the nearest, which Arrow misses at times
    else:
        made = array.cast(kind, safe=True)
    odd = _odd_text(array, made) if text else _narrowed(array, made)
    if odd is not None and pc.any(odd).as_py():
        raise pa.ArrowInvalid(f"a value that is no {kind}, or not without loss")
    return made


def _refuse_counts(given: pa.DataType, kind: pa.DataType) -> None:
    """Refuse to take numbers for times, or times for numbers: Arrow takes what they count."""
    import pyarrow as pa

    one, other = pa.types.is_temporal(given), pa.types.is_temporal(kind)
    number = kind if one else given
    lengths = pa.types.is_duration(given) and not other
    if (one != other and (pa.types.is_integer(number) or pa.types.is_floating(number))) or lengths:
        raise pa.ArrowNotImplementedError(f"nobody knows what {given} counts as {kind}")


def _odd_text(texts: pa.Array, made: pa.Array) -> pa.Array | None:
    """Find texts that Arrow reads as numbers that they are not (None = the type has no such)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(made.type):
        return pc.match_substring_regex(texts, r"^\s*[+-]?0[xX]")
    if pa.types.is_decimal(made.type):
        return _wrapped(texts, made)
    if not pa.types.is_floating(made.type):
        return None
    said = pc.match_substring_regex(texts, "inf", ignore_case=True)
    odd = pc.and_(pc.is_inf(made), pc.invert(said))
    large = pc.greater(pc.abs(made), float(_EXACT - 1))
    if not pc.any(large).as_py():
        return odd
    whole = pc.match_substring_regex(texts, r"^\s*[+-]?\d+\s*$")
    rounded = [
        bool(big and number) and int(text) != int(value)
        for text, value, big, number in zip(
            texts.to_pylist(), made.to_pylist(), large.to_pylist(), whole.to_pylist(), strict=True
        )
    ]
    return pc.or_(pc.fill_null(odd, False), pa.array(rounded, pa.bool_()))


def _wrapped(texts: pa.Array, decimals: pa.Array) -> pa.Array | None:
    """Find texts with an exponent that leads out of a decimal's digits: there Arrow wraps."""
    import pyarrow as pa
    import pyarrow.compute as pc

    powers = pc.match_substring(texts, "e", ignore_case=True)
    if not pc.any(powers).as_py():
        return None
    wrong = [
        bool(power) and value is not None and Decimal(text.strip()) != value
        for text, power, value in zip(
            texts.to_pylist(), powers.to_pylist(), decimals.to_pylist(), strict=True
        )
    ]
    return pa.array(wrong, pa.bool_())


def _narrowed(array: pa.Array, made: pa.Array) -> pa.Array | None:
    """Find values that a cast changed though Arrow calls it safe (None = it cannot)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_a, given, kind = pa.types, array.type, made.type
    if is_a.is_boolean(kind) and (is_a.is_integer(given) or is_a.is_floating(given)):
        return pc.not_equal(array, made.cast(given))
    if is_a.is_timestamp(given) and is_a.is_date(kind):
        plain = array.cast(pa.timestamp(given.unit))
        return pc.not_equal(plain, made.cast(plain.type))
    if is_a.is_decimal(given) and is_a.is_decimal(kind):
        return pc.not_equal(array, made.cast(given))  # beyond a decimal's digits Arrow wraps
    if is_a.is_decimal(given) and is_a.is_floating(kind):
        return _not_whole(array, made)
    if is_a.is_floating(given) and is_a.is_floating(kind):
        same = pc.or_(pc.equal(array, made.cast(given)), pc.is_nan(array))
        return pc.invert(same)
    return None


def _not_whole(decimals: pa.Array, floats: pa.Array) -> pa.Array | None:
    """Find whole decimals that a float does not hold; of fractions it holds the nearest."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.any(pc.greater(pc.abs(floats), float(_EXACT - 1))).as_py():
        return None
    wrong = [
        value is not None and value == int(value) and int(value) != int(near)
        for value, near in zip(decimals.to_pylist(), floats.to_pylist(), strict=True)
    ]
    return pa.array(wrong, pa.bool_())


def cast_rows(array: pa.Array, kind: pa.DataType) -> tuple[pa.Array, list[int]]:
    """Cast piece by piece, halving down to the values that do not fit; those become null."""
    import pyarrow as pa

    pieces: list[pa.Array] = []
    wrong: list[int] = []
    stack: list[tuple[int, int]] = [(0, len(array))]
    while stack:
        start, length = stack.pop()
        if length == 0:
            continue
        try:
            pieces.append(cast_array(array.slice(start, length), kind))
        except pa.ArrowInvalid:
            if length == 1:
                wrong.append(start)
                pieces.append(pa.nulls(1, kind))
            else:
                half = length // 2
                stack.extend(((start + half, length - half), (start, half)))
    return pa.concat_arrays(pieces), wrong


def not_exact(array: pa.Array, made: pa.Array) -> list[int]:
    """Give the places of texts that would read otherwise when they were written again."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from resources.sources.infer import forms_of

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return []
    if pa.types.is_string(made.type) or pa.types.is_binary(made.type) or not len(array):
        return []
    array = array.cast(pa.string())
    exact = pc.or_(pc.is_null(made), pa.array([False] * len(array)))
    for form in forms_of(made.type):
        try:
            again = form.write(made)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
        exact = pc.or_(exact, pc.fill_null(pc.equal(array, again), False))
    return [at for at, one in enumerate(exact.to_pylist()) if not one]


def not_json(array: pa.Array) -> list[int]:
    """Give the places of texts that are no JSON."""
    import msgspec

    wrong: list[int] = []
    for at, text in enumerate(array.to_pylist()):
        try:
            if text is not None:
                msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            if not _is_json(text):
                wrong.append(at)
    return wrong


def _is_json(text: str) -> bool:
    """Tell whether Python reads a text as JSON: it knows NaN and Infinity, which it writes, too."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
