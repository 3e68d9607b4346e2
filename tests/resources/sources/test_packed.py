"""Packed files: unpacked as they are read, held to limits, damage named."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.errors import SourceError
from resources.sources import packed

ROWS = b"id,text\n" + b"".join(b"%d,some text\n" % n for n in range(500))


def zstd(content: bytes) -> bytes:
    """Pack with zstd."""
    found: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return found


def archive(members: dict[str, bytes]) -> bytes:
    """Pack members into a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", gzip.compress(ROWS)),
        ("a.csv.gz", gzip.compress(ROWS[:100]) + gzip.compress(ROWS[100:])),
        ("a.csv.zst", zstd(ROWS)),
        ("a.csv.zst", zstd(ROWS[:100]) + zstd(ROWS[100:])),
        ("a.csv", gzip.compress(ROWS)),
        ("a.zip", archive({"folder/a.csv": ROWS})),
        ("a.zip", archive({"a.csv.gz": gzip.compress(ROWS)})),
        ("a.zip", archive({"a.csv": ROWS, "__MACOSX/._a.csv": b"x", "b/.DS_Store": b"y"})),
        ("a.zip", archive({"/../../etc/a.csv": ROWS})),
    ],
    ids=["gz", "gz-gz", "zst", "zst-zst", "unnamed", "zip", "zip-gz", "hidden", "outside"],
)
def test_packed_files_are_read_as_if_they_were_plain(
    reading: Any, name: str, content: bytes
) -> None:
    reading.write(name, content)
    assert len(reading.rows(name)) == 500


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.log"])
def test_every_text_format_is_unpacked(reading: Any, name: str) -> None:
    reading.write(f"{name}.zst", zstd(b'[{"id": 1}]' if name == "a.json" else b'{"id": 1}\n'))
    reading.write("b.zip", archive({name: b'[{"id": 1}]' if name == "a.json" else b'{"id": 1}\n'}))
    one, two = reading.rows(f"{name}.zst"), reading.rows("b.zip")
    assert [row["id"] for row in one] == [row["id"] for row in two] == [1]


def test_xml_is_unpacked_and_held_to_the_limits_too(reading: Any) -> None:
    content = b"<r>" + b"<row><id>1</id></row>" * 50_000 + b"</r>"
    reading.write("a.zip", archive({"a.xml": content}))
    reading.write("b.xml.zst", zstd(content))
    assert len(reading.rows("a.zip")) == len(reading.rows("b.xml.zst")) == 50_000
    with pytest.raises(SourceError, match="allow more with max_unpacked_gb="):
        reading.rows("a.zip", max_unpacked_gb=0.0005)


def test_the_members_of_an_archive_are_files_of_one_table(reading: Any) -> None:
    reading.write(
        "a.zip", archive({"b.csv": b"id\n2\n3,x\n", "a.csv": b"id\n1\n", "c.json": b"[]"})
    )
    with pytest.raises(SourceError, match=r"different formats: .*b\.csv is csv.*member="):
        reading.rows("a.zip")
    assert reading.rows("a.zip", member="*.csv") == [{"id": 1}, {"id": 2}]
    assert reading.set_aside()[0].source.endswith("a.zip/b.csv")
    assert reading.rows("a.zip", member="a.csv") == [{"id": 1}]
    with pytest.raises(SourceError, match=r"no member 'd\.csv'; did you mean"):
        reading.rows("a.zip", member="d.csv")
    reading.write("a.csv", "id\n1\n")
    with pytest.raises(SourceError, match="member=, but it is no zip"):
        reading.rows("a.csv", member="a.csv")


def test_korean_names_in_an_archive_of_windows_are_read(reading: Any) -> None:
    name = "리뷰.csv".encode("cp949").decode("cp437")
    content = archive({name: b"id\n1\n"})
    reading.write("a.zip", content.replace(name.encode(), "리뷰.csv".encode("cp949")))
    # zipfile marks what is not ASCII as UTF-8; Windows does not, and writes two bytes a letter
    with suppress(SourceError):
        reading.rows("a.zip", member="리뷰.csv")
    info = zipfile.ZipInfo(name)
    assert packed._name(info) == "리뷰.csv"


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lambda c: archive({"a.csv": c})])
def test_a_bomb_is_refused_and_the_option_that_allows_it_is_named(
    reading: Any, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(packed, "_FREE", 1 << 20)
    content = b"id\n" + b"1234567890\n" * 200_000
    name = "a.zip" if pack(b"")[:2] == b"PK" else "a.csv"
    reading.write(name, pack(content))
    ratio = len(content) / len(pack(content))
    with pytest.raises(SourceError, match=r"unpacks to more than .*allow more with max_ratio="):
        reading.rows(name, max_ratio=ratio / 2)
    with pytest.raises(SourceError, match="allow more with max_unpacked_gb="):
        reading.rows(name, max_unpacked_gb=0.0005)
    assert len(reading.rows(name, max_ratio=ratio * 2)) == 200_000


def test_limits_are_numbers_above_zero(reading: Any) -> None:
    reading.write("a.csv", "id\n1\n")
    with pytest.raises(SourceError, match="max_ratio=-1"):
        reading.rows("a.csv", max_ratio=-1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv.gz", gzip.compress(ROWS)[:-20], "damaged gzip"),
        ("a.csv.zst", zstd(ROWS)[:-20], "damaged zstd"),
        ("a.csv.zst", zstd(ROWS) + b"more", "damaged zstd"),
        ("a.zip", archive({"a.csv": ROWS})[:-20], "damaged zip"),
        (
            "a.zip",
            archive({"a.csv": ROWS}).replace(b"\x50\x4b\x03\x04", b"\x50\x4b\x03\x05"),
            "zip",
        ),
        ("a.zip", archive({}), "is empty"),
        ("a.zip", archive({"a.zip": archive({"a.csv": ROWS})}), "no format"),
        ("a.csv", archive({"a.csv": ROWS}), "is a zip archive, not text"),
    ],
)
def test_damage_is_named(reading: Any, name: str, content: bytes, message: str) -> None:
    reading.write(name, content)
    with pytest.raises(SourceError, match=message):
        reading.rows(name)


@pytest.mark.parametrize("other", ["a//x.csv", "./a/x.csv", "/a/x.csv", "a/x.csv"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(reading: Any, other: str) -> None:
    with zipfile.ZipFile(reading.folder / "a.zip", "w") as zipped:
        for name, content in (("a/x.csv", b"a\n1\n"), (other, b"a\n2\n"), ("b.csv", b"a\n3\n")):
            zipped.writestr(name, content)
    for member in (None, "a*", other):
        with pytest.raises(SourceError, match="more than one member at 'a/x.csv'"):
            reading.rows("a.zip", **({"member": member} if member else {}))
    assert reading.rows("a.zip", member="b.csv") == [{"a": 3}]


def test_formats_that_are_not_text_are_not_read_in_archives(reading: Any) -> None:
    reading.write("a.zip", archive({"a.parquet": b"x"}))
    with pytest.raises(SourceError, match="in an archive, where parquet cannot be read"):
        reading.rows("a.zip")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8), st.sampled_from([0, 1, 2]))
def test_any_damage_is_read_or_refused_with_a_sentence(
    fresh: Callable[[], Any], at: int, change: bytes, kind: int
) -> None:
    reading = fresh()
    content = (gzip.compress(ROWS), zstd(ROWS), archive({"a.csv": ROWS}))[kind]
    name = "a.zip" if kind == 2 else "a.csv"
    reading.write(name, content[: at % len(content)] + change + content[at % len(content) + 1 :])
    with suppress(SourceError):
        reading.rows(name)
