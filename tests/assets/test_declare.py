"""Declaring: what a file may say, and the sentence for what it may not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assets.model.discover import discover
from tests.assets.conftest import Home


def error_of(home: Home, text: str, path: str = "assets/processed/x.py") -> str:
    """Give the sentence of the one broken asset in a file."""
    home.write("assets/raw/a.py", "from assets import asset\n\n@asset(chain=False)\ndef a(): ...\n")
    home.write(path, text)
    broken = discover(home.root).broken
    assert len(broken) == 1
    return next(iter(broken.values())).error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@asset\ndef x(): ...", "is made from nothing"),
        ("@asset(upstream='raw.a')\ndef x(a): ...", "write a list: upstream=\\['raw.a'\\]"),
        ("@asset(upstream=['raw.a'])\ndef x(b): ...", "takes a parameter 'b'"),
        ("@asset(upstream=['raw.a'])\ndef x(): ...", "takes no parameter for it"),
        ("@asset(upstream=['raw.aa'])\ndef x(aa): ...", "did you mean 'raw.a'"),
        ("@asset(upstream=['raw.a'], schedule='daily')\ndef x(a): ...", "only raw assets have one"),
        ("@asset(upstream=['raw.a'], source='f')\ndef x(a): ...", "only raw assets collect"),
        ("@asset(upstream=['raw.a'])\ndef X(a): ...", "in lower case"),
        ("@asset(upstream=['raw.a'], schema=int)\ndef x(a): ...", "not a Schema class"),
        ("@asset(upstream=['raw.a'], max_quarantine=2)\ndef x(a): ...", "a share from 0 to 1"),
        (
            "@asset(upstream=['raw.a'], max_quarantine='lots')\ndef x(a): ...",
            "max_quarantine='lots'",
        ),
        ("@asset(upstream=['raw.a'], max_quarantine=10**5000)\ndef x(a): ...", "many digits"),
        ("@asset(upstream=['raw.a'], task='t')\ndef x(a): ...", "takes no Cleaner"),
        ("@asset(upstream=['output.a'])\ndef x(a): ...", "outputs are exports"),
        (
            "@asset(upstream=['raw.a'])\ndef x(a: 'list[int]'): ...",
            "no upstream can be handed over",
        ),
        ("@asset(upstrem=['raw.a'])\ndef x(a): ...", "upstrem"),
        ("def x(a): ...", "declares no asset"),
        ("import no_such_module", "No module named"),
        ("raise SystemExit(3)", "SystemExit"),
        ("@asset(upstream=['raw.a']\ndef x(a): ...", "was never closed"),
    ],
)
def test_a_declaration_that_cannot_work_says_why(home: Home, text: str, said: str) -> None:
    """Each mistake has its sentence; the file and its line are in it."""
    import re

    error = error_of(home, f"from assets import asset\n{text}\n")
    assert re.search(said, error, re.IGNORECASE)
    assert "x.py" in error or "did you mean" in error or "raw.a" in error


@pytest.mark.parametrize("schedule", ["dayly", "* * *", "61 * * * *"])
def test_an_impossible_schedule_is_refused(home: Home, schedule: str) -> None:
    """With the presets, and the nearest of them."""
    text = f"from assets import asset\n@asset(schedule={schedule!r}, chain=False)\ndef x(): ...\n"
    error = error_of(home, text, "assets/raw/x.py")
    assert "cron line" in error
    assert ("did you mean 'daily'" in error) == (schedule == "dayly")


def test_one_bad_file_stops_only_itself_and_what_is_below(home: Home) -> None:
    """The others are planned and made; what is below the bad one is stopped, by name."""
    home.write(
        "assets/raw/good.py",
        "from assets import asset\n\n@asset\ndef good():\n    import pandas as pd\n    return pd.DataFrame({'x': [1]})\n",
    )
    home.write("assets/raw/bad.py", "from assets import asset\n\n@asset\ndef bad(:\n    pass\n")
    home.write(
        "assets/processed/below.py",
        "from assets import asset\n\n@asset(upstream=['raw.bad', 'raw.good'])\ndef below(bad, good): ...\n",
    )
    came = home.run()
    assert came == {"raw.good": "made", "processed.good_clean": "made", "output.good": "made"}
    lines = {line.key: line for line in home.plan().lines}
    assert lines["raw.bad"].state == "broken"
    assert "bad.py, line 4" in lines["raw.bad"].note
    assert (lines["processed.below"].action, lines["processed.below"].note) == (
        "stopped",
        "raw.bad is broken",
    )


def test_two_files_that_declare_one_key_are_both_named(home: Home) -> None:
    """Neither wins."""
    text = "from assets import asset\n\n@asset(chain=False)\ndef same(): ...\n"
    home.write("assets/raw/one.py", text)
    home.write("assets/raw/two.py", text)
    graph = discover(home.root)
    assert set(graph.broken) == {"raw.same"}
    assert "one.py" in graph.broken["raw.same"].error
    assert "two.py" in graph.broken["raw.same"].error


def test_a_cycle_is_broken_and_shown(home: Home) -> None:
    """What is merely below it is not called part of it."""
    for name, up in (("p", "r"), ("q", "p"), ("r", "q"), ("s", "q")):
        home.write(
            f"assets/processed/{name}.py",
            f"from assets import asset\n\n@asset(upstream=['processed.{up}'])\ndef {name}({up}): ...\n",
        )
    graph = discover(home.root)
    assert set(graph.broken) == {"processed.p", "processed.q", "processed.r"}
    assert (
        "processed.p -> processed.q -> processed.r -> processed.p"
        in graph.broken["processed.p"].error
    )
    assert home.line("processed.s").action == "stopped"


def test_a_file_alone_brings_a_cleaned_asset_and_a_csv(home: Home) -> None:
    """The default chain; without a text column only the CSV; chain=False ends it."""
    home.write("assets/raw/x.py", "from assets import asset\n\n@asset\ndef x(): ...\n")
    home.write(
        "assets/raw/numbers.py",
        "from assets import Schema, asset\n\nclass N(Schema):\n    n: int\n\n@asset(schema=N)\ndef numbers(): ...\n",
    )
    home.write(
        "assets/raw/alone.py", "from assets import asset\n\n@asset(chain=False)\ndef alone(): ...\n"
    )
    assert discover(home.root).order == (
        "raw.alone",
        "raw.numbers",
        "raw.x",
        "output.numbers",
        "processed.x_clean",
        "output.x",
    )


def test_a_file_replaces_a_link_of_the_chain(home: Home) -> None:
    """A declared processed.x_clean is what output.x is made from."""
    home.write("assets/raw/x.py", "from assets import asset\n\n@asset\ndef x(): ...\n")
    mine = home.write(
        "assets/processed/x_clean.py",
        "from assets import asset\n\n@asset(upstream=['raw.x'])\ndef x_clean(x): ...\n",
    )
    graph = discover(home.root)
    assert graph.assets["processed.x_clean"].file == str(mine)
    assert graph.assets["output.x"].upstream == ("processed.x_clean",)


def test_parameters_tell_apart_upstream_of_one_name(home: Home) -> None:
    """layer_name where two share the last part."""
    home.write("assets/raw/x.py", "from assets import asset\n\n@asset(chain=False)\ndef x(): ...\n")
    home.write(
        "assets/processed/x.py",
        "from assets import asset\n\n@asset(upstream=['raw.x'])\ndef x(x): ...\n",
    )
    home.write(
        "assets/processed/y.py",
        "from assets import asset\n\n@asset(upstream=['raw.x', 'processed.x'])\n"
        "def y(raw_x, processed_x): ...\n",
    )
    assert not discover(home.root).broken


def test_injection_reads_annotations_as_text(home: Home) -> None:
    """Imports under TYPE_CHECKING work."""
    home.write("assets/raw/x.py", "from assets import asset\n\n@asset(chain=False)\ndef x(): ...\n")
    home.write(
        "assets/processed/y.py",
        """
        from __future__ import annotations
        from typing import TYPE_CHECKING
        from assets import asset
        if TYPE_CHECKING:
            from collections.abc import Iterator
            import pandas as pd
            from assets import Cleaner, Params

        @asset(upstream=["raw.x"], params={"k": 1})
        def y(x: Iterator[pd.DataFrame], llm: Cleaner, params: Params): ...
        """,
    )
    (asset,) = [a for a in discover(home.root).assets.values() if a.name == "y"]
    assert [(a.kind, a.form) for a in asset.arguments] == [
        ("upstream", "frames"),
        ("cleaner", "table"),
        ("params", "table"),
    ]


def test_declaring_imports_nothing_heavy() -> None:
    """Airflow reads the declarations again for every task."""
    script = (
        "import sys, pathlib, assets; from assets.model.discover import discover;"
        "graph = discover(pathlib.Path('.').resolve()); assert graph.assets and not graph.broken;"
        "heavy = {'duckdb', 'pandas', 'pyarrow', 'great_expectations', 'openai', 'airflow', 'numpy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_the_product_is_imported_from_the_project() -> None:
    """`assets`, `catalog` and `resources` are ours, not somebody else's packages."""
    import assets
    import catalog
    import resources

    root = Path(__file__).parents[2]
    for room in (assets, catalog, resources):
        assert room.__file__ is not None
        assert Path(room.__file__).is_relative_to(root)
