"""A schema proposed from a sample: types, missing values, an id, few different values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from resources.columns import Column
from resources.values.proposing import looks_like

if TYPE_CHECKING:
    import pyarrow as pa

_ID: Final = re.compile(
    r"(?i)(^|[_ .-])(id|no|key|code|uuid)$|^(id|no|uuid)[_ .-]|[a-z]Id$|(번호|코드|아이디)$"
)
_DATE: Final = re.compile(r"\s*\d{1,4}\s?[-./년]\s?\d{1,2}\s?[-./월]\s?\d{1,4}(?!\d|\.\d+\.)")
_LOOKED: Final = 200
_FEW: Final = 12
_OFTEN: Final = 5
_LONGEST: Final = 24


@dataclass(frozen=True, slots=True)
class Proposed:
    """A column as it looks. values: the few different ones there are, a hint and no more.

    note: what else its values may be, or what was assumed of them ("" = nothing).
    """

    column: Column
    values: tuple[str | int, ...] = ()
    note: str = ""


def propose(rows: pa.Table) -> list[Proposed]:
    """Propose a schema; a column of a type that cannot be declared has the type ""."""
    found = [_column(rows, name) for name in rows.column_names]
    unique = _identifying(rows, [one.column for one in found])
    return [
        Proposed(_as_unique(one.column), ()) if one.column.name == unique else one for one in found
    ]


def text_column(rows: pa.Table, proposed: Sequence[Proposed]) -> str:
    """Give the column that looks like free text, "" where none does."""
    import pyarrow.compute as pc

    longest, name = 12.0, ""
    for one in proposed:
        if one.column.is_text and not one.values:
            mean = pc.mean(pc.utf8_length(rows.column(one.column.name))).as_py() or 0.0
            if mean > longest:
                longest, name = mean, one.column.name
    return name


def date_column(rows: pa.Table, proposed: Sequence[Proposed], *, but: Sequence[str] = ()) -> str:
    """Give the first column whose values look like dates, "" where none does."""
    for one in proposed:
        name, kind = one.column.name, one.column.type
        if name in but:
            continue
        if kind == "date" or kind.startswith("timestamp"):
            return name
        if kind == "string":
            values = rows.column(name).slice(0, _LOOKED).drop_null().to_pylist()
            if values and all(map(_DATE.match, values)):
                return name
    return ""


def is_iso(rows: pa.Table, name: str) -> bool:
    """Tell whether a column's times are written as ISO 8601, and need no format."""
    return all(map(is_time, map(str, rows.column(name).drop_null().to_pylist())))


def is_time(text: str, form: str = "") -> bool:
    """Tell whether a time is written in a form, or as ISO 8601."""
    try:
        if form:
            datetime.strptime(text, form)  # noqa: DTZ007 - nothing is done with it
        else:
            datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def id_column(proposed: Sequence[Proposed]) -> str:
    """Give the column that looks like the id of a row, "" where none does."""
    return next((one.column.name for one in proposed if one.column.unique), "")


def _as_unique(column: Column) -> Column:
    """Say of a column that no two rows share a value."""
    return Column(column.name, column.type, nullable=False, unique=True)


def _column(rows: pa.Table, name: str) -> Proposed:
    """Look at one column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = rows.column(name)
    kind = _type(values.type)
    column = Column(name, kind, nullable=values.null_count > 0 or not len(values))
    note = ""
    if kind == "string":
        looks = looks_like(values.drop_null().to_pylist())
        note = looks.note
        if looks.type:
            gaps = column.nullable or bool(looks.written and looks.written.missing)
            return Proposed(Column(name, looks.type, gaps, written=looks.written), note=note)
    if kind not in ("string", "int64"):
        return Proposed(column)
    few = pc.unique(values.drop_null()) if len(values) else pa.array([])
    if not 2 <= len(few) <= _FEW or len(values) < _OFTEN * len(few):
        return Proposed(column, note=note)
    known = tuple(sorted(few.to_pylist()))
    if any(len(str(one)) > _LONGEST for one in known):
        return Proposed(column, note=note)
    return Proposed(column, known, note)


def _type(kind: pa.DataType) -> str:
    """Give the column type that keeps an Arrow type's values, "" where there is none."""
    from pyarrow import types

    for fits, name in (
        (types.is_boolean, "bool"),
        (types.is_uint64, ""),
        (types.is_integer, "int64"),
        (types.is_floating, "float64"),
        (types.is_date, "date"),
        (types.is_string, "string"),
        (types.is_large_string, "string"),
        (types.is_null, "string"),
        (types.is_binary, "binary"),
    ):
        if fits(kind):
            return name
    if types.is_timestamp(kind):
        return "timestamp[ns]" if kind.unit == "ns" else "timestamp[us]"
    if types.is_decimal128(kind) and 0 <= kind.scale <= kind.precision:
        return f"decimal({kind.precision},{kind.scale})"
    return ""


def _identifying(rows: pa.Table, columns: list[Column]) -> str:
    """Give the column whose values tell rows apart: by its name, else a first one of numbers."""
    import pyarrow.compute as pc

    for column in columns:
        named = _ID.search(column.name) is not None
        first = column is columns[0] and column.type == "int64" and rows.num_rows >= _OFTEN
        if column.nullable or column.type not in ("string", "int64") or not (named or first):
            continue
        if pc.count_distinct(rows.column(column.name)).as_py() == rows.num_rows:
            return column.name
    return ""
