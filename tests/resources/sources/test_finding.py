"""Files and formats: found by name or pattern, or missed with a helpful sentence."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.errors import SourceError
from resources.sources import find_files


def test_patterns_stand_for_files_in_name_order(reading: Any) -> None:
    for name in ("b.csv", "a.csv", "c.txt"):
        reading.write(name, "x\n1\n")
    found = find_files(["c.txt", "*.csv"], reading.folder)
    assert [path.name for path in found] == ["c.txt", "a.csv", "b.csv"]


def test_a_missing_file_is_named_with_its_neighbour(reading: Any) -> None:
    reading.write("reviews.csv", "x\n")
    with pytest.raises(
        SourceError, match=r"'review\.csv' is not there in .* did you mean 'reviews"
    ):
        reading.rows("review.csv")


def test_a_pattern_without_files_is_named_with_its_folder(reading: Any) -> None:
    reading.write("notes.md", "x\n")
    with pytest.raises(
        SourceError, match=r"no file matches the source '\*\.csv' in .*holds notes\.md"
    ):
        reading.rows("*.csv")


def test_a_missing_folder_is_named(reading: Any) -> None:
    (reading.folder / "incoming").mkdir()
    with pytest.raises(SourceError, match=r"no folder 'incomin' in .* did you mean 'incoming'"):
        reading.rows("incomin/a.csv")


def test_a_folder_is_no_file(reading: Any) -> None:
    with pytest.raises(SourceError, match="is a folder"):
        find_files([reading.folder])


def test_an_asset_without_source_files_is_told_to_name_some(reading: Any) -> None:
    with pytest.raises(SourceError, match="reviews reads a source, but declares none"):
        reading.rows()


def test_a_format_that_nobody_reads_is_named(reading: Any) -> None:
    reading.write("a.docx", "x")
    with pytest.raises(SourceError, match=r"a\.docx is of no format"):
        reading.rows("a.docx")


def test_different_formats_are_not_mixed(reading: Any) -> None:
    reading.write("a.csv", "x\n")
    reading.write("a.jsonl", '{"x": 1}\n')
    with pytest.raises(SourceError, match="different formats"):
        reading.rows("a.csv", "a.jsonl")


def test_parquet_is_read_as_it_is(reading: Any) -> None:
    table = pa.table({"id": pa.array([1, 2], pa.int16()), "tags": [["a"], None]})
    pq.write_table(table, reading.folder / "a.parquet")
    assert reading.source("a.parquet").read().to_arrow().equals(table)


def test_parquet_files_share_their_types(reading: Any) -> None:
    pq.write_table(pa.table({"id": [1]}), reading.folder / "a.parquet")
    pq.write_table(pa.table({"id": ["x"]}), reading.folder / "b.parquet")
    with pytest.raises(SourceError, match=r"b\.parquet .* 'id' is string where 'id' is int64"):
        reading.rows("*.parquet")


def test_what_is_no_parquet_is_named(reading: Any) -> None:
    reading.write("a.parquet", "PAR1 but not really PAR1")
    with pytest.raises(SourceError, match=r"a\.parquet is not a Parquet file"):
        reading.rows("a.parquet")
