"""Rows in quarantine: what is open, and what accepting and discarding does."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.engine.accept import Accepted, accept, completed
from assets.engine.accepting import Accepting
from assets.engine.corrections import Correction
from assets.engine.errors import CheckFailed, NothingAccepted
from assets.engine.make import Attempt, make
from assets.engine.plan import heads_of
from assets.engine.quarantine import OpenRow, QuarantineError, discard, open_rows
from assets.model.declare import Asset
from assets.schemas import ProcessedText
from catalog.changes import release, rollback
from catalog.history import versions_of
from resources.rejects import Reject
from tests.assets.conftest import Home
from tests.assets.test_cli import facts, run

ROOT = Path(__file__).parents[2]
GOOD = "".join(f"{n},{n % 5 + 1},text {n}\n" for n in range(1, 21))
BAD = "x,3,no id\n21,9,call 010-1234-5678\n3,2,another three\n"
RAW = """
    from typing import Annotated, Literal
    from assets import Schema, Source, Unique, asset

    class R(Schema):
        id: Annotated[int, Unique]
        stars: Literal[1, 2, 3, 4, 5]
        text: str | None

    @asset(schema=R, source="in.csv", max_quarantine=0.3)
    def r(source: Source):
        return source.read()
    """


def source(home: Home, rows: str = GOOD + BAD) -> None:
    """Write the source."""
    home.write("in.csv", "id,stars,text\n" + rows)


@pytest.fixture
def bad(home: Home) -> Home:
    """Give a project whose raw.r, with its chain, is made: three rows are in quarantine."""
    source(home)
    home.write("assets/raw/r.py", RAW)
    home.make("raw.r")
    return home


def opened(home: Home) -> list[OpenRow]:
    """Give the open rows."""
    return open_rows(home.open(), "raw.r")


def corrected(row: OpenRow, **values: Any) -> tuple[OpenRow, str]:
    """Correct a row."""
    return row, json.dumps(json.loads(row.reject.row) | values)


def bring_back(home: Home, *rows: tuple[OpenRow, str], why: str = "") -> Accepted:
    """Accept rows."""
    return accept(home.open(), "raw.r", rows, by="kim", why=why)


def books(home: Home) -> tuple[int, int, int]:
    """Give rows, duplicates and quarantined of the current version, having seen that they balance."""
    made = home.current("raw.r")
    assert made.rows_in == made.rows + made.duplicates + made.quarantined
    assert len(home.rows("raw.r")) == made.rows
    return made.rows, made.duplicates, made.quarantined


def test_rows_that_were_set_aside_are_open_each_with_its_reason(bad: Home) -> None:
    assert [(row.reject.rule, row.reject.column, row.version) for row in opened(bad)] == [
        ("type", "id", 1),
        ("allowed", "stars", 1),
        ("unique", "id", 1),
    ]


def test_accepted_rows_become_a_version_with_who_and_why(bad: Home) -> None:
    first = bad.current("raw.r")
    no_id, nine, _ = opened(bad)
    done = bring_back(bad, corrected(no_id, id="23"), corrected(nine, stars="5"), why="typing")
    made = bad.current("raw.r")
    assert (made.number, made.by, made.why) == (2, "kim", ("rows accepted: typing",))
    assert (done.accepted, books(bad)) == (2, (22, 0, 1))
    assert bad.rows("raw.r")[-2:] == [
        {"id": 23, "stars": 3, "text": "no id"},
        {"id": 21, "stars": 5, "text": "call 010-1234-5678"},
    ]
    assert (made.code, made.sources, made.as_of) == (first.code, first.sources, first.as_of)
    assert [row.reject.rule for row in opened(bad)] == ["unique"]


def test_what_is_downstream_becomes_stale_and_the_asset_stays_fresh(bad: Home) -> None:
    bad.run()
    bring_back(bad, corrected(opened(bad)[0], id="23"))
    states = {"raw.r": "fresh", "processed.r_clean": "stale", "output.r": "waiting"}
    assert bad.states() == states
    bad.run()
    assert "23" in (bad.data / "output/current/r.csv").read_text(encoding="utf-8")


def test_a_row_that_still_breaks_a_check_stays_with_the_new_reason(bad: Home) -> None:
    no_id, nine, _ = opened(bad)
    done = bring_back(bad, corrected(no_id, id="5"), corrected(nine, stars="4"))
    assert [reject.reason for reject in done.refused] == [
        "corrected, but id is '5', as in another row, which is otherwise different"
    ]
    still = {row.id: row.reject for row in opened(bad)}
    assert still[no_id.id].row == no_id.reject.row
    assert (still[no_id.id].rule, books(bad)) == ("unique", (21, 0, 2))


def test_corrected_values_are_read_as_those_of_a_file_are(bad: Home) -> None:
    no_id, nine, three = opened(bad)
    done = bring_back(
        bad,
        corrected(no_id, id="many"),
        corrected(nine, stars=None),
        corrected(three, id="30", text=None),
    )
    assert [(one.rule, one.reason) for one in done.refused] == [
        ("type", "corrected, but id: 'many' is not int64"),
        ("not null", "corrected, but stars is missing"),
    ]
    assert bad.rows("raw.r")[-1] == {"id": 30, "stars": 2, "text": None}


def test_where_no_row_holds_nothing_is_changed(bad: Home) -> None:
    with pytest.raises(NothingAccepted, match="'many' is not int64"):
        bring_back(bad, corrected(opened(bad)[0], id="many"))
    assert (bad.current("raw.r").number, len(opened(bad))) == (1, 3)
    assert not list((bad.data / "corrections").glob("*"))


def test_accepting_a_row_twice_does_not_double_it(bad: Home) -> None:
    row = corrected(opened(bad)[0], id="23")
    bring_back(bad, row)
    with pytest.raises(QuarantineError, match="not open any more"):
        bring_back(bad, row)
    assert books(bad) == (21, 0, 2)


def test_a_correction_that_makes_a_row_equal_to_another_is_a_duplicate(bad: Home) -> None:
    three = opened(bad)[2]
    bring_back(bad, corrected(three, stars=4, text="text 3"))
    assert books(bad) == (20, 1, 2)


def test_a_correction_takes_the_place_of_the_same_bad_row_whenever_it_comes_again(
    bad: Home,
) -> None:
    no_id, nine, three = opened(bad)
    bring_back(bad, corrected(no_id, id="23"), corrected(nine, stars="5"))
    before = bad.current("raw.r")
    source(bad, GOOD + BAD + "24,0,new and bad\n")
    bad.make("raw.r")
    made = bad.current("raw.r")
    assert made.unchanged
    assert made.data_version == before.data_version
    assert (made.accepted, books(bad)) == (2, (22, 0, 2))
    assert {row.reject.rule for row in opened(bad)} == {"unique", "allowed"}
    assert three.id in {row.id for row in opened(bad)}


def test_a_bad_row_that_is_gone_from_the_source_brings_no_correction_back(bad: Home) -> None:
    bring_back(bad, corrected(opened(bad)[0], id="23"))
    source(bad, GOOD)
    bad.make("raw.r")
    assert books(bad) == (20, 0, 0)
    source(bad)
    bad.make("raw.r")
    assert books(bad) == (21, 0, 2)


def test_of_equal_bad_rows_one_is_accepted_at_a_time(bad: Home) -> None:
    source(bad, GOOD + "21,9,same\n21,9,same\n")
    bad.make("raw.r")
    first, second = opened(bad)
    assert second.id == f"{first.id}-2"
    bring_back(bad, corrected(first, stars=1))
    assert books(bad) == (21, 0, 1)
    bring_back(bad, corrected(opened(bad)[0], id=22, stars=2))
    bad.make("raw.r", force=True)
    assert books(bad) == (22, 0, 0)


def test_a_rollback_takes_corrections_back_too(bad: Home) -> None:
    bring_back(bad, corrected(opened(bad)[0], id="23"))
    project = bad.open()
    rollback(bad.data, project.events, project.catalog.heads(["raw.r"])["raw.r"], 1, by="kim")
    assert len(opened(bad)) == 3
    with pytest.raises(QuarantineError, match="held at version 1"):
        bring_back(bad, corrected(opened(bad)[0], id="24"))
    project = bad.open()
    release(project.events, project.catalog.heads(["raw.r"])["raw.r"], by="kim")
    bad.make("raw.r", force=True)
    assert books(bad) == (20, 0, 3)


def test_another_schema_has_to_be_made_first(bad: Home) -> None:
    bad.write("assets/raw/r.py", RAW.replace("text: str | None", "text: str"))
    with pytest.raises(QuarantineError, match="another schema"):
        bring_back(bad, corrected(opened(bad)[0], id="23"))


def test_unchanged_rows_come_back_where_the_rule_has_changed(bad: Home) -> None:
    bad.write("assets/raw/r.py", RAW.replace("4, 5]", "4, 5, 9]"))
    bad.make("raw.r")
    assert [row.reject.rule for row in opened(bad)] == ["type", "unique"]


def test_discarded_rows_are_not_open_and_stay_in_their_file(bad: Home) -> None:
    row = opened(bad)[1]
    event = discard(bad.open(), "raw.r", [row], by="kim", why="a test entry")
    assert (event.by, event.reason, event.number) == ("kim", "a test entry", 1)
    assert row.id not in {one.id for one in opened(bad)}
    assert books(bad) == (20, 0, 3)
    bad.make("raw.r", force=True)
    assert row.id not in {one.id for one in opened(bad)}
    with pytest.raises(QuarantineError, match="discarded already"):
        discard(bad.open(), "raw.r", [row], by="lee", why="")


class TestBlocked:
    """Rows of an attempt that was blocked."""

    @pytest.fixture
    def blocked(self, bad: Home) -> Home:
        """Give a project whose last attempt set too many rows aside."""
        bad.write("assets/raw/r.py", RAW.replace("0.3", "0.05"))
        source(bad, GOOD + BAD + "25,1,good and new\n")
        with pytest.raises(CheckFailed):
            bad.make("raw.r")
        return bad

    def test_its_rows_are_open(self, blocked: Home) -> None:
        assert [row.version for row in opened(blocked)] == [0, 0, 0]

    def test_with_enough_of_them_accepted_the_asset_is_made(self, blocked: Home) -> None:
        no_id, nine, _ = opened(blocked)
        done = bring_back(blocked, corrected(no_id, id="23"), corrected(nine, stars="5"))
        assert (done.version.number, books(blocked)) == (2, (23, 0, 1))
        assert {row["id"] for row in blocked.rows("raw.r")} >= {21, 23, 25}
        assert blocked.states()["raw.r"] == "fresh"

    def test_with_too_few_nothing_is_changed(self, blocked: Home) -> None:
        no_id, *_ = opened(blocked)
        with pytest.raises(CheckFailed, match="2 of 24 rows"):
            bring_back(blocked, corrected(no_id, id="23"))
        assert (blocked.current("raw.r").number, len(opened(blocked))) == (1, 3)

    def test_the_message_names_what_helps(self, blocked: Home) -> None:
        last = heads_of(blocked.open(), ["raw.r"])["raw.r"].last_attempt
        assert last is not None
        assert last.fix.startswith("version 1 stays current; correct the rows set aside")
        assert "dataops quarantine accept raw.r FILE" in last.fix
        assert "raise `max_quarantine=` in assets/raw/r.py" in last.fix
        assert "dataops materialize raw.r --force" in last.fix
        assert "suite" not in last.fix

    def test_discarded_rows_do_not_count_towards_the_limit(self, blocked: Home) -> None:
        _, nine, three = opened(blocked)
        assert blocked.line("raw.r").action == "blocked"
        discard(blocked.open(), "raw.r", [nine, three], by="kim", why="")
        assert blocked.line("raw.r").action == "make"
        blocked.make("raw.r")
        assert books(blocked) == (21, 0, 3)
        assert [row.reject.rule for row in opened(blocked)] == ["type"]

    def test_some_may_be_discarded_and_others_accepted(self, blocked: Home) -> None:
        no_id, nine, three = opened(blocked)
        discard(blocked.open(), "raw.r", [nine], by="kim", why="")
        bring_back(blocked, corrected(no_id, id="23"))
        assert books(blocked) == (22, 0, 2)
        assert opened(blocked)[0].id == three.id

    def test_personal_data_is_hidden_wherever_rows_are_shown(self, blocked: Home) -> None:
        for words in (["show", "raw.r"], ["show", "raw.r", "--json"]):
            assert "010-1234-5678" not in run(blocked, *words)

    def test_rows_that_an_expectation_set_aside_are_replaced_where_they_stand(
        self, blocked: Home
    ) -> None:
        """They are still among the staged rows: a suite does not take them out."""
        source(blocked, GOOD)
        project = blocked.open()
        correction = Correction(
            rejected=json.dumps({"id": 3, "stars": 4, "text": "text 3"}),
            corrected=json.dumps({"id": 3, "stars": 4, "text": "mended"}),
            rule="expect_column_values_to_not_match_regex",
            column="text",
            reason="text matches",
            accepted_by="kim",
            accepted_at="2026-01-01T00:00:00Z",
            why="",
        )
        attempt = Attempt(
            asset=project.graph.assets["raw.r"],
            heads=heads_of(project),
            reasons=(),
            run="test",
            by="kim",
            request="",
            task=None,
            as_of=datetime.now(UTC),
            progress=None,
            accepting=Accepting([correction], None),
        )
        make(project, attempt)
        texts = {row["id"]: row["text"] for row in blocked.rows("raw.r")}
        assert (texts[3], texts[4], books(blocked)) == ("mended", "text 4", (20, 0, 0))
        blocked.make("raw.r", force=True)
        assert {r["id"]: r["text"] for r in blocked.rows("raw.r")}[3] == "mended"


class TestOutputs:
    """A CSV is made anew with the rows."""

    def test_rows_of_an_output_come_back(self, bad: Home) -> None:
        bad.write(
            "assets/output/r.py",
            """
            from typing import Literal
            from assets import Schema, Table, asset

            class Out(Schema):
                id: int
                stars: Literal[1, 2, 3, 4]

            @asset(schema=Out, upstream=["raw.r"], max_quarantine=0.9)
            def r(r: Table) -> Table:
                return r
            """,
        )
        bad.make("output.r")
        rows = open_rows(bad.open(), "output.r")
        assert len(rows) == 4
        accept(bad.open(), "output.r", [corrected(row, stars=4) for row in rows], by="kim")
        text = (bad.data / "output/current/r.csv").read_text(encoding="utf-8-sig")
        assert len(list(csv.reader(text.splitlines()))) == 21


class TestSheets:
    """What an analyst does: CSV, Excel, accept."""

    @staticmethod
    def edit(path: Path, old: str, new: str) -> None:
        """Edit a CSV as a spreadsheet does: other line ends, other delimiter, no BOM."""
        text = path.read_text(encoding="utf-8-sig")
        assert old in text
        rows = list(csv.reader(text.replace(old, new).splitlines(keepends=True)))
        with path.open("w", encoding="cp949", newline="") as file:
            csv.writer(file, delimiter=";").writerows(rows)

    def test_a_corrected_csv_comes_back(self, bad: Home, tmp_path: Path) -> None:
        sheet = tmp_path / "bad.csv"
        run(bad, "quarantine", "show", "raw.r", "--csv", str(sheet))
        assert "010-1234-5678" in sheet.read_text(encoding="utf-8-sig")
        self.edit(sheet, ",21,9,", ",21,5,")
        said = run(bad, "quarantine", "accept", "raw.r", str(sheet), "--reason", "typing")
        assert "1 row accepted; 2 unchanged rows stay in quarantine: version 2" in said
        assert bad.rows("raw.r")[-1]["stars"] == 5
        said = run(bad, "quarantine", "accept", "raw.r", str(sheet))
        assert "nothing to accept; 2 unchanged rows stay in quarantine; 1 was decided" in said

    def test_a_file_is_not_written_over(self, bad: Home, tmp_path: Path) -> None:
        sheet = tmp_path / "bad.csv"
        sheet.write_text("work")
        said = run(bad, "quarantine", "show", "raw.r", "--csv", str(sheet), code=1)
        assert "may hold somebody's work" in said

    def test_a_file_that_names_no_rows_is_refused(self, bad: Home, tmp_path: Path) -> None:
        for text in ("id,stars\n", "id,stars\n1,2\n", ""):
            (tmp_path / "junk.csv").write_text(text)
            said = run(bad, "quarantine", "accept", "raw.r", str(tmp_path / "junk.csv"), code=1)
            assert "has no column quarantine_row" in said

    def test_without_a_schema_the_columns_of_the_kept_rows_are_there_to_fill_in(
        self, home: Home, tmp_path: Path
    ) -> None:
        home.write("in.csv", "a,b\n1,2\n3\n")
        free = RAW.replace("schema=R, ", "").replace("max_quarantine=0.3", "chain=False")
        home.write("assets/raw/r.py", free)
        with pytest.raises(CheckFailed):
            home.make("raw.r")
        sheet = tmp_path / "bad.csv"
        run(home, "quarantine", "show", "raw.r", "--csv", str(sheet))
        header, line = csv.reader(sheet.read_text(encoding="utf-8-sig").splitlines())
        assert header[4:] == ["quarantine_text", "a", "b"]
        with sheet.open("w", newline="") as file:
            csv.writer(file).writerows([header, [*line[:5], "3", "4"]])
        run(home, "quarantine", "accept", "raw.r", str(sheet))
        assert home.rows("raw.r") == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
        assert all(check.passed for check in home.current("raw.r").checks)

    def test_a_line_that_nobody_knows_is_named(self, bad: Home, tmp_path: Path) -> None:
        sheet = tmp_path / "bad.csv"
        sheet.write_text("quarantine_row,id\nraw.r/0123456789ab,7\n")
        said = run(bad, "quarantine", "accept", "raw.r", str(sheet), code=1)
        assert "line 2: the row 0123456789ab is not in quarantine any more" in said
        sheet.write_text("quarantine_row,id\nraw.other/0123456789ab,7\n")
        said = run(bad, "quarantine", "accept", "raw.r", str(sheet), code=1)
        assert "this is a row of raw.other, not of raw.r" in said

    def test_a_line_that_could_not_be_read_is_filled_in(self, bad: Home, tmp_path: Path) -> None:
        source(bad, GOOD + "21;4;other delimiter\n")
        bad.make("raw.r")
        (row,) = opened(bad)
        with pytest.raises(NothingAccepted, match="none of its values was filled in"):
            bring_back(bad, (row, row.reject.row))
        sheet = tmp_path / "bad.csv"
        run(bad, "quarantine", "show", "raw.r", "--csv", str(sheet))
        header, line = csv.reader(sheet.read_text(encoding="utf-8-sig").splitlines())
        assert header[4:] == ["quarantine_text", "id", "stars", "text"]
        assert line[3].endswith("in.csv, line 22")
        line[5:] = ["21", "4", "other delimiter"]
        with sheet.open("w", newline="") as file:
            csv.writer(file).writerows([header, line])
        run(bad, "quarantine", "accept", "raw.r", str(sheet))
        assert bad.rows("raw.r")[-1] == {"id": 21, "stars": 4, "text": "other delimiter"}


def test_the_command_line_lists_shows_and_discards(bad: Home) -> None:
    listed = facts(bad, "quarantine", "list")
    assert [(one["key"], one["rule"], one["rows"]) for one in listed] == [
        ("raw.r", "type", 1),
        ("raw.r", "allowed", 1),
        ("raw.r", "unique", 1),
    ]
    assert "010-1234-5678" not in run(bad, "quarantine", "show", "raw.r")
    assert "010-1234-5678" in run(bad, "quarantine", "show", "raw.r", "--raw")
    row = facts(bad, "quarantine", "show", "raw.r")[1]
    assert (row["rule"], "phone-1" in row["row"]) == ("allowed", True)
    run(bad, "quarantine", "discard", "raw.r", "--rows", row["id"], "--reason", "a test entry")
    assert len(facts(bad, "quarantine", "show", "raw.r")) == 2
    said = run(bad, "quarantine", "discard", "raw.r", "--rows", row["id"], code=1)
    assert "no open row" in said
    decisions = facts(bad, "sql", "SELECT decision, rows, reason, version FROM decisions")
    expected = {"decision": "discarded", "rows": 1, "reason": "a test entry", "version": None}
    assert decisions == [expected]
    run(bad, "quarantine", "accept", "raw.r", code=2)


def test_a_materialization_at_the_same_moment_waits(bad: Home) -> None:
    row = corrected(opened(bad)[0], id="23")
    threads = [
        threading.Thread(target=bring_back, args=(bad, row)),
        threading.Thread(target=lambda: bad.make("raw.r", force=True)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert books(bad) == (21, 0, 2)
    assert [version.number for version in versions_of(bad.open().events, "raw.r")] == [1, 2, 3]


def test_a_text_that_no_model_could_clean_is_cleaned_by_a_person() -> None:
    asset = Asset(
        "processed.r", "processed", "r", print, columns=ProcessedText.columns(), task="clean"
    )
    raw = {"id": 1, "source": "web", "raw_text": "goood", "created_at": "2026-01-01 00:00:00"}
    row = OpenRow("0", Reject(json.dumps(raw), "llm", "raw_text", "no answer"), 1, "", "")
    made = {"llm_model": "person", "cleaning_task": "clean", "processed_at": "2026-01-02T00:00:00"}
    for said, text in (({}, "goood"), ({"cleaned_text": "good"}, "good")):
        found = completed(asset, row, json.dumps(raw | said), "2026-01-02T00:00:00Z")
        assert json.loads(found) == {**raw, **made, "cleaned_text": text}


KILLED = """
import os, signal, sys
import assets.engine.publish as publish
from assets.engine import open_project
from assets.engine.accept import accept
from assets.engine.quarantine import open_rows
import json
original = publish._put

def killed(*given):
    if sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    original(*given)
    os.kill(os.getpid(), signal.SIGKILL)

publish._put = killed
project = open_project(sys.argv[1])
row = open_rows(project, "raw.r")[0]
accept(project, "raw.r", [(row, json.dumps({"id": "23", "stars": "3", "text": "no id"}))], by="kim")
"""


@pytest.mark.parametrize(("when", "rows"), [("before", 20), ("after", 21)])
def test_a_kill_in_the_middle_leaves_the_old_version_or_the_new(
    bad: Home, when: str, rows: int
) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(bad.root), when], env=env, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert books(bad) == (rows, 0, 23 - rows)
    assert len(opened(bad)) == 23 - rows
    rest = [row for row in opened(bad) if row.reject.rule in ("type", "allowed")]
    fixes = {"type": {"id": "23"}, "allowed": {"stars": "5"}}
    bring_back(bad, *(corrected(row, **fixes[row.reject.rule]) for row in rest))
    bad.make("raw.r", force=True)
    assert books(bad) == (22, 0, 1)


row_of = st.tuples(
    st.integers(1, 6).map(str) | st.just("x"), st.integers(0, 6).map(str), st.sampled_from("ab")
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(row_of, min_size=1, max_size=12),
    fixes=st.lists(st.lists(row_of, max_size=4), max_size=2),
)
def test_whatever_is_corrected_the_books_balance_and_no_row_is_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    fixes: list[list[tuple[str, str, str]]],
) -> None:
    home = Home(tmp_path_factory.mktemp("p"))
    home.write(
        "assets/raw/r.py", RAW.replace("@asset(", "@asset(chain=False, ").replace("0.3", "1")
    )
    source(home, "1,1,first\n" + "".join(",".join(row) + "\n" for row in rows))
    home.make("raw.r")
    came = home.current("raw.r").rows_in
    merged = home.current("raw.r").duplicates
    for fix in fixes:
        todo = list(zip(opened(home), fix, strict=False))
        if not todo:
            continue
        kept = Counter(str(sorted(row.items())) for row in home.rows("raw.r"))
        try:
            bring_back(
                home,
                *(corrected(row, id=i, stars=stars, text=text) for row, (i, stars, text) in todo),
            )
        except NothingAccepted:
            continue
        stand, duplicates, aside = books(home)
        merged += duplicates
        assert stand + merged + aside == came
        assert kept <= Counter(str(sorted(row.items())) for row in home.rows("raw.r"))
        assert len(opened(home)) == aside
    before = home.current("raw.r")
    home.make("raw.r", force=True)
    stand, duplicates, aside = books(home)
    assert stand + duplicates + aside == came
    assert len({row["id"] for row in home.rows("raw.r")}) == stand
    assert home.current("raw.r").data_version == before.data_version


class TestSpreadsheets:
    """Sheets that a spreadsheet changed of its own accord, beside what people corrected."""

    @staticmethod
    def handed_out(home: Home, tmp_path: Path) -> tuple[Path, list[list[str]]]:
        """Hand out a row with an id, a long number and a date; give the sheet and its cells."""
        declared = (
            "from assets import Schema, Source, asset\n\n\n"
            "class R(Schema):\n    id: str\n    n: float\n    stars: int\n\n\n"
            '@asset(schema=R, source="in.csv", max_quarantine=1.0)\n'
            "def r(source: Source):\n    return source.read()\n"
        )
        home.write("assets/raw/r.py", declared)
        home.write("in.csv", "id,n,stars\n00501,1.50,five\n00502,2.50,4\n")
        home.make("raw.r")
        sheet = tmp_path / "bad.csv"
        run(home, "quarantine", "show", "raw.r", "--csv", str(sheet))
        return sheet, list(csv.reader(sheet.read_text(encoding="utf-8-sig").splitlines()))

    @staticmethod
    def put(sheet: Path, cells: list[list[str]], **changed: str) -> None:
        """Write the sheet back with some cells changed."""
        header, line = cells
        line = [changed.get(name, cell) for name, cell in zip(header, line, strict=True)]
        with sheet.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, line])

    def test_a_cell_that_lost_its_zeros_is_refused(self, home: Home, tmp_path: Path) -> None:
        sheet, cells = self.handed_out(home, tmp_path)
        before = home.current("raw.r").number
        self.put(sheet, cells, id="501", stars="5")
        said = run(home, "quarantine", "accept", "raw.r", str(sheet), code=1)
        assert "line 2, id: '00501' came back as '501'" in said
        assert "none of it is accepted" in said
        assert home.current("raw.r").number == before

    def test_it_is_taken_where_it_is_meant(self, home: Home, tmp_path: Path) -> None:
        sheet, cells = self.handed_out(home, tmp_path)
        self.put(sheet, cells, id="501", stars="5")
        run(home, "quarantine", "accept", "raw.r", str(sheet), "--meant", "id")
        assert {row["id"] for row in home.rows("raw.r")} == {"501", "00502"}

    def test_a_number_written_otherwise_is_no_correction(self, home: Home, tmp_path: Path) -> None:
        sheet, cells = self.handed_out(home, tmp_path)
        self.put(sheet, cells, n="1.5")
        said = run(home, "quarantine", "accept", "raw.r", str(sheet))
        assert "1 unchanged row stays in quarantine" in said
        self.put(sheet, cells, n="1.5", stars="5")
        run(home, "quarantine", "accept", "raw.r", str(sheet))
        assert {"id": "00501", "n": 1.5, "stars": 5} in home.rows("raw.r")

    def test_a_workbook_is_handed_out_and_comes_back(self, home: Home, tmp_path: Path) -> None:
        self.handed_out(home, tmp_path)
        sheet = tmp_path / "bad.xlsx"
        run(home, "quarantine", "show", "raw.r", "--xlsx", str(sheet))
        book = openpyxl.load_workbook(sheet)
        header = [cell.value for cell in book.active[1]]
        assert book.active.cell(2, header.index("id") + 1).value == "00501"
        book.active.cell(2, header.index("stars") + 1).value = 5
        book.save(sheet)
        run(home, "quarantine", "accept", "raw.r", str(sheet))
        assert {"id": "00501", "n": 1.5, "stars": 5} in home.rows("raw.r")

    def test_a_file_is_named_as_what_it_is(self, home: Home, tmp_path: Path) -> None:
        self.handed_out(home, tmp_path)
        said = run(home, "quarantine", "show", "raw.r", "--csv", str(tmp_path / "b.xlsx"), code=2)
        assert "--xlsx" in said
