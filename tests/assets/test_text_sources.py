"""Text sources through a whole attempt: what is set aside, what is told, what is refused."""

from __future__ import annotations

import pytest

from assets.engine import CheckFailed
from resources.errors import SourceError
from resources.rejects import read_rejects
from tests.assets.conftest import Home

READS = """
from assets import Source, Table, asset

@asset(source="in.csv", chain=False)
def a(source: Source) -> Table:
    return source.read({options})
"""
KOREAN = "번호,리뷰\n" + "".join(f"{n},정말 재미있게 봤어요\n" for n in range(500))


@pytest.mark.parametrize("codec", ["utf-8", "cp949"])
def test_one_row_that_is_not_text_does_not_sink_the_others(home: Home, codec: str) -> None:
    """It is in quarantine with its line, and the version carries a warning."""
    (home.root / "in.csv").write_bytes(KOREAN.encode(codec) + b"500,\xff\n")
    home.write("assets/raw/a.py", READS.format(options=""))
    made = home.make("raw.a").materialized
    assert made is not None
    assert (made.rows, made.quarantined) == (500, 1)
    (reject,) = read_rejects(home.data / made.quarantine_file)
    assert (reject.rule, reject.line) == ("encoding", 502)
    assert len(made.warnings) == 1
    assert f"in.csv is read as {codec} with a confidence of 0.99" in made.warnings[0]
    assert made.warnings[0] in (home.data / made.log).read_text(encoding="utf-8")


def test_too_many_of_them_block(home: Home) -> None:
    (home.root / "in.csv").write_bytes(KOREAN.encode() + b"500,\xff\n" * 20)
    home.write("assets/raw/a.py", READS.format(options="encoding='utf-8'"))
    with pytest.raises(CheckFailed, match=r"20 of 520 rows .*\[encoding: 20\]"):
        home.make("raw.a")


def test_the_options_of_a_reader_reach_it_from_a_collector(home: Home) -> None:
    (home.root / "in.csv").write_text("Report\n1;'a;b'\n# end\n", encoding="utf-8")
    layout = "skip=1, delimiter=';', quote=\"'\", comment='#', header=False, names=['id', 'text']"
    home.write("assets/raw/a.py", READS.format(options=layout))
    home.make("raw.a")
    assert home.rows("raw.a") == [{"id": 1, "text": "a;b"}]
    home.write("assets/raw/a.py", READS.format(options="delimeter=';'"))
    with pytest.raises(SourceError, match="did you mean 'delimiter'"):
        home.make("raw.a")
