"""Reading: everything by its name, nothing but data, and never a change."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from catalog.reading import QueryError


def test_an_asset_is_read_by_its_key(full: Any) -> None:
    assert full.sql("SELECT id, text, stars FROM raw.reviews") == [(1, "좋아요", 5)]
    assert full.sql("SELECT name FROM raw.shops") == [("Kim's",)]


def test_an_output_is_read_back_with_its_types_and_line_ends(full: Any) -> None:
    assert full.sql("SELECT id + 1, text FROM output.report") == [(2, '줄\n"바꿈", 끝')]


def test_an_output_keeps_missing_apart_from_empty(shelf: Any) -> None:
    rows = [{"id": 1, "text": ""}, {"id": 2, "text": None}, {"id": None, "text": "NULL"}]
    shelf.version("output.report", rows)
    assert shelf.sql("SELECT * FROM output.report") == [(1, ""), (2, None), (None, "NULL")]


def test_an_output_of_one_column_keeps_its_missing_values(shelf: Any) -> None:
    shelf.version("output.one", [{"text": "a"}, {"text": None}, {"text": ""}, {"text": "b"}])
    assert shelf.sql("SELECT * FROM output.one") == [("a",), (None,), ("",), ("b",)]


def test_column_names_that_sql_would_trip_over_are_kept(shelf: Any) -> None:
    shelf.version("output.odd", [{"it's": "a", 'say "hi"': "b", "리뷰 내용": "c", "x,y": "d"}])
    names = [row[0] for row in shelf.sql("DESCRIBE output.odd")]
    assert names == ["it's", 'say "hi"', "리뷰 내용", "x,y"]
    assert shelf.sql('SELECT "it\'s", "리뷰 내용" FROM output.odd') == [("a", "c")]


def test_a_version_of_several_files_is_one_table(shelf: Any) -> None:
    first = shelf.version("raw.log", [{"id": 1}])
    more = shelf.file("raw.log", [{"id": 2}], shelf.clock())
    shelf.version("raw.log", [{"id": 1}, {"id": 2}], files=(*first.files, more))
    assert shelf.sql("SELECT id FROM raw.log ORDER BY id") == [(1,), (2,)]


def test_assets_follow_the_data_folder_of_whoever_reads(full: Any, tmp_path: Path) -> None:
    full.catalog.fold()
    moved = tmp_path / "it's elsewhere" / "year=2026"
    moved.parent.mkdir()
    full.data.rename(moved)
    there = type(full)(moved)
    found = there.catalog.query("SELECT * FROM raw.reviews")
    assert found.columns == ("id", "text", "stars")
    assert len(found.rows) == 1


@pytest.mark.parametrize("name", ["[2026] data", "a*b", "{x}", "100 % 한글"])
def test_a_data_folder_with_signs_of_patterns_in_its_name_is_read(
    shelf: Any, tmp_path: Path, name: str
) -> None:
    odd = type(shelf)(tmp_path / name)
    odd.version("raw.a", [{"id": 7}])
    odd.version("output.a", [{"id": 7}])
    assert odd.sql("SELECT * FROM raw.a JOIN output.a USING (id)") == [(7,)]


def test_a_data_folder_behind_a_link_is_read(full: Any, tmp_path: Path) -> None:
    full.catalog.fold()
    link = tmp_path / "linked"
    link.symlink_to(full.data)
    assert type(full)(link).sql("SELECT stars FROM raw.reviews") == [(5,)]


def test_a_plain_duckdb_shows_tables_views_and_macros(full: Any) -> None:
    import duckdb

    full.catalog.fold()
    con = duckdb.connect(full.catalog.path, read_only=True)
    assert con.execute("SELECT count(*) FROM raw.reviews").fetchall() == [(1,)]
    assert con.execute("SELECT count(*) FROM current").fetchall() == [(4,)]
    assert con.execute("FROM upstream_of('output.report')").fetchall()[0] == (
        "processed.joined",
        1,
    )
    shown = {row[0] for row in con.execute("SELECT view_name FROM duckdb_views()").fetchall()}
    assert {"reviews", "shops", "joined", "report", "lineage", "state"} <= shown


def test_two_connections_of_one_process_each_see_what_was_published_when_they_opened(
    full: Any,
) -> None:
    full.catalog.fold()
    first = full.catalog.connect()
    full.version("raw.new")
    full.catalog.fold()
    second = full.catalog.connect()
    count = "SELECT count(*) FROM current"
    assert first.execute(count).fetchall() == [(4,)]
    assert second.execute(count).fetchall() == [(5,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "FROM '/etc/hosts.csv'",
        "FROM read_text('{data}/raw/../../../../../../../../etc/passwd')",
        "FROM glob('/etc/*')",
        "FROM read_text('{data}/events/raw.reviews/1.json')",
        "FROM read_text('{data}/../.env')",
    ],
)
def test_files_outside_the_data_cannot_be_read(full: Any, query: str) -> None:
    (full.data.parent / ".env").write_text("OPENAI_API_KEY=secret")
    with pytest.raises(QueryError, match=r"Cannot access|does not exist"):
        full.sql(query.format(data=full.data))


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{data}/raw/new.csv'",
        "WITH x AS (COPY (SELECT 1) TO '{data}/raw/new.csv') SELECT 1",
        "WITH x AS MATERIALIZED (COPY (SELECT 1) TO '{data}/raw/new.csv') FROM x",
        "FROM query('WITH x AS (COPY (SELECT 1) TO ''{data}/raw/new.csv'') FROM x')",
        "SELECT * FROM (FROM QUERY('SELECT 1'))",
        "FROM json_execute_serialized_sql('[]'::JSON)",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{data}/raw/new.csv'",
        "SELECT 1; COPY (SELECT 1) TO '{data}/raw/new.csv'",
        "EXPORT DATABASE '{data}/raw/new.csv'",
        "ATTACH '{data}/raw/new.csv'",
        "CREATE TABLE memory.t AS SELECT 1",
        "CREATE TEMP TABLE t AS SELECT 1",
        "DELETE FROM audit",
        "DROP VIEW current",
        "SET VARIABLE data = '/'",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "CALL checkpoint()",
        "INSTALL httpfs",
        "-- nothing",
        "",
    ],
)
def test_a_query_can_do_nothing_but_read(full: Any, query: str) -> None:
    with pytest.raises(QueryError, match="only one query that reads"):
        full.sql(query.format(data=full.data))
    assert not (full.data / "raw" / "new.csv").exists()


@pytest.mark.parametrize(
    "query",
    [
        "SHOW ALL TABLES",
        "SHOW TABLES",
        "DESCRIBE raw.reviews",
        "SUMMARIZE raw.reviews",
        "FROM current",
        "VALUES (1)",
        "WITH a AS (FROM audit) FROM a",
        "WITH RECURSIVE r AS (SELECT 1 a UNION ALL SELECT a + 1 FROM r WHERE a < 3) FROM r",
        "SELECT 1 UNION ALL SELECT 2",
        "PIVOT audit ON what IN ('materialized', 'declared') USING count(*)",
        "FROM upstream_of('output.report') ORDER BY distance",
    ],
)
def test_every_way_to_read_is_there(full: Any, query: str) -> None:
    assert full.sql(query)


def test_values_are_handed_over_apart_from_the_query(full: Any) -> None:
    assert full.sql("SELECT count(*) FROM current WHERE key = ?", "raw.reviews") == [(1,)]
    named = full.catalog.query("SELECT $who AS who", {"who": "O'Brien"})
    assert named.rows == [("O'Brien",)]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELEC 1", "syntax error"),
        ("FROM curent", "curent does not exist"),
        ("SELECT nothing FROM current", 'column "nothing"'),
        ("SELECT 'a'::INT", "Could not convert"),
        ("SELECT if(i < 9000, '1', 'x')::INT FROM range(10000) t(i)", "Could not convert"),
    ],
)
def test_a_wrong_query_is_answered_with_what_duckdb_says(full: Any, query: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        full.sql(query)


def test_a_sort_larger_than_memory_can_spill(full: Any) -> None:
    full.catalog.fold()
    con = full.catalog.connect()
    found = con.execute("SELECT current_setting('temp_directory')").fetchall()
    assert found == [(f"{full.data}/.staging/spill",)]


def test_without_a_catalog_reading_makes_one(full: Any) -> None:
    assert not full.catalog.path.exists()
    assert full.catalog.query("SELECT count(*) FROM current").rows == [(4,)]


def test_an_asset_whose_files_are_gone_costs_no_other_asset_anything(full: Any) -> None:
    shutil.rmtree(full.data / "output")
    full.catalog.fold()
    full.catalog.rebuild()
    assert full.sql("SELECT count(*) FROM raw.reviews") == [(1,)]
    with pytest.raises(QueryError, match="report"):
        full.sql("FROM output.report")


def test_a_file_that_is_no_parquet_costs_no_other_asset_anything(full: Any) -> None:
    file = full.version("raw.broken").files[0]
    (full.data / file.path).write_bytes(b"not parquet")
    assert full.sql("SELECT count(*) FROM raw.reviews") == [(1,)]
    with pytest.raises(QueryError, match="broken"):
        full.sql("FROM raw.broken")


def test_more_rows_than_asked_for_are_left_and_said(full: Any) -> None:
    full.catalog.fold()
    answer = full.catalog.query("FROM range(10)", limit=9)
    assert (len(answer.rows), answer.complete) == (9, False)
    assert full.catalog.query("FROM range(9)", limit=9).complete
