"""What is stale, and why: one change to a made chain a -> b -> c, and the plan's answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.changes import release, rollback
from tests.assets.conftest import Home

Edit = Callable[[Path, str, str], None]


def test_what_was_just_made_is_fresh(chain: Home) -> None:
    """Nothing changed, nothing to do."""
    assert set(chain.states().values()) == {"fresh"}
    assert chain.run() == {}


def test_an_edited_body_makes_its_asset_stale_and_what_is_below_wait(
    chain: Home, edit: Edit
) -> None:
    """The code version is computed, and the plan looks further than one edge."""
    edit(chain.root / "assets/raw/a.py", "read_csv(", "read_csv(filepath_or_buffer=")
    assert chain.states() == {"raw.a": "stale", "processed.b": "waiting", "processed.c": "waiting"}
    (reason,) = chain.line("raw.a").reasons
    assert (reason.kind, reason.about) == ("code changed", "function")
    assert reason.before != reason.after


def test_a_rebuild_with_an_identical_result_ends_the_wave(chain: Home, edit: Edit) -> None:
    """Only a is made; b and c are looked at and left as they are."""
    files = chain.current("raw.a").files
    edit(chain.root / "assets/raw/a.py", "read_csv(", "read_csv(filepath_or_buffer=")
    came = chain.run()
    assert came == {"raw.a": "unchanged", "processed.b": "fresh", "processed.c": "fresh"}
    assert chain.current("raw.a").files == files
    assert set(chain.states().values()) == {"fresh"}


def test_a_rerun_with_an_identical_result_leaves_downstream_fresh(chain: Home) -> None:
    """Asked for, made, identical: nothing below is touched."""
    assert chain.make("raw.a", force=True).state == "unchanged"
    assert set(chain.states().values()) == {"fresh"}


def test_deleted_files_are_missing(chain: Home) -> None:
    """What is gone from disk is not fresh."""
    for key in ("raw.a", "processed.b", "processed.c"):
        for file in chain.current(key).files:
            (chain.data / file.path).unlink()
    assert set(chain.states().values()) == {"missing"}
    assert chain.reasons("raw.a") == ["file missing"]
    assert set(chain.run().values()) == {"made"}
    assert set(chain.states().values()) == {"fresh"}


def test_a_result_that_changed_without_code_makes_downstream_stale(home: Home, edit: Edit) -> None:
    """Config is part of the truth: params count, and so does what they change."""
    home.write(
        "assets/raw/a.py",
        """
        from assets import Params, asset

        @asset(chain=False, params={"x": 1})
        def a(params: Params):
            import pandas as pd
            return pd.DataFrame({"x": [params["x"]]})
        """,
    )
    home.write(
        "assets/processed/b.py",
        """
        from assets import Table, asset

        @asset(upstream=["raw.a"])
        def b(a: Table) -> Table:
            return a
        """,
    )
    home.run()
    edit(home.root / "assets/raw/a.py", '"x": 1', '"x": 7')
    assert [str(reason) for reason in home.line("raw.a").reasons] == [
        "config changed: params.x 1 -> 7"
    ]
    home.make("raw.a")
    assert [str(reason) for reason in home.line("processed.b").reasons] == [
        "upstream changed: raw.a version 1 -> version 2"
    ]


def test_comments_docstrings_and_formatting_change_nothing(chain: Home, edit: Edit) -> None:
    """What does not run does not count."""
    edit(
        chain.root / "assets/processed/b.py",
        "    return a",
        '    """Say what it does."""\n    # a comment\n    return (\n        a\n    )',
    )
    edit(chain.root / "assets/processed/b.py", '["raw.a"]', '["raw.a"], tags=["new"], owner="me"')
    assert set(chain.states().values()) == {"fresh"}


def test_an_edited_helper_makes_stale_whoever_uses_it(chain: Home, edit: Edit) -> None:
    """The users' own helpers count, by the functions that are really used."""
    helper = chain.write(
        "assets/processed/_tidy.py",
        """
        LIMIT = 3

        def tidy(table):
            return table if LIMIT else None

        def other():
            return 1
        """,
    )
    edit(
        chain.root / "assets/processed/b.py",
        "from assets import Table, asset",
        "from assets import Table, asset\nfrom assets.processed._tidy import tidy",
    )
    edit(chain.root / "assets/processed/b.py", "return a", "return tidy(a)")
    chain.run()
    edit(helper, "return 1", "return 2")
    assert chain.states()["processed.b"] == "fresh"
    edit(helper, "LIMIT = 3", "LIMIT = 4")
    assert [r.about for r in chain.line("processed.b").reasons] == ["_tidy.LIMIT"]
    assert chain.states()["processed.c"] == "waiting"


def test_one_flipped_byte_is_corruption(chain: Home) -> None:
    """Same size, other bytes: seen by its time, proved by its checksum, and made again."""
    path = chain.data / chain.current("processed.b").files[0].path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert chain.reasons("processed.b") == ["file corrupted"]
    assert chain.run() == {"processed.b": "made", "processed.c": "fresh"}


def test_a_truncated_file_is_corruption(chain: Home) -> None:
    """Another size needs no checksum."""
    path = chain.data / chain.current("raw.a").files[0].path
    path.write_bytes(path.read_bytes()[:-1])
    assert chain.reasons("raw.a") == ["file corrupted"]


def test_a_touched_file_with_the_same_bytes_is_fresh(chain: Home) -> None:
    """Restored or copied: hashed once, then remembered."""
    for key in ("raw.a", "processed.b"):
        os.utime(chain.data / chain.current(key).files[0].path)
    os.utime(chain.root / "in.csv")
    assert set(chain.states().values()) == {"fresh"}
    assert (chain.data / "cache/checksums.json").is_file()


def test_a_replaced_source_file_is_a_changed_source(chain: Home) -> None:
    """The raw asset is stale, what is below waits, and a run brings all of it up to date."""
    chain.write("in.csv", "x,y\n1,one\n3,three\n")
    assert chain.reasons("raw.a") == ["source changed"]
    assert chain.states()["processed.c"] == "waiting"
    assert set(chain.run().values()) == {"made"}
    assert chain.rows("processed.c") == [{"x": 1, "y": "one"}, {"x": 3, "y": "three"}]


def test_a_source_file_that_is_gone_is_a_reason_and_then_an_error(chain: Home) -> None:
    """The old version stays; the attempt says which file is missing."""
    (chain.root / "in.csv").unlink()
    (reason,) = chain.line("raw.a").reasons
    assert (reason.kind, reason.about, reason.after) == ("source changed", "in.csv", "gone")
    assert "in.csv" in chain.run()["raw.a"]
    assert chain.current("raw.a").number == 1


def test_a_changed_schema_is_a_reason_and_a_new_schema_version(home: Home, edit: Edit) -> None:
    """A new rule changes the schema version, not the data."""
    home.write(
        "assets/raw/a.py",
        """
        from assets import Schema, asset

        class A(Schema):
            x: int
            y: str | None

        @asset(schema=A, chain=False)
        def a():
            import pandas as pd
            return pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})
        """,
    )
    home.run()
    edit(home.root / "assets/raw/a.py", "y: str | None", "y: str")
    assert home.reasons("raw.a") == ["schema changed"]
    assert home.run() == {"raw.a": "unchanged"}
    assert home.current("raw.a").schema_version == 2


def test_a_daily_asset_is_due_one_tick_later(home: Home) -> None:
    """The tick decides, not the time since."""
    home.write(
        "assets/raw/a.py",
        """
        from assets import asset

        @asset(schedule="daily", chain=False)
        def a():
            import pandas as pd
            return pd.DataFrame({"x": [1]})
        """,
    )
    first = datetime(2026, 3, 1, tzinfo=UTC)
    home.make("raw.a", as_of=first)
    assert home.reasons("raw.a", first + timedelta(hours=23, minutes=59)) == []
    assert home.reasons("raw.a", first + timedelta(days=1)) == ["due"]
    assert home.make("raw.a", as_of=first + timedelta(days=1)).state == "unchanged"
    assert home.reasons("raw.a", first + timedelta(days=1, hours=1)) == []


def test_an_asset_fresh_for_an_hour_is_due_after_it(home: Home) -> None:
    """fresh_for counts from the moment the last version was made for."""
    home.write(
        "assets/raw/a.py",
        """
        from datetime import timedelta
        from assets import asset

        @asset(fresh_for=timedelta(hours=1), chain=False)
        def a():
            import pandas as pd
            return pd.DataFrame({"x": [1]})
        """,
    )
    made = datetime(2026, 3, 1, tzinfo=UTC)
    home.make("raw.a", as_of=made)
    assert home.reasons("raw.a", made + timedelta(minutes=59)) == []
    assert home.reasons("raw.a", made + timedelta(minutes=61)) == ["due"]


TASK = """
task_name: Clean
description: {description}
model: rules
rules: [{rules}]
"""


def test_an_edited_cleaning_task_touches_only_assets_that_use_it(home: Home) -> None:
    """And a reworded description touches none."""
    home.write("resources/tasks/one.yaml", TASK.format(description="old", rules="entities"))
    home.write("resources/tasks/two.yaml", TASK.format(description="old", rules="entities"))
    home.write(
        "assets/raw/a.py",
        """
        from assets import asset

        @asset(chain=False)
        def a():
            import pandas as pd
            return pd.DataFrame({"t": ["Tom &amp;  Jerry"]})
        """,
    )
    for name in ("one", "two"):
        home.write(
            f"assets/processed/{name}.py",
            f"""
            from assets import Cleaner, Table, asset

            @asset(upstream=["raw.a"], task="{name}")
            def {name}(a: Table, llm: Cleaner) -> Table:
                return llm.clean(a)
            """,
        )
    home.run()
    assert home.rows("processed.one") == [{"t": "Tom &  Jerry"}]
    home.write("resources/tasks/one.yaml", TASK.format(description="new words", rules="entities"))
    assert set(home.states().values()) == {"fresh"}
    home.write(
        "resources/tasks/one.yaml", TASK.format(description="new", rules="entities, whitespace")
    )
    assert home.states() == {"raw.a": "fresh", "processed.one": "stale", "processed.two": "fresh"}
    assert home.line("processed.one").reasons[0].about == "task.rules"
    home.run()
    assert home.rows("processed.one") == [{"t": "Tom & Jerry"}]


def test_a_declared_lookup_file_is_config(chain: Home, edit: Edit) -> None:
    """files=[...] counts by content."""
    chain.write("lookup.csv", "k,v\n")
    edit(chain.root / "assets/processed/b.py", '["raw.a"]', '["raw.a"], files=["lookup.csv"]')
    chain.run()
    chain.write("lookup.csv", "k,v\n1,2\n")
    assert [r.about for r in chain.line("processed.b").reasons] == ["files.lookup.csv"]


def test_a_rolled_back_asset_stays_so_through_a_run(chain: Home) -> None:
    """Held: the plan says so, a run leaves it, release lets it move on."""
    chain.write("in.csv", "x,y\n9,bad\n")
    chain.run()
    project = chain.open()
    rollback(chain.data, project.events, project.catalog.heads(["raw.a"])["raw.a"], 1, by="me")
    line = chain.line("raw.a")
    assert (line.action, line.held, line.version) == ("held", 1, 1)
    assert chain.run() == {"processed.b": "made", "processed.c": "made"}
    assert chain.rows("processed.c") == [{"x": 1, "y": "one"}, {"x": 2, "y": "two"}]
    assert chain.current("raw.a").number == 1
    assert chain.make("raw.a").state == "held"
    project = chain.open()
    release(project.events, project.catalog.heads(["raw.a"])["raw.a"], by="me")
    assert chain.reasons("raw.a") == ["source changed"]
    assert set(chain.run().values()) == {"made"}
    assert chain.rows("processed.c") == [{"x": 9, "y": "bad"}]


def test_asking_for_a_held_asset_ends_the_hold(chain: Home) -> None:
    """Explicitly asked is asked."""
    chain.write("in.csv", "x,y\n9,better\n")
    chain.run()
    project = chain.open()
    rollback(chain.data, project.events, project.catalog.heads(["raw.a"])["raw.a"], 1, by="me")
    assert chain.make("raw.a", force=True).state == "made"
    assert chain.line("raw.a").held == 0


def test_a_renamed_asset_keeps_its_history(chain: Home, edit: Edit) -> None:
    """renamed_from: the old version counts, so nothing is made again."""
    old = chain.root / "assets/processed/b.py"
    text = old.read_text().replace("def b(", "def bee(")
    old.unlink()
    chain.write(
        "assets/processed/bee.py",
        text.replace('["raw.a"]', '["raw.a"], renamed_from="processed.b"'),
    )
    edit(chain.root / "assets/processed/c.py", '"processed.b"', '"processed.bee"')
    edit(chain.root / "assets/processed/c.py", "def c(b:", "def c(bee:")
    edit(chain.root / "assets/processed/c.py", "return b", "return bee")
    assert chain.states()["processed.bee"] == "fresh"
    assert chain.line("processed.bee").version == 1
    assert chain.run() == {"processed.c": "unchanged"}  # its parameter has another name


def test_an_asset_below_a_missing_one_says_what_to_make_first(home: Home) -> None:
    """Making one asset alone does not make its upstream."""
    home.write("assets/raw/a.py", "from assets import asset\n\n@asset\ndef a():\n    return None\n")
    import pytest

    from assets.engine import UpstreamMissing

    with pytest.raises(UpstreamMissing, match="raw.a, which has no version yet"):
        home.make("processed.a_clean")


@pytest.mark.parametrize("broken", ["syntax", "twice"])
def test_a_broken_asset_stops_what_is_made_from_it_and_nothing_else(
    chain: Home, broken: str
) -> None:
    """Also where both have versions: those stay, the rest of the project goes on."""
    chain.write("other.csv", "x,y\n1,one\n")
    chain.write("resources/pipelines/other.yaml", "source: other.csv\n")
    said = {
        "syntax": "SyntaxError: invalid syntax (a.py, line 1)",
        "twice": f"raw.a is declared twice: in {chain.root}/assets/raw/a.py "
        f"and in {chain.root}/resources/pipelines/a.yaml",
    }[broken]
    if broken == "syntax":
        chain.write("assets/raw/a.py", "def a(:\n")
    else:
        chain.write("resources/pipelines/a.yaml", "source: in.csv\nclean: false\noutput: false\n")
    plan = chain.plan()
    assert (plan["raw.a"].state, plan["raw.a"].action, plan["raw.a"].version) == (
        "broken",
        "stopped",
        1,
    )
    assert said in plan["raw.a"].note
    assert plan["processed.b"].action == plan["processed.c"].action == "stopped"
    assert plan["processed.b"].note == "raw.a is broken"
    came = chain.run()
    assert came == dict.fromkeys(("raw.other", "processed.other_clean", "output.other"), "made")
    assert chain.current("processed.c").number == 1
