"""Expectations and suites: what is asked of a table, in Great Expectations' own names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resources.columns import Column
from resources.errors import DataOpsError, did_you_mean
from resources.expectations.core import core, is_row_level, problem_of

_COLUMNS = ("column", "column_A", "column_B")
_COLUMN_LISTS = ("column_list",)


class SuiteError(DataOpsError):
    """An expectation or a suite's file cannot be used."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation: Great Expectations' name of it, its arguments (`mostly` too), its severity.

    severity: `critical` blocks what does not meet it; `warning` and `info` publish it and say so.
    notes: for people. where: the file and line it is written on, where that is a suite's file.
    Raises SuiteError for a name, an argument or a value that cannot be meant.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    severity: str = "critical"
    notes: str = ""
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        wrong = problem_of(self.name, self.arguments, self.severity)
        if wrong is not None:
            raise SuiteError(wrong.problem, wrong.fix, expectation=self.name)

    @property
    def column(self) -> str:
        """Give the column it is about ("" = several, or the whole table)."""
        return str(self.arguments.get("column", ""))

    @property
    def columns(self) -> tuple[str, ...]:
        """Give all columns that it reads."""
        single = [self.arguments[name] for name in _COLUMNS if name in self.arguments]
        several = [one for name in _COLUMN_LISTS for one in self.arguments.get(name) or ()]
        return tuple(dict.fromkeys(str(one) for one in (*single, *several)))

    @property
    def blocks(self) -> bool:
        """Tell whether what does not meet it is not published."""
        return self.severity == "critical"

    @property
    def row_level(self) -> bool:
        """Tell whether each row is right or wrong by it."""
        return is_row_level(self.name)

    def fact(self) -> str:
        """Give all of it that decides a result, as one line."""
        text = json.dumps(named(self.arguments), ensure_ascii=False, sort_keys=True, default=str)
        return f"{self.severity} {text}"


def named(value: Any) -> Any:
    """Give a value whose fields all have texts as names: a file's may be numbers or dates."""
    if isinstance(value, Mapping):
        return {str(name): named(one) for name, one in value.items()}
    return [named(one) for one in value] if isinstance(value, list | tuple) else value


def facts_of(suite: Sequence[Expectation]) -> dict[str, str]:
    """Give a suite as flat facts, one an expectation: what may make an asset stale."""
    facts: dict[str, str] = {}
    for one in suite:
        about = ", ".join(one.columns) if "table" not in one.name else ""
        name = first = f"{one.name}({about})"
        count = 1
        while name in facts:
            count += 1
            name = f"{first} {count}"
        facts[name] = one.fact()
    return facts


def check_columns(key: str, suite: Sequence[Expectation], columns: Sequence[Column]) -> None:
    """Raise SuiteError for an expectation about a column that the schema does not have."""
    known = [column.name for column in columns]
    for one in suite:
        if one.name == "expect_column_to_exist" or core()[one.name].level == "table":
            continue
        for name in one.columns:
            if name not in known:
                place = f"{one.where}: " if one.where else ""
                raise SuiteError(
                    f"{place}{one.name} is about the column {name!r}, which {key} does not have"
                    f"{did_you_mean(name, known)}",
                    f"its columns are {', '.join(known)}",
                    asset=key,
                    column=name,
                )


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
