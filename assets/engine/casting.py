"""Casting: values get the types of their columns, without loss; what does not fit is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def cast_array(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast without loss; an empty text is a missing value for every type but text.

    Raises ArrowInvalid for what does not fit: also hexadecimal digits and numbers beyond all
    floating-point ones, which Arrow would read.
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
    made = array.cast(kind, safe=True)
    odd: pa.Array | None = None
    if text and pa.types.is_integer(kind):
        odd = pc.match_substring_regex(array, r"^\s*[+-]?0[xX]")
    elif text and pa.types.is_floating(kind):
        said = pc.match_substring_regex(array, "inf", ignore_case=True)
        odd = pc.and_(pc.is_inf(made), pc.invert(said))
    if odd is not None and pc.any(odd).as_py():
        raise pa.ArrowInvalid(f"a text is not written as {kind} is")
    return made


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
