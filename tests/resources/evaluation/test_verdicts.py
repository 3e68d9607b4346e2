"""Verdicts: to a spreadsheet and back, and kept as they were given."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from resources.evaluation.verdicts import (
    Item,
    Verdict,
    VerdictError,
    export_items,
    read_sheet,
    read_verdicts,
    write_verdicts,
)

KEY = "processed.c"
ITEMS = [
    Item(3, "a3", {"t": '=1+1, "x"'}, {"t": "=1+1"}),
    Item(8, "a8", {"t": "조아요\n두 줄"}, {"t": "조아요\n두 줄"}),
    Item(9, "a9", {"t": "fine"}, {"t": "fine"}),
]


def sheet(tmp_path: Path, *filled: dict[str, str], **form: Any) -> Path:
    """Export the items, fill the rows in as a person would, and save them as Excel might."""
    path = tmp_path / "sheet.csv"
    path.unlink(missing_ok=True)
    export_items(path, KEY, 2, ITEMS, formula_safe=True)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, more in zip(rows, filled, strict=False):
        row.update(more)
    encoding = form.pop("encoding", "utf-8-sig")
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), **form)
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(path: Path) -> list[Verdict]:
    """Read the sheet's verdicts."""
    return read_sheet(path, KEY).verdicts({item.row: item for item in ITEMS})


def test_a_sheet_has_what_a_person_needs_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    export_items(path, KEY, 2, ITEMS, formula_safe=True)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["row", "id", "raw", "cleaned", "verdict", "corrected", "comment"]
    assert (rows[0]["row"], rows[0]["cleaned"]) == ("processed.c/2/3", "'=1+1")
    with pytest.raises(VerdictError, match="is there already"):
        export_items(path, KEY, 2, ITEMS, formula_safe=True)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"delimiter": ";"},
        {"delimiter": "\t"},
        {"encoding": "cp949"},
        {"encoding": "utf-8", "lineterminator": "\n"},
    ],
)
def test_verdicts_come_back_however_the_sheet_was_saved(
    tmp_path: Path, form: dict[str, str]
) -> None:
    path = sheet(
        tmp_path,
        {"verdict": "Bad", "corrected": "'=1+2", "comment": "셈이 틀림"},
        {"corrected": "좋아요\n두 줄"},
        {"verdict": "good"},
        **form,
    )
    assert read(path) == [
        Verdict(ITEMS[0], False, {"t": "=1+2"}, "셈이 틀림"),
        Verdict(ITEMS[1], False, {"t": "좋아요\n두 줄"}),
        Verdict(ITEMS[2], True),
    ]
    assert read_sheet(path, KEY).version == 2


def test_an_apostrophe_that_a_person_wrote_stays(tmp_path: Path) -> None:
    (verdict,) = read(sheet(tmp_path, {"corrected": "'tis good"}))
    assert verdict.corrected == {"t": "'tis good"}


def test_rows_without_a_verdict_are_left_out(tmp_path: Path) -> None:
    assert read(sheet(tmp_path, {"verdict": "skip"})) == []
    assert read(sheet(tmp_path, {"verdict": "bad"})) == [Verdict(ITEMS[0], False)]


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({"verdict": "maybe"}, "line 2, field 'verdict': 'maybe' is neither good nor bad"),
        ({"verdict": "good", "corrected": "x"}, "the row is good, and there is a correction"),
        ({"row": "raw.x/2/3"}, "this is a row of raw.x, not of processed.c"),
        ({"row": "processed.c/1/3"}, "another version"),
        ({"row": "processed.c/2/8"}, "this row stands there twice"),
        ({"row": "3"}, "it does not say which row this is"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, filled: dict[str, str], said: str
) -> None:
    with pytest.raises(VerdictError) as caught:
        read(sheet(tmp_path, filled))
    assert said in str(caught.value)


def test_several_columns_have_cells_of_their_own(tmp_path: Path) -> None:
    item = Item(0, "1", {"a": "x", "b": "y"}, {"a": "X", "b": "Y"})
    path = tmp_path / "wide.csv"
    export_items(path, KEY, 1, [item], formula_safe=True)
    text = path.read_text(encoding="utf-8-sig")
    assert "raw.a,cleaned.a,raw.b,cleaned.b,verdict,corrected.a,corrected.b" in text
    path.write_text(text.replace('"","","",""', "bad,,Z,"), encoding="utf-8")
    (verdict,) = read_sheet(path, KEY).verdicts({0: item})
    assert verdict.right == {"a": "X", "b": "Z"}


def test_verdicts_are_kept_as_they_were_given(tmp_path: Path) -> None:
    given = [
        Verdict(ITEMS[0], False, {"t": "=1+2"}, "why"),
        Verdict(Item(0, "1", {"a": "x", "b": ""}, {"a": "X", "b": ""}), True),
        Verdict(ITEMS[2], False),
    ]
    write_verdicts(tmp_path / "v" / "verdicts.parquet", given)
    assert read_verdicts(tmp_path / "v" / "verdicts.parquet") == given
    assert [verdict.right for verdict in given] == [{"t": "=1+2"}, {"a": "X", "b": ""}, None]


@pytest.mark.parametrize(
    ("raw", "cleaned", "typed"),
    [
        ("00501 ", "00510", "501"),
        ("1234567890123456", "1234567890123465", "1.23457E+15"),
        ("2024-01-02", "2024-01-20", "2-Jan-24"),
    ],
)
def test_a_correction_that_a_spreadsheet_changed_is_refused(
    tmp_path: Path, raw: str, cleaned: str, typed: str
) -> None:
    """In a CSV; the cells of a workbook keep what is typed."""
    item = Item(0, "1", {"t": raw}, {"t": cleaned})
    path = tmp_path / "codes.csv"
    path.write_text(
        f"row,id,raw,cleaned,verdict,corrected,comment\n{KEY}/1/0,1,{raw},{cleaned},bad,{typed},\n",
        encoding="utf-8",
    )
    with pytest.raises(VerdictError, match="export a workbook") as error:
        read_sheet(path, KEY).verdicts({0: item})
    assert "line 2, field 'corrected'" in str(error.value)
