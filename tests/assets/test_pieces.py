"""Wide and heavy tables: counted in pieces, with the figures that DuckDB gives of them whole."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.engine import pieces
from assets.engine.content import row_hash
from assets.engine.pieces import Pick, pick_all
from assets.engine.sql import connection
from resources.columns import Column

ROWS = 300


def staged(path: Path, columns: dict[str, pa.Array]) -> Path:
    """Write a table as the product does."""
    pq.write_table(pa.table(columns), path)
    return path


def mixed() -> dict[str, pa.Array]:
    """Give columns of every kind that a staged file has."""
    rows = range(ROWS)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    return {
        "id": pa.array(rows, pa.int64()),
        "small": pa.array([n % 100 for n in rows], pa.int32()),
        "text": pa.array([f'행 "{n}"\n\\' if n % 3 else None for n in rows]),
        "float": pa.array([n / 7 if n % 5 else None for n in rows], pa.float64()),
        "money": pa.array([Decimal(n) / 100 for n in rows], pa.decimal128(12, 2)),
        "day": pa.array([date(2026, 1, 1 + n % 28) for n in rows]),
        "at": pa.array([moment] * ROWS, pa.timestamp("us", "UTC")),
        "ns": pa.array(rows, pa.timestamp("ns")),
        "yes": pa.array([n % 2 == 0 for n in rows]),
        "bytes": pa.array([bytes([n % 256]) for n in rows]),
        "list": pa.array([[n, None] for n in rows]),
        "struct": pa.array([{"a": n, "b": "x"} for n in rows]),
    }


@pytest.mark.parametrize("ordered", [False, True])
def test_a_table_counted_in_pieces_has_the_same_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ordered: bool
) -> None:
    held = mixed()
    path = staged(tmp_path / "a.parquet", held)
    names = tuple(held)
    kinds = [Column(name, str(array.type)) for name, array in held.items()]
    picks = [
        Pick("count(*)"),
        Pick(f"sum({row_hash(kinds, ordered=ordered)})::VARCHAR", names),
        *(Pick(f"count({n})", (n,)) for n in ("id", "float")),
        Pick('approx_count_distinct("text")', ("text",)),
        Pick('avg("float")', ("float",)),
    ]
    con = connection(400, tmp_path / "spill")
    whole = pick_all(con, path, picks, len(names))
    monkeypatch.setattr(pieces, "WIDE", 1)
    monkeypatch.setattr(pieces, "_ROWS", 7)

    assert pick_all(con, path, picks, len(names)) == whole
    assert con.execute("SELECT current_setting('threads')").fetchall() == [(2,)]


def test_texts_of_megabytes_do_not_take_the_memory_of_2048(tmp_path: Path) -> None:
    text = "한글 text " * 80_000
    path = staged(tmp_path / "a.parquet", {"text": pa.array([f"{n}{text}" for n in range(150)])})
    kinds = [Column("text", "string")]
    picks = [Pick("count(*)"), Pick(f"sum({row_hash(kinds)})::VARCHAR", ("text",))]

    row = pick_all(connection(300, tmp_path / "spill"), path, picks, 1)

    assert row[0] == 150
    assert int(row[1]) > 0


def test_5000_columns_are_counted_within_the_memory(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(5_000)]
    path = staged(tmp_path / "a.parquet", dict.fromkeys(names, pa.array(["x", None, "y"])))
    kinds = [Column(name, "string") for name in names]
    picks = [Pick(f"sum({row_hash(kinds)})::VARCHAR", tuple(names))]
    picks += [Pick(f"count({name})", (name,)) for name in names]

    row = pick_all(connection(400, tmp_path / "spill"), path, picks, len(names))

    assert row[1:] == [2] * 5_000
