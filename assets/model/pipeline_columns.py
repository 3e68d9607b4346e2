"""The columns of a pipeline's file: `columns:`, as the schema that a class would be."""

from __future__ import annotations

import re
from dataclasses import fields as facts_of
from typing import Any, Final

from assets.schemas import RawText
from resources.columns import Column
from resources.document import Document
from resources.errors import did_you_mean
from resources.fields import flag, group, known, number, text
from resources.values.written import NotationError, Written, as_said, notation

FIELDS: Final = ("type", "optional", "unique", "allowed", "max_missing", "volatile", "written")
TYPES: Final = {
    "text": "string",
    "integer": "int64",
    "number": "float64",
    "boolean": "bool",
    "date": "date",
    "timestamp": "timestamp[us]",
    "timestamp with time zone": "timestamp[us,UTC]",
    "json": "json",
}
"""A file's words for types; beside them decimal(p,s), and the names that the catalog shows."""
_SAME: Final = (
    "string",
    "int32",
    "int64",
    "float64",
    "bool",
    "timestamp[us]",
    "timestamp[ns]",
    "timestamp[us,UTC]",
)
_DECIMAL: Final = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
_OF_VALUES: Final = {str: "text", int: "integer", float: "number", bool: "boolean"}


def read_columns(document: Document) -> tuple[Column, ...] | None:
    """Read `columns:`; with `texts:`, these replace columns of the raw schema by name.

    None where columns are left as they come.
    """
    values = document.values.get("columns")
    texts = document.values.get("texts") is not None
    default = _default(document, declared=values is not None and not texts)
    if values is None:
        return RawText.columns() if texts else None
    if not isinstance(values, dict) or not values:
        document.refuse("columns", "these are no columns", "write `name: type`, one a line")
    columns = tuple(_column(document.inside("columns"), name, default) for name in values)
    _distinct(document, columns)
    if not texts:
        return columns
    own = {column.name: column for column in columns}
    raw = RawText.columns()
    for name in own:
        names = [column.name for column in raw]
        if name not in names:
            document.refuse(
                f"columns.{name}",
                f"`texts:` hands over no such column{did_you_mean(name, names)}",
                f"its columns are {', '.join(names)}; all others are in metadata",
            )
    return tuple(own.get(column.name, column) for column in raw)


def _default(document: Document, *, declared: bool) -> Written | None:
    """Read how the source's values are written, unless a column says otherwise: `read.written`."""
    read = document.values.get("read")
    if not isinstance(read, dict) or read.get("written") is None:
        return None
    options = document.inside("read")
    if not declared:
        options.refuse(
            "written",
            "it says how declared columns are read, and there are none",
            "declare them under `columns:` (of `texts:` say time_format)",
        )
    return _written(options)


def _written(fields: Document) -> Written | None:
    """Read how values are written."""
    if fields.values.get("written") is None:
        return None
    inside = group(fields, "written", [one.name for one in facts_of(Written)])
    assert inside is not None  # noqa: S101 - looked at above
    try:
        return as_said(inside.values)
    except NotationError as error:
        inside.refuse(str(error.facts["option"]), error.problem, error.fix)


def _column(columns: Document, name: Any, default: Written | None) -> Column:
    """Read one column: a type, or its fields."""
    if not isinstance(name, str) or not name.strip():
        columns.refuse(str(name), f"{name!r} is no column's name", "put the name in quotes")
    value = columns.values[name]
    if not isinstance(value, str | dict):
        columns.refuse(name, f"{value!r} is no type", f"use {_ways()}")
    if isinstance(value, str):
        plain = _type(columns, name, value)
        return Column(name, plain, nullable=False, written=notation(plain, None, default))
    fields = columns.inside(name)
    if re.fullmatch(r"decimal\([^)]*", str(value.get("type"))):
        fields.refuse("type", "within { } a comma ends it", 'put it in quotes: "decimal(12,2)"')
    known(fields, FIELDS)
    allowed = _allowed(fields)
    given = text(fields, "type")
    if not given and not allowed:
        fields.refuse("type", "a column needs a type", f"use {_ways()}")
    kind = _type(fields, "type", given or _OF_VALUES[type(allowed[0])])
    _fit(fields, kind, allowed)
    own = _written(fields)
    try:
        written = notation(kind, own, default)
    except NotationError as error:
        fields.refuse("written", error.problem, error.fix)
    missing = fields.values.get("max_missing")
    if missing is not None and fields.values.get("optional") is False:
        fields.refuse("max_missing", "nothing may be missing here", "take `optional: false` out")
    return Column(
        name,
        kind,
        nullable=flag(fields, "optional", missing is not None),
        unique=flag(fields, "unique"),
        allowed=allowed,
        volatile=flag(fields, "volatile"),
        max_missing=None if missing is None else number(fields, "max_missing", 0, 0, 1),
        written=written,
    )


def _type(document: Document, where: str, word: str) -> str:
    """Give the column type of a file's word for it."""
    word = word.strip()
    if word in TYPES:
        return TYPES[word]
    if word in _SAME or word == "binary":
        return word
    decimal = _DECIMAL.fullmatch(word)
    digits, scale = (int(decimal[1]), int(decimal[2])) if decimal is not None else (0, 0)
    if not scale <= digits <= 38 or not digits:
        near = did_you_mean(word, [*TYPES, *_SAME])
        document.refuse(where, f"there is no type {word!r}{near}", f"use {_ways()}")
    return f"decimal({digits},{scale})"


def _ways() -> str:
    """Name the types."""
    return f"{', '.join(TYPES)} or decimal(12,2)"


def _allowed(fields: Document) -> tuple[Any, ...]:
    """Read the values that a column may have; all are of one type."""
    values = fields.values.get("allowed")
    if values is None:
        return ()
    if not isinstance(values, list) or not values:
        fields.refuse("allowed", f"{values!r} is no list of values", "write allowed: [a, b]")
    kinds = {type(value) for value in values}
    if len(kinds) > 1 or not kinds <= set(_OF_VALUES):
        fields.refuse(
            "allowed",
            "its values are not of one type",
            "write numbers, or put each in quotes (yes, no, on and off mean true and false)",
        )
    if any(not isinstance(v, str) and not abs(v) < 2**63 for v in values):
        fields.refuse("allowed", "a number does not fit", "leave it out")
    if len(set(values)) < len(values):
        fields.refuse("allowed", "a value is written twice", "keep one of them")
    return tuple(values)


def _fit(fields: Document, kind: str, allowed: tuple[Any, ...]) -> None:
    """Refuse allowed values that the type cannot have."""
    if not allowed:
        return
    fits = {
        str: kind == "string",
        int: kind in ("int32", "int64", "float64"),
        float: kind == "float64",
        bool: kind == "bool",
    }
    if isinstance(allowed[0], bool) and kind == "string":
        fields.refuse("allowed", "these mean true and false", "put each in quotes: 'yes', 'no'")
    if not fits[type(allowed[0])]:
        word = _OF_VALUES[type(allowed[0])]
        fields.refuse("allowed", f"these are values of type {word}", f"write `type: {word}`")


def _distinct(document: Document, columns: tuple[Column, ...]) -> None:
    """Refuse names that only capitals tell apart: SQL cannot."""
    seen: dict[str, str] = {}
    for column in columns:
        other = seen.setdefault(column.name.lower(), column.name)
        if other != column.name:
            document.refuse(
                f"columns.{column.name}",
                f"SQL cannot tell it from the column {other!r}",
                "rename one of them in the source",
            )
