"""What a run may be asked for, and which assets get a turn because of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from dataops_dags.request import Request, RequestError, read_request, turns_of
from dataops_dags.schedules import slug

from assets.engine import make_plan, materialize, open_project
from assets.model.graph import Graph
from tests.dags.conftest import Folder

CHAIN = ("raw.a", "processed.b", "output.c")


@pytest.fixture
def chain(folder: Folder) -> Folder:
    """Give raw.a -> processed.b -> output.c, and raw.text with its default chain."""
    folder.write("a.csv", "x\n1\n2\n")
    folder.write("text.csv", "id,text\n1,good\n2,bad\n")
    folder.write(
        "assets/raw/a.py",
        """
        from assets import Source, Table, asset

        @asset(source="a.csv", chain=False)
        def a(source: Source) -> Table:
            return source.read()
        """,
    )
    folder.write(
        "assets/raw/text.py",
        """
        from assets import Source, Table, asset

        @asset(source="text.csv")
        def text(source: Source) -> Table:
            return source.read()
        """,
    )
    folder.write(
        "assets/processed/b.py",
        """
        from assets import Table, asset

        @asset(upstream=["raw.a"])
        def b(a: Table) -> Table:
            return a
        """,
    )
    folder.write(
        "assets/output/c.py",
        """
        from assets import Table, asset

        @asset(upstream=["processed.b"])
        def c(b: Table) -> Table:
            return b
        """,
    )
    folder.write("resources/tasks/polish.yaml", "task_name: polish\nmodel: rules\n")
    return folder


def ask(folder: Folder, **conf: Any) -> Request:
    """Read a request, as the plan task does."""
    graph: Graph = open_project(folder.root).graph
    return read_request(graph, graph.order, folder.root, conf, conf)


def turns(folder: Folder, **conf: Any) -> list[str]:
    """Give the keys that a run asked for like this looks at."""
    project, request = open_project(folder.root), ask(folder, **conf)
    plan = make_plan(project, asked=request.forced, now=datetime.now(UTC))
    return turns_of(project, plan, request)


def make_all(folder: Folder) -> None:
    """Make everything."""
    project = open_project(folder.root)
    for key in project.graph.order:
        materialize(project, key, run="before")


def test_nothing_asked_means_all_that_is_stale(chain: Folder) -> None:
    """And forces nothing."""
    request = ask(chain)
    assert (len(request.keys), request.forced, request.task) == (6, (), "")
    make_all(chain)
    assert turns(chain) == []
    chain.write("a.csv", "x\n1\n2\n3\n")
    assert turns(chain) == list(CHAIN)


def test_only_these_leaves_the_rest_alone(chain: Folder) -> None:
    """Also what is stale."""
    assert turns(chain, select=["raw.a"], scope="only these") == ["raw.a"]


def test_what_is_below_a_forced_asset_gets_its_turn(chain: Folder) -> None:
    """Though it is fresh as long as nothing was made anew."""
    make_all(chain)
    assert turns(chain, select=["raw.a"], scope="with downstream") == list(CHAIN)
    assert ask(chain, select=["raw.a"], scope="with downstream").forced == ("raw.a",)


def test_with_upstream_looks_at_what_it_is_made_from(chain: Folder) -> None:
    """Which is made where it is stale, not in any case."""
    request = ask(chain, select=["processed.b"], scope="with upstream")
    assert request.keys == ("raw.a", "processed.b")
    make_all(chain)
    assert turns(chain, select=["processed.b"], scope="with upstream") == ["processed.b"]


def test_a_data_source_means_it_and_all_below(chain: Folder) -> None:
    """By its name or its key."""
    for word in ("a", "raw.a"):
        request = ask(chain, data_source=word)
        assert request.keys == CHAIN
        assert request.forced == ("raw.a",)


def test_a_task_file_touches_the_cleaning_assets_and_what_is_below(chain: Folder) -> None:
    """Fresh ones too: another task may give another result."""
    make_all(chain)
    assert turns(chain, task_file="polish") == ["processed.text_clean", "output.text"]
    assert ask(chain, task_file="polish.yaml").task == "polish.yaml"
    both = turns(chain, data_source="text", task_file="polish")
    assert both == ["raw.text", "processed.text_clean", "output.text"]


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"select": ["raw.aa"]}, "no asset 'raw.aa'; did you mean 'raw.a'?"),
        ({"select": ["raw.a"], "scope": "only this"}, "did you mean 'only these'?"),
        ({"scope": "only these"}, "no asset is chosen"),
        ({"data_source": "txet"}, "did you mean 'raw.text'?"),
        ({"data_source": "a", "select": ["raw.a"]}, "and for select or scope as well"),
        ({"task_file": "polich"}, "did you mean 'polish'?"),
        ({"data_sorce": "a"}, "did you mean 'data_source'?"),
    ],
)
def test_what_does_not_exist_is_refused_with_a_sentence(
    chain: Folder, conf: dict[str, Any], said: str
) -> None:
    """A misspelt word never turns into a run of everything."""
    with pytest.raises(RequestError) as refused:
        ask(chain, **conf)
    assert said in str(refused.value)


def test_different_schedules_have_different_dag_ids() -> None:
    """Each sign of a cron line has a word of its own."""
    lines = [
        "*/5 * * * *",
        "0 5 * * *",
        "0 0 1,15 * *",
        "0 0 1-15 * *",
        "0 0 1/15 * *",
        "0 0 * * 5#2",
    ]
    slugs = {slug(line) for line in lines}
    assert len(slugs) == len(lines)
    assert "every5_x_x_x_x" in slugs
    assert all(c.isalnum() or c in "_-." for one in slugs for c in one)
