"""Workbooks handed out: every text comes back as it was, also from what Excel saves; limits."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources import workbooks
from resources.sheets import sheet_columns, sheet_records
from resources.tables import Table
from resources.workbooks import WorkbookError, write_workbook

TEXTS = ["00501", "1234567890123456", "1-2", "=1+1", "TRUE", " x ", "a\nb", "_x0041_", "\x01", "가"]
CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(
    lambda text: text.replace("\r", "")
)


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
