"""Great Expectations' core expectations: names, arguments, and which of them run on DuckDB.

Kept as a list, because importing Great Expectations takes seconds and a wrong name should be found
when the project is planned. A test compares the list with the installed release.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from resources.errors import did_you_mean

_LIST: Final = Path(__file__).with_name("core.txt")
"""One a line: its name, what it is about (row: each row is right or wrong; query: as row, but the
rows come from a query), and its arguments, `!` where they must be given."""
_ROWS: Final = {
    "expect_column_values_to_be_dateutil_parseable": "WHERE c IS NOT NULL "
    "AND try_cast(c AS TIMESTAMP) IS NULL",
    "expect_column_values_to_be_decreasing": "QUALIFY c > lag(c) OVER (ORDER BY id)",
    "expect_column_values_to_be_increasing": "QUALIFY c < lag(c) OVER (ORDER BY id)",
    "expect_column_values_to_be_json_parseable": "WHERE NOT json_valid(c)",
    "expect_column_values_to_match_json_schema": "WHERE json_type(c) <> 'OBJECT'",
    "expect_column_values_to_match_strftime_format": "WHERE c IS NOT NULL "
    "AND try_strptime(c, '%Y-%m-%d') IS NULL",
}
_TWO_TABLES: Final = "compare in the asset's own function, where both tables are at hand"
REFUSED: Final = {
    name: "write it as unexpected_rows_expectation, unexpected_rows_query: "  # noqa: S608
    f"SELECT * FROM {{batch}} {rows}"
    for name, rows in _ROWS.items()
} | {
    "expect_query_results_to_match_comparison": _TWO_TABLES,
    "expect_table_row_count_to_equal_other_table": _TWO_TABLES,
}
"""What Great Expectations cannot compute in SQL on one table, and what does instead."""
_KINDS: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "text": ((str,), "a text"),
    "number": ((int, float), "a number"),
    "count": ((int,), "a whole number"),
    "flag": ((bool,), "true or false"),
    "list": ((list, tuple), "a list"),
    "fields": ((dict,), "fields with values"),
}
_ARGUMENTS: Final = {
    "text": "column column_A column_B type_ regex like_pattern escape match_on method "
    "ignore_row_if unexpected_rows_query condition_parser",
    "number": "threshold multiplier sum_total mostly internal_weight_holdout tail_weight_holdout",
    "count": "column_index",
    "flag": "strict_min strict_max or_equal double_sided ties_okay exact_match bucketize_data "
    "allow_relative_error",
    "list": "value_set value_pairs_set column_list column_set type_list regex_list "
    "like_pattern_list",
    "fields": "quantile_ranges partition_object",
}
_CHOICES: Final = {"match_on": ("any", "all"), "method": ("iqr", "std")}
_OF_TEXTS: Final = ("column_list", "type_list", "like_pattern_list")
_BOUNDS: Final = ("min_value", "max_value")
_WHOLE: Final = (
    "expect_column_unique_value_count_to_be_between",
    "expect_column_value_lengths_to_be_between",
    "expect_table_column_count_to_be_between",
    "expect_table_column_count_to_equal",
    "expect_table_row_count_to_be_between",
    "expect_table_row_count_to_equal",
    "expect_column_value_lengths_to_equal",
)
"""Whose bounds, or whose value, are a count."""
_SHARES: Final = (
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_proportion_of_unique_values_to_be_between",
    "expect_column_stdev_to_be_between",
)
"""Whose bounds are numbers, never dates."""
_UNQUOTED: Final = {
    "expect_column_value_lengths_to_be_between": "length(c) NOT BETWEEN 1 AND 9",
    "expect_column_value_lengths_to_equal": "length(c) <> 9",
    "expect_column_value_z_scores_to_be_less_than": "abs(c) > 9",
    "expect_column_values_to_not_be_outliers": "abs(c) > 9",
}
"""Great Expectations cannot name a column with a quotation mark in these; what can instead."""
_KIND_OF: Final = {name: kind for kind, names in _ARGUMENTS.items() for name in names.split()}
_NOT_RE2: Final = re.compile(r"\(\?(?:[=!>]|<[=!]|P=|P>|\()|(?<!\\)(?:\\\\)*\\[1-9Z]")
_UNFINISHED: Final = (
    "missing )",
    "unbalanced",
    "unterminated",
    "nothing to repeat",
    "bad escape (end",
)


@dataclass(frozen=True, slots=True)
class Core:
    """One core expectation. level: row, query, column or table; required: of its arguments."""

    name: str
    level: str
    arguments: tuple[str, ...]
    required: tuple[str, ...]


class Problem(NamedTuple):
    """What is wrong with an expectation: the argument ("" = its name), the problem, the fix."""

    argument: str
    problem: str
    fix: str


@cache
def core() -> dict[str, Core]:
    """Give the core expectations that can be used, by name."""
    found = {}
    for line in _LIST.read_text(encoding="ascii").splitlines():
        head, _, arguments = line.partition(":")
        name, level = head.split()
        names = arguments.split()
        if "row_condition" in names:
            names.append("condition_parser")
        found[name] = Core(
            name,
            level,
            tuple(one.rstrip("!") for one in names),
            tuple(one.rstrip("!") for one in names if one.endswith("!")),
        )
    return found


def is_row_level(name: str) -> bool:
    """Tell whether each row is right or wrong by this expectation."""
    return core()[name].level in ("row", "query")


def problem_of(name: str, arguments: Mapping[str, Any], severity: str) -> Problem | None:
    """Say what is wrong with an expectation as written; None where nothing is."""
    if name in REFUSED:
        return Problem("", f"{name} cannot be computed on a whole table in SQL", REFUSED[name])
    one = core().get(name)
    if one is None:
        near = did_you_mean(name, core())
        return Problem("", f"there is no expectation {name!r}{near}", "use one of docs/quality.md")
    if severity not in ("critical", "warning", "info"):
        near = did_you_mean(severity, ("critical", "warning", "info"))
        return Problem("severity", f"{severity!r} is no severity{near}", "use critical or warning")
    for argument in arguments:
        if argument not in one.arguments:
            near = did_you_mean(str(argument), one.arguments)
            return Problem(
                str(argument),
                f"{name} has no argument {argument!r}{near}",
                f"it has {', '.join(one.arguments) or 'none'}",
            )
    for argument in one.required:
        if arguments.get(argument) is None:
            return Problem("", f"{name} lacks the argument {argument!r}", "write it")
    for argument, value in arguments.items():
        wrong = _wrong_value(argument, value) or _wrong_bound(name, argument, value)
        if wrong is not None:
            return Problem(argument, *wrong)
    return _unnamed(name, arguments) or _unbound(one, arguments)


def _unnamed(name: str, arguments: Mapping[str, Any]) -> Problem | None:
    """Say that Great Expectations cannot name the column."""
    if name in _UNQUOTED and '"' in str(arguments.get("column")):
        rows = f"SELECT * FROM {{batch}} WHERE {_UNQUOTED[name]}"  # noqa: S608 - an example
        return Problem(
            "column",
            f"{name} cannot be computed of a column with a quotation mark in its name",
            f"rename it, or write unexpected_rows_expectation, unexpected_rows_query: {rows}",
        )
    return None


def _unbound(one: Core, arguments: Mapping[str, Any]) -> Problem | None:
    """Say that both bounds are missing where every row is held to them."""
    bounded = one.level == "row" and _BOUNDS[0] in one.arguments
    if not bounded or any(arguments.get(bound) is not None for bound in _BOUNDS):
        return None
    given = next((bound for bound in _BOUNDS if bound in arguments), "")
    return Problem(given, f"{one.name} has no bound", "write min_value, max_value or both")


def _wrong_bound(name: str, argument: str, value: Any) -> tuple[str, str] | None:
    """Say what is wrong with a bound, or with the count that something is to equal."""
    if value is None or argument not in (*_BOUNDS, "value"):
        return None
    whole, number = name in _WHOLE, _is_one(value, (int, float))
    if number and not math.isnan(value) and not (whole and value % 1):
        return None
    if whole or name in _SHARES:
        said = "a whole number" if whole else "a number"
    elif isinstance(value, date) or (isinstance(value, str) and _is_date(value)):
        return None
    else:
        said = "a number or a date"
    return f"{argument} is {value!r}, which is not {said}", f"write {said}"


def _is_date(text: str) -> bool:
    """Tell whether a text is a date or a time."""
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def _wrong_value(argument: str, value: Any) -> tuple[str, str] | None:
    """Say what is wrong with an argument's value, and what to do."""
    if value is None:
        return None
    types, said = _KINDS.get(_KIND_OF.get(argument, ""), ((object,), ""))
    if not _is_one(value, types):
        return f"{argument} is {value!r}, which is not {said}", f"write {said}"
    if argument == "mostly" and not 0 <= value <= 1:
        return f"mostly is {value!r}", "write a share from 0 to 1, such as 0.99"
    if argument == "unexpected_rows_query" and "{batch}" not in value:
        return "the query does not read {batch}", "write: SELECT * FROM {batch} WHERE ..."
    for pattern in [value] if argument == "regex" else value if argument == "regex_list" else ():
        if (wrong := _wrong_regex(pattern)) is not None:
            return wrong
    return _wrong_items(argument, value)


def _wrong_items(argument: str, value: Any) -> tuple[str, str] | None:
    """Say what is wrong with one of a few words, or with the items of a list."""
    if argument in _CHOICES and value not in _CHOICES[argument]:
        ways = " or ".join(_CHOICES[argument])
        return f"{argument} is {value!r}{did_you_mean(value, _CHOICES[argument])}", f"write {ways}"
    if argument in _OF_TEXTS and not all(isinstance(one, str) for one in value):
        return f"{argument} is {value!r}, which is not a list of texts", "put each in quotes"
    if argument == "value_pairs_set" and not all(
        isinstance(one, list | tuple) and len(one) == 2 for one in value
    ):
        return f"{argument} is {value!r}, which is no list of pairs", "write [[a, b], [c, d]]"
    return None


def _is_one(value: object, types: tuple[type, ...]) -> bool:
    """Tell whether a value is of one of the types; true and false are no numbers."""
    if isinstance(value, bool):
        return bool in types or object in types
    return isinstance(value, types)


def _wrong_regex(pattern: Any) -> tuple[str, str] | None:
    """Say what is wrong with a regular expression for DuckDB, whose engine is RE2."""
    if not isinstance(pattern, str):
        return f"{pattern!r} is not a text", "write the regular expression in quotes"
    if (found := _NOT_RE2.search(pattern)) is not None:
        return (
            f"the regular expression {pattern!r} uses {found[0]!r}",
            "say it without look-around, back-references and atomic groups: DuckDB has none (RE2)",
        )
    try:
        re.compile(pattern)
    except re.error as error:
        if error.msg.startswith(_UNFINISHED):  # what else Python does not know, RE2 may
            return f"{pattern!r} is not a regular expression ({error})", "correct it"
    return None
