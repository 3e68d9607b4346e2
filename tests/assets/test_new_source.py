"""`dataops new source`: what it sees, proposes, asks and writes."""

from __future__ import annotations

import gzip
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.cli import main
from assets.cli.preview import harmless
from assets.cli.proposing import Proposed, id_column, propose, text_column
from assets.cli.sampling import HEAD, ROWS, take_sample
from assets.cli.writing import Draft, as_python, as_yaml
from assets.model.discover import discover
from resources.columns import Column
from resources.errors import SourceError
from resources.settings import load_settings
from tests.assets.conftest import Home

ROOT = Path(__file__).parents[2]
REVIEWS = "번호,리뷰,별점,메모\n" + "".join(
    f'{n},"재미있는 영화였어요, 정말 추천합니다 {n}",{n % 3 + 1},{"" if n % 4 else "m"}\n'
    for n in range(1, 31)
)


def cli(home: Home, *words: str, code: int = 0) -> str:
    """Run `dataops` in this process, away from a terminal; give its output."""
    out, mask, ends = io.StringIO(), os.umask(0o027), signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(out):
        patch.setenv("DATAOPS_ROOT", str(home.root))
        patch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as left:
            main(list(words))
    os.umask(mask)
    signal.signal(signal.SIGTERM, ends)
    assert (left.value.code or 0) == code, out.getvalue()
    return out.getvalue()


def answer(home: Home, *words: str) -> Any:
    """Run `dataops ... --json`."""
    return json.loads(cli(home, *words, "--json"))


def _umask() -> int:
    """Give this process's umask."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


class Terminal:
    """A person at a terminal: reads what is asked, types answers."""

    def __init__(self, home: Home, *words: str) -> None:
        """Start `dataops` on a pseudo-terminal of 100 columns."""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from assets.cli import main; main()", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={
                **os.environ,
                "DATAOPS_ROOT": str(home.root),
                "PYTHONPATH": str(ROOT),
                "TERM": "xterm",
                "COLUMNS": "100",
            },
        )
        os.close(slave)
        self.seen, self._place = "", 0

    def reads(self, text: str) -> None:
        """Wait until a text was printed, after what was waited for before; as long as it takes."""
        while text not in self.seen[self._place :]:
            assert self._more(), f"waited for {text!r}; saw:\n{self.seen}"
        self._place = self.seen.index(text, self._place) + len(text)

    def types(self, answer: str) -> None:
        """Type a line."""
        os.write(self._master, f"{answer}\n".encode())

    def ends(self) -> int:
        """Read to the end; give the exit code."""
        while self._more():
            pass
        os.close(self._master)
        return self.process.wait()

    def _more(self) -> bool:
        """Read what is there; False at the end."""
        if not select.select([self._master], [], [], 5)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # the other end is closed
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def shop(home: Home) -> Home:
    """Give a project with a file of reviews in CP949."""
    home.write("incoming/reviews.csv", "").write_bytes(REVIEWS.encode("cp949"))
    return home


def test_a_person_is_asked_sees_rows_and_gets_a_pipeline(shop: Home) -> None:
    """Where, name, form, texts, schema; then what came, and the next command."""
    person = Terminal(shop, "new", "source")
    person.reads("Where is it?")
    person.types("incoming/reviews.csv")
    person.reads("Name [reviews]")
    assert "재미있는 영화였어요" in person.seen
    assert "all 30 rows; read as cp949 (confidence 1.00)" in person.seen
    person.types("Shop Reviews")
    person.reads("is no usable name")
    person.types("")
    person.reads("YAML or Python? [yaml]")
    person.types("")
    person.reads("It looks like texts: id 번호, text 리뷰.")
    person.reads("(empty: keep the columns as they are)")
    person.types("")
    person.reads("Declare these columns as the schema? [Y/n]")
    person.types("")
    assert person.ends() == 0
    assert "raw.reviews" in person.seen
    assert "output.reviews" in person.seen
    assert "next: dataops materialize raw.reviews+" in person.seen
    assert "Traceback" not in person.seen
    written = (shop.root / "resources/pipelines/reviews.yaml").read_text(encoding="utf-8")
    assert written.splitlines()[1:] == [
        "description: Reviews",
        "source: incoming/reviews.csv",
        "columns:  # proposed from all 30 rows",
        "  번호: {type: integer, unique: true}",
        "  리뷰: text",
        "  별점: integer  # all there are: add allowed: [1, 2, 3]?",
        "  메모: {type: text, optional: true}",
    ]
    assert set(shop.run().values()) == {"made"}


def test_a_person_can_choose_python_and_texts(shop: Home) -> None:
    """A wrong column is told, and asked for again."""
    person = Terminal(shop, "new", "source", "talk", "--file", "incoming/reviews.csv")
    person.reads("YAML or Python?")
    person.types("p")
    person.reads("Column with the id")
    person.types("번")
    person.reads("Column with the text [리뷰]")
    person.types("")
    person.reads("did you mean '번호'?")
    person.reads("Column with the id")
    person.types("번호")
    person.reads("Column with the text")
    person.types("")
    assert person.ends() == 0
    assert (shop.root / "assets/raw/talk.py").stat().st_mode & 0o777 == 0o666 & ~_umask()
    assert set(shop.run().values()) == {"made"}
    assert shop.rows("processed.talk_clean")[0]["raw_text"].startswith("재미있는")


def test_a_person_can_choose_a_column_of_dates(home: Home) -> None:
    """And says how they are written, where that is not ISO."""
    rows = [f"{n},재미있는 영화였어요 정말 추천합니다 {n},24.03.{n:02}\n" for n in range(1, 9)]
    home.write("in.csv", "번호,리뷰,작성일\n" + "".join(rows))
    person = Terminal(home, "new", "source", "talk", "--file", "in.csv", "--yaml")
    person.reads("Column with the id")
    person.types("번호")
    person.reads("Column with the text")
    person.types("")
    person.reads("작성일 looks like dates.")
    person.reads("Column with the date of a text (empty: none)")
    person.types("작성일")
    person.reads("24.03.01 is not ISO 8601.")
    person.reads("How are they written")
    person.types("%Y-%m-%d")
    person.reads("is not written as %Y-%m-%d")
    person.types("%y.%m.%d")
    assert person.ends() == 0
    written = (home.root / "resources/pipelines/talk.yaml").read_text(encoding="utf-8")
    assert 'created_at: 작성일, time_format: "%y.%m.%d"}' in written
    assert set(home.run().values()) == {"made"}
    assert f"{home.rows('raw.talk')[0]['created_at']}"[:10] == "2024-03-01"


def test_a_person_can_name_the_encoding(home: Home) -> None:
    """Where the bytes do not tell it."""
    text = "name,city\nJosé,Köln\n" * 3
    home.write("in.csv", "").write_bytes(text.encode("latin-1"))
    person = Terminal(home, "new", "source", "people", "--file", "in.csv", "--yaml", "--schema")
    person.reads("Encoding (empty: go on without a look)")
    person.types("latin-1")
    assert person.ends() == 0
    assert "José" in person.seen
    assert (
        "read: {encoding: latin-1}" in (home.root / "resources/pipelines/people.yaml").read_text()
    )


def test_a_person_can_choose_a_table(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a database behind a connection; a wrong name is told, and asked for again."""
    import sqlite3

    with closing(sqlite3.connect(home.root / "shop.db")) as shop, shop:
        shop.execute("create table orders (id integer primary key, note text)")
        shop.execute("insert into orders values (1, 'one'), (2, 'two')")
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", f"sqlite:///{home.root}/shop.db")
    person = Terminal(home, "new", "source", "--sql", "shop", "--yaml", "--schema")
    person.reads("Table")
    person.types("order")
    person.reads("Table (empty")
    assert "orders" in person.seen
    person.types("orders")
    person.reads("Name [orders]")
    person.types("")
    assert person.ends() == 0
    assert "all 2 rows" in person.seen
    written = (home.root / "resources/pipelines/orders.yaml").read_text()
    assert "source: sql:shop" in written or 'source: "sql:shop"' in written
    assert "read: {table: orders}" in written
    assert set(home.run().values()) == {"made"}
    assert [row["note"] for row in home.rows("raw.orders")] == ["one", "two"]


def test_a_web_address_is_looked_at(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the project allows it."""
    home.write("web/orders.csv", "id,note\n1,one\n2,two\n")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    handler = partial(Quiet, directory=str(home.root / "web"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        monkeypatch.setenv("DATAOPS_HTTP_ALLOW", place)
        url = f"http://{place}/orders.csv"
        said = answer(home, "new", "source", "--url", url, "--yes", "--yaml")
        server.shutdown()
    assert said["file"].endswith("resources/pipelines/orders.yaml")
    assert [one["type"] for one in said["proposed"]] == ["int64", "string"]
    assert said["errors"] == {}


def test_everything_can_be_said_by_options(shop: Home) -> None:
    """For scripts: no question, the same file; the answer as JSON."""
    said = answer(
        shop,
        "new",
        "source",
        "--file",
        "incoming/reviews.csv",
        "--yaml",
        "--yes",
        "--title",
        "Rev.",
    )
    assert said["file"] == str(shop.root / "resources/pipelines/reviews.yaml")
    assert (said["form"], said["declared"]) == ("yaml", True)
    assert said["assets"] == ["raw.reviews", "processed.reviews_clean", "output.reviews"]
    assert said["next"] == "dataops materialize raw.reviews+"
    assert said["sample"] == {
        "rows": 30,
        "complete": True,
        "rejected": 0,
        "files": [str(shop.root / "incoming/reviews.csv")],
        "encoding": "cp949",
        "confidence": 0.999,
    }
    proposed = {one["name"]: one for one in said["proposed"]}
    assert (proposed["번호"]["type"], proposed["번호"]["unique"]) == ("int64", True)
    assert proposed["별점"]["values"] == [1, 2, 3]
    assert proposed["메모"]["nullable"] is True
    text = cli(shop, "new", "source", "b", "--file", "incoming/reviews.csv", "--schema", "--python")
    assert re.search(r"별점 +integer +only 1, 2, 3", text)
    cli(
        shop,
        "new",
        "source",
        "c",
        "--file",
        "incoming/*.csv",
        "--yaml",
        "--id",
        "번호",
        "--text",
        "리뷰",
    )
    assert set(shop.run().values()) == {"made"}
    assert [c.name for c in shop.current("raw.b").columns] == ["번호", "리뷰", "별점", "메모"]
    assert shop.current("processed.c_clean").columns[3].name == "cleaned_text"


def test_how_a_file_is_laid_out_is_proposed_and_said(shop: Home) -> None:
    """What had to be found out stands in the file that is written, so that it is certain there."""
    (shop.root / "incoming/odd.csv").write_text("Sales;;\n;;\nid;name, first;n\n1;a;2\n3;b;4\n")
    (shop.root / "incoming/bare.csv").write_text("1,2.5,x\n2,3.5,y\n")
    new = ("new", "source")
    text = cli(shop, *new, "odd", "--file", "incoming/odd.csv", "--yaml", "--yes")
    assert "the 2 lines before the header are passed over ('Sales;;')" in text
    written = yaml.safe_load((shop.root / "resources/pipelines/odd.yaml").read_text())
    assert written["read"] == {"skip": 2, "delimiter": ";"}
    said = answer(shop, *new, "bare", "--file", "incoming/bare.csv", "--python", "--yes")
    assert said["sample"]["layout"] == {"header": False}
    assert "it has no header" in said["sample"]["notes"][0]
    assert "source.read(header=False)" in (shop.root / "assets/raw/bare.py").read_text()
    assert shop.run()["raw.odd"] == "made"
    assert shop.current("raw.odd").warnings == ()
    assert shop.current("raw.bare").rows == 2


def test_what_was_assumed_of_a_layout_is_kept_with_the_version(shop: Home) -> None:
    (shop.root / "incoming/t.csv").write_text("Title,,\nid,name,n\n1,a,2\n,,\n3,b,4\n")
    shop.write(
        "assets/raw/t.py",
        "from assets import Source, Table, asset\n\n\n"
        '@asset(source="incoming/t.csv", chain=False)\n'
        "def t(source: Source) -> Table:\n    return source.read()\n",
    )
    shop.run()
    first, second = shop.current("raw.t").warnings
    assert "the line before the header is passed over ('Title,,')" in first
    assert "1 row of nothing but delimiters passed over" in second


def test_a_file_that_fits_no_layout_is_no_matter_of_how_many_rows_may_be_set_aside(
    shop: Home,
) -> None:
    body = "".join(f"{n}\n" for n in range(60)) + "".join(f"{n},b\n" for n in range(40))
    for name, content in (("whole", "a,b,c\n1\n2\n3\n"), ("most", f"a,b\n{body}")):
        (shop.root / f"incoming/{name}.csv").write_text(content)
        shop.write(
            f"assets/raw/{name}.py",
            "from assets import Source, Table, asset\n\n\n"
            f'@asset(source="incoming/{name}.csv", chain=False)\n'
            f"def {name}(source: Source) -> Table:\n"
            "    return source.read(delimiter=',')\n",
        )
        text = cli(shop, "materialize", f"raw.{name}", code=1)
        assert "delimiter, quote, escape, skip, header" in text
        assert "max_quarantine" not in text


def test_without_options_and_without_a_person_it_says_what_is_missing(shop: Home) -> None:
    """As usage errors; nothing is written."""
    file = ("--file", "incoming/reviews.csv")
    assert "say it with --file" in cli(shop, "new", "source", "x", code=2)
    assert "give it a name" in cli(shop, "new", "source", *file, code=2)
    assert "one of --file" in cli(shop, "new", "source", "x", *file, "--sql", "shop", code=2)
    assert "go together" in cli(shop, "new", "source", "x", *file, "--id", "번호", code=2)
    odd = cli(shop, "new", "source", "x", *file, "--read", "encodin=x", code=2)
    assert "no option 'encodin'" in odd
    assert "'encoding'" in odd
    assert "gives no value" in cli(shop, "new", "source", "x", *file, "--read", "skip", code=2)
    asked = ("--read", "records=a")
    assert "does not have" in cli(shop, "new", "source", "x", *file, *asked, code=1)
    odd = cli(shop, "new", "source", "x", *file, "--id", "번호", "--text", "리뷰요", code=1)
    assert "did you mean '리뷰'" in odd
    assert not list(shop.root.glob("assets/raw/*")) + list(shop.root.glob("resources/pipelines/*"))


def test_it_never_overwrites(shop: Home) -> None:
    """Neither form, nor a key that another file declares."""
    words = ("--file", "incoming/reviews.csv", "--yes")
    cli(shop, "new", "source", "a", *words, "--yaml")
    cli(shop, "new", "source", "b", *words, "--python")
    for name, form in (("a", "--yaml"), ("a", "--python"), ("b", "--yaml"), ("b", "--python")):
        assert "there already" in cli(shop, "new", "source", name, *words, form, code=1)
    shop.write("resources/pipelines/other.yaml", "name: d\nsource: x.csv\n")
    assert "other.yaml" in cli(shop, "new", "source", "d", *words, code=1)


def test_a_source_that_cannot_be_looked_at_is_written_all_the_same(home: Home) -> None:
    """A pattern that matches nothing yet, a place: it says so. A schema needs a look."""
    text = cli(home, "new", "source", "later", "--file", "incoming/*.csv", "--yaml")
    assert "could not be looked at" in text
    assert discover(home.root).broken == {}
    assert "propose a schema from" in cli(
        home, "new", "source", "x", "--file", "incoming/*.csv", "--schema", code=1
    )


def test_what_was_said_wrongly_is_an_error_and_writes_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No table, no such connection, an address that is none; --yes is for what may pass."""
    import sqlite3

    with closing(sqlite3.connect(home.root / "shop.db")) as shop, shop:
        shop.execute("create table orders (id integer primary key, note text)")
    monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", f"sqlite:///{home.root}/shop.db")
    monkeypatch.setenv("DATAOPS_CONNECTION_AWAY", "postgresql://u:p@127.0.0.1:9/d")
    monkeypatch.setenv("DATAOPS_HTTP_ALLOW", "127.0.0.1")
    new = ("new", "source", "x", "--yes")
    assert "table=" in cli(home, *new, "--sql", "shop", code=1)
    assert "'orders'" in cli(home, *new, "--sql", "shop", "--read", "table=order", code=1)
    assert "no connection 'shp'; did you mean 'shop'?" in cli(home, *new, "--sql", "shp", code=1)
    home.write("in.csv", "a\n1\n")
    bad = ("--file", "in.csv", "--read", "encoding=nope")
    assert "nope" in cli(home, *new, *bad, code=1)
    away = ("new", "source", "x", "--sql", "away", "--read", "table=t")
    assert "add --yes" in cli(home, *away, code=1)
    assert not list(home.root.glob("assets/raw/*")) + list(home.root.glob("resources/pipelines/*"))
    assert "could not be looked at" in cli(home, *away, "--yes")
    cli(home, *new[:2], "y", "--sql", "shop", "--read", "table=orders")


def test_options_that_hold_others_are_written_as_such() -> None:
    """Mappings and lists, in both forms, formatted as the project's own code."""
    import black

    read = {
        "pages": {"number": "page", "size": ["per_page", 100], "link": False, "total": None},
        "names": ['a "b"', "it's", "2024-01-01"],
    }
    draft = Draft("x", "in*.csv", "X", read)
    assert yaml.safe_load(as_yaml(draft))["read"] == read
    assert "{number: page, size: [per_page, 100]" in as_yaml(draft)
    text = as_python(draft)
    assert black.format_str(text, mode=black.Mode(line_length=200)) == text
    assert '"size": ["per_page", 100]' in text


def test_options_of_reading_are_written_and_used(home: Home) -> None:
    """In both forms."""
    home.write("in.dat", "a;b\n1;2\n")
    words = ("--file", "in.dat", "--read", "format=csv", "--read", "delimiter=;", "--schema")
    cli(home, "new", "source", "one", *words, "--yaml")
    cli(home, "new", "source", "two", *words, "--python")
    home.run()
    assert home.rows("raw.one") == home.rows("raw.two") == [{"a": 1, "b": 2}]
    written = (home.root / "resources/pipelines/one.yaml").read_text()
    assert 'read: {format: csv, delimiter: ";"}' in written


def test_hostile_text_is_shown_and_not_obeyed(home: Home) -> None:
    """Escape codes, markup, direction marks, line ends: all on one line, as letters."""
    home.write("in.csv", 'id,[red]x\x1b[31m\n1,"\x1b[2J\x07[bold]a\nb\u202eevil\x9b31m"\n')
    text = cli(home, "new", "source", "x", "--file", "in.csv", "--schema", "--yaml")
    assert not {c for c in text if unicodedata.category(c) in ("Cc", "Cf")} - {"\n"}
    assert "\\u001b[2J\\u0007[bold]a⏎b" in text
    assert "[red]x\\u001b[31m" in text
    assert discover(home.root).broken == {}


@pytest.mark.parametrize(
    "value", ["가나다라마바사", "a\u0301e\u0301i\u0301", "ｆｕｌｌ", "👩‍💻 ok", ""]
)
def test_a_cell_is_cut_to_its_width_on_screen(value: str) -> None:
    """Wide letters count two."""
    from rich.cells import cell_len

    assert cell_len(harmless(value * 9, 20)) <= 20
    assert harmless("가나다라마바사아자차카", 8) == "가나다…"


def test_columns_line_up_under_wide_letters(shop: Home) -> None:
    """As a terminal counts: East Asian wide letters take two places."""
    text = cli(shop, "new", "source", "x", "--file", "incoming/reviews.csv")
    head, *rows = (list(_screen(line)) for line in text.splitlines()[:11])
    place = head.index("별")
    assert [row[place] for row in rows] == [str(n % 3 + 1) for n in range(1, 11)]


def _screen(line: str) -> Iterator[str]:
    """Give what stands at each place of a terminal's line; a wide letter takes two."""
    for letter in line:
        yield letter
        if unicodedata.east_asian_width(letter) in "WF":
            yield ""


def test_a_wide_table_shows_what_fits_and_names_the_rest(home: Home) -> None:
    """On a terminal of 100 columns."""
    names = [f"column_number_{n}" for n in range(40)]
    home.write("in.csv", f"{','.join(names)}\n{','.join(['x'] * 40)}\n")
    person = Terminal(home, "new", "source", "x", "--file", "in.csv", "--yes")
    assert person.ends() == 0
    assert "\x1b[1m" in person.seen  # its own colours are no letters
    assert "u001b" not in person.seen
    seen = re.sub("\x1b\\[[0-9;]*m", "", person.seen)
    assert "... and 34 more columns: column_number_6, " in seen
    assert max(len(line) for line in seen.splitlines()[:3]) == 100


@pytest.mark.parametrize("packed", [False, True])
def test_a_long_file_is_looked_at_in_part(home: Home, packed: bool) -> None:
    """In whole records: a line end inside quotation marks does not end one."""
    record = '{0},"one line\nand ""another"" line {0}"\n'
    text = "id,note\n" + "".join(record.format(n) for n in range(HEAD // 20))
    name = "long.csv.gz" if packed else "long.csv"
    home.write(name, "").write_bytes(gzip.compress(text.encode(), 1) if packed else text.encode())
    start = time.process_time()
    sample = take_sample(load_settings(home.root), name, {})
    assert time.process_time() - start < 5
    assert (sample.rows.num_rows, sample.complete, sample.rejected) == (ROWS, False, 0)
    assert sample.rows.column("note")[3].as_py() == 'one line\nand "another" line 3'
    home.write("torn.csv", 'id,note\n1,"not closed\n' + "2,x\n" * HEAD)
    with pytest.raises(SourceError, match=r"torn\.csv") as told:
        take_sample(load_settings(home.root), "torn.csv", {})
    assert "/tmp/dataops-" not in str(told.value)


def test_json_lines_and_parquet_are_looked_at_too(home: Home) -> None:
    """With the types that they state; what no schema can declare is left as it comes."""
    import pyarrow.parquet as pq

    home.write("a.jsonl", '{"id": 1, "ok": true}\nnot json\n{"id": 2, "ok": false}\n')
    sample = take_sample(load_settings(home.root), "a.jsonl", {})
    assert [one.column.type for one in propose(sample.rows)] == ["int64", "bool"]
    assert (sample.rejected, sample.encoding) == (1, "utf-8")
    table = pa.table({"id": [1, 2], "list": [[1], [2]]})
    pq.write_table(table, home.root / "b.parquet")
    said = answer(home, "new", "source", "b", "--file", "b.parquet", "--yes", "--yaml")
    assert (said["declared"], said["sample"]["encoding"]) == (False, "")
    text = cli(home, "new", "source", "c", "--file", "b.parquet", "--schema", code=1)
    assert "['list']" in text


def test_ids_and_texts_are_recognised() -> None:
    """By name and values; free text is what is long."""
    rows = pa.table(
        {
            "note": [f"a long enough text about {n}" for n in range(20)],
            "order_id": [f"o{n}" for n in range(20)],
            "kind": ["a", "b"] * 10,
            "when": pa.array([None] * 20, pa.timestamp("us")),
        }
    )
    found = propose(rows)
    assert (id_column(found), text_column(rows, found)) == ("order_id", "note")
    assert [one.values for one in found] == [(), (), ("a", "b"), ()]
    assert found[3].column == Column("when", "timestamp[us]", nullable=True)
    assert id_column(propose(pa.table({"id": [1, 1]}))) == ""
    assert propose(pa.table({"n": pa.array([], pa.int64())}))[0].column.nullable


_TYPES = st.sampled_from(
    ["string", "int64", "float64", "bool", "date", "timestamp[us]", "timestamp[ns]", "binary"]
) | st.builds("decimal({},{})".format, st.integers(5, 38), st.integers(0, 5))
_NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda name: bool(name.strip()) and "\0" not in name
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.builds(
            Proposed,
            st.builds(Column, _NAME, _TYPES, nullable=st.booleans(), unique=st.booleans()),
            st.lists(st.text(max_size=5) | st.integers(), max_size=2).map(tuple),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda one: one.column.name.lower(),
    ),
    st.text(max_size=12).filter(lambda title: "\0" not in title),
    _NAME,
)
def test_both_forms_declare_the_same_whatever_columns_are_called(
    tmp_path_factory: pytest.TempPathFactory, columns: Sequence[Proposed], title: str, source: str
) -> None:
    """What is written loads, in YAML as in Python, and says exactly what was proposed."""
    root = tmp_path_factory.getbasetemp() / "forms"
    draft = Draft("one", source, title.strip() or "x", columns=columns, seen="all 3 rows")
    _written(root / "resources/pipelines/one.yaml", as_yaml(draft))
    _written(root / "assets/raw/two.py", as_python(_renamed(draft, "two")))
    graph = discover(root)
    assert graph.broken == {}
    wanted = tuple(one.column for one in columns)
    assert graph.assets["raw.one"].columns == graph.assets["raw.two"].columns == wanted
    assert graph.assets["raw.one"].source == (source.strip(),)


def _renamed(draft: Draft, name: str) -> Draft:
    """Give a draft another name."""
    from dataclasses import replace

    return replace(draft, name=name)


def _written(path: Path, text: str) -> Any:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return json.dumps(text)
