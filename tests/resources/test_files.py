"""Files: written aside, named once, replaced in one step."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resources.files import HashingFile, file_facts, link_version, replace_file, stamp_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_written_file_is_hashed_and_read_back(tmp_path: Path) -> None:
    """The facts are those of the bytes on disk."""
    file = HashingFile(tmp_path / "new" / "x")
    file.write(b"one")
    file.write(memoryview(b"two"))
    facts = file.verified()
    assert (facts.bytes, facts.checksum) == (6, hashlib.sha256(b"onetwo").hexdigest())
    assert facts == file_facts(tmp_path / "new" / "x")
    with pytest.raises(FileExistsError):
        HashingFile(tmp_path / "new" / "x")


def test_bytes_that_changed_on_the_way_are_noticed(tmp_path: Path) -> None:
    """What is read back must be what was written."""
    file = HashingFile(tmp_path / "x")
    file.write(b"one")
    file.close()
    (tmp_path / "x").write_bytes(b"two")
    with pytest.raises(Exception, match="differ from the 3 written"):
        file.verified()


def test_a_name_is_used_once(tmp_path: Path) -> None:
    """A taken second moves on, and no name comes before the last version's."""
    staged = tmp_path / "staged"
    staged.write_bytes(b"x")
    names = [
        link_version(staged, tmp_path / "raw", "a", ".parquet", at=NOON).name for _ in range(3)
    ]
    assert names == [f"a_20260301_12000{n}.parquet" for n in range(3)]
    late = link_version(staged, tmp_path / "raw", "a", ".csv", at=NOON, after="20270101_000000")
    assert late.name == "a_20270101_000000.csv"
    assert stamp_of(late) == "20270101_000000"
    assert stamp_of("a_b.parquet") == ""


def test_replacing_leaves_nothing_behind_when_it_fails(tmp_path: Path) -> None:
    """The old bytes stay, and no half file lies about."""
    target = tmp_path / "x"
    replace_file(target, b"old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"."):
        replace_file(tmp_path / "folder", b"new")
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "x"]
