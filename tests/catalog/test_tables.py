"""Tables, views and macros: what the catalog says of what happened."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from catalog.lineage import made_from, used_by

JOINED = "processed.joined"


def at(minute: int) -> datetime:
    """Give a minute as the catalog does: UTC, without saying so."""
    return datetime(2026, 1, 1, 0, minute, tzinfo=UTC).replace(tzinfo=None)


def test_a_version_is_recorded_with_its_cost_and_counts(full: Any) -> None:
    query = (
        "SELECT version, created_at, created_by, run, why, unchanged, rows, rows_in, duplicates, "
        "quarantined, retry_rows, code_version, schema_version, seconds, cpu_seconds, peak_memory, "
        f"config['engine'] FROM materializations WHERE key = '{JOINED}'"
    )
    assert full.sql(query) == [
        (
            *(1, at(6), "kim", "run-1", ["asked for"], False),
            *(1, 2, 0, 1, 0, "c1", 1, 2.0, 1.5, 1_000_000, "rules/1"),
        )
    ]


def test_times_are_plain_utc_and_numbers_are_numbers(full: Any) -> None:
    types = full.sql(
        "SELECT DISTINCT data_type FROM duckdb_columns() WHERE database_name = 'catalog' "
        "AND (column_name LIKE '%!_at' ESCAPE '!' OR column_name = 'as_of') AND NOT internal"
    )
    assert types == [("TIMESTAMP",)]


def test_no_table_has_an_index_or_a_constraint(full: Any) -> None:
    count = "(SELECT count(*) FROM duckdb_indexes()) + (SELECT count(*) FROM duckdb_constraints())"
    assert full.sql(f"SELECT {count}") == [(0,)]


def test_files_are_recorded_in_order_with_their_checksums(full: Any) -> None:
    first = full.events.get("raw.reviews", 1).files[0]
    query = "SELECT ordinal, path, rows, bytes, checksum, partition FROM files WHERE key = ? AND version = 1"
    assert full.sql(query, "raw.reviews") == [(0, first.path, 2, first.bytes, first.checksum, None)]


def test_what_a_version_was_made_from_is_recorded(full: Any) -> None:
    query = "SELECT upstream, upstream_version FROM inputs WHERE key = ? ORDER BY 1"
    assert full.sql(query, JOINED) == [("raw.reviews", 1), ("raw.shops", 1)]
    assert full.sql("SELECT key, path, checksum FROM sources") == [
        ("raw.reviews", "in/reviews.csv", "s1")
    ]


def test_a_schema_version_is_described_where_it_first_appears(full: Any) -> None:
    full.version("raw.reviews", [{"id": 1, "text": "a", "stars": 5}], schema_version=2)
    query = (
        "SELECT schema_version, since_version, list(name ORDER BY ordinal) "
        "FROM schema_versions JOIN schema_columns USING (key, schema_version) "
        "WHERE key = 'raw.reviews' GROUP BY ALL ORDER BY 1"
    )
    assert full.sql(query) == [(1, 1, ["id", "text"]), (2, 2, ["id", "text", "stars"])]


def test_schema_diff_says_what_was_added_removed_and_changed(shelf: Any) -> None:
    shelf.version("raw.a", [{"id": 1, "old": "x", "same": 1}])
    shelf.version("raw.a", [{"id": "1", "new": 0.5, "same": 1}], schema_version=2)
    found = shelf.sql(
        "SELECT column_name, change, old_type, new_type FROM schema_diff('raw.a', 1, 2) ORDER BY 1"
    )
    assert found == [
        ("id", "changed", "int64", "string"),
        ("new", "added", None, "float64"),
        ("old", "removed", "string", None),
    ]


def test_checks_of_versions_and_of_blocked_attempts_are_recorded(full: Any) -> None:
    query = "SELECT version, name, severity, passed, rows, value, threshold FROM checks WHERE key = ? ORDER BY name"
    assert full.sql(query, JOINED) == [
        (1, "not null", "warn", False, 1, 0.5, 0.2),
        (1, "unique", "block", True, 0, None, None),
    ]


def test_rows_set_aside_are_counted_per_version_and_can_be_read(full: Any) -> None:
    assert full.sql("SELECT key, version, rows, retry_rows FROM quarantine") == [(JOINED, 1, 1, 0)]
    query = (
        'SELECT q.key, q.version, r.rule, r."column", r.row '
        "FROM quarantine q JOIN quarantined_rows r ON r.file = q.file"
    )
    assert full.sql(query) == [(JOINED, 1, "not null", "score", '{"id": 2}')]


def test_quarantined_rows_is_there_before_any_row_was_set_aside(shelf: Any) -> None:
    shelf.version("raw.a")
    assert shelf.sql("FROM quarantined_rows") == []


def test_model_usage_is_summed_by_day(full: Any) -> None:
    assert full.sql("SELECT day::VARCHAR, key, model, requests, cost FROM cost_by_day") == [
        ("2026-01-01", JOINED, "gpt-5-mini", 1, 0.25)
    ]


def test_a_run_is_running_until_it_ended(shelf: Any) -> None:
    shelf.run("good")
    shelf.run("bad", failed=1)
    shelf.run("long", finished=False)
    found = shelf.sql("SELECT run, state, planned, made, failed FROM runs ORDER BY started_at")
    assert found == [
        ("good", "done", 3, 2, 0),
        ("bad", "failed", 3, 2, 1),
        ("long", "running", 3, None, None),
    ]


def test_every_event_is_in_the_audit_with_who_when_and_what(full: Any) -> None:
    query = "SELECT what, count(*), count(created_at), count(DISTINCT event_id) FROM audit GROUP BY 1 ORDER BY 1"
    assert full.sql(query) == [
        ("attempted", 1, 1, 1),
        ("declared", 1, 1, 1),
        ("materialized", 5, 5, 5),
        ("planned", 1, 1, 1),
        ("run_finished", 1, 1, 1),
        ("run_started", 1, 1, 1),
    ]


def test_lineage_is_the_graph_as_declared_last(full: Any) -> None:
    assert full.sql("SELECT upstream FROM lineage WHERE downstream = ? ORDER BY 1", JOINED) == [
        ("raw.reviews",),
        ("raw.shops",),
    ]
    full.declare({JOINED: ("raw.reviews",)}, removed=("raw.shops",))
    assert full.sql("SELECT upstream FROM lineage WHERE downstream = ?", JOINED) == [
        ("raw.reviews",)
    ]
    assert full.sql("SELECT count(*) FROM declared") == [(3,)]
    assert full.sql("SELECT count(*) FROM assets WHERE removed") == [(1,)]


def test_upstream_and_downstream_reach_all_the_way(full: Any) -> None:
    assert full.sql("FROM upstream_of('output.report')") == [
        (JOINED, 1),
        ("raw.reviews", 2),
        ("raw.shops", 2),
    ]
    assert full.sql("FROM downstream_of('raw.shops')") == [(JOINED, 1), ("output.report", 2)]


def test_lineage_of_a_wide_and_deep_graph_is_walked_once_per_asset(shelf: Any) -> None:
    layers = [[f"processed.a{i}_{j}" for j in range(6)] for i in range(25)]
    graph: dict[str, tuple[str, ...]] = dict.fromkeys(layers[0], ())
    for above, below in pairwise(layers):
        graph |= dict.fromkeys(below, tuple(above))
    shelf.declare(graph)
    assert shelf.sql("SELECT count(*), max(distance) FROM upstream_of('processed.a24_0')") == [
        (144, 24)
    ]


def test_lineage_of_a_graph_that_goes_round_comes_to_an_end(shelf: Any) -> None:
    shelf.declare({"raw.a": ("raw.c",), "raw.b": ("raw.a",), "raw.c": ("raw.b",)})
    assert shelf.sql("FROM upstream_of('raw.c')") == [("raw.b", 1), ("raw.a", 2), ("raw.c", 3)]


def test_state_is_the_last_plans_answer(full: Any) -> None:
    full.plan({JOINED: ("fresh",)})
    assert full.sql("SELECT key, state, reasons FROM state ORDER BY key") == [
        ("output.report", "waiting", []),
        (JOINED, "fresh", []),
        ("raw.reviews", "fresh", []),
    ]


def test_freshness_shows_when_each_asset_was_made(full: Any) -> None:
    query = "SELECT made_at, state FROM freshness WHERE key = 'raw.reviews'"
    assert full.sql(query) == [(at(8), "fresh")]


def test_success_rate_counts_versions_against_attempts(full: Any) -> None:
    query = "SELECT attempts, succeeded, rate FROM success_rate WHERE key = ?"
    assert full.sql(query, JOINED) == [(2, 1, 0.5)]
    assert full.sql(query, "raw.reviews") == [(2, 2, 1.0)]


def test_history_tells_everything_newest_first(full: Any) -> None:
    query = f"SELECT number, what, detail FROM history_of('{JOINED}')"
    assert full.sql(query) == [
        (1, "blocked", "3 rows are not unique"),
        (1, "materialized", "asked for"),
    ]


def test_the_versions_behind_a_version_are_found_exactly(full: Any) -> None:
    full.catalog.fold()
    steps = made_from(full.catalog, "output.report", 1)
    assert [(s.key, s.version, s.distance, s.current) for s in steps] == [
        (JOINED, 1, 1, True),
        ("raw.reviews", 1, 2, False),
        ("raw.shops", 1, 2, True),
    ]
    assert steps[1].sources == ("in/reviews.csv",)
    assert steps[1].files == tuple(f.path for f in full.events.get("raw.reviews", 1).files)


def test_where_a_bad_version_went_is_found_exactly(full: Any) -> None:
    full.catalog.fold()
    steps = used_by(full.catalog, "raw.reviews", 1)
    assert [(s.key, s.version, s.distance) for s in steps] == [
        (JOINED, 1, 1),
        ("output.report", 1, 2),
    ]
    assert used_by(full.catalog, "raw.reviews", 2) == ()
