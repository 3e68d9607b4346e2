"""What a pipeline says together of how it goes on: every combination, held or refused."""

from __future__ import annotations

from itertools import product

import pytest

from tests.assets.conftest import Home

SOURCES = {
    "database": "source: shop.sqlite\nread: {{table: ev{overlap}}}",
    "web": "source: https://example.org/ev\nread: {{params: {{after: '{{since}}'}}{overlap}}}",
    "files": "source: in/*.csv\n",
}


def fits(where: str, mode: str, key: bool, cursor: bool, overlap: bool, gone: str) -> bool:
    """Say what docs/incremental.md says: which combinations are allowed."""
    if mode == "replace" and (key or cursor or gone):
        return False
    if mode == "upsert" and not key:
        return False
    if gone and mode != "upsert":
        return False
    if cursor and where == "files":
        return False
    return not overlap or (where == "database" and cursor and (key or mode != "append"))


COMBINATIONS = list(
    product(
        SOURCES,
        ("replace", "append", "upsert"),
        (False, True),
        (False, True),
        (False, True),
        ("", "deleted: gone", "full: {missing: delete}", "full: {missing: keep}"),
    )
)


@pytest.mark.parametrize("where", SOURCES)
def test_every_combination_is_held_or_refused(home: Home, where: str) -> None:
    """Refused when it is declared, naming a field and what to write; else declared as it stands."""
    expected: dict[str, bool] = {}
    for number, (source, mode, key, cursor, overlap, gone) in enumerate(COMBINATIONS):
        if source != where or (where == "files" and overlap):
            continue
        text = SOURCES[where].format(overlap=", overlap: 1" if overlap else "")
        lines = [text, f"mode: {mode}", "on: [id]" if key else "", "cursor: day" if cursor else ""]
        home.write(f"resources/pipelines/p{number}.yaml", "\n".join([*lines, gone, ""]))
        expected[f"raw.p{number}"] = fits(where, mode, key, cursor, overlap, gone)
    graph = home.open().graph
    found = {key: key in graph.assets for key in expected}
    assert found == expected
    for name, fine in expected.items():
        if not fine:
            said = graph.broken[name].error
            assert "line" in said, said
            assert "could not" not in said, said


@pytest.mark.parametrize(
    ("read", "field"),
    [
        ("{table: ev, by: day}", "by"),
        ("{table: ev, since: 3}", "since"),
        ("{query: select 1}", "query"),
    ],
)
def test_what_the_cursor_says_is_not_said_twice(home: Home, read: str, field: str) -> None:
    """Nor otherwise."""
    text = f"source: shop.sqlite\nread: {read}\nmode: append\ncursor: day\n"
    home.write("resources/pipelines/p.yaml", text)
    assert field in home.open().graph.broken["raw.p"].error


def test_a_cursor_needs_a_parameter_that_takes_it(home: Home) -> None:
    """Of a web address."""
    text = "source: https://example.org/ev\nmode: append\ncursor: day\n"
    home.write("resources/pipelines/p.yaml", text)
    assert "no parameter takes" in home.open().graph.broken["raw.p"].error


def test_an_overlap_of_unique_columns_has_a_key(home: Home) -> None:
    """A column that is unique tells rows apart as well as `on`."""
    text = "source: shop.sqlite\nread: {table: ev, overlap: 1}\nmode: append\ncursor: day\n"
    text += "columns: {id: {type: int64, unique: true}, day: date}\n"
    home.write("resources/pipelines/p.yaml", text)
    graph = home.open().graph
    assert "raw.p" in graph.assets, graph.broken
