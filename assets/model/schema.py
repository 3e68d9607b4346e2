"""Schema classes: one class says types, nulls, allowed values, uniqueness and display names."""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from assets.model.errors import DeclarationError
from resources.columns import Column
from resources.values.written import NotationError, Written, notation


class _Mark(Enum):
    """Markers that stand in `Annotated[...]`."""

    UNIQUE = "unique"
    VOLATILE = "volatile"


Unique: Final = _Mark.UNIQUE
"""No two rows share this value; identical rows count as duplicates and one of them stays."""
Volatile: Final = _Mark.VOLATILE
"""This column is not content: a new value alone does not make a new data version."""


@dataclass(frozen=True, slots=True)
class Name:
    """The column's real name, where Python cannot spell it: `Annotated[str, Name("리뷰 내용")]`."""

    text: str


@dataclass(frozen=True, slots=True)
class MaxMissing:
    """Warn when more than this share (0..1) of the values is missing."""

    share: float


@dataclass(frozen=True, slots=True)
class Precision:
    """Digits of a decimal, in all and after the point: `Annotated[Decimal, Precision(12, 2)]`."""

    digits: int
    scale: int


@dataclass(frozen=True, slots=True)
class _Type:
    """A column type that Python has no own type for."""

    name: str


Int32 = Annotated[int, _Type("int32")]
"""A 32-bit integer."""
TimestampNs = Annotated[datetime, _Type("timestamp[ns]")]
"""A UTC time to the nanosecond."""
TimestampTz = Annotated[datetime, _Type("timestamp[us,UTC]")]
"""A moment: a time with its zone, kept as UTC; a text without a zone is none."""
Json = Annotated[str, _Type("json")]
"""A JSON document as text."""

_TYPES: Final = {
    str: "string",
    int: "int64",
    float: "float64",
    bool: "bool",
    date: "date",
    datetime: "timestamp[us]",
    bytes: "binary",
}


class Schema:
    """Base of schema classes: each annotated attribute is a column, in order.

    class Review(Schema):
        id: Annotated[int, Unique]
        stars: Literal[1, 2, 3, 4, 5] | None
        text: Annotated[str, Name("리뷰 내용")]
    """

    _columns: ClassVar[tuple[Column, ...] | None] = None
    _written: ClassVar[Written | None] = None

    def __init_subclass__(cls, written: Written | None = None) -> None:
        """Take how values are written, unless a column says otherwise: `(Schema, written=...)`."""
        super().__init_subclass__()
        if written is not None:
            if not isinstance(written, Written):
                raise DeclarationError(
                    f"the schema {cls.__name__} has written={written!r}",
                    "write written=Written(decimal=',', thousands='.', dates='dmy')",
                    schema=cls.__name__,
                )
            cls._written = written.over(cls._written)

    @classmethod
    def columns(cls) -> tuple[Column, ...]:
        """Compile the class to columns; raises DeclarationError naming class and attribute."""
        if "_columns" not in cls.__dict__ or cls._columns is None:
            cls._columns = tuple(_compile(cls))
        return cls._columns


def _compile(cls: type[Schema]) -> list[Column]:
    """Read the annotations of a schema class."""
    try:
        hints = get_type_hints(cls, include_extras=True)
    except (NameError, TypeError, SyntaxError) as error:
        raise DeclarationError(
            f"the schema {cls.__name__} cannot be read: {error}",
            "import every name its annotations use at the top of the file",
            schema=cls.__name__,
        ) from error
    for own in ("_columns", "_written"):
        hints.pop(own, None)
    default = cls._written
    columns = [_column(cls.__name__, attribute, hint, default) for attribute, hint in hints.items()]
    seen: set[str] = set()
    for column in columns:
        if column.name.lower() in seen:
            raise DeclarationError(
                f"the schema {cls.__name__} has two columns called {column.name!r} "
                "(capitals do not tell columns apart in SQL)",
                "rename one of them",
                schema=cls.__name__,
                column=column.name,
            )
        seen.add(column.name.lower())
    if not columns:
        raise DeclarationError(
            f"the schema {cls.__name__} has no columns", "give it at least one", schema=cls.__name__
        )
    return columns


def _column(schema: str, attribute: str, hint: Any, default: Written | None) -> Column:
    """Read one annotation."""
    marks: list[Any] = []
    nullable = False
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            marks = [*hint.__metadata__, *marks]
            hint = hint.__origin__
        elif origin in (Union, types.UnionType):
            rest = [a for a in get_args(hint) if a is not type(None)]
            if len(rest) != 1:
                raise _bad(schema, attribute, hint)
            nullable = nullable or len(rest) < len(get_args(hint))
            hint = rest[0]
        else:
            break
    allowed: tuple[Any, ...] = ()
    if get_origin(hint) is Literal:
        allowed = get_args(hint)
        if len({type(value) for value in allowed}) != 1:
            raise _bad(schema, attribute, hint)
        hint = type(allowed[0])
    kind = _type_name(schema, attribute, hint, marks)
    own = next((mark for mark in reversed(marks) if isinstance(mark, Written)), None)
    return Column(
        name=next((m.text for m in marks if isinstance(m, Name)), attribute),
        type=kind,
        nullable=nullable,
        unique=_Mark.UNIQUE in marks,
        allowed=allowed,
        volatile=_Mark.VOLATILE in marks,
        max_missing=next((m.share for m in marks if isinstance(m, MaxMissing)), None),
        written=_notation(schema, attribute, kind, own, default),
    )


def _notation(
    schema: str, attribute: str, kind: str, own: Written | None, default: Written | None
) -> Written | None:
    """Give how a column's values are written; what says nothing about its type is a mistake."""
    try:
        return notation(kind, own, default)
    except NotationError as error:
        raise DeclarationError(
            f"the schema {schema} declares {attribute}: {error.problem}",
            error.fix,
            schema=schema,
            column=attribute,
        ) from error


def _type_name(schema: str, attribute: str, hint: Any, marks: list[Any]) -> str:
    """Give the column type of a Python type and its markers."""
    for mark in marks:
        if isinstance(mark, _Type):
            return mark.name
        if hint is Decimal and isinstance(mark, Precision):
            return f"decimal({mark.digits},{mark.scale})"
    if hint in _TYPES:
        return _TYPES[hint]
    raise _bad(schema, attribute, hint)


def _bad(schema: str, attribute: str, hint: Any) -> DeclarationError:
    """Say what a column may be."""
    shown = getattr(hint, "__name__", None) or str(hint)
    return DeclarationError(
        f"the schema {schema} declares {attribute} as {shown}, which is not a column type",
        "use str, int, float, bool, date, datetime, bytes, Literal[...], Int32, TimestampNs, "
        "TimestampTz, Json or Annotated[Decimal, Precision(12, 2)], with `| None` where values may "
        "be missing",
        schema=schema,
        column=attribute,
    )
