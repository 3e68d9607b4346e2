"""Suites: what a schema promises, in Great Expectations' own names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from resources.columns import Column


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation: Great Expectations' name of it, its arguments, critical or warning."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    severity: str = "critical"


def suite_of(columns: Sequence[Column]) -> list[Expectation]:
    """Give what a schema promises of a table."""
    names = [column.name for column in columns]
    suite = [Expectation("expect_table_columns_to_match_ordered_list", {"column_list": names})]
    for column in columns:
        about = {"column": column.name}
        if not column.nullable:
            suite.append(Expectation("expect_column_values_to_not_be_null", about))
        elif column.max_missing is not None:
            mostly = {**about, "mostly": 1 - column.max_missing}
            suite.append(Expectation("expect_column_values_to_not_be_null", mostly, "warning"))
        if column.unique:
            suite.append(Expectation("expect_column_values_to_be_unique", about))
        if column.allowed:
            allowed = {**about, "value_set": list(column.allowed)}
            suite.append(Expectation("expect_column_values_to_be_in_set", allowed))
    return suite
