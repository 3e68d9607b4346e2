"""Checks: every row is published, a duplicate, or in quarantine with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.engine import CheckFailed
from resources.errors import DataOpsError
from resources.rejects import read_rejects
from tests.assets.conftest import Home

ASSET = """
from typing import Annotated, Literal
from assets import MaxMissing, Schema, Unique, asset

class A(Schema):
    id: Annotated[int, Unique]
    kind: Literal["a", "b"]
    text: Annotated[str | None, MaxMissing(0.25)]

@asset(schema=A, chain=False, max_quarantine=1.0)
def a():
    import pandas as pd
    return pd.DataFrame(ROWS, columns=["id", "kind", "text"])
"""


def made(home: Home, rows: list[tuple[Any, ...]]) -> Any:
    """Make raw.a out of rows."""
    home.write("assets/raw/a.py", ASSET.replace("ROWS", repr(rows)))
    return home.make("raw.a", force=True).materialized


def test_each_broken_row_is_set_aside_with_rule_and_reason(home: Home) -> None:
    """The first of two rows with one id stays; its identical twin is a duplicate."""
    version = made(
        home,
        [
            (1, "a", "one"),
            (1, "a", "one"),
            (1, "b", "one"),
            (None, "a", "no id"),
            (2, "c", "bad kind"),
            ("x", "a", "bad type"),
            (3, "b", None),
        ],
    )
    assert [row["id"] for row in home.rows("raw.a")] == [1, 3]
    assert (version.rows_in, version.rows, version.duplicates, version.quarantined) == (7, 2, 1, 4)
    aside = {r.rule: r.reason for r in read_rejects(home.data / version.quarantine_file)}
    assert aside == {
        "type": "id: 'x' is not int64",
        "not null": "id is missing",
        "allowed": "kind is 'c', which is not an allowed value",
        "unique": "id is '1', as in another row, which is otherwise different",
    }
    counts = {(c.name, c.column): c.rows for c in version.checks if not c.passed}
    assert counts == {
        ("type", "id"): 1,
        ("not null", "id"): 1,
        ("allowed", "kind"): 1,
        ("unique", "id"): 1,
        ("missing values", "text"): 1,
    }


def test_more_broken_rows_than_allowed_block(home: Home) -> None:
    """1 % by default; the rows are kept for a look, and nothing is published."""
    text = ASSET.replace(", max_quarantine=1.0", "")
    rows = [(i, "a", "t") for i in range(50)] + [(50, "z", "t")]
    home.write("assets/raw/a.py", text.replace("ROWS", repr(rows)))
    with pytest.raises(CheckFailed, match=r"1 of 51 rows \(2.0%, at most 1.0% may be\)"):
        home.make("raw.a")
    assert not (home.data / "raw").exists()
    assert (home.data / "quarantine/raw.a/blocked.parquet").is_file()
    last = home.open().catalog.heads(["raw.a"])["raw.a"].last_attempt
    assert last is not None
    assert [r.rule for r in read_rejects(home.data / last.quarantine_file)] == ["allowed"]


def test_columns_nobody_declared_are_left_out_with_a_warning(home: Home) -> None:
    """The result is exactly the schema; the check names what was left out."""
    text = ASSET.replace('columns=["id", "kind", "text"]', 'columns=["id", "kind", "text", "more"]')
    home.write("assets/raw/a.py", text.replace("ROWS", "[(1, 'a', 't', 9)]"))
    version = home.make("raw.a").materialized
    assert version is not None
    assert list(home.rows("raw.a")[0]) == ["id", "kind", "text"]
    assert "more" in next(c.detail for c in version.checks if c.name == "undeclared columns")


def test_two_columns_that_only_capitals_tell_apart_are_refused(home: Home) -> None:
    """SQL could not tell them apart either."""
    home.write(
        "assets/raw/a.py",
        "from assets import asset\n\n@asset(chain=False)\ndef a():\n    import pandas as pd\n    return pd.DataFrame([[1, 2]], columns=['x', 'X'])\n",
    )
    with pytest.raises(Exception, match="tell apart"):
        home.make("raw.a")


@pytest.mark.parametrize(
    ("columns", "said"),
    [("['', 'b']", "without a name"), ("['a', 'a']", "more than one column called 'a'")],
)
def test_columns_that_cannot_be_named_are_refused(home: Home, columns: str, said: str) -> None:
    """One sentence, not a parser's."""
    home.write(
        "assets/raw/a.py",
        f"from assets import asset\n\n@asset(chain=False)\ndef a():\n    import pandas as pd\n    return pd.DataFrame([[1, 2]], columns={columns})\n",
    )
    with pytest.raises(DataOpsError, match=said):
        home.make("raw.a")


def test_a_table_without_columns_is_refused(home: Home) -> None:
    """There is nothing to publish."""
    home.write(
        "assets/raw/a.py",
        "from assets import asset\n\n@asset(chain=False)\ndef a():\n    import pandas as pd\n    return pd.DataFrame(index=range(3))\n",
    )
    with pytest.raises(DataOpsError, match="no columns at all"):
        home.make("raw.a")


ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 5), st.sampled_from(["x", "1"])),
        st.sampled_from(["a", "b", "c", None]),
        st.one_of(st.none(), st.text(max_size=3)),
    ),
    min_size=1,
    max_size=30,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS)
def test_the_books_always_balance(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    """Whatever comes in: rows in = rows + duplicates + quarantined, and what is published holds."""
    home = Home(tmp_path_factory.mktemp("books"))
    try:
        version = made(home, rows)
    except CheckFailed as error:
        assert error.facts["check"] == "rows"  # noqa: PT017 - either outcome is right
        return
    assert version.rows_in == len(rows)
    assert version.rows + version.duplicates + version.quarantined == len(rows)
    published = home.rows("raw.a")
    assert len({row["id"] for row in published}) == len(published) == version.rows
    assert all(isinstance(row["id"], int) and row["kind"] in ("a", "b") for row in published)


def test_the_data_version_is_the_content_not_the_bytes(home: Home) -> None:
    """Row order and codec do not matter; one cell, one more duplicate, one null do."""
    from assets.engine import materialize

    def version(rows: list[tuple[Any, ...]], **environment: str) -> str:
        """Give the data version of rows without any rule."""
        text = "from assets import asset\n\n@asset(chain=False{extra})\ndef a():\n    import pandas as pd\n    return pd.DataFrame({rows!r}, columns=['x', 'y'])\n"
        extra = ", ordered=True" if environment.pop("ordered", "") else ""
        home.write("assets/raw/a.py", text.format(rows=rows, extra=extra))
        project = home.open(**environment)
        made = materialize(project, "raw.a", run="r", force=True).materialized
        assert made is not None
        return made.data_version

    base = version([(1, "a"), (2, "b"), (2, "b")])
    assert version([(2, "b"), (1, "a"), (2, "b")]) == base
    assert version([(1, "a"), (2, "b"), (2, "b")], DATAOPS_COMPRESSION="zstd") == base
    assert version([(1, "a"), (2, "b"), (2, "b")], DATAOPS_CHUNK_ROWS="1") == base
    others = {
        version([(1, "a"), (2, "b"), (2, "c")]),
        version([(1, "a"), (2, "b"), (2, "b"), (2, "b")]),
        version([(1, "a"), (2, "b"), (2, None)]),
        version([(1, "a"), (2, "b"), (2, "")]),
        version([(1, "a"), (1, "a"), (2, "b")]),
        version([(1, "a"), (2, "b"), (2, "b")], ordered="1"),
        version([(2, "b"), (1, "a"), (2, "b")], ordered="1"),
    }
    assert len(others) == 7
    assert base not in others


def test_times_of_processing_are_not_content(home: Home) -> None:
    """Cleaning the same rows again gives the same data version."""
    home.write("in.csv", "id,review\n1,a &amp; b\n2,c\n")
    home.write(
        "assets/raw/r.py",
        """
        from assets import Source, Table, asset
        from assets.schemas import RawText

        @asset(schema=RawText, source="in.csv")
        def r(source: Source) -> Table:
            return source.texts(id="id", text="review")
        """,
    )
    assert set(home.run().values()) == {"made"}
    assert home.make("raw.r", force=True).state == "unchanged"
    assert home.make("processed.r_clean", force=True).state == "unchanged"
    row, _ = home.rows("processed.r_clean")
    assert (row["raw_text"], row["cleaned_text"], row["llm_model"]) == (
        "a &amp; b",
        "a & b",
        "rules/2",
    )
    assert list(row) == [
        "id",
        "source",
        "raw_text",
        "cleaned_text",
        "llm_model",
        "cleaning_task",
        "created_at",
        "processed_at",
        "metadata",
    ]
    assert Path(home.data / "output/current/r.csv").is_file()
