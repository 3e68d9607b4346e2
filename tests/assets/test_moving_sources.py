"""Sources that change while they are read: what was hashed is what was read, or nothing is made."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.errors import SourceError, TransientError
from tests.assets.conftest import Home

COLLECTOR = """
from assets import Source, asset
from resources.tables import Table


@asset(source="{source}")
def logs(source: Source) -> Table:
    table = source.read()

    def batches(rows):
        first = True
        for batch in table.batches(rows):
            yield batch
            if first:
                first = False
                {change}

    return Table(lambda: table.schema, batches)
"""
GROW = "open('{path}', 'a').write('9999,late\\n')"
REPLACE = "from pathlib import Path; n = Path('{path}.new'); n.exists() and n.replace('{path}')"
ROWS = 30_000
"""More than one batch, so that something is still to be read when the change comes."""


def declared(home: Home, source: str, change: str) -> None:
    """Declare an asset whose source is changed after its first batch was read."""
    home.write("assets/raw/logs.py", COLLECTOR.format(source=source, change=change))


def table(rows: int, mark: str = "x") -> str:
    """Give a CSV."""
    return "id,t\n" + "".join(f"{n},{mark}{n}\n" for n in range(rows))


def test_what_a_file_grows_by_is_the_next_versions(home: Home) -> None:
    path = home.write("data.csv", table(ROWS))
    declared(home, "data.csv", GROW.format(path=path))
    before = path.stat().st_size
    assert home.make("raw.logs").state == "made"
    made = home.current("raw.logs")
    assert (made.rows, made.sources[0].bytes) == (ROWS, before)
    assert any("grew while it was read" in warning for warning in made.warnings)
    assert home.line("raw.logs").state == "stale"
    home.write("assets/raw/logs.py", COLLECTOR.format(source="data.csv", change="pass"))
    home.make("raw.logs")
    assert home.current("raw.logs").rows == ROWS + 1


@pytest.mark.parametrize(
    "change",
    ["open('{path}', 'r+').write('id,u')", "open('{path}', 'w').write('id,t\\n1,x\\n')"],
    ids=["overwritten", "cut"],
)
def test_a_file_that_is_written_over_at_every_attempt_is_never_published(
    home: Home, change: str
) -> None:
    path = home.write("data.csv", table(ROWS))
    declared(home, "data.csv", change.format(path=path))
    with pytest.raises(TransientError, match="was written to while it was read"):
        home.make("raw.logs")
    assert home.open().catalog.heads(["raw.logs"])["raw.logs"].current is None


def test_a_file_that_is_replaced_is_read_again_whole(home: Home) -> None:
    path = home.write("data.csv", table(ROWS))
    home.write("data.csv.new", table(ROWS, "y"))
    declared(home, "data.csv", REPLACE.format(path=path))
    home.make("raw.logs")
    assert {row["t"][0] for row in home.rows("raw.logs")} == {"y"}
    assert home.line("raw.logs").state == "fresh"


def test_a_file_that_is_removed_is_not_published(home: Home) -> None:
    path = home.write("data.csv", table(ROWS))
    declared(home, "data.csv", f"__import__('os').remove('{path}')")
    with pytest.raises(SourceError, match="is not there"):
        home.make("raw.logs")


def test_a_file_that_is_only_touched_or_put_there_again_stays_what_it_was(home: Home) -> None:
    path = home.write("data.csv", table(ROWS))
    home.write("data.csv.new", table(ROWS))
    declared(home, "data.csv", REPLACE.format(path=path))
    assert home.make("raw.logs").state == "made"
    assert home.current("raw.logs").rows == ROWS


def test_a_file_that_comes_while_others_are_read_is_the_next_versions(home: Home) -> None:
    home.write("in/a.csv", table(ROWS))
    late = home.root / "in/b.csv"
    text = COLLECTOR.replace("    table = source.read()", "    {change}\n    table = source.read()")
    text = text.replace("                {change}", "                pass")
    change = f"open('{late}', 'w').write('id,t\\n1,b\\n')"
    home.write("assets/raw/logs.py", text.format(source="in/*.csv", change=change))
    assert home.make("raw.logs").state == "made"
    assert home.current("raw.logs").rows == ROWS
    assert home.line("raw.logs").state == "stale"


def test_a_parquet_file_that_is_replaced_is_read_again_whole(home: Home) -> None:
    path = home.root / "data.parquet"
    pq.write_table(pa.table({"id": list(range(ROWS))}), path)
    pq.write_table(pa.table({"id": list(range(1, ROWS))}), Path(f"{path}.new"))
    declared(home, "data.parquet", REPLACE.format(path=path))
    home.make("raw.logs")
    assert [row["id"] for row in home.rows("raw.logs")] == list(range(1, ROWS))
    assert home.line("raw.logs").state == "fresh"
