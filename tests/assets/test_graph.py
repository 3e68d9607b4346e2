"""The graph and selections: order, neighbours, parts and plus signs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.model.declare import Asset
from assets.model.errors import SelectionError, UnknownKeyError
from assets.model.graph import Graph, build_graph
from assets.model.select import select


def node(name: str, *upstream: str, tags: tuple[str, ...] = ()) -> Asset:
    """Make an asset of the processed layer."""
    return Asset(
        key=f"processed.{name}",
        layer="processed",
        name=name,
        function=lambda: None,
        upstream=tuple(f"processed.{up}" for up in upstream),
        tags=tags,
    )


@given(st.lists(st.sets(st.integers(0, 30), max_size=4), max_size=30))
def test_upstream_comes_first_whatever_the_graph(edges: list[set[int]]) -> None:
    """Any graph without a cycle: every key once, after everything it is made from."""
    assets = [node(f"n{i}", *(f"n{j}" for j in ups if j < i)) for i, ups in enumerate(edges)]
    graph = build_graph(reversed(assets), [])
    place = {key: i for i, key in enumerate(graph.order)}
    assert sorted(place) == sorted(asset.key for asset in assets)
    assert all(place[up] < place[a.key] for a in assets for up in a.upstream)


@given(st.integers(2, 12), st.integers(0, 5))
def test_every_asset_of_a_cycle_is_broken_and_no_other(length: int, tail: int) -> None:
    """The cycle is told apart from what hangs below it."""
    ring = [node(f"r{i}", f"r{(i - 1) % length}") for i in range(length)]
    below = [node(f"t{i}", "r0" if i == 0 else f"t{i - 1}") for i in range(tail)]
    graph = build_graph([*ring, *below], [])
    assert set(graph.broken) == {asset.key for asset in ring}
    assert set(graph.assets) == {asset.key for asset in below}


def test_what_hangs_below_a_cycle_is_in_order_whatever_its_names() -> None:
    """Upstream before downstream, so that a plan finds the line it needs."""
    graph = build_graph(
        [node("m", "n"), node("n", "m"), node("z", "n"), node("a", "z"), node("b", "a", "m")], []
    )
    assert [key[-1] for key in graph.order] == ["m", "n", "z", "a", "b"]


def test_a_chain_of_5000_is_ordered_walked_and_selected() -> None:
    """Nothing recurses."""
    chain = [node("n0"), *(node(f"n{i}", f"n{i - 1}") for i in range(1, 5000))]
    graph = build_graph(reversed(chain), [])
    assert graph.order[0] == "processed.n0"
    assert len(graph.below(["processed.n0"])) == 4999
    assert len(select(graph, "+processed.n4999", tuple)) == 5000


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Give a diamond a -> b, c -> d, with tags."""
    return build_graph(
        [node("a", tags=("x",)), node("b", "a"), node("c", "a", tags=("x",)), node("d", "b", "c")],
        [],
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("processed.a", "a"),
        ("processed.b+", "bd"),
        ("+processed.b", "ab"),
        ("+processed.b+", "abd"),
        ("tag:x", "ac"),
        ("layer:processed", "abcd"),
        ("processed.*", "abcd"),
        ("all,-tag:x", "bd"),
        ("-processed.d", "abc"),
        ("processed.a processed.d", "ad"),
        ("tag:x,-processed.a", "c"),
        ("stale", "b"),
        ("stale+", "bd"),
    ],
)
def test_selections(graph: Graph, text: str, found: str) -> None:
    """In dependency order, each once."""
    chosen = select(graph, text, lambda: ["processed.b"])
    assert "".join(key[-1] for key in chosen) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("processed.bb", "did you mean"),
        ("a", "did you mean 'processed.a'"),
        ("tag:y", "no asset has 'tag:y'"),
        ("layer:proccessed", "did you mean 'processed'"),
        ("lyer:raw", "did you mean 'layer'"),
        ("raw.*", "no asset matches"),
    ],
)
def test_a_selection_that_matches_nothing_is_an_error(graph: Graph, text: str, said: str) -> None:
    """Never silently nothing."""
    with pytest.raises(SelectionError, match=said):
        select(graph, text, tuple)


def test_an_unknown_key_names_the_nearest(graph: Graph) -> None:
    """Did you mean."""
    with pytest.raises(UnknownKeyError, match="did you mean 'processed.a'"):
        graph.find("proccessed.a")
