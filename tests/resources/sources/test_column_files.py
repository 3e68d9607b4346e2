"""Parquet and Arrow: as they are, with plain types; damaged files are named, never a crash."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather
from pyarrow.parquet import encryption

from resources.errors import SourceError


def write(path: Path, table: pa.Table, rows: int = 1_000) -> None:
    """Write a table in the format that the name says."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=rows)
        return
    form = pa.ipc.new_stream if path.suffix == ".ipc" else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as sink, form(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)


NAMES = ["a.parquet", "a.arrow", "a.ipc"]


@pytest.mark.parametrize("name", [*NAMES, "a.feather"])
def test_types_are_those_of_the_file(reading: Any, name: str) -> None:
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int16()),
            "f": [0.1, None],
            "s": ["<올드보이>", ""],
            "d": [date(2026, 1, 31), None],
            "p": [Decimal("1.50"), None],
            "l": [["a"], None],
            "o": [{"x": 1}, None],
        }
    )
    write(reading.folder / name, table)
    assert reading.source(name).read().to_arrow().equals(table)
    assert [row for _, row in reading.source(name)._open({}).rows()] == table.to_pylist()


@pytest.mark.parametrize("name", NAMES)
def test_what_packs_values_is_undone(reading: Any, name: str) -> None:
    table = pa.table(
        {
            "d": pa.array(["x", None, "x"]).dictionary_encode(),
            "n": pa.array([1, 1, 2]).dictionary_encode(),
            "big": pa.array(["가", "b", None], pa.large_string()),
            "view": pa.array(["more than twelve letters", None, ""], pa.string_view()),
            "bytes": pa.array([b"x", None, b""], pa.binary_view()),
        }
    )
    write(reading.folder / name, table)
    found = reading.source(name).read().to_arrow()
    assert [str(kind) for kind in found.schema.types] == [
        "string",
        "int64",
        "string",
        "string",
        "binary",
    ]
    assert found.to_pylist() == table.to_pylist()


def test_runs_are_undone(reading: Any) -> None:
    import pyarrow.compute as pc

    column = pc.run_end_encode(pa.array(["a", "a", None]))
    write(reading.folder / "a.arrow", pa.table({"r": column}))
    assert reading.rows("a.arrow") == [{"r": "a"}, {"r": "a"}, {"r": None}]


@pytest.mark.parametrize("name", NAMES)
def test_times_with_a_zone_become_utc(reading: Any, name: str) -> None:
    moment = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
    zoned = pa.array([moment, None], pa.timestamp("us", "Asia/Seoul"))
    write(reading.folder / name, pa.table({"id": [1, 2], "t": ["a", "b"], "at": zoned}))
    assert reading.rows(name)[0]["at"] == moment.replace(tzinfo=None)
    texts = reading.source(name).texts(id="id", text="t", created_at="at").to_arrow()
    assert texts["created_at"].cast("timestamp[us]").to_pylist() == [
        moment.replace(tzinfo=None),
        None,
    ]


@pytest.mark.parametrize("name", NAMES)
def test_batches_are_never_longer_than_asked_for(reading: Any, name: str) -> None:
    write(reading.folder / name, pa.table({"x": range(2_500)}), rows=2_500)
    sizes = [batch.num_rows for batch in reading.source(name).read().batches(1_000)]
    assert max(sizes) <= 1_000
    assert sum(sizes) == 2_500


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_files_that_differ_are_named_with_the_difference(reading: Any, suffix: str) -> None:
    write(reading.folder / f"a.{suffix}", pa.table({"id": [1], "x": ["a"]}))
    write(
        reading.folder / f"b.{suffix}",
        pa.table({"id": [2], "x": pa.array(["b"]).dictionary_encode()}),
    )
    assert len(reading.rows("a." + suffix, "b." + suffix)) == 2
    write(reading.folder / f"b.{suffix}", pa.table({"id": ["x"], "x": ["b"]}))
    with pytest.raises(SourceError, match=rf"b\.{suffix} .* 'id' is string where 'id' is int64"):
        reading.rows("a." + suffix, "b." + suffix)
    write(reading.folder / f"b.{suffix}", pa.table({"id": [1]}))
    with pytest.raises(SourceError, match="it has 1 columns, not 2"):
        reading.rows("a." + suffix, "b." + suffix)


def test_arrow_is_told_by_how_it_begins_and_not_by_its_name(reading: Any) -> None:
    write(reading.folder / "a.ipc", pa.table({"x": [1]}))
    (reading.folder / "a.ipc").rename(reading.folder / "a.arrow")
    assert reading.rows("a.arrow") == [{"x": 1}]


def test_columns_of_one_name_and_of_none_get_names(reading: Any) -> None:
    write(reading.folder / "a.arrow", pa.table([[1], [2], [3]], names=["x", "X", ""]))
    assert reading.rows("a.arrow") == [{"x": 1, "X_2": 2, "column_3": 3}]


def test_a_type_that_no_table_holds_is_named(reading: Any) -> None:
    column = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1]), pa.array(["a"])])
    write(reading.folder / "a.arrow", pa.table({"u": column}))
    with pytest.raises(SourceError, match="the column 'u' of type sparse_union"):
        reading.rows("a.arrow")


def test_feather_of_version_1_is_refused_with_a_way_out(reading: Any) -> None:
    with pytest.warns(DeprecationWarning, match="Feather V1"):
        feather.write_feather(pa.table({"x": [1]}), reading.folder / "a.feather", version=1)
    with pytest.raises(SourceError, match="is a Feather file of version 1"):
        reading.rows("a.feather")


@pytest.mark.parametrize("name", [*NAMES, "a.parquet.gz"])
@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"ARROW1\0\0", b"\x1f\x8b\x08", b"\xff\xff\xff\xff\0"]
)
def test_what_is_no_such_file_is_named(reading: Any, name: str, data: bytes) -> None:
    reading.write(name, data)
    with pytest.raises(
        SourceError, match=r"a\.\S+ is not an? (Parquet|Arrow) file that can be read"
    ):
        reading.rows(name)


def test_a_file_cut_off_in_the_middle_is_an_error_and_not_fewer_rows(reading: Any) -> None:
    for name in NAMES:
        write(reading.folder / name, pa.table({"x": range(5_000)}), rows=1_000)
        whole = (reading.folder / name).read_bytes()
        reading.write(name, whole[: len(whole) // 2])
        with pytest.raises(SourceError, match=name):
            reading.rows(name)


def test_a_value_that_changed_is_found_where_the_file_has_checksums(reading: Any) -> None:
    table = pa.table({"x": ["a text"] * 5})
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    pq.write_table(table, reading.folder / "a.parquet", **options)
    whole = (reading.folder / "a.parquet").read_bytes()
    reading.write("a.parquet", whole.replace(b"\0\0\0a text", b"\0\0\0a tex!", 1))
    with pytest.raises(SourceError, match="a.parquet is not a Parquet file that can be read"):
        reading.rows("a.parquet")


def test_text_that_is_no_text_is_found_before_it_is_used(reading: Any) -> None:
    for name in NAMES:
        broken = pa.array([b"fine", b"\xff\xfe"]).view(pa.string())
        write(reading.folder / name, pa.table({"x": broken}))
        with pytest.raises(SourceError, match=f"{name}.*UTF"):
            reading.rows(name)


@pytest.mark.parametrize("name", NAMES)
def test_damage_anywhere_is_read_or_refused_with_a_sentence(reading: Any, name: str) -> None:
    texts = [f"a text of more than twelve letters {n}" for n in range(200)]
    kinds = {"s": texts, "v": pa.array(texts, pa.string_view()), "l": [["a", None]] * 200}
    table = pa.table({**kinds, "n": range(200), "k": pa.array(texts).dictionary_encode()})
    write(reading.folder / name, table, rows=100)
    whole = (reading.folder / name).read_bytes()
    dice = random.Random(7)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        reading.write(name, bytes(data))
        with suppress(SourceError):
            reading.rows(name)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff"]))
def test_any_bytes_are_read_or_refused_with_a_sentence(
    fresh: Callable[[], Any], data: bytes, head: bytes
) -> None:
    reading = fresh()
    for name in NAMES:
        reading.write(name, head + data + head)
        with suppress(SourceError):
            reading.rows(name)


_KINDS: list[tuple[pa.DataType, Any]] = [
    (pa.string(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
    (pa.int64(), st.integers(-(1 << 63), (1 << 63) - 1)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.binary(), st.binary(max_size=10)),
    (pa.date32(), st.dates()),
    (pa.timestamp("us"), st.datetimes()),
    (pa.list_(pa.string()), st.lists(st.text("ab", max_size=2), max_size=3)),
]


@st.composite
def tables(draw: Any) -> pa.Table:
    """Draw any table."""
    rows = draw(st.integers(0, 6))
    columns = {}
    for name in draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True)):
        kind, values = draw(st.sampled_from(_KINDS))
        cells = st.lists(st.none() | values, min_size=rows, max_size=rows)
        columns[name] = pa.array(draw(cells), kind)
    return pa.table(columns)


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from(NAMES))
def test_any_table_comes_back_equal(fresh: Callable[[], Any], table: pa.Table, name: str) -> None:
    reading = fresh()
    write(reading.folder / name, table, rows=2)
    assert reading.source(name).read().to_arrow().equals(table)


def row_groups(rows: int) -> Iterator[pa.RecordBatch]:
    """Give batches of long texts."""
    for start in range(0, rows, 10_000):
        texts = [f"{n:0200}" for n in range(start, start + 10_000)]
        yield pa.record_batch({"n": range(start, start + 10_000), "t": texts})


def test_one_large_row_group_is_not_held_in_memory(reading: Any) -> None:
    path = reading.folder / "a.parquet"
    table = pa.Table.from_batches(row_groups(200_000))
    pq.write_table(table, path, row_group_size=200_000, compression="none", use_dictionary=False)
    size = table.nbytes
    del table
    start, peak = pa.total_allocated_bytes(), 0
    for _ in reading.source("a.parquet").read().batches():
        peak = max(peak, pa.total_allocated_bytes() - start)
    assert size > 40_000_000
    assert peak < size / 3


def test_what_json_has_no_number_for_is_null_in_the_metadata(reading: Any) -> None:
    odd = pa.array([float("nan"), float("inf"), None, 1.5])
    inner = pa.array([{"x": [float("-inf")]}] * 4)
    ids = pa.array(["a", "b", "c", "d"])
    write(reading.folder / "a.parquet", pa.table({"id": ids, "t": ids, "odd": odd, "o": inner}))
    table = reading.source("a.parquet").texts(id="id", text="t").to_arrow()
    found = [json.loads(text, parse_constant=pytest.fail) for text in table["metadata"].to_pylist()]
    assert [one["odd"] for one in found] == [None, None, None, 1.5]
    assert found[0]["o"] == {"x": [None]}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        ("date32", -719_163),
        ("date32", 10**9),
        ("timestamp[ms]", 10**15),
        ("timestamp[us]", -(10**18)),
    ],
)
def test_a_date_that_no_year_here_has_sets_its_row_aside(
    reading: Any, name: str, kind: str, odd: int
) -> None:
    types = {"date32": pa.date32(), "timestamp[ms]": pa.timestamp("ms")}
    dates = pa.array([0, odd, None, 1], types.get(kind, pa.timestamp("us")))
    write(reading.folder / name, pa.table({"id": range(4), "at": dates}), rows=3)
    table = reading.source(name).read()
    assert table.to_arrow()["id"].to_pylist() == [0, 2, 3]
    assert [row["id"] for _, row in reading.source(name)._open({}).rows()] == [0, 2, 3]
    assert len(table.to_arrow()) == 3
    rejects = reading.set_aside()
    assert json.loads(rejects[0].row) == {"id": 1, "at": odd}
    assert "beyond the years 1 to 9999" in rejects[0].reason


@pytest.mark.parametrize("name", NAMES)
def test_such_a_date_within_a_list_is_an_error(reading: Any, name: str) -> None:
    dates = pa.array([[{"d": 10**9}]], pa.list_(pa.struct([("d", pa.int32())])))
    dates = dates.cast(pa.list_(pa.struct([("d", pa.date32())])))
    write(reading.folder / name, pa.table({"l": dates}))
    with pytest.raises(SourceError, match="beyond the years 1 to 9999 within the column 'l'"):
        reading.rows(name)


@pytest.mark.parametrize("rows", [[1, 2], []])
def test_a_stream_cut_off_between_two_batches_is_a_warning(reading: Any, rows: list[int]) -> None:
    table = pa.table({"x": pa.array([*rows, 4_294_967_295], pa.int64())})
    write(reading.folder / "a.ipc", table[: len(rows)], rows=1)
    assert reading.rows("a.ipc") == [{"x": x} for x in rows]
    assert reading.rejects.warnings == ()
    whole = (reading.folder / "a.ipc").read_bytes()
    assert whole.endswith(b"\xff\xff\xff\xff\0\0\0\0")
    reading.write("a.ipc", whole[:-8])
    assert reading.rows("a.ipc") == [{"x": x} for x in rows]
    (warning,) = reading.rejects.warnings
    assert "a.ipc is an Arrow stream without a mark at its end" in warning


def claiming(path: Path, rows: int, stated: int) -> None:
    """Write a Parquet file whose footer states another number of rows than it holds."""
    pq.write_table(pa.table({"a": list(range(rows))}), path)
    whole = path.read_bytes()
    size = int.from_bytes(whole[-8:-4], "little")
    footer = whole[-8 - size : -8]
    # the footer's third field (num_rows, a zigzag varint): i64 one field after the schema
    old, new = bytes([0x16, rows * 2]), bytes([0x16, stated * 2])
    at = footer.index(old)
    changed = footer[:at] + new + footer[at + len(old) :]
    path.write_bytes(whole[: -8 - size] + changed + whole[-8:])


@pytest.mark.parametrize("stated", [0, 5, 7, 60])
def test_a_footer_that_states_another_number_of_rows_is_found(reading: Any, stated: int) -> None:
    claiming(reading.folder / "a.parquet", 6, stated)
    assert pq.read_metadata(reading.folder / "a.parquet").num_rows == stated
    with pytest.raises(SourceError, match=rf"states {stated} rows in its footer, and \d+ could"):
        reading.source("a.parquet").read().to_arrow()


def test_an_encrypted_parquet_file_is_called_encrypted(reading: Any) -> None:
    class Plain(encryption.KmsClient):  # type: ignore[misc]
        """Keeps keys as they are."""

        def wrap_key(self, key_bytes: bytes, _master: str) -> str:
            return key_bytes.hex()

        def unwrap_key(self, wrapped_key: str, _master: str) -> bytes:
            return bytes.fromhex(wrapped_key)

    factory = encryption.CryptoFactory(lambda _: Plain())
    config = encryption.EncryptionConfiguration(footer_key="k", column_keys={"k": ["a"]})
    sealed = factory.file_encryption_properties(encryption.KmsConnectionConfig(), config)
    table = pa.table({"a": [1, 2]})
    with pq.ParquetWriter(
        reading.folder / "a.parquet", table.schema, encryption_properties=sealed
    ) as writer:
        writer.write_table(table)
    with pytest.raises(SourceError, match="is encrypted, and no key .* without encryption"):
        reading.source("a.parquet").read().to_arrow()


@pytest.mark.parametrize("name", ["a.arrow", "a.ipc"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_struct_without_fields_is_named(reading: Any, name: str, nested: bool) -> None:
    kind = pa.list_(pa.struct([])) if nested else pa.struct([])
    write(reading.folder / name, pa.table({"a": pa.array([None, None], kind), "b": [1, 2]}))
    with pytest.raises(SourceError, match="the column 'a' of type .*no table here can hold"):
        reading.source(name).read().to_arrow()


def test_an_old_time_that_cannot_be_held_is_set_aside_beside_another_like_it(reading: Any) -> None:
    """What is shown of a row set aside leaves out every date that no year here has."""
    far = [datetime(1, 1, 1), datetime(2020, 1, 1, 0, 0, 0)]  # noqa: DTZ001 - no zone in tables
    days = pa.array([2**31 - 1, 0], pa.int32()).view(pa.date32())
    table = pa.table(
        {
            "old": pa.array(far, pa.timestamp("us")),
            "fine": pa.array([1, 1], pa.timestamp("ns")),
            "day": days,
        }
    )
    pq.write_table(table, reading.folder / "a.parquet", use_deprecated_int96_timestamps=True)
    rows = reading.source("a.parquet").read().to_arrow().num_rows
    assert rows + len(reading.set_aside()) == 2
