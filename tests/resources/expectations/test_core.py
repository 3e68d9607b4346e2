"""The list of core expectations: true to the installed release, and mistakes found without it."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from typing import Any

import pytest

from resources.expectations import Expectation, SuiteError
from resources.expectations.core import REFUSED, core
from tests.resources.expectations.cases import CASES


@pytest.mark.slow
def test_the_list_is_that_of_the_installed_release() -> None:
    """After an upgrade: write what is new into core.txt, with a case in cases.py."""
    from great_expectations.expectations.expectation import Expectation as Native
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    ours = {*Native.__fields__, "batch_id", "library_metadata"}
    for name in list_registered_expectation_implementations():
        if name in REFUSED:
            continue
        kind: Any = get_expectation_impl(name)
        given = {field: f for field, f in kind.__fields__.items() if field not in ours}
        assert name in core(), f"{name} is new: write it into resources/expectations/core.txt"
        assert set(core()[name].arguments) == set(given), name
        assert set(core()[name].required) == {field for field, f in given.items() if f.required}
    known = set(list_registered_expectation_implementations())
    assert set(core()) | set(REFUSED) == known, "these are gone: take them out of core.txt"


def test_every_expectation_has_a_case() -> None:
    """So that none is offered that was never tried."""
    assert set(CASES) == set(core())


def test_declaring_an_expectation_imports_nothing_heavy() -> None:
    """Airflow reads declarations again for every task."""
    script = (
        "import sys\nfrom assets import Expectation\n"
        "Expectation('expect_column_to_exist', {'column': 'a'})\n"
        "heavy = {'great_expectations', 'duckdb', 'pandas', 'pyarrow', 'sqlalchemy', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("expect_column_to_exit", {"column": "a"}, "did you mean 'expect_column_to_exist'"),
        ("expect_column_to_exist", {"colum": "a"}, "no argument 'colum'; did you mean 'column'"),
        ("expect_column_to_exist", {}, "lacks the argument 'column'"),
        ("expect_column_to_exist", {"column": 1}, "column is 1, which is not a text"),
        (
            "expect_column_values_to_be_unique",
            {"column": "a", "mostly": 99},
            "a share from 0 to 1, such as 0.99",
        ),
        (
            "expect_column_values_to_be_in_set",
            {"column": "a", "value_set": "abc"},
            "which is not a list",
        ),
        ("expect_column_values_to_be_between", {"column": "a", "strict_min": 1}, "true or false"),
        (
            "expect_column_values_to_match_regex",
            {"column": "a", "regex": r"(?<=x)y"},
            r"uses '\(\?<='. Say it without look-around",
        ),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": r"(a)\1"}, "back-ref"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": "(a"}, "not a regular"),
        (
            "expect_column_values_to_be_json_parseable",
            {"column": "a"},
            r"in SQL. Write it as unexpected_rows_expectation.*json_valid",
        ),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT 1"}, "read {batch}"),
    ],
)
def test_a_mistake_is_a_sentence(name: str, arguments: dict[str, Any], said: str) -> None:
    """With the nearest right word, or what does instead."""
    with pytest.raises(SuiteError, match=said):
        Expectation(name, arguments)


def test_a_wrong_severity_is_named() -> None:
    with pytest.raises(SuiteError, match="did you mean 'critical'"):
        Expectation("expect_column_to_exist", {"column": "a"}, severity="critcal")


def test_regular_expressions_that_only_re2_knows_are_left_to_it() -> None:
    for regex in (r"\pL+", r"a(?i)b", r"\d+\z", r"\\1"):
        Expectation("expect_column_values_to_match_regex", {"column": "a", "regex": regex})


@pytest.mark.parametrize("value", ["x", [], {}, True, float("nan"), None, "5"])
def test_a_bound_is_a_number_or_a_date(value: Any) -> None:
    with pytest.raises(SuiteError, match="not a number or a date|no bound"):
        Expectation("expect_column_values_to_be_between", {"column": "a", "max_value": value})


@pytest.mark.parametrize("value", [5, 0.5, "2020-01-01", "2020-01-01T10:00", date(2020, 1, 1)])
def test_a_bound_may_be_a_date_as_text(value: Any) -> None:
    Expectation("expect_column_max_to_be_between", {"column": "a", "max_value": value})


def test_a_quotation_mark_in_a_columns_name_is_told_where_it_cannot_be() -> None:
    arguments = {"column": 'a"b', "max_value": 5}
    with pytest.raises(SuiteError, match="with a quotation mark in its name"):
        Expectation("expect_column_value_lengths_to_be_between", arguments)
    Expectation("expect_column_values_to_be_between", arguments)


def test_a_count_is_a_whole_number() -> None:
    for name, field in (
        ("expect_column_value_lengths_to_be_between", "max_value"),
        ("expect_column_value_lengths_to_equal", "value"),
    ):
        odd: tuple[Any, ...] = (1.5, "x", "2020-01-01", [])
        for value in odd:
            with pytest.raises(SuiteError, match="not a whole number"):
                Expectation(name, {"column": "a", field: value})
