"""A disk that is full: nothing is lost, every command says so, pruning makes room, work goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.engine.room import low_room
from resources.disk import DiskError, disk_error, keep_reserve, release_reserve
from tests.assets.conftest import Home

ROOT = Path(__file__).parents[2]
GROWING = """
from assets import asset

@asset(chain=False)
def a():
    import random
    import pandas as pd
    return pd.DataFrame({"x": [random.random() for _ in range(2000)]})
"""
BELOW = """
from assets import Table, asset

@asset(upstream=["raw.a"])
def a(a: Table) -> Table:
    return a
"""


@pytest.fixture
def small(home: Home) -> Iterator[Home]:
    """Give a project whose data folder is a disk of 900 KB."""
    if os.getuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    home.write("assets/raw/a.py", GROWING)
    home.write("assets/output/a.py", BELOW)
    home.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(home.data)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        yield home
    finally:
        subprocess.run(["umount", str(home.data)], check=False)


def command(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own; it ends in words, never in a traceback."""
    done = subprocess.run(
        (
            [sys.executable, "-m", "assets.cli", *words]
            if (ROOT / "assets/cli/__main__.py").exists()
            else [sys.executable, "-c", "from assets.cli import main; main()", *words]
        ),
        env={
            **{n: v for n, v in os.environ.items() if not n.startswith("DATAOPS_")},
            "DATAOPS_ROOT": str(home.root),
            "DATAOPS_FREE_MB": "0",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, (words, done.stderr)
    return done


def fill(folder: Path) -> None:
    """Take the last byte of a disk."""
    with (folder / "filler").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            return


def test_run_until_it_is_full_then_pruned_then_on(small: Home) -> None:
    """The whole life on a disk of 900 KB."""
    made = 0
    for _ in range(60):
        done = command(small, "materialize", "raw.a+", "--force")
        if done.returncode:
            break
        made += 1
    said = done.stdout + done.stderr
    assert made >= 2
    assert "disk is full" in said
    assert "dataops prune" in said
    versions = len(list((small.data / "raw").glob("*.parquet")))
    assert versions >= 2
    fill(small.data)
    for words in (["plan"], ["status"], ["list"], ["show", "raw.a"], ["sql", "from current"]):
        done = command(small, *words)
        assert done.returncode == 0 or "full" in done.stderr, (words, done.stderr)
    done = command(small, "prune", "--keep", "1")
    assert done.returncode == 0, done.stderr
    assert len(list((small.data / "raw").glob("*.parquet"))) < versions
    (small.data / "filler").unlink()
    done = command(small, "sql", "--json", "select count(*) as n from raw.a")
    assert '"n": 2000' in done.stdout, done.stderr
    done = command(small, "materialize", "raw.a+", "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    assert command(small, "verify").returncode == 0


def test_pruning_needs_no_room_of_its_own(small: Home) -> None:
    """Also where an earlier release left no reserve, and the disk is full to the last byte."""
    for _ in range(4):
        assert command(small, "materialize", "raw.a", "--force").returncode == 0
    release_reserve(small.data)
    fill(small.data)
    done = command(small, "prune", "--keep", "1")
    assert done.returncode == 0, done.stderr
    assert len(list((small.data / "raw").glob("*.parquet"))) == 1
    assert [type(e).__name__ for e in history(small)][-1] == "Pruned"


def history(home: Home) -> list[object]:
    """Give the events of raw.a."""
    from catalog.events import tail

    return list(tail(home.open().events, "raw.a", 0))


def test_a_catalog_that_could_not_be_folded_is_said(small: Home) -> None:
    """An old answer without a word would be taken for today's."""
    assert command(small, "materialize", "raw.a", "--force").returncode == 0
    small.make("raw.a", force=True)
    release_reserve(small.data)
    fill(small.data)
    for words in (["sql", "from current"], ["lineage", "raw.a", "--version", "1"]):
        done = command(small, *words)
        assert "the catalog could not be brought up to date" in done.stderr, (words, done.stderr)
        assert "it is as of 20" in done.stderr


def test_room_is_looked_at_before_an_attempt(small: Home) -> None:
    """What the last version took is not there: nothing is begun."""
    assert small.make("raw.a").state == "made"
    size = sum(file.bytes for file in small.current("raw.a").files)
    usage = os.statvfs(small.data)
    room = usage.f_bavail * usage.f_frsize
    (small.data / "filler").write_bytes(b"x" * (room - size + 4096))
    with pytest.raises(DiskError, match=r"raw\.a: the disk is full: version 1 took .* are left"):
        small.make("raw.a", force=True)
    attempts = small.open().catalog.heads(["raw.a"])["raw.a"]
    assert attempts.last_attempt is not None  # it is counted, by what the reserve leaves
    assert attempts.last_attempt.error_type == "DiskError"


def test_people_are_told_before_a_disk_is_full(home: Home) -> None:
    """The threshold is a setting."""
    from assets.engine.room import short_of_room

    home.data.mkdir()
    plenty = home.open(DATAOPS_FREE_MB="1000000000").settings
    assert "DATAOPS_FREE_MB" in low_room(plenty)
    (condition,) = short_of_room(plenty)
    assert (condition.kind, condition.key) == ("disk", "")
    assert list(short_of_room(home.open(DATAOPS_FREE_MB="0").settings)) == []


def test_a_reserve_is_real_bytes_and_given_back_once(tmp_path: Path) -> None:
    """A file with holes would take no room, and so give none back."""
    keep_reserve(tmp_path)
    status = (tmp_path / ".reserve").stat()
    assert status.st_blocks * 512 >= status.st_size > 0
    assert release_reserve(tmp_path)
    assert not release_reserve(tmp_path)


@pytest.mark.parametrize("number", [28, 122, 30, 13, 1])
def test_what_a_disk_refuses_is_a_sentence(number: int) -> None:
    """ENOSPC, EDQUOT, EROFS, EACCES, EPERM."""
    said = disk_error(OSError(number, os.strerror(number), "/data/x"))
    assert said is not None
    assert "/data/x" in said.problem
    assert disk_error(ValueError("x")) is None
    assert disk_error(RuntimeError("IO Error: No space left on device")) is not None
