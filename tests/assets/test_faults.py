"""Faults: killed, stopped, racing, full disk. Readers see whole versions, and nothing is lost."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from catalog.changes import versions_of
from tests.assets.conftest import Home

ROOT = Path(__file__).parents[2]
CHANGING = """
from assets import asset

@asset(chain=False)
def a():
    import random
    import pandas as pd
    return pd.DataFrame({"x": [random.random() for _ in range(2000)]})
"""


def python(*words: str, **options: object) -> subprocess.Popen[str]:
    """Start a Python process that can import the product and the tests."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DATAOPS_RETRY_SECONDS": "0"}
    environment |= {str(k): str(v) for k, v in options.items()}
    return subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_hundred_kills_lose_no_acknowledged_version(home: Home) -> None:
    """SIGKILL at random instants: every acknowledged version is there, whole; the next run works."""
    home.write("assets/raw/a.py", CHANGING)
    process = python(str(ROOT / "tests/assets/killing.py"), str(home.root), "100", "0.25", "raw.a")
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    seen = json.loads(out)
    assert seen["in_work"] > 20  # the kills hit attempts at work, not idle processes
    assert seen["acknowledged"] > 20
    assert (seen["lost"], seen["bad"], seen["halves"], seen["last"]) == ([], [], [], 0)
    assert seen["contiguous"]
    assert home.open().catalog.connect().execute("select count(*) from raw.a").fetchone() == (2000,)


STOPPING = """
import os, signal, sys
from pathlib import Path
import assets.engine.publish as publish, assets.engine.attempt as attempt
import assets.engine.make as make, catalog.events as events
place = {place}

def stopping(module, name):
    original = getattr(module, name)
    def stopped(*a, **k):
        if "before" in sys.argv[2:]:
            print("stopped", flush=True); os.kill(os.getpid(), signal.SIGSTOP)
        answer = original(*a, **k)
        if "after" in sys.argv[2:]:
            print("stopped", flush=True); os.kill(os.getpid(), signal.SIGSTOP)
        return answer
    setattr(module, name, stopped)

stopping(*place)
from assets.engine import materialize, open_project
print(materialize(open_project(sys.argv[1]), "raw.a", run="first").state, flush=True)
"""
PLACES = {
    "staging": "(make, 'stage')",
    "checking": "(make, 'check_rows')",
    "naming the file": "(publish, 'link_version')",
    "putting the event": "(events.FileEventStore, 'put')",
}


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("place", PLACES)
def test_a_stopped_attempt_cannot_publish_over_a_finished_one(
    home: Home, place: str, when: str
) -> None:
    """SIGSTOP at each step, another attempt finishes, SIGCONT: one version, no file overwritten."""
    home.write("assets/raw/a.py", CHANGING.replace("random.random() for _ in", "n for n in"))
    script = home.write("stopping.py", STOPPING.replace("{place}", PLACES[place]))
    first = python(str(script), str(home.root), when, DATAOPS_LEASE_SECONDS="0.5")
    assert first.stdout is not None
    assert first.stdout.readline().strip() == "stopped"
    published = place == "putting the event" and when == "after"
    second = home.open(DATAOPS_LEASE_SECONDS="0.5")
    from assets.engine import materialize

    outcome = materialize(second, "raw.a", run="second")
    assert outcome.state == ("fresh" if published else "made")
    kept = {path: path.read_bytes() for path in (home.data / "raw").iterdir()}
    first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert out.strip().splitlines()[-1] in ("fresh", "made")
    versions = versions_of(home.open().events, "raw.a")
    assert len(versions) == 1
    named = home.data / versions[0].files[0].path
    assert named.read_bytes() == kept[named]
    assert [p for p in (home.data / "raw").iterdir() if p != named] == []
    assert home.states() == {"raw.a": "fresh"}


@pytest.mark.slow
def test_two_processes_at_a_barrier_make_one_version_fifty_times(home: Home) -> None:
    """Whoever comes second finds the asset fresh."""
    source = home.write("in.csv", "x\n0\n")
    home.write(
        "assets/raw/a.py",
        "from assets import Source, asset\n\n@asset(chain=False, source='in.csv')\n"
        "def a(source: Source):\n    return source.read()\n",
    )
    script = home.write(
        "racing.py",
        """
        import multiprocessing, sys
        from assets.engine import materialize, open_project

        def race(barrier, root, source, number, out):
            import duckdb, pandas, pyarrow
            for n in range(50):
                if number == 0:
                    with open(source, "w") as file:
                        file.write(f"x\\n{n + 100}\\n")
                barrier.wait(60)
                out.put((n, materialize(open_project(root), "raw.a", run=f"{n}").state))
                barrier.wait(60)

        if __name__ == "__main__":
            context = multiprocessing.get_context("fork")
            barrier, out = context.Barrier(2), context.Queue()
            racers = [
                context.Process(target=race, args=(barrier, *sys.argv[1:], n, out)) for n in (0, 1)
            ]
            for racer in racers: racer.start()
            states = {}
            for _ in range(100):
                n, state = out.get(timeout=60)
                states.setdefault(n, []).append(state)
            for racer in racers: racer.join()
            print(sorted({tuple(sorted(s)) for s in states.values()}), flush=True)
        """,
    )
    process = python(str(script), str(home.root), str(source))
    out, err = process.communicate(timeout=200)
    assert out.strip() == "[('fresh', 'made')]", err
    assert len(versions_of(home.open().events, "raw.a")) == 50


@pytest.mark.slow
def test_a_reader_of_the_catalog_never_sees_it_torn(home: Home) -> None:
    """A second process reads in a loop while versions are published: no error, never backwards."""
    home.write("assets/raw/a.py", CHANGING)
    home.run()
    project = home.open()
    project.catalog.fold()
    reader = home.write(
        "reading.py",
        """
        import sys, duckdb
        seen = reads = 0
        print("reading", flush=True)
        while reads < 60 or seen < 20:
            with duckdb.connect(sys.argv[1], read_only=True) as con:
                number, rows = con.execute("select max(version), (select count(*) from raw.a) from materializations").fetchone()
                assert number >= seen and rows == 2000, (number, rows)
                seen, reads = number, reads + 1
        print(reads, seen)
        """,
    )
    process = python(str(reader), str(home.data / "catalog.duckdb"))
    assert process.stdout is not None
    assert process.stdout.readline() == "reading\n"
    limit = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < limit:
        home.make("raw.a", force=True)
        project.catalog.fold()
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0, err
    assert int(out.split()[1]) >= 20


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_publishes_nothing_and_says_so(home: Home) -> None:
    """The old version stays readable, the sentence says what to do, the next run works."""
    home.write("assets/raw/a.py", CHANGING)
    home.data.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(home.data)], check=False
    )
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        home.make("raw.a")
        kept = home.rows("raw.a")
        filler = home.data / "filler"
        with pytest.raises(Exception, match="disk is full"):
            for n in range(40):
                filler.with_name(f"filler{n}").write_bytes(b"x" * 2_000)
                home.make("raw.a", force=True)
        assert len(home.rows("raw.a")) == len(kept)
        for path in home.data.glob("filler*"):
            path.unlink()
        for path in (home.data / "logs/raw.a").iterdir():
            path.unlink()
        import shutil

        shutil.rmtree(home.data / ".staging", ignore_errors=True)
        versions = versions_of(home.open().events, "raw.a")
        for version in versions[:-1]:
            for file in version.files:
                (home.data / file.path).unlink(missing_ok=True)
        assert home.make("raw.a", force=True).state == "made"
    finally:
        subprocess.run(["umount", str(home.data)], check=False)


def test_a_short_write_is_noticed_before_it_is_published(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is read back: what the disk holds must be what was written."""
    from resources import files

    home.write("assets/raw/a.py", CHANGING)
    original = files.HashingFile.write

    def short(self: files.HashingFile, data: bytes) -> int:
        """Lose the last byte of every larger block, as a failing disk might."""
        count = memoryview(data).nbytes
        if count < 4096:
            return original(self, data)
        before = self._file
        self._file = io.BytesIO()
        try:
            answer = original(self, data)
        finally:
            self._file = before
        self._file.write(memoryview(data).cast("B")[:-1])
        return answer

    monkeypatch.setattr(files.HashingFile, "write", short)
    with pytest.raises(Exception, match="differ from the"):
        home.make("raw.a", tries=1)
    assert not (home.data / "raw").exists()


def test_two_threads_of_one_process_may_make_different_assets(chain: Home) -> None:
    """Each thread has its own DuckDB connection."""
    project = chain.open()
    from assets.engine import materialize

    failures: list[BaseException] = []

    def make(key: str) -> None:
        """Make one asset a few times."""
        try:
            for _ in range(5):
                materialize(project, key, run="t", force=True)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=make, args=(k,)) for k in ("raw.a", "processed.b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
