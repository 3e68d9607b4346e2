"""Expectations over several columns with a missing side: what pandas says holds in SQL, too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.expectations import Expectation
from resources.expectations.validation import Batch, validating

pytestmark = pytest.mark.slow

SIDES = [(2, 1), (1, 2), (1, 1), (None, 1), (1, None), (None, None), (None, 1)]
KINDS: dict[str, dict[int, Any]] = {
    "number": {1: 1.0, 2: 2.0},
    "integer": {1: 1, 2: 2},
    "text": {1: "a", 2: "나"},
    "time": {
        1: datetime.fromisoformat("2024-01-31T09:00"),
        2: datetime.fromisoformat("2024-02-01"),
    },
    "yes or no": {1: False, 2: True},
}
PAIR = {"column_A": "a", "column_B": "b"}
LISTED = {"column_list": ["a", "b"]}
PAIRS = ("both_values_are_missing", "either_value_is_missing", "neither")
LISTS = ("all_values_are_missing", "any_value_is_missing", "never")
CASES: list[tuple[str, dict[str, Any]]] = [
    *[("expect_column_pair_values_to_be_equal", {**PAIR, "ignore_row_if": i}) for i in PAIRS],
    *[
        ("expect_column_pair_values_a_to_be_greater_than_b",
         {**PAIR, "or_equal": equal, "ignore_row_if": i})
        for i in PAIRS
        for equal in (False, True)
    ],
    *[
        ("expect_column_pair_values_to_be_in_set",
         {**PAIR, "value_pairs_set": pairs, "ignore_row_if": i})
        for i in PAIRS
        for pairs in ([[2, 1], [1, 1]], [[None, 1], [1, None]], [[None, None]], [])
    ],
    *[
        (name, {**LISTED, **more, "ignore_row_if": i})
        for i in LISTS
        for name, more in (
            ("expect_multicolumn_sum_to_equal", {"sum_total": 3}),
            ("expect_select_column_values_to_be_unique_within_record", {}),
            ("expect_compound_columns_to_be_unique", {}),
        )
    ],
]  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Give a kind of value."""
    return str(request.param)


def _of(kind: str, numbers: Any) -> Any:
    """Give the values of a kind that stand for 1 and 2, in pairs."""
    return [tuple(KINDS[kind].get(number) for number in pair) for pair in numbers]


@pytest.fixture(scope="module")
def ours(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    """Give the pairs as staged rows."""
    folder = tmp_path_factory.mktemp("missing")
    a, b = zip(*_of(kind, SIDES), strict=True)
    pq.write_table(pa.table({"a": pa.array(a), "b": pa.array(b)}), folder / "rows.parquet")
    with validating([folder / "rows.parquet"], memory_mb=100, spill=folder / "spill") as batch:
        yield batch


@pytest.fixture(scope="module")
def theirs(kind: str) -> Any:
    """Give the pairs to Great Expectations' pandas engine.

    Whole numbers go to it as fractions: its comparisons end in an error where one is missing.
    """
    import great_expectations as gx

    rows = pd.DataFrame(_of("number" if kind == "integer" else kind, SIDES), columns=["a", "b"])
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("rows")
    whole = asset.add_batch_definition_whole_dataframe("rows")
    return whole.get_batch(batch_parameters={"dataframe": rows})


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_as_many_rows_are_unexpected_as_pandas_says(
    ours: Batch, theirs: Any, kind: str, name: str, arguments: dict[str, Any]
) -> None:
    import great_expectations.expectations as gxe

    if "value_pairs_set" in arguments:
        pairs = [list(pair) for pair in _of(kind, arguments["value_pairs_set"])]
        arguments = {**arguments, "value_pairs_set": pairs}
    found = ours.validate([Expectation(name, arguments)])[0]
    if name == "expect_multicolumn_sum_to_equal" and kind not in ("number", "integer"):
        assert "No function matches" in found.error, "only numbers have a sum"
        return
    told = theirs.validate(
        getattr(gxe, "".join(word.title() for word in name.split("_")))(**arguments)
    )
    assert found.error == ""
    assert found.rows == told.result["unexpected_count"]
    assert found.passed == told.success
