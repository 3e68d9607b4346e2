"""CSV for people and spreadsheets: exact, and nothing in it runs."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.export import write_csv
from resources.rejects import Rejects
from resources.sources import Source
from resources.tables import Table


def table(values: Any) -> Table:
    """Make a table to export."""
    arrow = values if isinstance(values, pa.Table) else pa.table(values)

    def batches(rows: int) -> Any:
        """Give the rows in batches."""
        return iter(arrow.to_batches(max_chunksize=rows))

    return Table(lambda: arrow.schema, batches)


def written(folder: Path, values: Any, **options: Any) -> str:
    """Export and read the file as text."""
    path = folder / "out.csv"
    path.unlink(missing_ok=True)
    write_csv(table(values), path, **options)
    return path.read_bytes().decode()


def test_the_file_has_a_bom_a_header_and_no_index(tmp_path: Path) -> None:
    assert (
        written(tmp_path, {"번호": [1, 2], "리뷰": ["좋아요", "굿"]})
        == "\ufeff번호,리뷰\n1,좋아요\n2,굿\n"
    )


def test_a_table_without_rows_still_has_its_header(tmp_path: Path) -> None:
    assert written(tmp_path, {"a": pa.array([], pa.string())}) == "\ufeffa\n"


def test_a_missing_value_and_an_empty_text_are_told_apart(tmp_path: Path) -> None:
    assert written(tmp_path, {"a": [None, ""], "b": ["x", None]}) == '\ufeffa,b\n,x\n"",\n'


def test_quotation_marks_line_breaks_and_commas_stay_exactly(tmp_path: Path) -> None:
    texts = ['say "yes"', "one\ntwo", "one\r\ntwo", "a,b", " spaces "]
    text = written(tmp_path, {"a": texts, "b": [1] * 5}).removeprefix("\ufeff")
    assert [row[0] for row in csv.reader(io.StringIO(text, newline=""))] == ["a", *texts]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1 추천", "-_-", "@친구", "  =1", "\t=1", "\rx", "\u3000＝1", "＋1", "－1", "＠x",
     "\u200b=1", "\ufeff=1", "\u00a0@x", "+82-10-1234-5678", "-1+cmd|' /C calc'!A0", "-", "=",
     "\n=1"],
)  # fmt: skip
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path: Path, text: str) -> None:
    cells = list(csv.reader(io.StringIO(written(tmp_path, {"a": [text]}), newline="")))
    assert cells[1] == ["'" + text]
    untouched = written(tmp_path, {"a": [text]}, formula_safe=False)
    assert list(csv.reader(io.StringIO(untouched, newline="")))[1] == [text]


@pytest.mark.parametrize(
    "text", ["-12.5", "+3", "-.5", "+1e-5", "-12%", "a=b", "3-1", "<영화>", "'=1"]
)
def test_a_plain_number_and_ordinary_text_stay_as_they_are(tmp_path: Path, text: str) -> None:
    assert written(tmp_path, {"a": [text]}) == f"\ufeffa\n{text}\n"


def test_a_header_is_neutralised_too(tmp_path: Path) -> None:
    assert written(tmp_path, {"=a": [1]}) == "\ufeff'=a\n1\n"


def test_negative_numbers_in_number_columns_are_untouched(tmp_path: Path) -> None:
    values = {"i": [-5], "f": [-0.5], "d": [Decimal("-1.50")]}
    assert written(tmp_path, values) == "\ufeffi,f,d\n-5,-0.5,-1.50\n"


def test_every_type_has_one_plain_form(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 31, 9, 0, 0, 500_000, UTC).replace(tzinfo=None)
    values = {
        "float": pa.array([5.0, 0.1]),
        "bool": [True, False],
        "date": [date(2026, 1, 31), None],
        "us": pa.array([moment, moment.replace(microsecond=0)], pa.timestamp("us")),
        "ns": pa.array([1_769_850_000_123_456_789, 0], pa.int64()).cast(pa.timestamp("ns")),
        "zone": pa.array([moment.replace(tzinfo=UTC)] * 2, pa.timestamp("us", "Asia/Seoul")),
        "list": [["가", '"'], None],
        "bytes": [b"\x00\xff", None],
        "word": pa.array(["a", None]).dictionary_encode(),
    }
    rows = list(csv.reader(io.StringIO(written(tmp_path, values), newline="")))
    assert rows[1] == [
        "5.0", "true", "2026-01-31", "2026-01-31 09:00:00.5", "2026-01-31 09:00:00.123456789",
        "2026-01-31 09:00:00.5+00:00", '["가", "\\""]', "00ff", "a",
    ]  # fmt: skip
    assert rows[2][3:5] == ["2026-01-31 09:00:00", "1970-01-01 00:00:00"]


def test_the_facts_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    facts = write_csv(table({"a": ["x"]}), path)
    assert facts.bytes == path.stat().st_size
    assert facts.checksum == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_table_that_fails_midway_leaves_no_file(tmp_path: Path) -> None:
    def failing(_: int) -> Any:
        """Give one batch, then fail."""
        yield pa.record_batch({"a": ["x"]})
        raise RuntimeError("the source ended")

    with pytest.raises(RuntimeError, match="the source ended"):
        write_csv(Table(lambda: pa.schema({"a": pa.string()}), failing), tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


# A Ctrl-Z at the very end of a text closes it, and is taken off with a word.
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x1a")
_CELLS = st.none() | st.text(_CHARACTERS, max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=20))
def test_any_table_of_texts_comes_back_equal_from_our_reader_and_from_pythons(
    fresh_folder: Callable[[], Path], rows: list[tuple[str | None, str | None]]
) -> None:
    folder = fresh_folder()
    path = folder / "out.csv"
    columns = list(zip(*rows, strict=True)) or [(), ()]
    values = {
        name: pa.array(column, pa.string()) for name, column in zip("ab", columns, strict=True)
    }
    write_csv(table(values), path, formula_safe=False)

    source = Source((path,), name="out", columns=(), rejects=Rejects(folder / "rejects.parquet"))
    # A row in which all is missing is no row of a CSV file, and the header once more is set aside.
    kept = [row for row in rows if row not in ((None, None), ("a", "b"))]
    assert [tuple(row.values()) for row in source.read(header=True).to_arrow().to_pylist()] == kept

    text = path.read_bytes().decode("utf-8-sig")
    python = [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))]
    assert python[1:] == [tuple(cell or "" for cell in row) for row in rows]


@settings(max_examples=100, deadline=None)
@given(st.lists(_CELLS, min_size=1, max_size=20))
def test_no_cell_of_any_text_starts_like_a_formula(
    fresh_folder: Callable[[], Path], texts: list[str | None]
) -> None:
    path = fresh_folder() / "out.csv"
    write_csv(table({"a": pa.array(texts, pa.string()), "b": [1] * len(texts)}), path)
    text = path.read_bytes().decode("utf-8-sig")
    for (cell, _), original in zip(
        list(csv.reader(io.StringIO(text, newline="")))[1:], texts, strict=True
    ):
        begins = cell.lstrip(" \t\r\n\u00a0\u3000\u200b\ufeff")[:1]
        number = cell.rstrip("%").lstrip("+-").replace(".", "").isdigit()
        assert begins not in set("=+-@＝＋－＠") or number or original is None


@pytest.fixture(scope="session")
def fresh_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Give folders, as many as asked for (Hypothesis asks often)."""
    return lambda: tmp_path_factory.mktemp("export")
