"""docs/catalog.md keeps its promises: its queries run, its tables are all there and complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from catalog.records import decode

TEXT = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text(encoding="utf-8")
QUERIES = [
    query.strip()
    for block in re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
    for query in block.split(";")
    if query.strip()
]


def table_of(heading: str) -> dict[str, str]:
    """Give the first and the last cell of each row of a section's table."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip(): row[-1].strip() for row in rows}


def test_there_are_ten_queries_and_more() -> None:
    assert len(QUERIES) >= 10


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_finds_something(full: Any, query: str) -> None:
    assert full.sql(query), query


def test_each_table_has_exactly_the_columns_of_the_page(full: Any) -> None:
    found = full.sql(
        "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
        "WHERE table_name IN (SELECT table_name FROM duckdb_tables()) AND NOT internal "
        "AND schema_name = 'main' "
        "GROUP BY 1"
    )
    said = {
        name.strip("`"): [part.strip() for part in re.sub(r"\(.*?\)", "", columns).split(",")]
        for name, columns in table_of("Tables").items()
    }
    assert said == dict(found)


def test_each_view_and_macro_of_the_page_is_there(full: Any) -> None:
    views = {row[0] for row in full.sql("SELECT view_name FROM duckdb_views()")}
    section = TEXT.split("\n## Views\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)) <= views
    macros = {row[0] for row in full.sql("SELECT function_name FROM duckdb_functions()")}
    section = TEXT.split("\n## Macros\n")[1].split("\n## ")[0]
    names = re.findall(r"`([a-z_]+)\(", section)
    assert len(names) == 7
    assert set(names) <= macros


def test_the_event_of_the_page_is_an_event() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert decode(text.encode()).number == 8
