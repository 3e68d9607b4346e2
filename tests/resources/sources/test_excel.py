"""Excel: the first sheet with rows, cells typed as they are, rows that do not fit set aside."""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.columns import Column
from resources.errors import SourceError, TransientError
from resources.sources.excel import package, xls, xlsx

Rows = list[Any]


def book(**sheets: Rows) -> openpyxl.Workbook:
    """Make a workbook of sheets."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return made


def write(reading: Any, name: str, made: openpyxl.Workbook) -> Path:
    """Save a workbook into the folder."""
    target = io.BytesIO()
    made.save(target)
    path: Path = reading.write(name, target.getvalue())
    return path


def repack(path: Path, change: Callable[[str, bytes], bytes], **more: bytes) -> None:
    """Change the parts of a workbook."""
    with zipfile.ZipFile(path) as old:
        parts = {name: change(name, old.read(name)) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in {**parts, **more}.items():
            new.writestr(name, data)


def edit(path: Path, part: str, old: str, new: str) -> None:
    """Replace text in one part."""

    def change(name: str, data: bytes) -> bytes:
        """Replace it where it stands."""
        return data.replace(old.encode(), new.encode()) if name.endswith(part) else data

    repack(path, change)


def noon(year: int, month: int, day: int) -> datetime:
    """Give a time as tables hold it: without a zone."""
    return datetime(year, month, day, 12, 30, 15, 250_000, UTC).replace(tzinfo=None)


def test_cells_keep_the_types_that_they_have(reading: Any) -> None:
    rows: list[list[Any]] = [
        ["i", "f", "m", "b", "d", "at", "t", "s", "x", "n"],
        [1, 1.5, 1, True, date(2026, 1, 31), noon(2026, 1, 31), time(9, 5), "007", "a", None],
        [2**50, 2, 2.5, False, date(1900, 1, 1), noon(1999, 12, 31), time(0), "굿", 7, None],
    ]
    write(reading, "a.xlsx", book(one=rows))
    table = reading.source("a.xlsx").read().to_arrow()
    assert dict(zip(table.column_names, map(str, table.schema.types), strict=True)) == {
        "i": "int64", "f": "double", "m": "double", "b": "bool", "d": "date32[day]",
        "at": "timestamp[us]", "t": "time64[us]", "s": "string", "x": "string", "n": "string",
    }  # fmt: skip
    first, second = table.to_pylist()
    assert list(first.values()) == [*rows[1][:9], None]
    assert list(second.values()) == [*rows[2][:8], "7", None]


def test_a_number_without_a_fraction_is_a_whole_number(reading: Any) -> None:
    path = write(reading, "a.xlsx", book(one=[["n"], [5], [6]]))
    edit(path, "sheet1.xml", "<v>5</v>", "<v>5.0</v>")
    edit(path, "sheet1.xml", "<v>6</v>", "<v>6E+2</v>")
    assert reading.rows("a.xlsx") == [{"n": 5}, {"n": 600}]


def test_dates_with_and_without_a_time_are_times_together(reading: Any) -> None:
    rows = [["at"], [date(2026, 1, 31)], [noon(2026, 2, 1)]]
    write(reading, "a.xlsx", book(one=rows))
    assert [row["at"] for row in reading.rows("a.xlsx")] == [
        datetime(2026, 1, 31, tzinfo=UTC).replace(tzinfo=None),
        noon(2026, 2, 1),
    ]


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("yyyy-mm-dd", 45_000, date(2023, 3, 15)),
        ('yyyy"년" m"월" d"일"', 45_000, date(2023, 3, 15)),
        ("[$-412]yyyy/m/d;@", 45_000, date(2023, 3, 15)),
        ("[h]:mm:ss", 1.5, "36:00:00"),
        ("h:mm", 0.5, time(12)),
        ('0.0"days"', 1.5, 1.5),
        ("[Red]0.00", 1.5, 1.5),
        (r"0\d", 3, 3),
        ("General", 1.5, 1.5),
        ("0.00E+00", 1.5, 1.5),
    ],
)
def test_a_number_is_a_date_by_the_format_it_is_shown_in(
    reading: Any, code: str, value: float, expected: Any
) -> None:
    made = book(one=[["x"], [value]])
    made["one"]["A2"].number_format = code
    write(reading, "a.xlsx", made)
    assert reading.rows("a.xlsx") == [{"x": expected}]


def test_a_workbook_of_old_macs_counts_days_from_1904(reading: Any) -> None:
    made = book(one=[["d"], [date(2026, 1, 31)]])
    made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    write(reading, "a.xlsx", made)
    assert reading.rows("a.xlsx") == [{"d": date(2026, 1, 31)}]


@pytest.mark.parametrize("day", [-1, 0, 60, 2_958_466, 1e300])
def test_a_date_that_excel_does_not_have_sets_its_row_aside(reading: Any, day: float) -> None:
    made = book(one=[["d"], [day], [1]])
    made["one"]["A2"].number_format = made["one"]["A3"].number_format = "yyyy-mm-dd"
    write(reading, "a.xlsx", made)
    assert reading.rows("a.xlsx") == [{"d": date(1900, 1, 1)}]
    (reject,) = reading.set_aside()
    assert (reject.rule, reject.column, reject.line) == ("cell", "d", 2)
    assert float(json.loads(reject.row)["d"]) == day


def test_formulas_give_the_values_that_excel_saw_last(reading: Any) -> None:
    path = write(reading, "a.xlsx", book(one=[["n", "s"], ["=1+1", '="a"&"b"']]))
    edit(path, "sheet1.xml", "<f>1+1</f><v />", "<f>1+1</f><v>2</v>")
    edit(path, "sheet1.xml", '"b"</f><v />', '"b"</f><v>ab</v>')
    edit(path, "sheet1.xml", '<c r="B2">', '<c r="B2" t="str">')
    assert reading.rows("a.xlsx") == [{"n": 2, "s": "ab"}]


def test_a_formula_that_was_never_calculated_sets_its_row_aside(reading: Any) -> None:
    write(reading, "a.xlsx", book(one=[["n"], ["=1+1"], [3]]))
    assert reading.rows("a.xlsx") == [{"n": 3}]
    (reject,) = reading.set_aside()
    assert "A2 of sheet 'one' holds a formula that was never calculated" in reject.reason
    assert json.loads(reject.row) == {"n": "=1+1"}


def test_a_formula_that_stands_at_another_cell_is_nothing_in_the_row_set_aside(
    reading: Any,
) -> None:
    path = write(reading, "a.xlsx", book(one=[["n", "m"], ["=1+1", 2], [3, 4]]))
    edit(path, "sheet1.xml", "<f>1+1</f>", '<f t="shared" si="0" />')
    assert reading.rows("a.xlsx") == [{"n": 3, "m": 4}]
    (reject,) = reading.set_aside()
    assert json.loads(reject.row) == {"n": None, "m": "2"}


def test_not_available_is_a_missing_value_and_other_errors_set_their_row_aside(
    reading: Any,
) -> None:
    path = write(reading, "a.xlsx", book(one=[["a", "b"], [1, "#N/A"], [2, "#DIV/0!"], [3, 4]]))
    assert reading.rows("a.xlsx") == [{"a": 1, "b": None}, {"a": 3, "b": 4}]
    (reject,) = reading.set_aside()
    assert reject.reason == "B3 of sheet 'one' holds the error #DIV/0!"
    assert (reject.column, reject.source, reject.line) == ("b", str(path), 3)
    assert json.loads(reject.row) == {"a": "2", "b": "#DIV/0!"}


def test_the_first_sheet_with_rows_is_read_unless_it_is_hidden(reading: Any) -> None:
    made = book(notes=[], lists=[["x"], [0]], data=[["x"], [1]], more=[["x"], [2]])
    made["lists"].sheet_state = "hidden"
    write(reading, "a.xlsx", made)
    assert reading.rows("a.xlsx") == [{"x": 1}]
    assert reading.rows("a.xlsx", sheet="MORE ") == [{"x": 2}]
    assert reading.rows("a.xlsx", sheet=2) == [{"x": 0}]
    assert reading.rows("a.xlsx", sheet="*") == [{"x": 1}, {"x": 2}]


def test_a_sheet_that_is_not_there_is_named_with_the_nearest(reading: Any) -> None:
    write(reading, "a.xlsx", book(reviews=[["x"], [1]]))
    with pytest.raises(SourceError, match="no sheet 'reveiws'; did you mean 'reviews'"):
        reading.rows("a.xlsx", sheet="reveiws")
    with pytest.raises(SourceError, match="no sheet 2"):
        reading.rows("a.xlsx", sheet=2)


def test_sheets_that_are_read_together_share_their_columns_in_any_order(reading: Any) -> None:
    write(reading, "a.xlsx", book(a=[["x", "y"], [1, "a"]], b=[["y", "x"], ["b", 2.5]]))
    assert reading.rows("a.xlsx", sheet="*") == [{"x": 1, "y": "a"}, {"x": 2.5, "y": "b"}]
    write(reading, "b.xlsx", book(a=[["x", "y"], [1, "a"]], b=[["x", "z"], [1, "b"]]))
    with pytest.raises(SourceError, match=r"\(sheet 'b'\) does not have the columns .* lacks 'y'"):
        reading.rows("b.xlsx", sheet="*")


def test_files_are_read_together(reading: Any) -> None:
    write(reading, "a1.xlsx", book(a=[["x"], [1]]))
    write(reading, "a2.xlsm", book(a=[["x"], [2]]))
    assert reading.rows("a1.xlsx", "a2.xlsm") == [{"x": 1}, {"x": 2}]


def test_merged_headers_are_joined(reading: Any) -> None:
    made = book(
        one=[
            ["Report of the year"],
            ["지점", "2024", None, "2025", None],
            [None, "매출", "비용", "매출", "비용"],
            ["서울", 1, 2, 3, 4],
        ]
    )
    for cells in ("A2:A3", "B2:C2", "D2:E2", "A1:XFD1"):
        made["one"].merge_cells(cells)
    write(reading, "a.xlsx", made)
    assert reading.rows("a.xlsx", skip=1, header_rows=2) == [
        {"지점": "서울", "2024 / 매출": 1, "2024 / 비용": 2, "2025 / 매출": 3, "2025 / 비용": 4}
    ]


def test_a_merged_cell_in_one_header_row_names_all_that_it_covers(reading: Any) -> None:
    made = book(one=[["a", "b", None], [1, 2, 3], [4, 5, 6]])
    made["one"].merge_cells("B1:C1")
    write(reading, "a.xlsx", made)
    assert reading.rows("a.xlsx")[0] == {"a": 1, "b": 2, "b_2": 3}


def test_a_merged_cell_below_the_header_stands_in_its_first_row(reading: Any) -> None:
    made = book(one=[["a", "b"], ["x", 1], [None, 2]])
    made["one"].merge_cells("A2:A3")
    write(reading, "a.xlsx", made)
    assert [row["a"] for row in reading.rows("a.xlsx")] == ["x", None]


def test_empty_and_repeated_headers_get_names_as_in_csv(reading: Any) -> None:
    write(reading, "a.xlsx", book(one=[["id", None, " ID ", 2024], [1, 2, 3, 4]]))
    assert reading.rows("a.xlsx") == [{"id": 1, "column_2": 2, "ID_2": 3, "2024": 4}]


def test_a_table_may_begin_anywhere(reading: Any) -> None:
    write(reading, "a.xlsx", book(one=[[], [None, None, "a", "b"], [None, None, 1, 2]]))
    assert reading.rows("a.xlsx") == [{"a": 1, "b": 2}]


def test_empty_rows_are_no_rows_and_missing_cells_are_missing_values(reading: Any) -> None:
    write(reading, "a.xlsx", book(one=[["a", "b"], [1], [], [None, ""], [None, 2]]))
    assert reading.rows("a.xlsx") == [{"a": 1, "b": None}, {"a": None, "b": 2}]


def test_a_value_beside_the_table_sets_its_row_aside(reading: Any) -> None:
    write(reading, "a.xlsx", book(one=[["a", "b"], [1, 2, None, "see below"], [3, 4, ""]]))
    assert reading.rows("a.xlsx") == [{"a": 3, "b": 4}]
    (reject,) = reading.set_aside()
    assert reject.reason == "D2 of sheet 'one' holds a value, where the header ends with B"
    assert json.loads(reject.row) == {"a": "1", "b": "2", "D": "see below"}


def test_rows_go_aside_once_however_often_the_table_is_read(reading: Any) -> None:
    write(reading, "a.xlsx", book(one=[["a"], ["#REF!"], [1]]))
    table = reading.source("a.xlsx").read()
    assert table.to_arrow() == table.to_arrow()
    assert [
        len(batch) for pair in zip(table.batches(), table.batches(), strict=True) for batch in pair
    ]
    assert len(reading.set_aside()) == 1


def test_with_declared_columns_values_are_text(reading: Any) -> None:
    write(reading, "a.xlsx", book(one=[["i", "b", "d"], [1, True, noon(2026, 1, 31)]]))
    table = reading.source("a.xlsx", columns=(Column("i", "int64"),)).read().to_arrow()
    assert table.to_pylist() == [{"i": "1", "b": "true", "d": "2026-01-31 12:30:15.250"}]


def test_texts_keep_numbers_in_their_metadata(reading: Any) -> None:
    rows = [["id", "text", "stars", "x", "ok", "day"], [1, "굿", 5, 0.1, True, date(2026, 1, 31)]]
    write(reading, "a.xlsx", book(one=rows))
    (row,) = (
        reading.source("a.xlsx")
        .texts(id="id", text="text", created_at="day")
        .to_arrow()
        .to_pylist()
    )
    assert row["id"] == 1
    assert row["metadata"] == '{"stars": 5, "x": 0.1, "ok": true}'
    assert row["created_at"].isoformat() == "2026-01-31T00:00:00"


def test_runs_of_a_text_are_one_text_without_its_reading_aids(reading: Any) -> None:
    path = write(reading, "a.xlsx", book(one=[["t"], ["x"]]))
    runs = (
        '<is><r><t>좋은 </t></r><r><rPr><b/></rPr><t xml:space="preserve">영화</t></r>'
        "<rPh sb='0' eb='1'><t>읽기</t></rPh></is>"
    )

    def change(name: str, data: bytes) -> bytes:
        """Write the cell's text in runs."""
        if name.endswith("sheet1.xml"):
            cut = data.index(b'<c r="A2"')
            end = data.index(b"</c>", cut)
            return data[:cut] + f'<c r="A2" t="inlineStr">{runs}'.encode() + data[end:]
        return data

    repack(path, change)
    assert reading.rows("a.xlsx") == [{"t": "좋은 영화"}]


def test_characters_that_xml_cannot_hold_are_read_as_excel_writes_them(reading: Any) -> None:
    write(reading, "a.xlsx", book(one=[["t"], ["a_x000D_b_x005F_x0041_"]]))
    assert reading.rows("a.xlsx") == [{"t": "a\rb_x0041_"}]


# --- what is not read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"id,text\n1,a\n", "is text, no workbook. Read it with format='csv'"),
        ("<html><table>굿".encode("cp949"), "is a web page called like a workbook"),
        (b"<?xml version='1.0'?><a/>", "is XML, no workbook"),
        (b"\x00\x01" * 50, "is not an Excel workbook"),
        (b"PK\x03\x04 and no more", "is a damaged Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000), "is a damaged Excel workbook"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "is encrypted with a password. Open it in Excel and save it without one",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.xlsx", "a.xls"])
def test_what_is_no_workbook_is_named_for_what_it_is(
    reading: Any, name: str, content: bytes, sentence: str
) -> None:
    reading.write(name, content)
    with pytest.raises(SourceError) as caught:
        reading.rows(name)
    assert sentence in str(caught.value)


def test_another_zip_file_is_no_workbook(reading: Any) -> None:
    for name, part in (("a.xlsx", "x.txt"), ("b.xlsx", "mimetype")):
        with zipfile.ZipFile(reading.folder / name, "w") as packed:
            packed.writestr(part, "x")
    with pytest.raises(SourceError, match="is a zip file, not a workbook"):
        reading.rows("a.xlsx")
    with pytest.raises(SourceError, match="is an OpenDocument file"):
        reading.rows("b.xlsx")


def test_a_workbook_without_rows_is_an_error_that_names_hidden_sheets(reading: Any) -> None:
    made = book(one=[], two=[["x"], [1]])
    made["two"].sheet_state = "hidden"
    write(reading, "a.xlsx", made)
    with pytest.raises(SourceError, match=r"no rows in a sheet that Excel shows.*'two'"):
        reading.rows("a.xlsx")
    with pytest.raises(SourceError, match="no rows in its sheet 1"):
        reading.rows("a.xlsx", sheet=1)


@pytest.mark.parametrize("options", [{"skip": -1}, {"header_rows": 0}, {"skip": True}])
def test_options_that_are_no_numbers_of_rows_are_refused(
    reading: Any, options: dict[str, Any]
) -> None:
    write(reading, "a.xlsx", book(one=[["x"], [1]]))
    with pytest.raises(SourceError, match="is not a number of rows"):
        reading.rows("a.xlsx", **options)


def test_a_part_that_unpacks_to_far_more_than_it_packs_is_refused_before_it_is_unpacked(
    reading: Any,
) -> None:
    path = write(reading, "a.xlsx", book(one=[["x"], [1]]))

    def blow_up(name: str, data: bytes) -> bytes:
        """Put 40 MB of spaces into the sheet."""
        spaces = b" " * (40 << 20)
        return data.replace(b"</sheetData>", spaces + b"</sheetData>") if "sheet1" in name else data

    repack(path, blow_up)
    with pytest.raises(SourceError, match=r"the limits are .* bytes and 200 times"):
        reading.rows("a.xlsx")


def test_a_part_beyond_the_size_limit_is_refused(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(reading, "a.xlsx", book(one=[["x"], [1]]))
    monkeypatch.setattr(package, "LARGEST", 100)
    with pytest.raises(SourceError, match="the limits are 100 bytes"):
        reading.rows("a.xlsx")


def test_an_entry_that_lies_about_its_size_does_not_unpack_to_more(reading: Any) -> None:
    path = write(reading, "a.xlsx", book(one=[["x"], *[[n] for n in range(2_000)]]))
    data = path.read_bytes()
    with zipfile.ZipFile(path) as packed:
        size = packed.getinfo("xl/worksheets/sheet1.xml").file_size
    reading.write("a.xlsx", data.replace(size.to_bytes(4, "little"), (500).to_bytes(4, "little")))
    with pytest.raises(SourceError, match="damaged Excel workbook"):
        reading.rows("a.xlsx")


def test_a_sheet_of_too_many_cells_is_refused(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(reading, "a.xlsx", book(one=[["x"], *[[n] for n in range(20_000)]]))
    monkeypatch.setattr(xlsx, "MOST_CELLS", 10_000)
    with pytest.raises(SourceError, match="more than 10,000 cells"):
        reading.rows("a.xlsx")


def test_cells_at_the_far_corner_take_no_memory(reading: Any) -> None:
    path = write(reading, "a.xlsx", book(one=[["x"], [1], [2]]))
    edit(path, "sheet1.xml", '<row r="3">', '<row r="1048576">')
    edit(path, "sheet1.xml", 'r="A3"', 'r="XFD1048576"')
    assert reading.rows("a.xlsx") == [{"x": 1}]
    assert reading.set_aside()[0].line == 1_048_576
    edit(path, "sheet1.xml", "XFD1048576", "XFE1048576")
    with pytest.raises(SourceError, match="column 'XFE' is beyond Excel's grid"):
        reading.rows("a.xlsx")


@pytest.mark.parametrize("part", ["sheet1.xml", "workbook.xml", "styles.xml", "workbook.xml.rels"])
def test_a_document_type_in_any_part_is_refused(reading: Any, part: str) -> None:
    path = write(reading, "a.xlsx", book(one=[["x"], [1]]))
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    repack(path, lambda name, data: bomb + data.split(b"?>\n")[-1] if name.endswith(part) else data)
    with pytest.raises(SourceError, match="declares a document type"):
        reading.rows("a.xlsx")


@pytest.mark.parametrize("part", ["sheet1.xml", "workbook.xml", "workbook.xml.rels"])
def test_a_workbook_with_a_part_cut_off_is_damaged(reading: Any, part: str) -> None:
    path = write(reading, "a.xlsx", book(one=[["x"], [1], [2]]))
    repack(path, lambda name, data: data[: len(data) // 2] if name.endswith(part) else data)
    with pytest.raises(SourceError, match=r"a\.xlsx"):
        reading.rows("a.xlsx")


@pytest.mark.parametrize("rows", [5, 30_000])
def test_a_full_folder_for_temporary_files_is_a_passing_cause(
    reading: Any, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    write(reading, "a.xlsx", book(one=[["x"], *[[n] for n in range(rows)]]))

    def full(*_: Any) -> Any:
        """Have no room."""
        return Path("/dev/full").open("w+b")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(TransientError, match="takes no more .* set TMPDIR"):
        reading.rows("a.xlsx")


# --- .xls -------------------------------------------------------------------------------------


def test_xls_reads_as_xlsx_does(reading: Any) -> None:
    made = xlwt.Workbook()
    sheet, day = made.add_sheet("하나"), xlwt.easyxf(num_format_str="yyyy-mm-dd")
    moment = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    sheet.write_merge(0, 0, 1, 2, "2024")
    for at, name in enumerate(["id", "매출", "비용", "d", "at", "ok"]):
        sheet.write(1, at, name)
    values = [
        1,
        1.5,
        "<올드보이>",
        date(2026, 1, 31),
        noon(2026, 1, 31).replace(microsecond=0),
        True,
    ]
    for at, (value, style) in enumerate(
        zip(values, [None, None, None, day, moment, None], strict=True)
    ):
        sheet.write(2, at, value, style) if style else sheet.write(2, at, value)
    made.save(str(reading.folder / "a.xls"))
    names = ["id", "2024 / 매출", "2024 / 비용", "d", "at", "ok"]
    assert reading.rows("a.xls", header_rows=2) == [dict(zip(names, values, strict=True))]
    (reading.folder / "a.xls").rename(reading.folder / "b.xlsx")
    assert len(reading.rows("b.xlsx", header_rows=2)) == 1


def test_an_xls_file_of_more_than_memory_is_refused(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = xlwt.Workbook()
    made.add_sheet("a").write(0, 0, "x")
    made.save(str(reading.folder / "a.xls"))
    monkeypatch.setattr(xls, "LARGEST", 1_000)
    with pytest.raises(SourceError, match=r"Save it as \.xlsx, which is streamed"):
        reading.rows("a.xls")


# --- anything ---------------------------------------------------------------------------------

# What xlsx cannot carry: control characters, CR (XML makes it LF), text that looks like an escape,
# more than 15 digits (openpyxl writes 16), parts of a millisecond, days before 1 March 1900 safely.
_LETTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | (
    st.sampled_from("\n\t<>&'\"가 ")
)
_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"}
_TEXT: st.SearchStrategy[str] = st.text(_LETTERS, min_size=1, max_size=20).filter(
    lambda text: not text.startswith("=") and "_x" not in text and text not in _ERRORS
)
_DAY = st.dates(date(1900, 3, 1), date(9999, 12, 31))
_MOMENT = st.datetimes(
    datetime(1900, 3, 1), datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - Excel has no zones
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
_KINDS = [
    _TEXT,
    st.integers(-(10**15), 10**15),
    st.floats(-1e300, 1e300).map(lambda x: float(f"{x:.15g}")).filter(lambda x: not x.is_integer()),
    st.booleans(),
    _DAY,
    _MOMENT,
]


@st.composite
def tables(draw: Any) -> tuple[list[str], Rows]:
    """Draw any table that a sheet can carry: columns of one kind, with gaps, no empty row."""
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True))
    kinds = [draw(st.sampled_from(_KINDS)) for _ in names]
    rows = draw(st.lists(st.tuples(*(st.none() | kind for kind in kinds)), max_size=6))
    return names, [list(row) for row in rows if any(value is not None for value in row)]


@settings(max_examples=60, deadline=None)
@given(tables())
def test_any_table_that_a_sheet_can_carry_comes_back_equal(
    fresh: Callable[[], Any], table: tuple[list[str], Rows]
) -> None:
    reading = fresh()
    names, rows = table
    write(reading, "a.xlsx", book(one=[names, *rows]))
    assert reading.rows("a.xlsx") == [dict(zip(names, row, strict=True)) for row in rows]
    assert reading.set_aside() == []


def test_control_characters_cannot_be_written_and_are_no_xml(reading: Any) -> None:
    with pytest.raises(openpyxl.utils.exceptions.IllegalCharacterError):
        book(one=[["x"], ["a\x00b"]])
    path = write(reading, "a.xlsx", book(one=[["x"], ["ab"]]))
    edit(path, "sheet1.xml", ">ab<", ">a\x01b<")
    with pytest.raises(SourceError, match="not well-formed XML"):
        reading.rows("a.xlsx")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1152921504606846977", 1_152_921_504_606_846_977),
        ("12345678901234567890123", "12345678901234567890123"),
        ("0.1234567890123456789", 0.12345678901234568),
        ("1E+20", 1e20),
    ],
)
def test_whole_numbers_keep_all_digits_that_the_file_has(
    reading: Any, written: str, read: Any
) -> None:
    path = write(reading, "a.xlsx", book(one=[["x"], [1]]))
    edit(path, "sheet1.xml", "<v>1</v>", f"<v>{written}</v>")
    assert reading.rows("a.xlsx") == [{"x": read}]


@settings(max_examples=120, deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]),
)
def test_any_bytes_are_read_or_refused_with_a_sentence(
    fresh: Callable[[], Any], data: bytes, head: bytes
) -> None:
    reading = fresh()
    reading.write("a.xlsx", head + data)
    with suppress(SourceError):
        reading.rows("a.xlsx")


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls"])
def test_damage_anywhere_in_a_workbook_is_read_or_refused_with_a_sentence(
    reading: Any, name: str
) -> None:
    if name == "a.xls":
        made = xlwt.Workbook()
        for at in range(3):
            made.add_sheet(f"s{at}").write(0, 0, f"text {at}")
        made.save(str(reading.folder / name))
    else:
        write(reading, name, book(one=[["a", "b"], *[[n, f"text {n}"] for n in range(50)]]))
    whole = (reading.folder / name).read_bytes()
    dice = random.Random(7)
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        reading.write(name, bytes(data[: dice.choice([len(data), dice.randrange(len(data))])]))
        with suppress(SourceError):
            reading.rows(name)


_ODD = [
    *[b'"99999999999999999999"', b'""', b'"-1"', b'"s"', b'"e"', b'"d"', b'"zz"', b'"rId9"'],
    *[b'"ZZZZ1"', b'"A0"', b"</c>", b"<row>", b"<v>", b"&lt;", b"9" * 5_000, b"NaN", b"1e999"],
    *[b"<a>" * 300, b'"../../x"', b"\xff", b'r="1048577"'],
]


def test_damage_inside_the_parts_of_a_workbook_is_read_or_refused_with_a_sentence(
    reading: Any,
) -> None:
    rows = [["a", "b"], *[[n, f"text {n}"] for n in range(20)], [date(2026, 1, 1), 1.5]]
    write(reading, "whole.xlsx", book(one=rows))
    dice = random.Random(7)
    with zipfile.ZipFile(reading.folder / "whole.xlsx") as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    names = [name for name in parts if name.endswith((".xml", ".rels")) and "theme" not in name]
    for _ in range(200):
        name, odd = dice.choice(names), dice.choice(_ODD)
        data, at = parts[name], dice.randrange(len(parts[name]))
        if odd.startswith(b'"'):
            at = data.find(b'="', at) + 1
            end = data.find(b'"', at + 1) + 1
        else:
            end = at + dice.choice([0, len(odd)])
        with zipfile.ZipFile(reading.folder / "a.xlsx", "w") as packed:
            for part, old in parts.items():
                packed.writestr(part, data[:at] + odd + data[end:] if part == name else old)
        with suppress(SourceError):
            reading.rows("a.xlsx", sheet="*")


def test_a_length_of_time_is_text(reading: Any) -> None:
    write(reading, "a.xlsx", book(one=[["t"], [timedelta(hours=30, seconds=1.5)]]))
    assert reading.rows("a.xlsx") == [{"t": "30:00:01.500"}]


# --- packages that are right, and written in a way of their own ---------------------------------


_Y = '<c r="B2" t="inlineStr"><is><t>y</t></is></c>'


def renamed(path: Path, name: Callable[[str], str], change: Callable[[bytes], bytes]) -> None:
    """Give the parts of a workbook other names."""
    with zipfile.ZipFile(path) as old:
        parts = {name(part): change(old.read(part)) for part in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for part, data in parts.items():
            info = zipfile.ZipInfo("x")
            info.filename = part  # ZipInfo itself would put a slash where a backslash is
            new.writestr(info, data)


def test_parts_named_with_backslashes_are_found(reading: Any) -> None:
    path = write(reading, "a.xlsx", book(One=[["a", "b"], [1, "x"]]))
    renamed(path, lambda part: part.replace("/", "\\"), lambda data: data)
    assert reading.rows("a.xlsx") == [{"a": 1, "b": "x"}]


def test_a_package_without_the_folder_xl_is_read(reading: Any) -> None:
    path = write(reading, "a.xlsx", book(One=[["a", "b"], [1, "x"]]))
    renamed(
        path,
        lambda part: part.removeprefix("xl/"),
        lambda data: data.replace(b"/xl/", b"/").replace(b'"xl/', b'"'),
    )
    assert reading.rows("a.xlsx") == [{"a": 1, "b": "x"}]


def test_a_cell_of_an_empty_shared_text_is_empty(reading: Any) -> None:
    path = write(reading, "a.xlsx", book(One=[["a", "b"], ["x", "y"], ["z", "w"]]))
    edit(path, "sheet1.xml", _Y, '<c r="B2" t="s"><v/></c>')
    assert reading.rows("a.xlsx") == [{"a": "x", "b": None}, {"a": "z", "b": "w"}]


@pytest.mark.parametrize("number", ["99", "-1", "x"])
def test_a_cell_of_a_shared_text_that_is_not_there_is_set_aside(reading: Any, number: str) -> None:
    path = write(reading, "a.xlsx", book(One=[["a", "b"], ["x", "y"], ["z", "w"]]))
    edit(path, "sheet1.xml", _Y, f'<c r="B2" t="s"><v>{number}</v></c>')
    assert reading.rows("a.xlsx") == [{"a": "z", "b": "w"}]
    (reject,) = reading.set_aside()
    assert f"text number '{number}', which the workbook does not have" in reject.reason


def test_no_word_of_the_language_stands_in_the_sentence(reading: Any) -> None:
    path = write(reading, "a.xlsx", book(One=[["a"], [1]]))
    edit(path, "sheet1.xml", '<row r="2"', '<row r="two"')
    with pytest.raises(SourceError, match="'two' stands where a number belongs"):
        reading.rows("a.xlsx")


def test_an_xls_number_format_that_redefines_a_built_in_one_is_obeyed(reading: Any) -> None:
    """Format 50 is a date in East Asian Excel; this file says that it is twelve digits."""
    made = xlwt.Workbook()
    sheet = made.add_sheet("One")
    sheet.write(0, 0, "a")
    sheet.write(1, 0, 81_227_827_687, xlwt.easyxf(num_format_str="000000000000"))
    made.save(str(reading.folder / "a.xls"))
    plain = (reading.folder / "a.xls").read_bytes()
    # xlwt numbers its own formats from 164 on: in the FORMAT and XF records it becomes 50
    name = (12).to_bytes(2, "little") + b"\x00" + b"000000000000"
    own = next(n for n in range(164, 180) if n.to_bytes(2, "little") + name in plain)
    number = own.to_bytes(2, "little")
    changed = plain.replace(number + name, b"\x32\x00" + name)
    xf = b"\xe0\x00\x14\x00"
    parts = changed.split(xf)
    parts[1:] = [p[:2] + b"\x32\x00" + p[4:] if p[2:4] == number else p for p in parts[1:]]
    (reading.folder / "a.xls").write_bytes(xf.join(parts))
    assert reading.rows("a.xls") == [{"a": 81_227_827_687}]
