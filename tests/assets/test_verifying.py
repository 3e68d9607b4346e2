"""Verifying: whatever is edited, removed, swapped or copied over below data/ is found and named."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.engine import make_plan, materialize
from assets.engine.alerting import open_alerts, reconcile
from assets.engine.runs import finish_run, materialize_all, start_run
from assets.engine.verifying import Verification, recheck, verify_project
from catalog.records import Finding
from resources.alerts import Rule
from tests.assets.conftest import Home

SOURCE = """
    from assets import Schema, asset

    class Row(Schema):
        x: int
        y: str

    @asset(chain=False, schema=Row, source="in.csv", max_quarantine=0.9)
    def a():
        import pandas as pd
        return pd.read_csv("{root}/in.csv")
    """
CSV = """
    from assets import Table, asset

    @asset(upstream=["raw.a"])
    def out(a: Table) -> Table:
        return a
    """


@pytest.fixture
def lived(home: Home) -> Home:
    """Give a project in which things have happened: versions, rows set aside, a failure, runs."""
    home.write("assets/raw/a.py", SOURCE.replace("{root}", str(home.root)))
    home.write("assets/output/out.py", CSV)
    for number, text in enumerate(("1,one\n2,two\n", "1,uno\nq,bad\n", "3,tres\nz,bad\n")):
        home.write("in.csv", f"x,y\n{text}")
        _run(home, f"run-{number}")
    home.write("in.csv", "no,columns\n")
    _run(home, "run-failed")
    _accept(home)
    home.write("in.csv", "x,y\n3,tres\nz,bad\n")
    _run(home, "run-last")
    assert set(home.states().values()) == {"fresh"}
    return home


def _accept(home: Home) -> None:
    """Correct a row that was set aside, as people do."""
    from assets.cli import main

    sheet = home.root / "sheet.csv"
    for words in (["show", "raw.a", "--csv", str(sheet)], ["accept", "raw.a", str(sheet)]):
        with pytest.raises(SystemExit) as ended:
            main(["--root", str(home.root), "quarantine", *words])
        assert not ended.value.code
        sheet.write_text(sheet.read_text(encoding="utf-8").replace(",z,", ",9,"), encoding="utf-8")


def _run(home: Home, run: str) -> None:
    """Make everything that is stale, as a command does."""
    project = home.open()
    plan = make_plan(project)
    start_run(project, run, trigger="cli", by="kim", planned=2)
    failed = materialize_all(project, plan.to_make(), run=run, by="kim")
    finish_run(project, run, failed=failed)


def _verify(home: Home, **options: Any) -> Verification:
    """Verify as a process of its own."""
    return verify_project(home.open(), **options)


def _found(done: Verification) -> set[str]:
    """Give the paths that something was found about."""
    return {f.path for f in (*done.findings, *done.mended)}


def _what_matters(home: Home) -> list[Path]:
    """Give every file below data/ that is no cache and no log, and is not made again at once."""
    folders = ("raw", "processed", "output", "events", "quarantine", "corrections")
    found = (p for f in folders for p in (home.data / f).rglob("*") if p.is_file())
    return sorted(path for path in found if path.name != ".identity")


def _edit(path: Path, chance: random.Random) -> None:
    """Change one byte, and let size and time be what they were."""
    content, status = bytearray(path.read_bytes()), path.stat()
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(bytes(content))
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def test_what_is_as_it_was_written_is_found_so(lived: Home) -> None:
    assert _found(_verify(lived)) == set()
    assert _found(_verify(lived)) == set()


@pytest.mark.slow
def test_of_two_hundred_random_edits_removals_and_swaps_all_are_found(
    lived: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every time the whole folder is put back, so that each damage stands alone."""
    _verify(lived)
    kept = tmp_path_factory.mktemp("kept") / "data"
    shutil.copytree(lived.data, kept)
    chance = random.Random(19)
    missed = []
    for number in range(200):
        files = _what_matters(lived)
        kind = ("edit", "remove", "swap", "copy over")[number % 4]
        one, other = chance.sample(files, 2)
        while kind in ("swap", "copy over") and one.read_bytes() == other.read_bytes():
            one, other = chance.sample(files, 2)
        _damage(kind, one, other, chance)
        if one.relative_to(lived.data).as_posix() not in _found(_verify(lived)):
            missed.append((kind, one, other))
        shutil.rmtree(lived.data)
        shutil.copytree(kept, lived.data)
    assert missed == []


def _damage(kind: str, one: Path, other: Path, chance: random.Random) -> None:
    """Damage one file."""
    if kind == "edit":
        _edit(one, chance)
    elif kind == "remove":
        one.unlink()
    elif kind == "copy over":
        shutil.copyfile(other, one)
    else:
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)


@pytest.mark.parametrize("stream", ["_planned", "_declared", "_runs", "_verified", "_alerts"])
@pytest.mark.parametrize("damage", ["garbled", "cut", "gone", "edited"])
def test_damaged_bookkeeping_is_made_again_and_ends_no_command(
    lived: Home, stream: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    _verify(lived)
    rule = Rule("alerts", ("damaged", "failed"), ("*",))
    lived.open().findings.add(Finding("raw/x", "version", "raw.a", "missing", "2026-01-01"))
    reconcile(lived.open(), [rule], datetime.now(UTC), send=lambda *_: "")
    folder = lived.data / "events" / stream
    last = max(folder.glob("*.json"), key=lambda p: int(p.stem))
    text = last.read_bytes()
    new = {"garbled": b"\x00" * 9, "cut": text[:-9], "edited": text.replace(b'"20', b'"19', 1)}
    last.unlink() if damage == "gone" else last.write_bytes(new[damage])
    shutil.rmtree(lived.data / "cache")
    assert set(lived.states().values()) == {"fresh"}
    _run(lived, "run-after")
    open_alerts(lived.open())
    project = lived.open()
    project.catalog.fold()
    assert project.catalog.query("SELECT key FROM state ORDER BY key").rows == [
        ("output.out",),
        ("raw.a",),
    ]
    assert "made again" in caplog.text or "stands in its place" in caplog.text
    verify_project(lived.open())
    assert _verify(lived).findings == ()
    assert _verify(lived).mended == ()


@pytest.mark.parametrize(
    "cache", ["heads.json", "folded.json", "planned.json", "declared.json", "checksums.json"]
)
def test_a_damaged_cache_is_made_again(lived: Home, cache: str) -> None:
    path = lived.data / "cache" / cache
    os.utime(lived.data / lived.current("raw.a").files[0].path)
    assert set(lived.states().values()) == {"fresh"}  # hashed once, and remembered
    assert path.exists()
    before = lived.current("raw.a")
    for seed in range(5):
        _edit(path, random.Random(seed))
        assert lived.current("raw.a") == before
        assert set(lived.states().values()) == {"fresh"}
        _run(lived, f"run-{seed}")
        rows = lived.open().catalog.query("SELECT count(*) FROM materializations").rows
        lived.open().catalog.rebuild()
        assert lived.open().catalog.query("SELECT count(*) FROM materializations").rows == rows
        os.utime(lived.data / lived.current("raw.a").files[0].path, ns=(seed, seed))
        assert set(lived.states().values()) == {"fresh"}


def test_damage_that_times_do_not_tell_reaches_the_plan_and_the_next_run_mends_it(
    lived: Home,
) -> None:
    current = lived.current("raw.a")
    path = lived.data / current.files[0].path
    good = path.read_bytes()
    _edit(path, random.Random(1))
    assert lived.states()["raw.a"] == "fresh"  # size and time say nothing
    done = _verify(lived)
    assert [f.path for f in done.findings] == [current.files[0].path]
    assert lived.reasons("raw.a") == ["file corrupted"]
    told: list[str] = []

    def send(_to: str, title: str, _text: str, _tone: str) -> str:
        """Note what is told."""
        told.append(title)
        return ""

    rule = Rule("alerts", ("damaged",), ("*",))
    reconcile(lived.open(), [rule], datetime.now(UTC), send=send)
    assert told == ["DataOps: raw.a is damaged on disk"]
    _run(lived, "mending")
    assert set(lived.states().values()) == {"fresh"}
    assert path.read_bytes() == good  # the same bytes came out, so the old version has them, too
    assert lived.open().findings.open() == {}
    assert _verify(lived).findings == ()
    reconcile(lived.open(), [rule], datetime.now(UTC), send=send)
    assert told[1:] == ["DataOps: raw.a recovered"]
    sql = "SELECT change, path FROM findings ORDER BY event"
    project = lived.open()
    project.catalog.fold()
    assert project.catalog.query(sql).rows == [
        ("opened", current.files[0].path),
        ("closed", current.files[0].path),
    ]


def test_a_damaged_upstream_that_an_attempt_meets_is_made_again_by_the_next_run(
    chain: Home,
) -> None:
    """Before, `materialize raw.a` found it fresh, and `processed.b` failed for ever."""
    _edit(chain.data / chain.current("raw.a").files[0].path, random.Random(2))
    with pytest.raises(Exception, match="is not what was published"):
        chain.make("processed.b", force=True)
    assert chain.reasons("raw.a") == ["file corrupted"]
    assert set(chain.run().values()) <= {"made", "unchanged", "fresh"}
    assert set(chain.states().values()) == {"fresh"}


@pytest.mark.parametrize("keep_time", [True, False])
def test_a_current_csv_edited_by_hand_is_seen_and_put_right(lived: Home, keep_time: bool) -> None:
    path = lived.data / "output" / "current" / "out.csv"
    good, version, status = path.read_bytes(), lived.current("output.out").number, path.stat()
    path.write_bytes(good.replace(b"tres", b"four"))
    if keep_time:
        os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert [f.path for f in _verify(lived).findings] == ["output/current/out.csv"]
    assert lived.reasons("output.out") == ["current file changed"]
    _run(lived, "mending")
    assert path.read_bytes() == good
    assert lived.current("output.out").number == version
    assert lived.states()["output.out"] == "fresh"
    assert _verify(lived).findings == ()


def test_a_current_csv_that_is_gone_is_seen_and_put_right(lived: Home) -> None:
    path = lived.data / "output" / "current" / "out.csv"
    good = path.read_bytes()
    path.unlink()
    assert lived.reasons("output.out") == ["current file changed"]
    assert lived.make("output.out").state == "fresh"
    assert path.read_bytes() == good


def test_within_the_stated_days_everything_is_read(lived: Home) -> None:
    """A daily part of the bytes, those first that were not read for longest."""
    files = {file.path for version in _versions(lived) for file in version.files}
    last: dict[str, datetime] = {}
    day, sizes = datetime.now(UTC), list[float]()
    for number in range(40):
        day += timedelta(days=1)
        done = verify_project(lived.open(DATAOPS_VERIFY_DAYS="5"), scheduled=True, now=day)
        last |= {path: day for _, _, path, _ in done.lines}
        assert not done.behind
        sizes.append(done.event.files / done.event.total_files)
        if number >= 5:
            assert {p for p, at in last.items() if day - at <= timedelta(days=5)} >= files
    assert sum(sizes) / len(sizes) < 0.6  # a part a day, not everything


def test_a_budget_reads_no_more_than_it_says(lived: Home) -> None:
    done = _verify(lived, budget=1)
    assert (done.event.files, done.event.total_files > 5) == (1, True)
    other = _verify(lived, budget=1)
    assert other.lines != done.lines  # what was not read for longest


def _versions(home: Home) -> list[Any]:
    """Give all versions of all assets."""
    from catalog.changes import versions_of

    events = home.open().events
    return [v for key in ("raw.a", "output.out") for v in versions_of(events, key)]


def test_an_assets_only_event_and_its_whole_folder_are_missed(home: Home) -> None:
    """In every process anew, with and without what the cache remembers."""
    home.write("assets/raw/a.py", SOURCE.replace("{root}", str(home.root)))
    home.write("in.csv", "x,y\n1,one\n")
    assert home.make("raw.a").state == "made"
    shutil.rmtree(home.data / "events" / "raw.a")
    for _ in range(2):
        project = home.open()
        assert make_plan(project)["raw.a"].state == "broken"
        assert make_plan(project)["raw.a"].state == "broken"
        project.catalog.fold()
    assert "events/raw.a/1.json" in _found(_verify(home))


def test_what_a_prune_ends_meanwhile_is_no_damage(
    lived: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record was read before it, the files after it."""
    from assets.engine.verifying.reading import chosen as looked
    from catalog.changes import plan_prune, prune

    def chosen(*words: Any) -> Any:
        """Prune before the first file is read."""
        project = lived.open()
        heads = project.catalog.heads(["raw.a", "output.out"])
        plan = plan_prune(lived.data, project.events, heads, 1)
        prune(project.data, project.events, heads, plan, by="kim")
        return looked(*words)

    monkeypatch.setattr("assets.engine.verifying.run.chosen", chosen)
    assert _found(_verify(lived)) == set()


def test_the_event_that_ends_a_stream_is_missed(lived: Home) -> None:
    """Nothing follows it; the note beside the streams knows."""
    folder = lived.data / "events" / "raw.a"
    last = max(folder.glob("*.json"), key=lambda p: int(p.stem))
    text = last.read_bytes()
    last.unlink()
    line = lived.line("raw.a")
    assert line.state == "broken"
    assert f"the event {last.stem} of raw.a is gone" in line.note
    with pytest.raises(Exception, match="is gone"):
        lived.make("raw.a", force=True)
    assert f"events/raw.a/{last.name}" in _found(_verify(lived))
    last.write_bytes(text)
    recheck(lived.open())
    assert set(lived.states().values()) == {"fresh"}
    assert lived.open().findings.open() == {}


def test_what_no_backup_has_is_recorded_as_lost_where_people_say_so(lived: Home) -> None:
    first = lived.data / "events" / "raw.a" / "1.json"
    first.write_bytes(first.read_bytes().replace(b"kim", b"lee"))
    shutil.rmtree(lived.data / "cache")
    assert lived.states()["raw.a"] == "broken"
    assert lived.states()["output.out"] != "fresh"
    done = _verify(lived, accept=True)
    assert [f.path for f in done.mended] == ["events/raw.a/1.json"]
    assert set(lived.states().values()) == {"fresh"}
    assert _found(_verify(lived)) == set()
    assert lived.open().catalog.query("SELECT stream, number FROM lost_events").rows == [
        ("raw.a", 1)
    ]


def test_a_lost_old_file_is_told_until_people_accept_it(lived: Home) -> None:
    old = _versions(lived)[0].files[0].path
    (lived.data / old).unlink()
    assert [f.path for f in _verify(lived).findings] == [old]
    assert _verify(lived, accept=True).accepted == (old,)
    assert _found(_verify(lived)) == set()


def test_pruned_files_are_not_missed(lived: Home) -> None:
    from catalog.changes import plan_prune, prune

    project = lived.open()
    heads = project.catalog.heads(["raw.a", "output.out"])
    prune(
        project.data, project.events, heads, plan_prune(lived.data, project.events, heads, 1), by=""
    )
    assert _found(_verify(lived)) == set()


def test_the_command_names_what_it_found_and_fails(lived: Home, capsys: Any) -> None:
    from assets.cli import main

    _edit(lived.data / "events" / "raw.a" / "1.json", random.Random(3))
    with pytest.raises(SystemExit) as ended:
        main(["--root", str(lived.root), "verify", "--json"])
    assert ended.value.code == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["file"] for one in told if one["found"] != "ok"] == ["events/raw.a/1.json"]


def test_a_file_that_versions_share_counts_once(home: Home, capsys: Any) -> None:
    from assets.cli import main

    home.write(
        "assets/raw/a.py",
        """
        from assets import Cursor, asset
        import pandas as pd

        @asset(mode="append")
        def a(cursor: Cursor):
            cursor.advance((cursor.value or 0) + 1)
            return pd.DataFrame({"x": [cursor.value or 0]})
        """,
    )
    for _ in range(3):
        assert not materialize_all(
            home.open(), ["raw.a"], run="", by="", forced=frozenset(["raw.a"])
        )
    first = min(home.data.glob("raw/a_*.parquet"))
    first.write_bytes(first.read_bytes() + b"x")
    with pytest.raises(SystemExit):
        main(["--root", str(home.root), "verify"])
    told = capsys.readouterr().out
    assert "2 of 3 files are what was published" in told
    assert "3 of 3 files" in told


def test_old_events_without_seals_stay_valid(
    lived: Home, write_unsealed: Callable[[Path], None]
) -> None:
    """As earlier releases wrote them: no checksum, no chain, no notes."""
    write_unsealed(lived.data / "events")
    shutil.rmtree(lived.data / "cache")
    assert set(lived.states().values()) == {"fresh"}
    assert _found(_verify(lived)) == set()
    materialize(lived.open(), "raw.a", run="next", force=True)
    assert _found(_verify(lived)) == set()
    versions = sorted((lived.data / "events" / "raw.a").glob("*.json"), key=lambda p: int(p.stem))
    before = versions[-2]  # unsealed, and held fast by the sealed one after it
    before.write_bytes(before.read_bytes().replace(b'"host": "', b'"host": "x'))
    assert len(_found(_verify(lived))) == 1


@pytest.fixture
def write_unsealed() -> Callable[[Path], None]:
    """Give what takes the seals from events."""

    def unseal(folder: Path) -> None:
        """Write every event as it was before seals."""
        shutil.rmtree(folder / ".last")
        for path in folder.rglob("*.json"):
            text = path.read_bytes()
            path.write_bytes(text[: text.index(b',\n "previous": "')] + b"\n}")

    return unseal
