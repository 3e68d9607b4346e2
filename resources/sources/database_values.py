"""Values as a database's driver gives them, as Arrow columns of the types the database states."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from resources.sources.years import within

if TYPE_CHECKING:
    import pyarrow as pa

Reading = Callable[[Sequence[Any]], "pa.Array"]
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_LONGEST_DECIMAL: Final = 38
SINGLE: Final = "a number of single precision"
MIXED: Final = "UTF-8 text, in a column of several types"
"""What columns hold by which no cursor goes on without care."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column holds: its Arrow type, and how its values are read into it.

    read: raises ArrowInvalid, ArrowTypeError, ValueError or OverflowError for what does not fit.
    what: the type in words, for those who look at what did not fit.
    """

    type: pa.DataType
    read: Reading
    what: str


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that its column cannot carry: its row, its column and why."""

    row: int
    column: str
    reason: str


def columns_of(
    rows: Sequence[Sequence[Any]], kinds: Sequence[Kind], schema: pa.Schema
) -> tuple[pa.RecordBatch, list[Misfit]]:
    """Give rows as a batch, and the values that do not fit, the first of each row.

    Rows with such a value are left out.
    """
    import pyarrow as pa

    arrays, misfits = [], dict[int, Misfit]()
    for field, kind, values in zip(schema, kinds, zip(*rows, strict=True), strict=True):
        try:
            arrays.append(kind.read(values))
        except _not_fitting():
            array, wrong = _one_by_one(values, kind)
            arrays.append(array)
            for row in wrong:
                reason = f"{field.name}: {str(shown(values[row]))[:80]!r} is not {kind.what}"
                misfits.setdefault(row, Misfit(row, field.name, reason))
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    if misfits:
        batch = batch.filter(pa.array([row not in misfits for row in range(len(rows))]))
    return batch, [misfits[row] for row in sorted(misfits)]


def readable(kind: Kind, value: Any) -> Any:
    """Give one value as Python's own; None where there is none or where it does not fit."""
    if value is None:
        return None
    try:
        return kind.read([value])[0].as_py()
    except _not_fitting():
        return None


def shown(value: Any) -> Any:
    """Give a value as people see it in quarantine: bytes as text."""
    if isinstance(value, memoryview):
        value = bytes(value)
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


def _not_fitting() -> tuple[type[Exception], ...]:
    """Give what a value raises that does not fit."""
    import pyarrow as pa

    return (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, OverflowError, TypeError)


def _one_by_one(values: Sequence[Any], kind: Kind) -> tuple[pa.Array, list[int]]:
    """Read value by value; those that do not fit become null."""
    import pyarrow as pa

    pieces, wrong = [], []
    for row, value in enumerate(values):
        try:
            pieces.append(kind.read([value]))
        except _not_fitting():
            wrong.append(row)
            pieces.append(pa.nulls(1, kind.type))
    return pa.concat_arrays(pieces), wrong


def plain(kind: pa.DataType, what: str = "") -> Kind:
    """Give the kind whose values are Python's own."""
    import pyarrow as pa

    return Kind(kind, lambda values: pa.array(values, kind), what or str(kind))


def written(kind: pa.DataType, what: str, via: pa.DataType | None = None) -> Kind:
    """Give the kind whose values are texts in the form that Arrow reads."""
    import pyarrow as pa

    def read(values: Sequence[Any]) -> pa.Array:
        """Cast the texts; `via` is a type on the way, such as a time with its zone."""
        texts = pa.array(values, pa.string())
        return within(texts.cast(kind) if via is None else texts.cast(via).cast(kind))

    return Kind(kind, read, what)


def text() -> Kind:
    """Give the kind of texts as they are."""
    import pyarrow as pa

    return plain(pa.string(), "text")


def binary() -> Kind:
    """Give the kind of bytes."""
    import pyarrow as pa

    def read(values: Sequence[Any]) -> pa.Array:
        """Take bytes, or a view of them."""
        return pa.array([None if v is None else bytes(v) for v in values], pa.binary())

    return Kind(pa.binary(), read, "bytes")


def decimal(precision: int | None, scale: int | None) -> Kind:
    """Give the kind of exact numbers; without a precision, or beyond 38 digits, they stay text."""
    import pyarrow as pa

    if precision is None or scale is None or not 0 <= scale <= precision <= _LONGEST_DECIMAL:
        return text()
    return written(pa.decimal128(precision, scale), f"a decimal({precision},{scale})")


def date() -> Kind:
    """Give the kind of dates."""
    import pyarrow as pa

    return written(pa.date32(), "a date of the years 1 to 9999")


def timestamp(*, zone: bool = False) -> Kind:
    """Give the kind of times, as UTC where they have a zone."""
    import pyarrow as pa

    via = pa.timestamp("us", "UTC") if zone else None
    return written(pa.timestamp("us"), "a time of the years 1 to 9999", via)


def converted(convert: Callable[[Any], Any], kind: pa.DataType, what: str) -> Kind:
    """Give the kind whose values are converted one by one."""
    import pyarrow as pa

    return Kind(
        kind,
        lambda values: pa.array([None if v is None else convert(v) for v in values], kind),
        what,
    )


def array_json(literal: str, delimiter: str, element: str) -> str:
    """Write a PostgreSQL array (`{1,2,{"a b",NULL}}`) as JSON.

    element: the category of what it holds: N numbers, B booleans, J JSON, else text. Raises
    ValueError for what is no array.
    """
    tokens = re.compile(
        r'(?:\[[^={]*\]=)?(?P<open>\{)|(?P<close>\})|"(?P<quoted>(?:[^"\\]|\\.)*)"'
        rf'|(?P<next>{re.escape(delimiter)})|(?P<bare>[^{{}}"{re.escape(delimiter)}]+)',
        re.DOTALL,
    )
    out, end = [], 0
    for match in tokens.finditer(literal):
        if match.start() != end:
            break
        end = match.end()
        if match["bare"] is not None:
            out.append("null" if match["bare"] == "NULL" else _element(match["bare"], element))
        elif match["quoted"] is not None:
            out.append(_element(re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL), element))
        else:
            out.append("[" if match["open"] else "]" if match["close"] else ", ")
    if end != len(literal) or not out:
        raise ValueError(f"{literal[:80]!r} is no array")
    return "".join(out)


def _element(value: str, element: str) -> str:
    """Write one element as JSON."""
    if element == "N" and _NUMBER.fullmatch(value):
        return value
    if element == "B":
        return "true" if value == "t" else "false"
    return value if element == "J" else json.dumps(value, ensure_ascii=False)
