"""Times of Parquet's old type INT96: nanoseconds over all years, which Arrow wraps or cuts off.

Each is read twice, as milliseconds, which hold every year of it, and as nanoseconds, which wrap.
The two together tell exactly what was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.rejects import Reject, row_json
from resources.sources.years import any_beyond, beyond, counted

if TYPE_CHECKING:
    import pyarrow as pa

_OLD: Final = "INT96"
_MOST: Final = {"us": (2**63 - 1) // 1_000 - 1, "ns": (2**63 - 1) // 1_000_000 - 1}
"""Milliseconds that a unit can count, before 1970 and after."""


def columns_of(parquet: Any) -> list[str]:
    """Give a file's top-level columns that hold times of the old type."""
    schema = parquet.schema
    columns = [schema.column(at) for at in range(len(schema))]
    old = [column.path.split(".")[0] for column in columns if column.physical_type == _OLD]
    return list(dict.fromkeys(old))


def need_nanoseconds(coarse: pa.RecordBatch, fine: pa.RecordBatch) -> bool:
    """Tell whether a time within the years of nanoseconds has some beside its microseconds."""
    import pyarrow.compute as pc

    return any(
        pc.any(pc.and_(_rest(ms, ns), pc.invert(_beyond(ms, "ns")))).as_py()
        for one, other in zip(coarse.columns, fine.columns, strict=True)
        for ms, ns in _pairs(one, other)
    )


def inexact(
    file: Path, coarse: pa.RecordBatch, fine: pa.RecordBatch, unit: str
) -> dict[str, pa.Array]:
    """Give where old times in `unit` are not what was written, by column.

    Raises SourceError where such a time lies within a list or a struct.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found: dict[str, pa.Array] = {}
    for name, one, other in zip(coarse.schema.names, coarse.columns, fine.columns, strict=True):
        for ms, ns in _pairs(one, other):
            wrong = _beyond(ms, unit)
            wrong = pc.fill_null(wrong if unit == "ns" else pc.or_(wrong, _rest(ms, ns)), False)
            if not pc.any(wrong).as_py():
                continue
            if pa.types.is_nested(one.type):
                raise _inside(file, name)
            found[name] = wrong
    return found


def without(batch: pa.RecordBatch, wrong: dict[str, pa.Array]) -> pa.RecordBatch:
    """Give the rows whose times are what was written."""
    import pyarrow.compute as pc

    return batch.filter(pc.invert(_any(wrong))) if wrong else batch


def described(
    file: Path, batch: pa.RecordBatch, wrong: dict[str, pa.Array], unit: str
) -> Iterator[Reject]:
    """Describe the rows whose times are not; what was written cannot be shown either."""
    import pyarrow.compute as pc

    if not wrong:
        return
    why = "it has nanoseconds, and others lie beyond the years that these can count"
    if unit == "ns":
        why = "it lies beyond the years 1677 to 2262, and others have nanoseconds"
    for row in pc.indices_nonzero(_any(wrong)).to_pylist():
        names = [name for name, mask in wrong.items() if mask[row].as_py()]
        held = _without_odd(batch.slice(row, 1), names).to_pylist()[0]
        values = {name: held.get(name) for name in batch.schema.names}
        reason = f"{names[0]!r} is an INT96 time that cannot be held: {why}"
        yield Reject(row_json(values), "type", names[0], reason, str(file))


def _without_odd(row: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
    """Give a row without some columns, and with counts for the dates that no year here has."""
    import pyarrow as pa

    for at, name in reversed([*enumerate(row.schema.names)]):
        column = row.column(at)
        nested = pa.types.is_nested(column.type)
        if name in names or (nested and any_beyond(column)):
            row = row.remove_column(at)
        elif not nested and beyond(column) is not None:
            row = row.set_column(at, name, counted(column))
    return row


def _pairs(one: pa.Array, other: pa.Array) -> Iterator[tuple[pa.Array, pa.Array]]:
    """Give the old times of one column in both units, also where they are nested."""
    for ms, ns in zip(_leaves(one), _leaves(other), strict=True):
        if ms.type != ns.type:  # what has a unit of its own is no old time
            yield ms, ns


def _leaves(values: pa.Array) -> Iterator[pa.Array]:
    """Give the times within values that may be nested."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_struct(kind):
        for inner in values.flatten():
            yield from _leaves(inner)
    elif pa.types.is_map(kind):
        yield from _leaves(values.keys)
        yield from _leaves(values.items)
    elif pa.types.is_nested(kind):
        yield from _leaves(values.flatten())
    elif pa.types.is_timestamp(kind):
        yield values


def _rest(ms: pa.Array, ns: pa.Array) -> pa.Array:
    """Tell which times have nanoseconds beside their microseconds.

    Nanoseconds wrap beyond their years, and so does the product here: their difference is right.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.multiply(ms.view(pa.int64()), 1_000_000)
    rest = pc.subtract(ns.view(pa.int64()), whole)
    return pc.not_equal(rest, pc.multiply(pc.divide(rest, 1_000), 1_000))


def _beyond(ms: pa.Array, unit: str) -> pa.Array:
    """Tell which times lie beyond the years that a unit can count."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.greater(pc.abs(ms.view(pa.int64())), _MOST[unit])


def _any(wrong: dict[str, pa.Array]) -> pa.Array:
    """Give where any column is wrong."""
    import pyarrow.compute as pc

    first, *rest = wrong.values()
    for mask in rest:
        first = pc.or_(first, mask)
    return first


def _inside(file: Path, name: str) -> SourceError:
    """Say that an old time within a nested value cannot be held."""
    return SourceError(
        f"{file} has, within the column {name!r}, INT96 times of which some have nanoseconds and "
        "others lie beyond the years that these can count",
        "write them as microseconds, or as text",
        file=str(file),
        column=name,
    )
