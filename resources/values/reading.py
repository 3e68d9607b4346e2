"""Texts that a notation writes, in the plain way that every cast here reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.values.numbers import plain_booleans, plain_numbers, without_words
from resources.values.times import plain_times

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.values.written import Written


def in_plain(array: pa.Array, kind: pa.DataType, written: Written) -> tuple[pa.Array, pa.Array]:
    """Give texts as every cast reads them, and where they are not written so (a mask).

    What is not written so is null, so that it can be taken for nothing else. What is no text has a
    type already and stays as it is.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return array, pa.array([False] * len(array), pa.bool_())
    texts = array.cast(pa.string())
    if written.missing:
        texts = without_words(texts, tuple(written.missing))
    if not (pa.types.is_string(kind) or pa.types.is_binary(kind)):
        texts = pc.if_else(pc.equal(texts, ""), None, texts)
    plain = _plain(texts, kind, written)
    return plain, pc.and_(pc.is_valid(texts), pc.is_null(plain))


def _plain(texts: pa.Array, kind: pa.DataType, written: Written) -> pa.Array:
    """Write texts in the plain way of a type, where the notation says something about it."""
    import pyarrow as pa

    is_a = pa.types
    if is_a.is_integer(kind) or is_a.is_floating(kind) or is_a.is_decimal(kind):
        odd = {"decimal", "thousands", "unit", "percent", "minus"} & set(written.said())
        return plain_numbers(texts, written) if odd else texts
    if is_a.is_boolean(kind) and (written.true_words or written.false_words):
        return plain_booleans(texts, written)
    if written.dates and (is_a.is_date(kind) or is_a.is_timestamp(kind)):
        return plain_times(texts, written, days=is_a.is_date(kind))
    return texts
