"""Marking: each row by the first rule that it breaks, in few scans however many columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.engine.deleting import Deletes
from assets.engine.known import Keys
from assets.engine.marking import mark
from assets.engine.pieces import scan
from resources.columns import Column


class Counting:
    """A connection that counts its scans of Parquet, and has memory for so many tests in one."""

    def __init__(self, most: int = 1_000_000) -> None:
        """Connect."""
        self.con, self.scans, self.most = duckdb.connect(), 0, most

    def execute(self, query: str) -> Any:
        """Count, and run."""
        self.scans += "read_parquet" in query
        if query.count(" IS NULL THEN ") > self.most:
            raise duckdb.OutOfMemoryException("too much at once")
        return self.con.execute(query)

    def marked(self) -> list[tuple[Any, ...]]:
        """Give what was marked."""
        return self.con.execute("SELECT row_number, rule, column_name FROM bad").fetchall()


def table(path: Path, width: int) -> tuple[str, list[Column]]:
    """Write 30 rows of `width` columns; row n lacks columns n, n + 1 and so on."""
    names = [f"c{n}" for n in range(width)]
    columns = {name: [None if n >= row else n for row in range(30)] for n, name in enumerate(names)}
    pq.write_table(pa.table({k: pa.array(v, pa.int64()) for k, v in columns.items()}), path)
    return scan(path), [Column(name, "int64", nullable=False) for name in names]


@pytest.mark.parametrize("most", [1, 1_000_000])
def test_a_row_is_marked_once_by_the_first_rule_it_breaks(tmp_path: Path, most: int) -> None:
    """Also where memory suffices for one column at a time only."""
    new, columns = table(tmp_path / "a.parquet", 25)
    con = Counting(most)
    mark(con, new, columns, Keys(()), Deletes())  # type: ignore[arg-type] # it is one for this
    assert sorted(con.marked()) == [(n, "not null", f"c{n}") for n in range(25)]


def test_columns_called_like_the_notes_are_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1, None], "broken": [None, 2]}), tmp_path / "a.parquet")
    columns = [Column(name, "int64", nullable=False) for name in ("n", "broken")]
    con = Counting()
    mark(con, scan(tmp_path / "a.parquet"), columns, Keys(()), Deletes())  # type: ignore[arg-type]
    assert sorted(con.marked()) == [(0, "not null", "broken"), (1, "not null", "n")]


def test_a_wide_table_is_scanned_a_few_times_and_not_once_a_column(tmp_path: Path) -> None:
    """With a scan a column, 5,000 columns took 95 s, and time grew with their square."""
    new, columns = table(tmp_path / "a.parquet", 1_000)
    con = Counting()
    mark(con, new, columns, Keys(()), Deletes())  # type: ignore[arg-type] # it is one for this
    assert con.scans == 10
