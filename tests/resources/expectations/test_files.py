"""Suites as files: Great Expectations' shape, mistakes with file, line and field."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.columns import Column
from resources.expectations import Expectation, SuiteError, check_columns, facts_of
from resources.expectations.files import read_suite
from resources.expectations.suites import Suites

GOOD = """\
assets: [processed.reviews, processed.*_clean]
expectations:
  - type: expect_column_values_to_be_between
    kwargs: {column: rating, min_value: 1, max_value: 5}
    mostly: 0.99
    severity: warning
    notes: Stars.
  - type: expect_table_row_count_to_be_between
    kwargs:
      min_value: 10
"""


def write(root: Path, name: str, text: str) -> Path:
    """Write a suite's file."""
    path = root / "resources" / "expectations" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def test_a_file_holds_expectations_for_the_assets_it_names(tmp_path: Path) -> None:
    write(tmp_path, "stars.yaml", GOOD)
    suites = Suites(tmp_path, ["processed.reviews", "processed.x_clean", "raw.reviews"])
    between, count = suites.of("processed.x_clean")
    assert between == Expectation(
        "expect_column_values_to_be_between",
        {"column": "rating", "min_value": 1, "max_value": 5, "mostly": 0.99},
        "warning",
        "Stars.",
    )
    assert between.where == "resources/expectations/stars.yaml, line 3"
    assert count.blocks
    assert suites.of("raw.reviews") == ()
    assert [e.name for e in suites.of("raw.reviews", ["stars", count])] == [
        count.name,
        between.name,
    ]


def test_a_suite_that_great_expectations_saved_is_one(tmp_path: Path) -> None:
    saved = {
        "name": "saved",
        "expectations": [
            {
                "type": "expect_column_to_exist",
                "kwargs": {"column": "id"},
                "meta": {},
                "id": "1b",
                "severity": "critical",
            }
        ],
        "meta": {"great_expectations_version": "1.24.1"},
        "notes": None,
    }
    write(tmp_path, "saved.json", json.dumps(saved))
    (one,) = Suites(tmp_path).of("raw.x", ["saved"])
    assert one.arguments == {"column": "id"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "be_between\n    kwargs: {c",
            "be_betwen\n    kwargs: {c",
            r"line 3, field 'expectations\[1\].type': .* did you mean",
        ),
        ("column: rating", "colum: rating", r"line 4, field 'expectations\[1\].kwargs.colum'"),
        ("mostly: 0.99", "mostly: 99", r"line 5, field 'expectations\[1\].mostly': mostly is 99"),
        ("severity: warning", "severity: warn", r"line 6, .*did you mean 'warning'"),
        ("min_value: 10", "min_value: 10\n      min_value: 3", r"line 11, .* written twice"),
        ("min_value: 10", "minimum: 10", r"line 10, field 'expectations\[2\].kwargs.minimum'"),
        ("assets:", "asets:", r"line 1, field 'asets': there is no field 'asets'; did you mean"),
        ("processed.reviews", "reviews", r"'reviews' is not a key or pattern"),
        ("- type", "- typ", r"line 3, field 'expectations\[1\]': this is not an expectation"),
        ("kwargs:\n", "kwargs: [\n", "this is not YAML"),
    ],
)
def test_a_mistake_names_file_line_and_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    """And stops the assets that the suite is about; others go on."""
    assert old in GOOD
    write(tmp_path, "stars.yaml", GOOD.replace(old, new, 1))
    suites = Suites(tmp_path, ["processed.reviews", "processed.x_clean", "raw.reviews"])
    with pytest.raises(SuiteError, match=said) as caught:
        suites.of("processed.x_clean")
    assert str(caught.value).startswith("resources/expectations/stars.yaml, line ")
    assert suites.of("raw.reviews") == ()


def test_a_suite_about_an_asset_that_is_not_there_stops_the_one_that_was_meant(
    tmp_path: Path,
) -> None:
    """Its checks would be missing otherwise. Where none is near, `plan` warns."""
    write(tmp_path, "stars.yaml", GOOD.replace("processed.reviews", "processed.reveiws"))
    suites = Suites(tmp_path, ["processed.reviews"])
    with pytest.raises(SuiteError, match="no asset is called 'processed.reveiws'; did you mean"):
        suites.of("processed.reviews")
    assert suites.stray() == []
    (said,) = Suites(tmp_path, ["raw.other"]).stray()
    assert "no asset is called 'processed.reveiws'" in said


def test_a_name_that_is_no_suite_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "stars.yaml", GOOD)
    with pytest.raises(SuiteError, match="names the suite 'star', .* did you mean 'stars'"):
        Suites(tmp_path).of("raw.x", ["star"])


def test_a_column_that_the_schema_lacks_is_found_without_data(tmp_path: Path) -> None:
    write(tmp_path, "stars.yaml", GOOD)
    suite = Suites(tmp_path).of("processed.reviews")
    with pytest.raises(
        SuiteError, match=r"stars.yaml, line 3: .* 'rating', .* did you mean 'ratings'"
    ):
        check_columns("processed.reviews", suite, [Column("ratings", "int64")])


def test_notes_and_order_are_no_facts(tmp_path: Path) -> None:
    """Content is what can change a result; the same expectation twice keeps both."""
    write(tmp_path, "stars.yaml", GOOD)
    suite = Suites(tmp_path).of("processed.reviews")
    write(tmp_path, "stars.yaml", GOOD.replace("Stars.", "More about stars."))
    assert facts_of(Suites(tmp_path).of("processed.reviews")) == facts_of(suite)
    assert list(facts_of(suite)) == [
        "expect_column_values_to_be_between(rating)",
        "expect_table_row_count_to_be_between()",
    ]
    other = Expectation(suite[0].name, {**suite[0].arguments, "min_value": 0})
    assert list(facts_of([suite[0], other]))[1] == "expect_column_values_to_be_between(rating) 2"


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """Whatever is in it: a suite, or a problem that names the file."""
    path = tmp_path_factory.mktemp("suite") / "x.yaml"
    path.write_bytes(raw)
    suite = read_suite(path, path.parent)
    assert suite.problem is None or str(suite.problem).startswith("x.yaml, line ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(
                    ["expect_column_to_exist", "expect_column_values_to_be_in_set", "x"]
                )
            },
            optional={"kwargs": JSON, "mostly": JSON, "severity": JSON, "notes": JSON},
        ),
        max_size=3,
    )
)
def test_no_expectation_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, items: list[object]
) -> None:
    path = tmp_path_factory.mktemp("suite") / "x.json"
    path.write_text(json.dumps({"asset": "raw.x", "expectations": items}))
    suite = read_suite(path, path.parent)
    assert suite.problem is None or str(suite.problem).startswith("x.json, line ")
    assert suite.problem is None or suite.assets == ("raw.x",)


ODD = [
    "5", "true", ".nan", "[]", "{}", "[5]", "{a: 5}", "[[1]]", "{5: {2020-01-01: x, b: y}}", "x",
    '""', "2020-01-01", "~", "!!int x", "!!bool x", "!!timestamp x", "&a [*a]",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "text",
    [
        "asset: {}\nexpectations: [{type: expect_column_to_exist, kwargs: {column: a}}]",
        "assets: {}\nexpectations: [{type: expect_column_to_exist, kwargs: {column: a}}]",
        "notes: {}\nexpectations: [{type: expect_column_to_exist, kwargs: {column: a}}]",
        "asset: raw.a\nexpectations: {}",
        "asset: raw.a\nexpectations: [{}]",
        *(
            "asset: raw.a\nexpectations:\n- type: expect_column_values_to_be_in_set\n"
            f"  kwargs: {{{{column: a, value_set: [1]}}}}\n  {field}: {{}}"
            for field in ("mostly", "severity", "notes", "meta", "id")
        ),
        "asset: raw.a\nexpectations: [{type: expect_column_values_to_be_unique, kwargs: {}}]",
        "asset: raw.a\nexpectations: [{type: {}, kwargs: {column: a}}]",
        *(
            f"asset: raw.a\nexpectations:\n- type: {name}\n  kwargs: {{{{column: a, {field}: {{}}}}}}"
            for name, field in (
                ("expect_column_values_to_be_between", "max_value"),
                ("expect_column_values_to_be_in_set", "value_set"),
                ("expect_column_kl_divergence_to_be_less_than", "partition_object"),
                ("expect_column_values_to_match_regex_list", "regex_list"),
                ("expect_column_values_to_match_regex", "row_condition"),
            )
        ),
        (
            "asset: raw.a\nexpectations:\n"
            "- {type: expect_compound_columns_to_be_unique, kwargs: {column_list: {}}}"
        ),
    ],
)
def test_a_value_of_any_kind_is_meant_or_refused(tmp_path: Path, text: str, odd: str) -> None:
    """It never stops the project: what is wrong is the suite's problem."""
    suite = read_suite(write(tmp_path, "odd.yaml", text.replace("{}", odd)), tmp_path)
    facts_of(suite.expectations)
    assert suite.problem is None or "resources/expectations/odd.yaml, line" in str(suite.problem)


def test_notes_are_text(tmp_path: Path) -> None:
    text = "asset: raw.a\nexpectations:\n- type: expect_column_to_exist\n  kwargs: {column: a}\n"
    suite = read_suite(write(tmp_path, "odd.yaml", text + "  notes: 5\n"), tmp_path)
    assert suite.assets == ("raw.a",)
    assert "line 5, field 'expectations[1].notes': 5 is not text" in str(suite.problem)
