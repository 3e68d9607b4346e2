"""Limits are where docs/limits.md says, in every format; work grows with the data, not its square."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from resources.errors import SourceError
from resources.limits import MOST_COLUMNS, chunked

DOCS = Path(__file__).parents[3] / "docs" / "limits.md"


def written(folder: Path, kind: str, width: int) -> str:
    """Write a table of one row and so many columns; give its name."""
    names = [f"c{n}" for n in range(width)]
    path = folder / f"a.{kind}"
    if kind == "csv":
        path.write_text(",".join(names) + "\n" + ",".join("1" * width) + "\n")
    elif kind == "jsonl":
        path.write_text(json.dumps(dict.fromkeys(names, 1)) + "\n")
    elif kind == "xml":
        path.write_text("<r><a " + " ".join(f'{n}="1"' for n in names) + "/></r>")
    elif kind == "parquet":
        pq.write_table(pa.table(dict.fromkeys(names, pa.array([1]))), path)
    else:
        feather.write_feather(pa.table(dict.fromkeys(names, pa.array([1]))), path)
    return path.name


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xml", "parquet", "arrow"])
def test_5000_columns_are_read_and_one_more_is_refused(reading: Any, kind: str) -> None:
    (row,) = reading.rows(written(reading.folder, kind, MOST_COLUMNS))
    assert len(row) == MOST_COLUMNS

    with pytest.raises(SourceError, match=rf"a\.{kind}.*5,0\d\d"):
        reading.rows(written(reading.folder, kind, MOST_COLUMNS + 1))


def test_xml_records_that_share_no_field_are_refused(reading: Any) -> None:
    rows = "".join(f'<a k{n}="1"/>' for n in range(MOST_COLUMNS + 1))
    (reading.folder / "a.xml").write_text(f"<r>{rows}</r>")
    with pytest.raises(SourceError, match="5,001 different fields"):
        reading.rows("a.xml")


def calls(run: Callable[[], object]) -> int:
    """Count the calls that work takes: the same on every machine."""
    count = 0

    def note(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xml", "parquet"])
def test_twice_the_columns_are_twice_the_work(reading: Any, kind: str) -> None:
    def read(width: int) -> int:
        name = written(reading.folder, kind, width)
        return calls(lambda: reading.rows(name))

    read(10)  # what is imported first is not counted
    assert read(1_600) < 2.5 * read(800)


def test_wide_records_are_held_by_their_cells() -> None:
    records = [dict.fromkeys(range(1_000), 1)] * 5_000
    sizes = [len(chunk) for chunk in chunked(records, 10_000)]  # type: ignore[type-var]
    assert sum(sizes) == 5_000
    assert max(sizes) == 2_000


def test_the_documents_say_the_limits() -> None:
    said = DOCS.read_text(encoding="utf-8")
    assert f"{MOST_COLUMNS:,} columns" in said
    assert "64 MB" in said


def test_a_workbook_wider_than_a_table_is_refused_by_sheet_and_column(reading: Any) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("넓은")
    for row in (range(MOST_COLUMNS + 1), range(MOST_COLUMNS + 1)):
        sheet.append([f"h{n}" for n in row])
    book.save(reading.folder / "a.xlsx")
    with pytest.raises(SourceError, match=r"a\.xlsx, sheet '넓은', has 5,001 columns .*GJI"):
        reading.rows("a.xlsx")
