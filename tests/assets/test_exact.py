"""Where a library wraps, rounds or narrows: every value comes out equal, or is set aside."""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.engine.casting import cast_array
from resources.errors import DataOpsError
from resources.export import write_csv
from resources.rejects import Rejects, read_rejects
from resources.sources.parquet_files import ParquetFiles
from resources.tables import Table, as_batches
from tests.assets.conftest import Home
from tests.shared_data import FOLDER

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as tables hold it
DIGITS = Decimal("111111111111111111111111111111111111111111111111111111111111")
GIVEN = {
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1) | st.integers(0, 3)),
    "float64": (pa.float64(), st.floats(allow_nan=False) | st.sampled_from([0.0, 1.0, 1.005])),
    "float32": (pa.float32(), st.floats(width=32, allow_nan=False)),
    "decimal": (
        pa.decimal128(38, 4),
        st.decimals(-(10**33), 10**33, places=4) | st.sampled_from([Decimal(2**53 + 1)]),
    ),
    "bool": (pa.bool_(), st.booleans()),
    "date": (pa.date32(), st.dates()),
    "us": (pa.timestamp("us"), st.datetimes()),
    "ns": (pa.timestamp("ns"), st.integers(-(2**63) + 1, 2**63 - 1)),
    "text": (pa.string(), st.from_regex(r"\A[+-]?[0-9]{1,20}(\.[0-9]{1,6})?\Z")),
}
TARGETS = {
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "us": pa.timestamp("us"),
    "ns": pa.timestamp("ns"),
    "decimal": pa.decimal128(12, 2),
    "long": pa.decimal128(38, 10),
}


def exact(value: Any, kind: pa.DataType) -> Any:
    """Give a value so that equal ones are equal: numbers as fractions, times as nanoseconds."""
    if pa.types.is_timestamp(kind) and isinstance(value, int):
        return value
    if isinstance(value, pd.Timestamp):
        return int(value.value)
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1) * 1000
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days * 86_400 * 10**9
    if isinstance(value, float) and not math.isfinite(value):
        return value
    return Fraction(value)


def counted(made: pa.Array) -> Any:
    """Give the one value of an array, whatever Python can hold of it."""
    if pa.types.is_timestamp(made.type):
        per = {"us": 1000, "ns": 1}[made.type.unit]
        return made.cast(pa.int64())[0].as_py() * per
    return exact(made[0].as_py(), made.type)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("given_as", GIVEN)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_cast_gives_the_value_or_refuses_it(given_as: str, target: str, data: Any) -> None:
    """For every pair of types; of a fraction a float is the nearest, as it is of 0.1."""
    kind, values = GIVEN[given_as]
    value = data.draw(values)
    array = (
        pa.array([value], pa.int64()).view(kind) if given_as == "ns" else pa.array([value], kind)
    )
    try:
        made = cast_array(array, TARGETS[target])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return
    before = exact(Fraction(value) if given_as == "text" else value, kind)
    after = counted(made)
    if given_as in ("float64", "float32") and pa.types.is_decimal(made.type):
        shown = array.cast(pa.string())[0].as_py()
        assert Fraction(shown) == after
    elif target == "float64" and isinstance(before, Fraction) and before.denominator > 1:
        assert float(before) == float(after)
    else:
        assert before == after


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_whole_numbers_survive_pandas(values: list[int | None]) -> None:
    """Also where some are missing, and where they lie within lists."""
    made = pa.table(
        {
            "n": pa.array(values, pa.int64()),
            "l": pa.array([values] * len(values), pa.list_(pa.int64())),
        }
    )
    frame = Table(lambda: made.schema, lambda _: iter(made.to_batches())).to_pandas()
    _, batches = as_batches(frame, 100)
    again = pa.Table.from_batches(batches)
    numbers = [None if pd.isna(v) else int(v) for v in again["n"].to_pylist()]
    assert numbers == values
    assert [None if v is None else int(v) for v in frame["l"][0]] == values


@given(st.lists(st.integers(-(2**70), 2**70), min_size=1))
def test_numbers_beyond_64_bits_become_text(values: list[int]) -> None:
    """No frame of Python's own integers loses a digit."""
    _, batches = as_batches(pd.DataFrame({"n": pd.Series(values, dtype=object)}), 100)
    found = [value for batch in batches for value in batch.column("n").to_pylist()]
    assert [int(value) for value in found] == values


def read_old(path: Path, *files: Path) -> tuple[pa.Table, Rejects]:
    """Read Parquet files as one table."""
    rejects = Rejects(path / "rejects.parquet")
    reader = ParquetFiles(files, rejects)
    found = pa.Table.from_batches(reader.batches(3), reader.schema)
    rejects.close()
    return found, rejects


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    coarse=st.lists(st.none() | st.datetimes(), min_size=1, max_size=8),
    fine=st.lists(st.integers(-(2**63) + 1, 2**63 - 1), max_size=8),
)
def test_int96_times_are_equal_or_set_aside(
    tmp_path: Path, coarse: list[datetime | None], fine: list[int]
) -> None:
    """Of all years, with nanoseconds and without, nested and not."""
    one, other = tmp_path / "a.parquet", tmp_path / "b.parquet"
    wide = pa.table({"t": pa.array(coarse, pa.timestamp("us"))})
    narrow = pa.table({"t": pa.array(fine, pa.int64()).view(pa.timestamp("ns"))})
    pq.write_table(wide, one, use_deprecated_int96_timestamps=True)
    pq.write_table(narrow, other, use_deprecated_int96_timestamps=True)
    written = [None if v is None else exact(v, wide.schema.types[0]) for v in coarse] + fine
    written_as = pq.ParquetFile(one, coerce_int96_timestamp_unit="us").read()["t"].to_pylist()
    if written_as != coarse:
        return  # pyarrow could not write these as INT96 itself
    found, rejects = read_old(tmp_path, one, other)
    per = {"us": 1000, "ns": 1}[found.schema.types[0].unit]
    values = [None if v is None else v * per for v in found["t"].cast(pa.int64()).to_pylist()]
    assert len(values) + rejects.rows == len(written)
    left = iter(written)
    assert all(any(value == one for one in left) for value in values)


def test_an_int96_time_of_the_year_9999(home: Home) -> None:
    """As it stands, in the table and in the CSV."""
    file = FOLDER.parent / "cases/values/int96_9999.parquet"
    if not file.is_file():
        pytest.skip("no shared cases here")
    home.write("incoming/.keep", "")
    (home.root / "incoming/x.parquet").write_bytes(file.read_bytes())
    home.write("resources/pipelines/x.yaml", "source: incoming/x.parquet\nclean: false\n")
    assert set(home.run().values()) == {"made"}
    assert [str(row["valid_to"]) for row in home.rows("raw.x")] == [
        "9999-12-31 23:59:59",
        "2024-01-01 01:02:03",
        "0001-01-01 00:00:00",
    ]
    csv = (home.data / home.current("output.x").files[0].path).read_text("utf-8-sig")
    assert "9999-12-31 23:59:59" in csv


def publish(home: Home, made: pa.Table) -> None:
    """Publish a table that a function hands over, without a schema."""
    home.root.joinpath("incoming").mkdir(exist_ok=True)
    pq.write_table(made, home.root / "incoming/x.parquet")
    home.write("resources/pipelines/x.yaml", "source: incoming/x.parquet\nclean: false\n")
    assert set(home.run().values()) == {"made"}


def test_long_decimals_are_exact_everywhere(home: Home) -> None:
    """Also nested: in the table, the CSV, in SQL, and in what tells versions apart."""
    long, nested = pa.decimal256(70, 0), pa.list_(pa.struct([("d", pa.decimal256(60, 2))]))
    inner = [[{"d": Decimal("12345678901234567890123456789012345678901234567890.25")}]]
    publish(home, pa.table({"amt": pa.array([DIGITS], long), "n": pa.array(inner, nested)}))
    (row,) = home.rows("raw.x")
    assert Decimal(row["amt"]) == DIGITS
    assert Decimal(row["n"][0]["d"]) == inner[0][0]["d"]
    project = home.open()
    project.catalog.fold(wait=2.0)
    ((shown, said),) = project.catalog.query("SELECT amt, n FROM raw.x").rows
    assert Decimal(shown) == DIGITS
    assert str(inner[0][0]["d"]) in json.dumps(said, default=str)
    assert str(DIGITS) in (home.data / home.current("output.x").files[0].path).read_text()
    before = home.current("raw.x").data_version
    publish(home, pa.table({"amt": pa.array([DIGITS + 1], long), "n": pa.array(inner, nested)}))
    assert home.current("raw.x").data_version != before


def test_nanoseconds_and_large_numbers_are_whole_in_sql(home: Home) -> None:
    """DuckDB's Python client would cut the first and keep the second."""
    moment = pa.array([1_704_067_200_123_456_789], pa.int64()).view(pa.timestamp("ns"))
    publish(home, pa.table({"t": moment, "u": pa.array([2**64 - 1], pa.uint64())}))
    project = home.open()
    project.catalog.fold(wait=2.0)
    ((time, number),) = project.catalog.query("SELECT t, u FROM raw.x").rows
    assert str(time) == "2024-01-01 00:00:00.123456789"
    assert number == 2**64 - 1


def test_a_function_that_hands_over_what_does_not_fit_is_told(home: Home) -> None:
    """Each row that would be rounded or cut is in quarantine, and the others stand."""
    home.write(
        "assets/raw/x.py",
        """
        from datetime import date, datetime
        from decimal import Decimal
        from typing import Annotated
        import pyarrow as pa
        from assets import Precision, Schema, asset

        class Row(Schema):
            price: Annotated[Decimal, Precision(12, 2)]
            day: date
            yes: bool

        @asset(schema=Row, chain=False, max_quarantine=0.9)
        def x() -> pa.Table:
            return pa.table({
                "price": [1.25, 1.005, 2.0, 2.0],
                "day": [datetime(2024, 1, 1), datetime(2024, 1, 1), datetime(2024, 1, 1, 10),
                        datetime(2024, 1, 1)],
                "yes": [1, 1, 1, 2],
            })
        """,
    )
    assert home.run() == {"raw.x": "made"}
    assert [row["price"] for row in home.rows("raw.x")] == [Decimal("1.25")]
    aside = read_rejects(home.data / home.current("raw.x").quarantine_file)
    assert [reject.column for reject in aside] == ["price", "day", "yes"]


def _arrow(frame: pd.DataFrame) -> pa.Table:
    """Give a table as an asset's function hands it over."""
    schema, batches = as_batches(frame, 100)
    return pa.Table.from_batches(batches, schema)


def test_numbers_and_truth_values_in_one_column_stay_what_they_are() -> None:
    """Arrow makes 1.0 of True beside numbers."""
    frame = pd.DataFrame({"a": [1, 2.5, True, None], "b": [True, None, False, True]})
    made = _arrow(frame)
    assert made.column("a").to_pylist() == ["1", "2.5", "True", None]
    assert made.column("b").to_pylist() == [True, None, False, True]


def test_bytes_beside_other_values_are_refused() -> None:
    frame = pd.DataFrame({"a": [1, "x", b"z"]})
    with pytest.raises(DataOpsError, match="'a' holds bytes beside other values"):
        _arrow(frame)


def test_a_decimal_that_a_longer_fraction_leaves_no_room_for_is_refused() -> None:
    """Arrow calls it safe, and wraps."""
    given = pa.array([Decimal("34028270720364566710904171647.3485")], pa.decimal128(38, 4))
    with pytest.raises(pa.ArrowInvalid):
        cast_array(given, pa.decimal128(38, 10))
    assert cast_array(pa.array([Decimal("1.5000")], pa.decimal128(38, 4)), given.type)


LENGTH = re.compile(r"PT(-?)(\d+)(?:\.(\d+))?S")


@settings(max_examples=60, deadline=None)
@given(
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
    counts=st.lists(st.none() | st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=8),
)
def test_a_length_of_time_keeps_its_unit_in_csv(
    tmp_path_factory: pytest.TempPathFactory, unit: str, counts: list[int | None]
) -> None:
    """A count alone would be read as seconds by one, as nanoseconds by another."""
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    made = pa.table({"n": range(len(counts)), "v": pa.array(counts, pa.duration(unit))})
    write_csv(Table(lambda: made.schema, lambda rows: iter(made.to_batches(rows))), path)
    lines = path.read_text(encoding="utf-8-sig").splitlines()[1:]
    per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    for line, count in zip(lines, counts, strict=True):
        text = line.partition(",")[2]
        found = LENGTH.fullmatch(text)
        assert (found is None) == (count is None), text
        if found and count is not None:
            whole = Fraction(f"{found[2]}.{found[3] or 0}")
            assert (-whole if found[1] else whole) == Fraction(count, per)


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_times_of_day_and_lengths_are_whole_from_source_to_csv(home: Home, suffix: str) -> None:
    """To the nanosecond."""
    ends = [1, 86_399_999_999_999, None]
    made = pa.table(
        {
            "id": [1, 2, 3],
            "day": pa.array(ends, pa.time64("ns")),
            "took": pa.array([1, -5, None], pa.duration("ns")),
        }
    )
    path = home.root / f"incoming/a.{suffix}"
    path.parent.mkdir(exist_ok=True)
    if suffix == "parquet":
        pq.write_table(made, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, made.schema) as writer:
            writer.write_table(made)
    home.write("resources/pipelines/x.yaml", f"source: incoming/*.{suffix}\n")
    assert home.run()["output.x"] == "made"
    lines = (home.data / "output/current/x.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines == [
        "id,day,took",
        "1,00:00:00.000000001,PT0.000000001S",
        "2,23:59:59.999999999,PT-0.000000005S",
        "3,,",
    ]
