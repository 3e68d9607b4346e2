"""One declaration never takes the project down: what is wrong with it stays its own affair."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from assets.cli.app import main
from assets.engine.compare import own_reasons
from assets.model.discover import discover
from tests.assets.conftest import Home
from tests.assets.fuzzing import json_text, python_text, spoiled, yaml_text

GOOD = ("raw.good", "processed.good_clean", "output.good")
Says = Callable[..., str]


@pytest.fixture
def well(home: Home) -> Home:
    """Give a project with a healthy pipeline that has versions."""
    home.write("resources/pipelines/good.yaml", "source: good.csv\nschedule: yearly\n")
    home.write("good.csv", "id,t\n1,a\n")
    assert set(home.run().values()) == {"made"}
    return home


@pytest.fixture
def says(well: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Says:
    """Give the command line, in this process: only an exit code may come out of it."""
    monkeypatch.setenv("DATAOPS_ROOT", str(well.root))
    before = os.umask(0o022)
    os.umask(before)

    def run(*words: str, code: tuple[int, ...] = (0,)) -> str:
        """Run a command; give what it said."""
        with pytest.raises(SystemExit) as left:
            main(list(words))
        os.umask(before)
        out, err = capsys.readouterr()
        assert (left.value.code or 0) in code, (words, left.value.code, out, err)
        assert "Traceback" not in out + err
        (out + err).encode()
        return out if "--json" in words else out + err

    return run


def plans(says: Says) -> dict[str, Any]:
    """Give every asset's line of the plan."""
    return {line["key"]: line for line in json.loads(says("plan", "--json"))["assets"]}


CASES = {
    "never.yaml": ("source: a.csv\nschedule: '0 0 31 2 *'\n", 2, "never comes"),
    "six.yaml": ("source: a.csv\nschedule: '0 0 9 * * *'\n", 2, "write '0 9 \\* \\* \\*'"),
    "nearest.yaml": ("source: a.csv\nschedule: '0 0 1W * ?'\n", 2, "name the day"),
    "last.yaml": ("source: a.csv\nschedule: '0 0 L * *'\n", 2, "no last day"),
    "hex.yaml": (f"source: a.csv\nmax_quarantine: 0x{'f' * 3_700}\n", 2, "write a shorter one"),
    "sixty.yaml": (f"source: a.csv\nmax_quarantine: 1{':59' * 5_000}\n", 2, "write a shorter one"),
    "nul.yaml": ('source: "a\\0b.csv"\n', 1, "take it out"),
    "escape.yaml": ("source: a.csv\nread: {encoding: unicode_escape}\n", 2, "such as utf-8"),
    "passwd.yaml": ("source: /etc/passwd\n", 1, "DATAOPS_SOURCES_ALLOW=/etc"),
    "above.yaml": ("source: ../secret.csv\n", 1, "DATAOPS_SOURCES_ALLOW="),
    "doubled.yaml": (
        "source: sql:shop\nmode: append\ncursor: day\nread: {table: ev, overlap: 1 day}\n",
        4,
        "on: \\[id\\]",
    ),
    "bomb.yaml": (
        "source: a.csv\nread:\n  params:\n    a: &a [" + "x, " * 9_000 + "x]\n"
        "    b: &b [*a, *a, *a, *a]\n    c: [*b, *b, *b, *b, *b]\n",
        0,
        "flat",
    ),
    "mixed.yaml": ("source: https://x.example/a.json\nread: {params: {1: a, b: c}}\n", 2, "quotes"),
    "set.yaml": ("source: a.csv\nread: {params: !!set {a, b}}\n", 2, "plain values"),
    "zone.yaml": ("source: a.csv\nschedule: daily\ntimezone: KST\n", 3, "Asia/Seoul"),
    "when.yaml": ("source: a.csv\ntimezone: Asia/Seoul\n", 2, "add schedule"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_work_is_broken_with_file_line_and_fix(
    well: Home, says: Says, name: str
) -> None:
    """Every command still answers, and what is healthy is planned as before."""
    before = plans(says)
    text, line, fix = CASES[name]
    path = well.write(f"resources/pipelines/{name}", text)
    after = plans(says)
    assert {key: after[key] for key in GOOD} == {key: before[key] for key in GOOD}
    bad = after[f"raw.{path.stem}"]
    assert bad["state"] == "broken"
    assert f"{path}, line {line or ''}" in bad["note"]
    assert re.search(fix, bad["note"], re.IGNORECASE)
    for words in (["list"], ["plan"], ["status"], ["show", "raw.good"], ["materialize"]):
        says(*words, code=(0, 1))
    assert path.name in says("show", bad["key"], code=(1, 2))


def test_a_link_that_leads_out_of_the_project_is_refused(
    well: Home, says: Says, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any
) -> None:
    """A private file is not published because a link to it lies in incoming/; a folder may be."""
    outside = tmp_path_factory.mktemp("private")
    (outside / "secret.csv").write_text("id,t\n1,secret\n")
    (well.root / "incoming").mkdir()
    (well.root / "incoming/a.csv").symlink_to(outside / "secret.csv")
    well.write("resources/pipelines/linked.yaml", "source: incoming/*.csv\n")
    bad = plans(says)["raw.linked"]
    assert (bad["state"], bad["action"]) == ("broken", "stopped")
    assert f"DATAOPS_SOURCES_ALLOW={outside}" in bad["note"]
    assert "leads out of the project" in says("materialize", "raw.linked", code=(1,))
    monkeypatch.setenv("DATAOPS_SOURCES_ALLOW", str(outside))
    says("materialize", "raw.linked")


def test_what_fails_only_while_planning_stays_at_its_asset(
    well: Home, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is: the net below all checks of declarations."""
    well.write("resources/pipelines/bad.yaml", "source: a.csv\n")
    before = plans(says)

    def fails(project: Any, asset: Any, *more: Any) -> Any:
        """Fail for one asset."""
        if asset.name == "bad":
            raise RecursionError("too deep \ud800")
        return own_reasons(project, asset, *more)

    monkeypatch.setattr("assets.engine.plan.own_reasons", fails)
    after = plans(says)
    assert {key: after[key] for key in GOOD} == {key: before[key] for key in GOOD}
    assert "bad.yaml, line 1" in after["raw.bad"]["note"]
    assert "RecursionError: too deep" in after["raw.bad"]["note"]
    says("status")


def test_a_broken_file_never_takes_the_key_of_a_healthy_one(well: Home) -> None:
    """Its own key is only made of its file's name."""
    well.write("resources/pipelines/my_orders.yaml", "source: a.csv\n")
    well.write("resources/pipelines/my orders.yaml", "source: a.csv\n")
    well.write("resources/pipelines/my-orders!.yaml", "sorce: a.csv\n")
    well.write("assets/raw/my orders.py", "x = 1\n")
    graph = discover(well.root)
    assert "raw.my_orders" in graph.assets
    assert {key for key in graph.broken if key.startswith("raw.")} == {
        "raw.my_orders_2",
        "raw.my_orders_3",
        "raw.my-orders_",
    }


def test_two_heirs_of_one_old_name_are_told(home: Home) -> None:
    """Which of them goes on with the old versions would be chance."""
    for name in ("a", "b"):
        text = f"from assets import asset\n\n@asset(renamed_from='raw.old')\ndef {name}(): ...\n"
        home.write(f"assets/raw/{name}.py", text)
    broken = discover(home.root).broken
    assert "and so has raw.b" in broken["raw.a"].error
    assert "and so has raw.a" in broken["raw.b"].error


@pytest.mark.parametrize("name", ["assets/raw/\udcff.py", "resources/pipelines/\udcff.yaml"])
def test_a_file_name_that_is_no_text_is_told(well: Home, says: Says, name: str) -> None:
    """Linux takes any bytes."""
    path = well.root / name
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x: 1\n")
    except OSError:
        pytest.skip("this file system takes no such name")
    assert set(GOOD) <= set(plans(says))
    says("list")
    says("status")


def test_a_pipe_and_a_folder_are_no_files(well: Home, says: Says) -> None:
    """Reading a pipe would wait for ever."""
    os.mkfifo(well.root / "resources/pipelines/pipe.yaml")
    os.mkfifo(well.root / "assets/raw/pipe2.py")
    (well.root / "resources/pipelines/folder.yaml").mkdir()
    found = plans(says)
    assert "no file" in found["raw.pipe"]["note"]
    assert "no file" in found["raw.pipe2"]["note"]
    assert found["raw.folder"]["state"] == "broken"


def fuzz(home: Home, seed: int, count: int) -> None:
    """Write so many odd declarations."""
    chance = random.Random(seed)
    for number in range(count):
        name = f"f{seed}_{number}"
        match number % 4:
            case 0:
                path, content = f"resources/pipelines/{name}.yaml", yaml_text(chance).encode()
            case 1:
                path, content = f"resources/pipelines/{name}.json", json_text(chance).encode()
            case 2:
                path, content = f"resources/pipelines/{name}.yml", spoiled(chance)
            case _:
                text = python_text(chance, name)
                path, content = f"assets/raw/{name}.py", text.encode(errors="surrogatepass")
        target = home.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_fuzzed_declarations_stop_nothing_but_themselves(well: Home, says: Says, seed: int) -> None:
    """2,000 of them in all: no traceback in any command, and what is healthy planned as before."""
    before = plans(says)
    fuzz(well, seed, 200)
    after = plans(says)
    assert {key: after[key] for key in GOOD} == {key: before[key] for key in GOOD}
    assert len(after) > 150
    for words in (["list"], ["list", "--json"], ["plan"], ["status"], ["status", "--json"]):
        says(*words)
    for key in random.Random(seed).sample(sorted(after), 5):
        says("show", key, code=(0, 1, 2))
        says("materialize", key, code=(0, 1, 2))
    bad = [line for line in after.values() if line["state"] == "broken"]
    assert len(bad) > 40
    assert all(line["note"] for line in bad)


@pytest.mark.parametrize("files", ["/etc/passwd", "../secret.csv", "link.csv", "a\\0b.csv"])
def test_a_file_that_an_asset_looks_up_lies_in_the_project_too(
    well: Home, says: Says, tmp_path_factory: pytest.TempPathFactory, files: str
) -> None:
    outside = tmp_path_factory.mktemp("private")
    (outside / "secret.csv").write_text("id,t\n1,secret\n")
    (well.root / "link.csv").symlink_to(outside / "secret.csv")
    well.write(
        "assets/raw/looks.py",
        "from assets import Source, Table, asset\n\n\n"
        f'@asset(source="a.csv", files=["{files}"])\n'
        "def looks(source: Source) -> Table:\n    return source.read()\n",
    )
    bad = plans(says)["raw.looks"]
    assert (bad["state"], bad["action"]) == ("broken", "stopped")
    assert re.search("DATAOPS_SOURCES_ALLOW=|NUL", bad["note"])


def test_an_async_function_is_refused_where_it_is_declared(home: Home) -> None:
    """It would never run; Python's own word for it comes after the run and names no asset."""
    home.write(
        "assets/raw/a.py",
        """
        from assets import asset

        @asset
        async def a():
            return 1
        """,
    )
    assert "`async def`" in home.open().graph.broken["raw.a"].error
