"""Schema classes: one class, all facts about the columns."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest

from assets import Int32, Json, MaxMissing, Name, Precision, Schema, TimestampNs, Unique, Volatile
from assets.model.errors import DeclarationError
from assets.schemas import ProcessedText, RawText
from resources.columns import Column, arrow_type, fingerprint, sql_type


class Everything(Schema):
    """All that a column may be."""

    id: Annotated[int, Unique]
    small: Int32 | None
    text: Annotated[str | None, MaxMissing(0.5), Name("리뷰 내용")]
    kind: Literal["a", "b"]
    stars: Literal[1, 2] | None
    share: float
    good: bool
    day: date
    moment: datetime
    exact: TimestampNs
    done: Annotated[TimestampNs, Volatile]
    price: Annotated[Decimal, Precision(12, 2)]
    more: Json | None
    blob: bytes


def test_a_class_compiles_to_columns() -> None:
    """Types, nulls, allowed values, uniqueness, names."""
    assert Everything.columns() == (
        Column("id", "int64", nullable=False, unique=True),
        Column("small", "int32"),
        Column("리뷰 내용", "string", max_missing=0.5),
        Column("kind", "string", nullable=False, allowed=("a", "b")),
        Column("stars", "int64", allowed=(1, 2)),
        Column("share", "float64", nullable=False),
        Column("good", "bool", nullable=False),
        Column("day", "date", nullable=False),
        Column("moment", "timestamp[us]", nullable=False),
        Column("exact", "timestamp[ns]", nullable=False),
        Column("done", "timestamp[ns]", nullable=False, volatile=True),
        Column("price", "decimal(12,2)", nullable=False),
        Column("more", "json"),
        Column("blob", "binary", nullable=False),
    )


def test_every_type_has_an_arrow_and_an_sql_form() -> None:
    """What can be declared can be stored."""
    import duckdb
    import pyarrow as pa

    for column in Everything.columns():
        empty = pa.table({"x": pa.array([], arrow_type(column))})
        described = duckdb.execute("describe from empty").fetchall()
        assert described[0][1] == sql_type(column)
        assert empty.num_rows == 0


def test_a_schema_inherits_its_base_first() -> None:
    """ProcessedText keeps RawText's columns apart; a subclass adds at the end."""

    class More(RawText):
        """One column more."""

        stars: int

    assert [c.name for c in More.columns()] == [*(c.name for c in RawText.columns()), "stars"]


def test_the_processed_schema_is_the_promised_one() -> None:
    """Nine columns, this order."""
    assert [(c.name, c.type) for c in ProcessedText.columns()] == [
        ("id", "int64"),
        ("source", "string"),
        ("raw_text", "string"),
        ("cleaned_text", "string"),
        ("llm_model", "string"),
        ("cleaning_task", "string"),
        ("created_at", "timestamp[ns]"),
        ("processed_at", "timestamp[ns]"),
        ("metadata", "json"),
    ]


def test_any_changed_rule_changes_the_fingerprint() -> None:
    """Name, type, nulls, uniqueness, allowed values."""
    base = Column("x", "string")
    others = [
        Column("y", "string"),
        Column("x", "int64"),
        Column("x", "string", nullable=False),
        Column("x", "string", unique=True),
        Column("x", "string", allowed=("a",)),
    ]
    assert len({fingerprint([c]) for c in (base, *others)}) == 6


def schema_of(annotations: dict[str, Any]) -> type[Schema]:
    """Make a schema class called Bad."""
    made: type[Schema] = type("Bad", (Schema,), {"__annotations__": annotations})
    return made


@pytest.mark.parametrize(
    "hint", [list[int], int | str, complex, Literal[1, "a"], Decimal, "Missing", None]
)
def test_what_is_no_column_type_is_refused(hint: Any) -> None:
    """With the schema's name and the attribute's."""
    bad = schema_of({"field": hint})
    with pytest.raises(DeclarationError, match="Bad"):
        bad.columns()


def test_names_that_only_capitals_tell_apart_are_refused() -> None:
    """SQL cannot tell them apart either."""
    bad = schema_of({"id": int, "ID": int})
    with pytest.raises(DeclarationError, match="capitals"):
        bad.columns()
