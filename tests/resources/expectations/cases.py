"""For each core expectation that runs on DuckDB: arguments that a table meets, and that it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROWS = 1000
COLUMNS = ["id", "rating", "text", "score", "day", "json", "double", "값 %1", 'a"b', "kind", "date"]
_RATING = {"column": "rating"}
_TEXT = {"column": "text"}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "expect_column_distinct_values_to_be_in_set": (
        {**_RATING, "value_set": [0, 1, 2, 3, 4, 5, 6]},
        {**_RATING, "value_set": [1]},
    ),
    "expect_column_distinct_values_to_contain_set": (
        {**_RATING, "value_set": [1]},
        {**_RATING, "value_set": [9]},
    ),
    "expect_column_distinct_values_to_equal_set": (
        {**_RATING, "value_set": [0, 1, 2, 3, 4, 5, 6]},
        {**_RATING, "value_set": [1]},
    ),
    "expect_column_kl_divergence_to_be_less_than": (
        {
            "column": "kind",
            "partition_object": {"values": ["가", "b%"], "weights": [0.5, 0.5]},
            "threshold": 0.1,
        },
        {
            "column": "kind",
            "partition_object": {"values": ["가", "b%"], "weights": [0.1, 0.9]},
            "threshold": 0.1,
        },
    ),
    "expect_column_max_to_be_between": (
        {**_RATING, "min_value": 1, "max_value": 6},
        {**_RATING, "max_value": 5},
    ),
    "expect_column_mean_to_be_between": (
        {**_RATING, "min_value": 1, "max_value": 6},
        {**_RATING, "max_value": 1},
    ),
    "expect_column_median_to_be_between": (
        {**_RATING, "min_value": 1, "max_value": 6},
        {**_RATING, "max_value": 1},
    ),
    "expect_column_min_to_be_between": (
        {**_RATING, "min_value": 0},
        {**_RATING, "min_value": 1},
    ),
    "expect_column_most_common_value_to_be_in_set": (
        {**_RATING, "value_set": [0, 1, 2, 3, 4, 5, 6], "ties_okay": True},
        {**_RATING, "value_set": [99]},
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A": "double", "column_B": "id", "or_equal": True},
        {"column_A": "id", "column_B": "double"},
    ),
    "expect_column_pair_values_to_be_equal": (
        {"column_A": "id", "column_B": "id"},
        {"column_A": "id", "column_B": "double"},
    ),
    "expect_column_pair_values_to_be_in_set": (
        {
            "column_A": "kind",
            "column_B": "date",
            "value_pairs_set": [["가", "2020-01-02"], ["b%", "2020-01-02"]],
        },
        {"column_A": "kind", "column_B": "date", "value_pairs_set": [["가", "2020-01-02"]]},
    ),
    "expect_column_proportion_of_non_null_values_to_be_between": (
        {**_TEXT, "min_value": 0.5},
        {**_TEXT, "min_value": 0.9},
    ),
    "expect_column_proportion_of_unique_values_to_be_between": (
        {"column": "id", "min_value": 0.9},
        {**_RATING, "min_value": 0.9},
    ),
    "expect_column_quantile_values_to_be_between": (
        {"column": "score", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 300]]}},
        {"column": "score", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 3]]}},
    ),
    "expect_column_stdev_to_be_between": (
        {**_RATING, "min_value": 1, "max_value": 6},
        {**_RATING, "max_value": 1},
    ),
    "expect_column_sum_to_be_between": ({**_RATING, "min_value": 1}, {**_RATING, "max_value": 1}),
    "expect_column_to_exist": (_RATING, {"column": "nope"}),
    "expect_column_type_to_be": ({**_RATING, "type_": "BIGINT"}, {**_RATING, "type_": "VARCHAR"}),
    "expect_column_unique_value_count_to_be_between": (
        {**_RATING, "min_value": 1},
        {**_RATING, "max_value": 1},
    ),
    "expect_column_value_lengths_to_be_between": (
        {**_TEXT, "min_value": 1},
        {**_TEXT, "max_value": 4},
    ),
    "expect_column_value_lengths_to_equal": (
        {"column": "json", "value": 7},
        {**_TEXT, "value": 4},
    ),
    "expect_column_value_z_scores_to_be_less_than": (
        {**_RATING, "threshold": 4, "double_sided": True},
        {**_RATING, "threshold": 0.1, "double_sided": True},
    ),
    "expect_column_values_to_be_between": (
        {**_RATING, "min_value": 0, "max_value": 6},
        {**_RATING, "min_value": 1},
    ),
    "expect_column_values_to_be_in_set": (
        {"column": "kind", "value_set": ["가", "b%"]},
        {"column": "kind", "value_set": ["가"]},
    ),
    "expect_column_values_to_be_in_type_list": (
        {**_RATING, "type_list": ["BIGINT"]},
        {**_RATING, "type_list": ["VARCHAR"]},
    ),
    "expect_column_values_to_be_null": ({**_TEXT, "mostly": 0.1}, _TEXT),
    "expect_column_values_to_be_of_type": (
        {**_RATING, "type_": "BIGINT"},
        {**_RATING, "type_": "VARCHAR"},
    ),
    "expect_column_values_to_be_unique": ({"column": "id"}, _RATING),
    "expect_column_values_to_match_like_pattern": (
        {**_TEXT, "like_pattern": "abc%"},
        {**_TEXT, "like_pattern": "%9"},
    ),
    "expect_column_values_to_match_like_pattern_list": (
        {**_TEXT, "like_pattern_list": ["abc%"]},
        {**_TEXT, "like_pattern_list": ["%9"]},
    ),
    "expect_column_values_to_match_regex": (
        {**_TEXT, "regex": "^abc[0-9]+$"},
        {**_TEXT, "regex": "9$"},
    ),
    "expect_column_values_to_match_regex_list": (
        {**_TEXT, "regex_list": ["^abc[0-9]+$"]},
        {**_TEXT, "regex_list": ["9$", "8$"]},
    ),
    "expect_column_values_to_not_be_in_set": (
        {**_RATING, "value_set": [9]},
        {**_RATING, "value_set": [1]},
    ),
    "expect_column_values_to_not_be_null": (_RATING, _TEXT),
    "expect_column_values_to_not_be_outliers": (
        {**_RATING, "method": "iqr", "multiplier": 1.5},
        {**_RATING, "method": "std", "multiplier": 0.1},
    ),
    "expect_column_values_to_not_match_like_pattern": (
        {**_TEXT, "like_pattern": "x%"},
        {**_TEXT, "like_pattern": "%9"},
    ),
    "expect_column_values_to_not_match_like_pattern_list": (
        {**_TEXT, "like_pattern_list": ["x%"]},
        {**_TEXT, "like_pattern_list": ["%9"]},
    ),
    "expect_column_values_to_not_match_regex": (
        {**_TEXT, "regex": "^x"},
        {**_TEXT, "regex": "9$"},
    ),
    "expect_column_values_to_not_match_regex_list": (
        {**_TEXT, "regex_list": ["^x"]},
        {**_TEXT, "regex_list": ["9$"]},
    ),
    "expect_compound_columns_to_be_unique": (
        {"column_list": ["id", "rating"]},
        {"column_list": ["rating", "kind"]},
    ),
    "expect_multicolumn_sum_to_equal": (
        {"column_list": ["id", "double"], "sum_total": 0, "mostly": 0.001},
        {"column_list": ["id", "double"], "sum_total": 3},
    ),
    "expect_multicolumn_values_to_be_equal": (
        {"column_list": ["값 %1", 'a"b']},
        {"column_list": ["id", "double"]},
    ),
    "expect_select_column_values_to_be_unique_within_record": (
        {"column_list": ["id", "double"], "mostly": 0.9},
        {"column_list": ["id", "double"]},
    ),
    "expect_table_column_count_to_be_between": ({"min_value": 1}, {"max_value": 1}),
    "expect_table_column_count_to_equal": ({"value": len(COLUMNS)}, {"value": 1}),
    "expect_table_columns_to_match_ordered_list": (
        {"column_list": COLUMNS},
        {"column_list": ["id"]},
    ),
    "expect_table_columns_to_match_set": ({"column_set": COLUMNS}, {"column_set": ["id"]}),
    "expect_table_row_count_to_be_between": ({"min_value": 1}, {"max_value": 1}),
    "expect_table_row_count_to_equal": ({"value": ROWS}, {"value": 1}),
    "unexpected_rows_expectation": (
        {"unexpected_rows_query": "SELECT * FROM {batch} WHERE rating > 6"},
        {"unexpected_rows_query": "SELECT * FROM {batch} WHERE rating > 5;"},
    ),
}


def write_rows(file: Path, rows: int = ROWS) -> Path:
    """Write the table that the cases are about."""
    import duckdb

    with duckdb.connect() as con:
        con.execute(f"""
            COPY (
              SELECT i AS id, i % 7 AS rating,
                CASE WHEN i % 5 = 0 THEN NULL ELSE 'abc' || i END AS text, i * 0.5::DOUBLE AS score,
                TIMESTAMP_NS '2020-01-01' + INTERVAL (i % 100) DAY AS day, '{{"a":1}}' AS json,
                i * 2 AS double, (i / 3)::DECIMAL(10, 2) AS "값 %1", (i / 3)::DECIMAL(10, 2) AS "a""b",
                CASE WHEN i % 2 = 0 THEN '가' ELSE 'b%' END AS kind, '2020-01-02' AS date
              FROM range({rows}) t(i)
            ) TO '{str(file).replace("'", "''")}' (FORMAT parquet)
            """)
    return file
