"""Workbooks handed out: every text comes back as it was, also from what Excel saves; limits."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources import workbooks
from resources.export import as_texts
from resources.sheets import sheet_columns, sheet_records
from resources.tables import Table
from resources.workbooks import WorkbookError, write_workbook

TEXTS = [
    "00501",
    "1234567890123456",
    "1-2",
    "=1+1",
    "TRUE",
    " x ",
    "a\nb",
    "_x0041_",
    "\x01",
    "가",
    "a\r\nb\r",
    "<r>bold</r>",
    "<r> & </r>",
]
CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def table(rows: list[dict[str, str | None]], *names: str) -> Table:
    """Give a table of texts."""
    found = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))
    return Table(lambda: found.schema, lambda size: iter(found.to_batches(max_chunksize=size)))


def test_texts_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_workbook(table([{"id": text, "n": None} for text in TEXTS], "id", "n"), path)
    assert sheet_columns(path) == ["id", "n"]
    assert [fields["id"] for _, fields in sheet_records(path)] == TEXTS
    assert [line for line, _ in sheet_records(path)] == list(range(2, len(TEXTS) + 2))


def test_cells_are_texts_in_the_format_text_also_after_being_saved_again(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_workbook(table([{"id": text} for text in TEXTS[:6]], "id"), path)
    book = openpyxl.load_workbook(path)
    cells = [cell for row in book.active.iter_rows(min_row=2) for cell in row]
    assert {cell.number_format for cell in cells} == {"@"}
    assert {cell.data_type for cell in cells} == {"s"}
    book.save(path)
    assert [fields["id"] for _, fields in sheet_records(path)] == TEXTS[:6]


def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(CELLS.filter(bool), min_size=1, max_size=5))
    def hold(texts: list[str]) -> None:
        """Write and read."""
        path = tmp_path_factory.mktemp("book") / "a.xlsx"
        write_workbook(table([{"a": text} for text in texts], "a"), path)
        assert [fields["a"] for _, fields in sheet_records(path)] == texts

    hold()


def test_nothing_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xlsx"
    with pytest.raises(WorkbookError, match=r"32,768 characters in 'a' of row 2.*CSV"):
        write_workbook(table([{"a": "x" * 32_768}], "a"), path)
    monkeypatch.setattr(workbooks, "MOST_ROWS", 3)
    with pytest.raises(WorkbookError, match="more rows than the 3"):
        write_workbook(table([{"a": "x"}] * 3, "a"), path)
    monkeypatch.setattr(workbooks, "MOST_COLUMNS", 1)
    with pytest.raises(WorkbookError, match="2 columns"):
        write_workbook(table([], "a", "b"), path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"work")
    with pytest.raises(FileExistsError):
        write_workbook(table([{"a": "x"}], "a"), path)
    assert path.read_bytes() == b"work"
    assert list(tmp_path.iterdir()) == [path]


def typed(**columns: pa.Array) -> Table:
    """Give a table of columns."""
    found = pa.table(columns)
    return Table(lambda: found.schema, lambda size: iter(found.to_batches(max_chunksize=size)))


def cells(path: Path) -> list[list[openpyxl.cell.Cell]]:
    """Give what another reader finds below the header."""
    return [list(row) for row in openpyxl.load_workbook(path).active.iter_rows(min_row=2)]


def test_numbers_dates_and_times_are_what_excel_counts_with(tmp_path: Path) -> None:
    path, moment = tmp_path / "a.xlsx", datetime.fromisoformat("2026-01-31T09:00:00.5")
    write_workbook(
        typed(
            n=pa.array([12_345_678_901_234, None]),
            price=pa.array([Decimal("1234567.50"), None], pa.decimal128(18, 2)),
            ratio=pa.array([0.1 + 0.2, 1e300]),
            ok=pa.array([True, False]),
            day=pa.array([date(2026, 1, 31), None]),
            at=pa.array([moment, moment.replace(microsecond=0)], pa.timestamp("us")),
        ),
        path,
    )
    first, second = cells(path)
    assert [c.value for c in first] == [
        12_345_678_901_234, 1234567.5, 0.1 + 0.2, True, datetime.fromisoformat("2026-01-31"), moment
    ]  # fmt: skip
    assert [c.number_format for c in first] == [
        "0", "0.00", "General", "General", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss.000"
    ]  # fmt: skip
    assert [c.value for c in second] == [
        None,
        None,
        1e300,
        False,
        None,
        moment.replace(microsecond=0),
    ]
    assert second[5].number_format == "yyyy-mm-dd hh:mm:ss"


def test_what_excel_would_change_is_text_as_in_the_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_workbook(
        typed(
            card=pa.array([1, 1_234_567_890_123_456]),
            price=pa.array([Decimal("0.01"), Decimal("99999999999999.99")], pa.decimal128(20, 2)),
            ratio=pa.array([float("nan"), float("-inf")]),
            day=pa.array([date(1900, 2, 28), date(1, 1, 1)]),
            at=pa.array([1, 2_000_001], pa.timestamp("us")),
            zone=pa.array([0, 1], pa.timestamp("s", "UTC")),
            took=pa.array([90, None], pa.duration("s")),
            tags=pa.array([["a"], []]),
            raw=pa.array([b"\x01", None]),
            code=pa.array([7, 1_234_567_890_123_456]).dictionary_encode(),
        ),
        path,
    )
    first, second = cells(path)
    assert [c.value for c in first] == [
        "1", "0.01", "nan", "1900-02-28", "1970-01-01 00:00:00.000001",
        "1970-01-01 00:00:00+00:00", "PT90S", '["a"]', "01", "7",
    ]  # fmt: skip
    assert [c.value for c in second] == [
        "1234567890123456", "99999999999999.99", "-inf", "0001-01-01", "1970-01-01 00:00:02.000001",
        "1970-01-01 00:00:01+00:00", None, "[]", None, "1234567890123456",
    ]  # fmt: skip
    assert {c.number_format for c in first} == {"@"}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-(10**15), 10**15),
            st.none() | st.floats(width=64),
            st.none()
            | st.decimals(allow_nan=False, allow_infinity=False, places=3).filter(
                lambda d: abs(d) < 10**17
            ),
            st.none() | st.dates(),
            st.none() | st.datetimes(),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_value_is_exactly_there_or_the_csv_s_own_text(rows: list[tuple[Any, ...]]) -> None:
    kinds = (pa.int64(), pa.float64(), pa.decimal128(20, 3), pa.date32(), pa.timestamp("us"))
    columns = [pa.array(list(v), k) for v, k in zip(zip(*rows, strict=True), kinds, strict=True)]
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.xlsx")
        write_workbook(typed(**dict(zip("abcde", columns, strict=True))), path)
        found = cells(path)
    texts = [as_texts(column).to_pylist() for column in columns]
    for row, (line, values) in enumerate(zip(found, rows, strict=True)):
        for at, (cell, value) in enumerate(zip(line, values, strict=True)):
            if isinstance(cell.value, str):
                assert cell.value == texts[at][row]
            elif at == 2 and value is not None:
                assert Decimal(repr(cell.value)) == value
            elif at == 3 and value is not None:
                assert cell.value.date() == value
            elif at == 4 and value is not None:
                assert cell.value == value
                assert value.microsecond % 1000 == 0
            else:
                assert cell.value == value


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook(typed(a=pa.array([1, 2]), b=pa.array(["x", None])), tmp_path / name)
        sleep(1.1)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
