"""Making one asset: what may be handed over and back, what is recorded, what goes wrong and how."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets.engine import AttemptFailed, CheckFailed, LeaseHeld, SchemaMismatch, UpstreamMissing
from assets.engine.errors import BlockedError, FileDamaged, PassingFailure
from assets.engine.lease import lease, new_holder
from catalog.changes import history
from catalog.records import Attempted
from resources.errors import SourceError
from tests.assets.conftest import Home

ONE_TWO_THREE = "a4840d4f937f53b6"
RETURNS = {
    "DataFrame": "pd.DataFrame({'x': [1, 2, 3]})",
    "Arrow table": "pa.table({'x': [1, 2, 3]})",
    "record batch": "pa.record_batch({'x': [1, 2, 3]})",
    "reader": "pa.table({'x': [1, 2, 3]}).to_reader()",
    "relation": "duckdb.sql('select unnest([1, 2, 3])::bigint as x')",
    "frames": "(pd.DataFrame({'x': [n]}) for n in (1, 2, 3))",
    "batches": "iter([pa.record_batch({'x': [1, 2]}), pa.record_batch({'x': [3]})])",
    "list of frames": "[pd.DataFrame({'x': [1, 2]}), pd.DataFrame({'x': [3]})]",
}


@pytest.mark.parametrize("form", RETURNS)
def test_a_function_may_return_any_kind_of_table(home: Home, form: str) -> None:
    """DataFrame, Arrow, DuckDB, or an iterator: the version is the same."""
    home.write(
        "assets/raw/a.py",
        f"""
        from assets import asset

        @asset(chain=False)
        def a():
            import duckdb, pandas as pd, pyarrow as pa
            return {RETURNS[form]}
        """,
    )
    made = home.make("raw.a").materialized
    assert made is not None
    assert home.rows("raw.a") == [{"x": 1}, {"x": 2}, {"x": 3}]
    assert made.data_version == ONE_TWO_THREE


HANDED = {
    "Table": "sum(b.num_rows for b in a.batches())",
    "pd.DataFrame": "len(a)",
    "pa.Table": "a.num_rows",
    "Iterator[pd.DataFrame]": "sum(len(f) for f in a)",
    "Iterator[pa.RecordBatch]": "sum(b.num_rows for b in a)",
    "duckdb.DuckDBPyRelation": "a.aggregate('count(*)').fetchall()[0][0]",
}


@pytest.mark.parametrize("annotation", HANDED)
def test_an_upstream_is_handed_over_as_annotated(chain: Home, annotation: str) -> None:
    """Whole, streamed or lazy."""
    chain.write(
        "assets/processed/counted.py",
        f"""
        from __future__ import annotations
        from collections.abc import Iterator
        from typing import TYPE_CHECKING
        from assets import Table, asset
        if TYPE_CHECKING:
            import duckdb, pandas as pd, pyarrow as pa

        @asset(upstream=["raw.a"])
        def counted(a: {annotation}):
            import pandas as pd
            return pd.DataFrame({{"n": [{HANDED[annotation]}]}})
        """,
    )
    chain.make("processed.counted")
    assert chain.rows("processed.counted") == [{"n": 2}]


def test_a_table_can_be_scanned_by_duckdb_and_made_again_from_it(chain: Home) -> None:
    """Lazy in, lazy out."""
    chain.write(
        "assets/processed/scanned.py",
        """
        from assets import Table, asset

        @asset(upstream=["raw.a"])
        def scanned(a: Table):
            import duckdb
            return duckdb.sql("select x * 10 as x from a")
        """,
    )
    chain.make("processed.scanned")
    assert chain.rows("processed.scanned") == [{"x": 10}, {"x": 20}]


def test_the_previous_version_can_be_asked_for(home: Home) -> None:
    """It has no rows the first time."""
    home.write(
        "assets/raw/a.py",
        """
        from assets import Previous, Schema, asset

        class A(Schema):
            n: int

        @asset(schema=A, chain=False)
        def a(old: Previous):
            import pandas as pd
            return pd.DataFrame({"n": [old.to_arrow().num_rows, *old.to_pandas()["n"]]})
        """,
    )
    home.make("raw.a")
    home.make("raw.a", force=True)
    assert home.rows("raw.a") == [{"n": 1}, {"n": 0}]


def test_the_event_says_everything(chain: Home) -> None:
    """Who, why, from what, how much, how long, where."""
    made = chain.current("processed.b")
    file = made.files[0]
    assert (made.by, made.run, made.number) == ("tester", "test", 1)
    assert made.why == ("never materialized",)
    assert made.inputs[0].data_version == chain.current("raw.a").data_version
    assert chain.current("raw.a").sources[0].path == "in.csv"
    assert (made.rows, made.rows_in, made.duplicates, made.quarantined) == (2, 2, 0, 0)
    assert file.bytes == (chain.data / file.path).stat().st_size
    assert made.seconds > 0
    assert made.peak_memory > 1e6
    assert (chain.data / made.log).is_file()
    lines = [json.loads(line) for line in (chain.data / made.log).read_text().splitlines()]
    assert lines[0]["message"] == "attempt started"
    assert lines[-1]["message"] == "published"
    stored = json.loads((chain.data / "events/processed.b/1.json").read_text())
    assert (stored["kind"], stored["format"], stored["number"]) == ("materialized", 1, 1)


def test_file_names_carry_name_and_time_and_are_never_used_twice(chain: Home) -> None:
    """A taken second moves on; a clock that goes back does not."""
    names = [Path(chain.current("raw.a").files[0].path).name]
    for n in range(3):
        chain.write("in.csv", f"x,y\n{n},new\n")
        chain.make("raw.a")
        names.append(Path(chain.current("raw.a").files[0].path).name)
    assert names == sorted(set(names))
    for name in names:
        datetime.strptime(name, "a_%Y%m%d_%H%M%S.parquet").replace(tzinfo=UTC)
    assert {f"raw/{name}" for name in names} == {
        path.relative_to(chain.data).as_posix() for path in (chain.data / "raw").iterdir()
    }


def test_parquet_is_snappy_unless_the_setting_says_zstd(home: Home) -> None:
    """FR-005, and NFR-003's setting."""
    import pyarrow.parquet as pq

    from assets.engine import materialize

    home.write(
        "assets/raw/a.py",
        "from assets import asset\n\n@asset(chain=False)\ndef a():\n    import pandas as pd\n    return pd.DataFrame({'x': ['a'] * 9})\n",
    )
    found = []
    for setting in ("snappy", "zstd"):
        project = home.open(DATAOPS_COMPRESSION=setting, DATAOPS_DATA=str(home.root / setting))
        made = materialize(project, "raw.a", run="r").materialized
        assert made is not None
        group = pq.read_metadata(project.data / made.files[0].path).row_group(0)
        found.append(group.column(0).compression)
    assert found == ["SNAPPY", "ZSTD"]


def read_csv(content: bytes) -> list[list[str]]:
    """Read a CSV as Excel would: the BOM says UTF-8."""
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(content.decode("utf-8-sig").splitlines()))


def test_the_csv_follows_current_also_after_a_rollback(chain: Home) -> None:
    """current/<name>.csv is a whole copy; editing it cannot harm a version."""
    from catalog.changes import rollback

    chain.write(
        "assets/output/report.py",
        "from assets import Table, asset\n\n@asset(upstream=['raw.a'])\ndef report(a: Table) -> Table:\n    return a\n",
    )
    chain.run()
    current = chain.data / "output/current/report.csv"
    first = current.read_bytes()
    assert read_csv(first) == [["x", "y"], ["1", "one"], ["2", "two"]]
    chain.write("in.csv", "x,y\n3,=1+1\n")
    chain.run()
    assert read_csv(current.read_bytes()) == [["x", "y"], ["3", "'=1+1"]]
    current.write_text("edited by hand")
    assert chain.current("output.report").files[0].bytes != len("edited by hand")
    project = chain.open()
    rollback(
        chain.data,
        project.events,
        project.catalog.heads(["output.report"])["output.report"],
        1,
        by="me",
    )
    from assets.engine.runs import finish_run

    finish_run(chain.open(), "test")
    assert current.read_bytes() == first


def test_a_function_that_raises_names_asset_line_and_progress(home: Home) -> None:
    """Row 700 of a stream: what was handed over before is said, nothing is published."""
    home.write(
        "assets/raw/a.py",
        "from assets import asset\n\n@asset(chain=False)\ndef a():\n    return 1\n",
    )
    home.write(
        "assets/processed/b.py",
        """
        from assets import asset

        @asset(upstream=["raw.a"])
        def b(a):
            import pandas as pd
            for n in range(10):
                if n == 7:
                    raise ValueError("bad value in row 700")
                yield pd.DataFrame({"x": range(100)})
        """,
    )
    home.write(
        "assets/raw/a.py",
        "from assets import asset\n\n@asset(chain=False)\ndef a():\n    import pandas as pd\n    return pd.DataFrame({'x': [1]})\n",
    )
    home.make("raw.a")
    with pytest.raises(
        AttemptFailed, match="processed.b raised ValueError: bad value in row 700"
    ) as caught:
        home.make("processed.b")
    assert "b.py, line 9" in str(caught.value)
    assert "700 rows" in str(caught.value)
    assert not (home.data / "processed").exists()
    (event,) = history(home.open().events, "processed.b")
    assert isinstance(event, Attempted)
    assert (event.state, event.error_type) == ("failed", "AttemptFailed")
    assert "Traceback" in (home.data / event.log).read_text()


def test_a_collection_is_tried_three_times_in_all(home: Home) -> None:
    """A passing failure is tried again; the third time is the last."""
    count = home.root / "count"
    home.write(
        "assets/raw/a.py",
        f"""
        from assets import asset

        @asset(chain=False)
        def a():
            with open({str(count)!r}, "a") as file:
                file.write("x")
            raise ConnectionError("no route")
        """,
    )
    with pytest.raises(PassingFailure, match="no route"):
        home.make("raw.a")
    assert count.read_text() == "xxx"
    count.write_text("")
    with pytest.raises(PassingFailure):
        home.make("raw.a", tries=1)
    assert count.read_text() == "x"


@pytest.mark.parametrize("mistake", ["nonsense", "None.x", "open('/no/such/file')", "{}['k']"])
def test_a_plain_mistake_is_not_tried_again(home: Home, mistake: str) -> None:
    """Permanent errors end at once."""
    count = home.root / "count"
    home.write(
        "assets/raw/a.py",
        f"""
        from assets import asset

        @asset(chain=False)
        def a():
            with open({str(count)!r}, "a") as file:
                file.write("x")
            return {mistake}
        """,
    )
    with pytest.raises(AttemptFailed):
        home.make("raw.a")
    assert count.read_text() == "x"


def test_a_collection_that_recovers_is_published_once(home: Home) -> None:
    """Two failures, then success: one version, two failed attempts in the record."""
    count = home.root / "count"
    home.write(
        "assets/raw/a.py",
        f"""
        from pathlib import Path
        from assets import asset

        @asset(chain=False)
        def a():
            import pandas as pd
            count = Path({str(count)!r})
            count.write_text((count.read_text() if count.exists() else "") + "x")
            if len(count.read_text()) < 3:
                raise TimeoutError("slow")
            return pd.DataFrame({{"x": [1]}})
        """,
    )
    assert home.make("raw.a").state == "made"
    kinds = [type(event).__name__ for event in history(home.open().events, "raw.a")]
    assert kinds == ["Materialized", "Attempted", "Attempted"]
    assert home.states() == {"raw.a": "fresh"}


def test_what_is_not_a_table_is_refused(home: Home) -> None:
    """With what may be returned."""
    for wrong in ("None", "42", "'text'", "{'x': [1]}", "[]", "[{'x': 1}]"):
        home.write(
            "assets/raw/a.py",
            f"from assets import asset\n\n@asset(chain=False)\ndef a():\n    return {wrong}\n",
        )
        with pytest.raises(Exception, match="table"):
            home.make("raw.a")


def test_missing_and_misspelt_columns_are_named(home: Home) -> None:
    """Did you mean."""
    home.write(
        "assets/raw/a.py",
        """
        from assets import Schema, asset

        class A(Schema):
            review: str
            stars: int

        @asset(schema=A, chain=False)
        def a():
            import pandas as pd
            return pd.DataFrame({"reviews": ["x"], "stars": [1]})
        """,
    )
    with pytest.raises(
        SchemaMismatch, match=r"lacks the declared columns \['review'\].*did you mean 'reviews'"
    ):
        home.make("raw.a")


def test_a_damaged_upstream_is_not_read(chain: Home) -> None:
    """Its bytes are verified before the function runs."""
    path = chain.data / chain.current("raw.a").files[0].path
    content = bytearray(path.read_bytes())
    content[8] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(FileDamaged, match="raw.a"):
        chain.make("processed.b", force=True)
    path.unlink()
    with pytest.raises(FileDamaged, match="cannot be read"):
        chain.make("processed.b", force=True)


def test_an_empty_collection_blocks_and_the_old_version_stays(chain: Home) -> None:
    """And is not tried again on the same source, unless asked."""
    chain.write("in.csv", "x,y\n")
    with pytest.raises(CheckFailed, match="not a single row"):
        chain.make("raw.a")
    assert chain.current("raw.a").rows == 2
    assert chain.line("raw.a").action == "blocked"
    assert chain.line("processed.b").action == "stopped"
    with pytest.raises(BlockedError, match="blocked on the same"):
        chain.make("raw.a")
    with pytest.raises(CheckFailed):
        chain.make("raw.a", force=True)
    chain.write("in.csv", "x,y\n1,one\n")
    assert chain.make("raw.a").state == "made"


def test_a_missing_source_names_pattern_and_folder(home: Home) -> None:
    """Before anything runs."""
    home.write(
        "assets/raw/a.py",
        "from assets import Source, asset\n\n@asset(source='data/in/*.csv', chain=False)\ndef a(source: Source):\n    return source.read()\n",
    )
    with pytest.raises(SourceError, match=r"raw.a: no file matches the source '\*.csv'.*data"):
        home.make("raw.a")
    assert UpstreamMissing.permanent


def test_a_held_lease_is_told_and_a_dead_holder_taken_over(chain: Home) -> None:
    """Who holds it, since when; a dead process holds nothing."""
    import subprocess
    import sys
    from dataclasses import asdict

    folder = chain.data / "leases"
    other = new_holder("other", "run-7", "2026-01-01T00:00:00Z")
    with (
        lease(folder, "raw.a", other, seconds=30, wait=True),
        pytest.raises(LeaseHeld, match="being made by run run-7"),
    ):
        chain.make("raw.a", force=True, wait=False)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = {**asdict(other), "pid": gone.pid, "started": "1"}
    (folder / "raw.a.json").write_text(json.dumps(dead))
    assert chain.make("raw.a", force=True, wait=False).state == "unchanged"
    assert not (folder / "raw.a.json").exists()


def test_a_silent_holder_is_taken_over(chain: Home) -> None:
    """Stopped or hung on another host: no sign of life for long enough."""
    import os
    from dataclasses import asdict

    folder = chain.data / "leases"
    far = {**asdict(new_holder("far", "run-8", "")), "host": "elsewhere"}
    path = folder / "raw.a.json"
    path.write_text(json.dumps(far))
    with pytest.raises(LeaseHeld):
        chain.make("raw.a", force=True, wait=False)
    os.utime(path, (1, 1))
    assert chain.make("raw.a", force=True, wait=False).state == "unchanged"


def test_a_later_try_of_the_same_task_takes_the_lease_over(chain: Home) -> None:
    """Airflow starts a task again while the first attempt may still be alive."""
    first = new_holder("first", "run-9", "", "raw.a", 1)
    with lease(chain.data / "leases", "raw.a", first, seconds=30, wait=True):
        with pytest.raises(LeaseHeld):
            chain.make("raw.a", force=True, wait=False, attempt_number=1)
        from assets.engine import materialize

        outcome = materialize(
            chain.open(), "raw.a", run="run-9", force=True, wait=False, attempt_number=2
        )
        assert outcome.state == "unchanged"


def test_a_request_is_satisfied_once(chain: Home) -> None:
    """However often the attempt is started."""
    first = chain.make("raw.a", force=True, request="run/raw.a/3")
    again = chain.make("raw.a", force=True, request="run/raw.a/3")
    assert (first.state, again.state) == ("unchanged", "fresh")
    assert first.materialized == again.materialized
    assert chain.current("raw.a").number == 2


def test_a_read_only_data_folder_is_told_before_anything_runs(home: Home) -> None:
    """Folder and user, and what to do."""
    import os

    from resources.errors import DataOpsError

    home.write(
        "assets/raw/a.py",
        "from assets import asset\n\n@asset(chain=False)\ndef a():\n    raise AssertionError('ran')\n",
    )
    home.data.mkdir()
    if os.getuid() == 0:
        home.data.rmdir()
        home.data.write_text("a file where the folder should be")
    else:
        home.data.chmod(0o500)
    with pytest.raises(DataOpsError, match="cannot be written by uid"):
        home.make("raw.a")


@pytest.mark.parametrize(
    "raised", ["import sys; sys.exit('bye')", "raise SystemExit(0)", "raise BaseException('bye')"]
)
def test_what_ends_a_program_ends_its_asset_alone(home: Home, raised: str) -> None:
    """A script that became an asset may still say sys.exit()."""
    home.write(
        "assets/raw/a.py",
        f"""
        from assets import asset

        @asset(chain=False)
        def a():
            {raised}
        """,
    )
    home.write(
        "assets/raw/b.py",
        """
        from assets import asset

        @asset(chain=False)
        def b():
            import pandas as pd
            return pd.DataFrame({"x": [1]})
        """,
    )
    came = home.run()
    assert "raw.a raised" in came["raw.a"]
    assert "(a.py, line 6)" in came["raw.a"]
    assert came["raw.b"] == "made"


def test_values_for_which_tables_have_no_type_are_named_with_their_column(home: Home) -> None:
    """Complex numbers, for one."""
    home.write(
        "assets/raw/a.py",
        """
        from assets import asset

        @asset(chain=False)
        def a():
            import pandas as pd
            return pd.DataFrame({"x": [1], "c": [1 + 2j]})
        """,
    )
    said = home.run()["raw.a"]
    assert "the column 'c' has the type complex128" in said
    assert "columns of their own" in said
