"""One situation, one answer in every format: the table of docs/sources.md, as tests."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.engine.conditions import conditions
from assets.engine.due import parse_time
from tests.assets.conftest import Home
from tests.shared_data import FOLDER

HALF_PAST_NINE = datetime.fromisoformat("2024-02-01 09:30:00")
Cells = Sequence[Sequence[Any]]


def csv(path: Path, names: Sequence[str], rows: Cells) -> None:
    """Write a CSV."""
    lines = [names, *[["" if v is None else str(v) for v in row] for row in rows]]
    path.write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")


def jsonl(path: Path, names: Sequence[str], rows: Cells) -> None:
    """Write JSON Lines."""
    lines = [json.dumps(dict(zip(names, row, strict=True)), default=str) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def xml(path: Path, names: Sequence[str], rows: Cells) -> None:
    """Write XML; a missing value is an element that is not there."""
    items = []
    for row in rows:
        cells = [
            f"<{n}>{escape(str(v))}</{n}>" for n, v in zip(names, row, strict=True) if v is not None
        ]
        items.append(f"<item>{''.join(cells)}</item>")
    path.write_text(f"<rows>{''.join(items)}</rows>", encoding="utf-8")


def table(names: Sequence[str], rows: Cells) -> pa.Table:
    """Make an Arrow table; whole numbers are int32 where they fit it."""
    arrays = []
    for column in zip(*rows, strict=True) if rows else [() for _ in names]:
        whole = all(isinstance(v, int) and abs(v) < 2**31 for v in column if v is not None)
        some = any(v is not None for v in column)
        arrays.append(pa.array(column, pa.int32() if whole and some else None))
    return pa.Table.from_arrays(arrays, names=list(names))


def parquet(path: Path, names: Sequence[str], rows: Cells) -> None:
    """Write Parquet."""
    pq.write_table(table(names, rows), path)


def arrow(path: Path, names: Sequence[str], rows: Cells) -> None:
    """Write an Arrow file."""
    made = table(names, rows)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, made.schema) as writer:
        writer.write_table(made)


def xlsx(path: Path, names: Sequence[str], rows: Cells) -> None:
    """Write a workbook."""
    made = openpyxl.Workbook()
    sheet = made.active
    for row in [names, *rows]:
        sheet.append(list(row))
    made.save(path)


def sqlite(path: Path, names: Sequence[str], rows: Cells) -> None:
    """Write a database."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as con:
        con.execute(f"CREATE TABLE t ({', '.join(names)})")
        signs = ", ".join("?" * len(names))
        cells = [[str(v) if isinstance(v, date) else v for v in row] for row in rows]
        con.executemany(f"INSERT INTO t VALUES ({signs})", cells)
        con.commit()


FORMATS: dict[str, Callable[[Path, Sequence[str], Cells], None]] = {
    "csv": csv,
    "jsonl": jsonl,
    "xml": xml,
    "parquet": parquet,
    "arrow": arrow,
    "xlsx": xlsx,
    "sqlite": sqlite,
}
every = pytest.mark.parametrize("kind", FORMATS)


def declare(home: Home, kind: str, more: str = "") -> None:
    """Declare one source, of all files of a format."""
    (home.root / "incoming").mkdir(exist_ok=True)
    home.write(
        "resources/pipelines/x.yaml",
        f"source: incoming/*.{kind}\nclean: false\noutput: false\n{more}",
    )


def put(home: Home, kind: str, names: Sequence[str], rows: Cells, file: str = "a") -> None:
    """Put a file there."""
    FORMATS[kind](home.root / f"incoming/{file}.{kind}", names, rows)


def of(kinds: str) -> pytest.MarkDecorator:
    """Test these formats."""
    return pytest.mark.parametrize("kind", kinds.split())


@of("csv jsonl xml parquet arrow xlsx")
def test_names_that_differ_only_in_case(home: Home, kind: str) -> None:
    """Are two columns, of which the second is numbered (SQLite's own columns cannot)."""
    declare(home, kind)
    put(home, kind, ["Name", "name"], [["x", "y"], ["z", "w"]])
    assert home.run()["raw.x"] == "made"
    assert home.rows("raw.x") == [{"Name": "x", "name_2": "y"}, {"Name": "z", "name_2": "w"}]


@every
def test_a_column_that_vanishes_is_said_and_alerted(home: Home, kind: str) -> None:
    """With the name that it may have now."""
    declare(home, kind)
    put(home, kind, ["id", "amount"], [[1, 10], [2, 20]])
    assert home.run()["raw.x"] == "made"
    put(home, kind, ["id", "amounts"], [[1, 10], [2, 20], [3, 30]])
    assert home.run()["raw.x"] == "made"
    current = home.current("raw.x")
    assert any("'amount', and the source has it no more" in said for said in current.warnings)
    project = home.open()
    heads = project.catalog.heads(["raw.x"])
    told = conditions(project, heads, parse_time(current.at))
    assert [one.problem for one in told if "has it no more" in one.problem]
    assert "amounts" in told[0].problem


@of("csv jsonl xml parquet arrow xlsx")
def test_a_column_that_vanishes_from_what_joins_is_said(home: Home, kind: str) -> None:
    """Its values are missing from there on, and everybody knows."""
    declare(home, kind, "mode: append\n")
    put(home, kind, ["id", "amount"], [[1, 10], [2, 20]])
    assert home.run()["raw.x"] == "made"
    put(home, kind, ["id"], [[3], [4]], "b")
    assert home.run()["raw.x"] == "made"
    current = home.current("raw.x")
    assert [row["amount"] for row in home.rows("raw.x")] == [10, 20, None, None]
    assert any("has it no more" in said for said in current.warnings)


def says_gone(home: Home) -> bool:
    """Tell whether the current version says that a column is gone."""
    return any("has it no more" in said for said in home.current("raw.x").warnings)


def put_note(home: Home, kind: str, file: str, notes: Sequence[str | None]) -> None:
    """Put records there, of which some have a note, and make a version of them."""
    rows = [[f"{file}{at}"] + ([] if note is None else [note]) for at, note in enumerate(notes)]
    path = home.root / f"incoming/{file}.{kind}"
    if kind == "xml":
        xml(path, ["id", "note"], [[*row, None][:2] for row in rows])
    else:
        lines = [json.dumps(dict(zip(["id", "note"], row, strict=False))) for row in rows]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert home.run()["raw.x"] == "made"


@of("jsonl xml")
def test_a_key_that_records_may_lack_is_not_gone_with_one_batch(home: Home, kind: str) -> None:
    """It was lacking before beside others that had it, or came back after a batch without it."""
    declare(home, kind, "mode: append\n")
    put_note(home, kind, "a", ["x", None])
    put_note(home, kind, "b", [None, None])
    assert not says_gone(home)
    put_note(home, kind, "c", [None])
    assert not says_gone(home)


@of("jsonl xml")
def test_a_key_that_was_always_there_is_gone_until_it_comes_back(home: Home, kind: str) -> None:
    """Each batch says so; once it is known to come and go, none does."""
    declare(home, kind, "mode: append\n")
    put_note(home, kind, "a", ["x", "y"])
    for file in ("b", "c"):
        put_note(home, kind, file, [None])
        assert says_gone(home)
    put_note(home, kind, "d", ["z"])
    put_note(home, kind, "e", [None])
    assert not says_gone(home)


def test_a_header_without_an_optional_column_is_said(home: Home) -> None:
    """A file with a header has a column or has none: that is its shape, not its rows'."""
    declare(home, "csv", "mode: append\n")
    put(home, "csv", ["id", "note"], [[1, "x"], [2, None]])
    assert home.run()["raw.x"] == "made"
    put(home, "csv", ["id"], [[3]], "b")
    assert home.run()["raw.x"] == "made"
    assert says_gone(home)


@every
def test_a_schema_that_asks_for_the_column_stops_it(home: Home, kind: str) -> None:
    """Nothing is published, and the column is named."""
    declare(home, kind, "columns: {id: integer, amount: {type: integer, optional: true}}\n")
    put(home, kind, ["id", "amounts"], [[1, 10], [2, 20]])
    assert "lacks the declared columns ['amount']" in home.run()["raw.x"]


@of("csv jsonl xml parquet arrow xlsx")
def test_whole_numbers_widen(home: Home, kind: str) -> None:
    """Nothing is lost, nothing set aside; where the type changes, so does the schema version."""
    declare(home, kind, "mode: append\n")
    put(home, kind, ["id", "n"], [[1, 10]])
    assert home.run()["raw.x"] == "made"
    before = home.current("raw.x")
    put(home, kind, ["id", "n"], [[2, 5_000_000_000]], "b")
    assert home.run()["raw.x"] == "made"
    current = home.current("raw.x")
    assert [row["n"] for row in home.rows("raw.x")] == [10, 5_000_000_000]
    assert not current.quarantined
    assert {c.name: c.type for c in current.columns}["n"] == "int64"
    narrow = {c.name: c.type for c in before.columns}["n"] == "int32"
    assert (current.schema_fingerprint != before.schema_fingerprint) is narrow


@of("csv jsonl xml parquet arrow xlsx")
def test_files_that_are_read_together_share_the_wider_type(home: Home, kind: str) -> None:
    """In whatever order they come."""
    declare(home, kind)
    put(home, kind, ["id", "n"], [[1, 10]])
    put(home, kind, ["n", "id"], [[5_000_000_000, 2]], "b")
    assert home.run()["raw.x"] == "made"
    assert home.rows("raw.x") == [{"id": 1, "n": 10}, {"id": 2, "n": 5_000_000_000}]


@of("csv parquet arrow xlsx xml")
def test_a_date_widens_to_a_time(home: Home, kind: str) -> None:
    """Of that day, at midnight."""
    declare(home, kind, "mode: append\n")
    put(home, kind, ["id", "at"], [[1, date(2024, 1, 31)]])
    assert home.run()["raw.x"] == "made"
    put(home, kind, ["id", "at"], [[2, HALF_PAST_NINE]], "b")
    assert home.run()["raw.x"] == "made"
    assert [row["at"] for row in home.rows("raw.x")] == [
        HALF_PAST_NINE.replace(month=1, day=31, hour=0, minute=0),
        HALF_PAST_NINE,
    ]


@every
def test_an_empty_file_is_an_error(home: Home, kind: str) -> None:
    """That names it."""
    declare(home, kind)
    (home.root / f"incoming/a.{kind}").write_bytes(b"")
    came = home.run()["raw.x"]
    assert came.startswith("failed: ")
    assert f"a.{kind}" in came


@of("csv parquet arrow xlsx sqlite")
def test_columns_without_a_row_are_not_published(home: Home, kind: str) -> None:
    """A raw asset without rows is blocked (JSON and XML have no columns then: an error)."""
    declare(home, kind)
    put(home, kind, ["id", "n"], [])
    came = home.run()["raw.x"]
    assert "not a single row" in came or "no row" in came


@of("jsonl xml")
def test_records_without_any_are_an_error(home: Home, kind: str) -> None:
    """Nobody knows their columns."""
    declare(home, kind)
    put(home, kind, [], [])
    if kind == "jsonl":
        (home.root / "incoming/a.jsonl").write_text("[]")
    assert home.run()["raw.x"].startswith("failed: ")


@of("csv parquet arrow xlsx")
def test_two_columns_of_one_name_are_numbered(home: Home, kind: str) -> None:
    """None is lost."""
    declare(home, kind)
    put(home, kind, ["a", "a"], [[1, 2], [3, 4]])
    assert home.run()["raw.x"] == "made"
    assert home.rows("raw.x") == [{"a": 1, "a_2": 2}, {"a": 3, "a_2": 4}]


def test_a_key_that_stands_twice_sets_the_record_aside(home: Home) -> None:
    """JSON says of two values for one key only that one of them is wrong."""
    declare(home, "jsonl", "max_quarantine: 0.5\n")
    (home.root / "incoming/a.jsonl").write_text('{"a": 1, "a": 2}\n{"a": 3}\n{"a": 4}\n')
    assert home.run()["raw.x"] == "made"
    assert (home.current("raw.x").quarantined, home.rows("raw.x")) == (1, [{"a": 3}, {"a": 4}])


@of("csv jsonl parquet arrow xlsx sqlite")
def test_a_column_without_any_value_is_text(home: Home, kind: str) -> None:
    """It is there, and all of it is missing (XML cannot say that there is one)."""
    declare(home, kind)
    put(home, kind, ["id", "n"], [[1, None], [2, None]])
    assert home.run()["raw.x"] == "made"
    assert [row["n"] for row in home.rows("raw.x")] == [None, None]
    assert {c.name: c.type for c in home.current("raw.x").columns}["n"] == "string"


@every
def test_columns_that_nobody_declared_are_left_out_and_said(home: Home, kind: str) -> None:
    """By name."""
    declare(home, kind, "columns: {id: integer}\n")
    put(home, kind, ["id", "more"], [[1, "a"], [2, "b"]])
    assert home.run()["raw.x"] == "made"
    assert home.rows("raw.x") == [{"id": 1}, {"id": 2}]
    assert "not in the schema, left out: more" in home.current("raw.x").warnings


@of("csv jsonl xml parquet arrow xlsx")
def test_values_of_another_type_are_set_aside(home: Home, kind: str) -> None:
    """What joins numbers is a number; the rest waits in quarantine, with the reason."""
    declare(home, kind, "mode: append\nmax_quarantine: 0.9\n")
    put(home, kind, ["id", "n"], [[n, n] for n in range(20)])
    assert home.run()["raw.x"] == "made"
    put(home, kind, ["id", "n"], [[20, "abc"], [21, "5"], [22, "6"]], "b")
    assert home.run()["raw.x"] == "made"
    assert home.current("raw.x").quarantined == 1
    assert [row["n"] for row in home.rows("raw.x")] == [*range(20), 5, 6]


@every
def test_another_type_in_a_new_whole_is_said(home: Home, kind: str) -> None:
    """A column of numbers that became text."""
    declare(home, kind)
    put(home, kind, ["id", "n"], [[1, 1], [2, 2]])
    assert home.run()["raw.x"] == "made"
    put(home, kind, ["id", "n"], [[1, "abc"], [2, "x"], [3, "y"]])
    assert home.run()["raw.x"] == "made"
    assert any(said.startswith("'n' was int") for said in home.current("raw.x").warnings)


def test_the_shared_case(home: Home) -> None:
    """Two keys that only capitals tell apart."""
    file = FOLDER.parent / "cases/json/case.jsonl"
    if not file.is_file():
        pytest.skip("no shared cases here")
    declare(home, "jsonl")
    (home.root / "incoming/a.jsonl").write_bytes(file.read_bytes())
    assert home.run()["raw.x"] == "made"
    assert [(row["Name"], row["name_2"]) for row in home.rows("raw.x")] == [("x", "y"), ("z", None)]
