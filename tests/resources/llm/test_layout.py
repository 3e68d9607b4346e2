"""How cleaned columns join a table: the PRD's nine, or in place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from resources.errors import DataOpsError
from resources.llm import Cleaner, CleaningTask, make_cleaner
from resources.llm.layout import PROCESSED
from resources.rejects import Rejects
from resources.settings import Settings
from resources.tables import Table


def rules(folder: Path, *columns: str) -> Cleaner:
    """Give the rules engine, for all text columns or for these."""
    return make_cleaner(
        CleaningTask("t.yaml", columns=columns) if columns else None,
        settings=Settings(root=folder, data=folder),
        rejects=Rejects(folder / "rejects.parquet"),
        environment={},
    )


RAW = pd.DataFrame(
    {
        "metadata": ['{"a": "&lt;"}', None],
        "id": [1, 2],
        "source": ["s", "s"],
        "raw_text": ["최고  <올드보이> &amp;", None],
        "created_at": pd.to_datetime(["2026-01-01", "2026-01-02"]).as_unit("us"),
    }
)


def test_the_prd_s_raw_columns_become_its_nine_in_order(tmp_path: Path) -> None:
    table = rules(tmp_path).clean(RAW)
    assert table.columns == list(PROCESSED)
    assert [str(field.type) for field in table.schema] == [
        "int64",
        "string",
        "string",
        "string",
        "string",
        "string",
        "timestamp[ns]",
        "timestamp[ns]",
        "string",
    ]
    first, second = table.to_arrow().to_pylist()
    assert first["raw_text"] == "최고  <올드보이> &amp;"
    assert first["cleaned_text"] == "최고 <올드보이> &"
    assert first["metadata"] == '{"a": "&lt;"}'
    assert (first["llm_model"], first["cleaning_task"]) == ("rules/3", "default")
    assert second["cleaned_text"] is None


def test_how_a_row_was_made_is_not_its_content(tmp_path: Path) -> None:
    volatile = rules(tmp_path).clean(RAW).volatile
    assert volatile == {"llm_model", "cleaning_task", "processed_at"}


def test_columns_beyond_the_raw_ones_follow_the_nine(tmp_path: Path) -> None:
    table = rules(tmp_path).clean(RAW.assign(rating=[1, 2]))
    assert table.columns == [*PROCESSED, "rating"]


def test_other_tables_keep_their_columns_and_are_cleaned_in_place(tmp_path: Path) -> None:
    table = pa.table({"n": [1], "제목": ["a  b"], "json": ['{"k": "&amp;"}'], "메모": ["x&lt;y"]})
    cleaned = rules(tmp_path).clean(table)
    assert cleaned.schema == table.schema
    assert cleaned.to_arrow().to_pylist() == [
        {"n": 1, "제목": "a b", "json": '{"k": "&amp;"}', "메모": "x<y"}
    ]


def test_only_named_columns_are_cleaned(tmp_path: Path) -> None:
    table = pa.table({"a": ["x  y"], "b": ["x  y"]})
    assert rules(tmp_path, "a").clean(table).to_arrow().to_pylist() == [{"a": "x y", "b": "x  y"}]


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataOpsError, match="did you mean 'title'"):
        rules(tmp_path, "titel").clean(pa.table({"title": ["x"]})).to_arrow()
    with pytest.raises(DataOpsError, match="is not text"):
        rules(tmp_path, "n").clean(pa.table({"n": [1]})).to_arrow()


def test_a_stream_is_cleaned_batch_by_batch_when_it_is_asked_for(tmp_path: Path) -> None:
    read = 0

    def batches(_rows: int) -> Iterator[pa.RecordBatch]:
        nonlocal read
        while True:
            read += 1
            yield pa.record_batch({"text": [f"a  {read}"]})

    endless = Table(lambda: pa.schema([("text", pa.string())]), batches)
    stream = rules(tmp_path).clean(endless).batches()
    assert next(stream).to_pylist() == [{"text": "a 1"}]
    assert next(stream).to_pylist() == [{"text": "a 2"}]
    assert read == 2


def test_a_one_way_iterator_can_be_cleaned(tmp_path: Path) -> None:
    frames = iter([pd.DataFrame({"text": ["a  b"]}), pd.DataFrame({"text": [None]})])
    cleaned = rules(tmp_path).clean(frames).to_arrow().column("text").to_pylist()
    assert cleaned == ["a b", None]


def test_naming_a_cleaner_imports_nothing_heavy() -> None:
    code = (
        "import sys, resources.llm;"
        "heavy = {'openai', 'sqlalchemy', 'pyarrow', 'pandas', 'yaml', 'ftfy', 'asyncio'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
