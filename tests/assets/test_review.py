"""Reviews from the command line: drawn, judged, recorded, turned into gold."""

from __future__ import annotations

import csv
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from resources.evaluation.gold import read_gold
from tests.assets.conftest import Home
from tests.assets.test_cli import ROOT, run

KEY = "processed.c"
TEXTS = [f"row {n} &amp; more" for n in range(30)]


def facts(home: Home, *words: str) -> Any:
    """Run `dataops ... --json`; only what it answers."""
    return json.loads(run(home, *words, "--json").split("\nwarning:")[0])


@pytest.fixture
def cleaned(home: Home) -> Home:
    """Give a project with 30 rows cleaned in place by the rules."""
    home.write(
        "assets/raw/r.py",
        f"from assets import asset\n\n@asset(chain=False)\ndef r():\n    import pandas as pd\n    return pd.DataFrame({{'n': range(30), 't': {TEXTS!r}}})\n",
    )
    home.write(
        "assets/processed/c.py",
        "from assets import Cleaner, Table, asset\n\n@asset(upstream=['raw.r'])\ndef c(r: Table, llm: Cleaner) -> Table:\n    return llm.clean(r)\n",
    )
    assert set(home.run().values()) == {"made"}
    return home


def exported(home: Home, *words: str) -> tuple[Path, list[dict[str, str]]]:
    """Export a sample; give the file and its rows."""
    path = home.root / "sheet.csv"
    path.unlink(missing_ok=True)
    run(home, "review", KEY, "--export", str(path), *words)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return path, list(csv.DictReader(file))


def fill(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Save the sheet again."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def judge(home: Home, *verdicts: str, words: Sequence[str] = (), code: int = 0) -> str:
    """Draw as many rows as verdicts, and give them: good, bad, or the right text."""
    path, rows = exported(home, "--sample", str(len(verdicts)))
    for row, verdict in zip(rows, verdicts, strict=True):
        row["verdict" if verdict in ("good", "bad") else "corrected"] = verdict
    fill(path, rows)
    return run(home, "review", KEY, "--verdicts", str(path), *words, code=code)


def test_a_sheet_goes_out_and_comes_back_as_one_event(cleaned: Home) -> None:
    """With raw and cleaned side by side, also where a table was cleaned in place."""
    path, rows = exported(cleaned, "--sample", "4", "--seed", "7")
    assert len(rows) == 4
    assert all(row["cleaned"] == row["raw"].replace("&amp;", "&") for row in rows)
    for row, verdict in zip(rows, ("good", "good", "bad", ""), strict=True):
        row["verdict"] = verdict
    fill(path, rows)
    said = facts(cleaned, "review", KEY, "--verdicts", str(path), "--by", "lee")
    assert (said["kind"], said["version"], said["reviewer"]) == ("reviewed", 1, "lee")
    assert (said["rows"], said["good"], said["bad"]) == (3, 2, 1)
    assert (said["reviewed_rows"], said["right_rows"]) == (3, 2)
    assert said["low"] < said["accuracy"] < said["high"]
    assert (cleaned.data / said["file"]).is_file()


def test_accuracy_stands_in_the_catalog_and_in_show(cleaned: Home) -> None:
    """Below 90 % is a warning; --at-least makes it an exit code."""
    said = judge(cleaned, "good", "good", "good", "bad")
    assert "75.0% right (3 of 4 rows)" in said
    assert "warning: fewer than 90% of the rows are right" in said
    assert "75.0% right (3 of 4 rows)" in run(cleaned, "show", KEY)
    assert facts(cleaned, "show", KEY)["reviewed"]["right_rows"] == 3
    (row,) = facts(cleaned, "sql", "select key, version, reviewed, good, accuracy from accuracy")
    assert list(row.values()) == [KEY, 1, 4, 3, 0.75]
    said = judge(cleaned, *["good"] * 16, words=("--at-least", "0.9"), code=1)
    assert "95.0% right (19 of 20 rows)" in said
    assert "below 90.0%" in said
    assert "warning" not in said
    run(cleaned, "review", KEY, "--verdicts", str(cleaned.root / "sheet.csv"), "--at-least", "0.5")


def test_nobody_is_asked_twice_and_a_changed_mind_counts_once(cleaned: Home) -> None:
    """Rows with a verdict are out of the draw; the same sheet again replaces its verdicts."""
    judge(cleaned, *["good"] * 29)
    path, rows = exported(cleaned, "--sample", "20")
    assert len(rows) == 1
    rows[0]["verdict"] = "bad"
    fill(path, rows)
    run(cleaned, "review", KEY, "--verdicts", str(path))
    rows[0]["verdict"] = "good"
    fill(path, rows)
    said = run(cleaned, "review", KEY, "--verdicts", str(path))
    assert "100.0% right (30 of 30 rows)" in said
    words = ("review", KEY, "--export", str(cleaned.root / "more.csv"))
    assert "every row of version 1" in run(cleaned, *words, code=1)


def test_a_seed_draws_the_same_rows_and_chance_draws_others(cleaned: Home) -> None:
    """The seed is told either way."""
    one, same = (exported(cleaned, "--sample", "5", "--seed", "3")[1] for _ in range(2))
    assert one == same
    drawn = {tuple(row["row"] for row in exported(cleaned, "--sample", "5")[1]) for _ in range(3)}
    assert len(drawn) > 1
    path = str(cleaned.root / "x.csv")
    assert "--seed" in run(cleaned, "review", KEY, "--export", path)


def test_corrections_and_good_rows_become_gold(cleaned: Home) -> None:
    """Of two verdicts on one text the later wins; bad rows without the right text are none."""
    path, rows = exported(cleaned, "--sample", "3")
    gold = cleaned.root / "gold.csv"
    assert "no review" in run(cleaned, "review", KEY, "--gold", str(gold), code=1)
    for row, (verdict, text) in zip(
        rows, (("good", ""), ("bad", "row one, and more"), ("bad", "")), strict=True
    ):
        row |= {"verdict": verdict, "corrected": text}
    fill(path, rows)
    run(cleaned, "review", KEY, "--verdicts", str(path))
    said = facts(cleaned, "review", KEY, "--gold", str(gold))
    assert (said["rows"], said["added"]) == (2, 2)
    made = {row.raw[""]: row.expected[""] for row in read_gold(gold)}
    assert made[rows[0]["raw"]] == (rows[0]["cleaned"],)
    assert made[rows[1]["raw"]] == ("row one, and more",)
    rows[1] |= {"corrected": "row one and more"}
    fill(path, rows)
    run(cleaned, "review", KEY, "--verdicts", str(path))
    assert facts(cleaned, "review", KEY, "--gold", str(gold))["added"] == 0
    made = {row.raw[""]: row.expected[""] for row in read_gold(gold)}
    assert made[rows[1]["raw"]] == ("row one and more",)
    found = facts(cleaned, "evaluate", "rules", "--gold", str(gold))
    assert found["cleaners"][1]["right"]["rows"] == 1


def test_rows_of_other_texts_in_a_gold_file_stay(cleaned: Home) -> None:
    """And so does an answer that is accepted already."""
    judge(cleaned, "good")
    first = cleaned.root / "first.csv"
    run(cleaned, "review", KEY, "--gold", str(first))
    (row,) = read_gold(first)
    text = f'id,raw,expected,expected_2\n1,"{row.raw[""]}",other,"{row.expected[""][0]}"\n2,a,b,\n'
    gold = cleaned.write("gold.csv", text)
    assert facts(cleaned, "review", KEY, "--gold", str(gold))["added"] == 0
    assert [len(row.expected[""]) for row in read_gold(gold)] == [2, 1]
    cleaned.write("wide.jsonl", '{"raw.x": "a", "expected.x": "a"}')
    said = run(cleaned, "review", KEY, "--gold", str(cleaned.root / "wide.jsonl"), code=1)
    assert "has other columns" in said


def test_an_older_version_can_be_reviewed_until_it_is_pruned(cleaned: Home) -> None:
    """Its accuracy is its own."""
    judge(cleaned, "good")
    cleaned.write(
        "assets/raw/r.py",
        (cleaned.root / "assets/raw/r.py").read_text().replace("&amp; more", "&lt; less"),
    )
    cleaned.run()
    number = str(cleaned.current(KEY).number)
    assert "accuracy" not in run(cleaned, "show", KEY)
    path, rows = exported(cleaned, "--version", "1", "--sample", "2")
    assert all("more" in row["raw"] for row in rows)
    rows[0]["verdict"] = "bad"
    fill(path, rows)
    assert "50.0% right (1 of 2 rows)" in run(cleaned, "review", KEY, "--verdicts", str(path))
    assert "no version 77" in run(
        cleaned, "review", KEY, "--version", "77", "--export", str(cleaned.root / "y"), code=1
    )
    run(cleaned, "prune", "--keep", "1")
    said = run(cleaned, "review", KEY, "--version", "1", "--export", "z.csv", code=1)
    assert "are gone" in said
    assert number != "1"
    assert facts(cleaned, "sql", "select count(*) as n from accuracy") == [{"n": 1}]
    assert facts(cleaned, "review", KEY, "--gold", str(cleaned.root / "g.csv"))["rows"] == 1


def test_what_cannot_be_reviewed_is_explained(cleaned: Home) -> None:
    """A raw asset has no cleaned texts; an output is for people."""
    sheet = str(cleaned.root / "s.csv")
    assert "no raw texts" in run(cleaned, "review", "raw.r", "--export", sheet, code=1)
    assert "needs a terminal" in run(cleaned, "review", KEY, code=2)
    words = ("--export", sheet, "--gold", sheet)
    assert "three steps" in run(cleaned, "review", KEY, *words, code=2)


def press(home: Home, keys: Sequence[str], *words: str) -> str:
    """Review on a real terminal: each time a question is asked, press the next keys."""
    ours, theirs = os.openpty()
    env = {**os.environ, "DATAOPS_ROOT": str(home.root), "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-c", "from assets.cli import main; main()", "review", KEY, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
        close_fds=True,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        said, waiting, answered = "", list(keys), 0
        while True:
            try:
                ready, _, _ = select.select([ours], [], [], 120)
                part = os.read(ours, 4096) if ready else b""
            except OSError:  # the other end is closed
                break
            if not part:
                process.kill()
                break
            said += part.decode(errors="replace")
            asked = said.count("[q]uit: ") + said.count("the right text: ")
            while waiting and answered < asked:
                key = waiting.pop(0)
                if key == "\x03":  # this terminal controls no session, so it sends no signal
                    process.send_signal(signal.SIGINT)
                os.write(ours, key.encode())
                answered += 1
        os.close(ours)
        assert process.wait(60) == 0, said
    return said


def test_on_a_terminal_every_row_is_shown_and_judged_by_a_key(cleaned: Home) -> None:
    """Good, bad, corrected, skipped; what was said is kept when one leaves."""
    said = press(cleaned, ["g", "ㅠ", "c", "better\n", "s", "x", "q"], "--sample", "9")
    assert "1 of 9" in said
    assert "3 verdicts recorded: 1 good, 2 bad" in said
    rows = facts(cleaned, "sql", "select verdict, corrected from verdicts order by 1, 2")
    assert sorted((row["verdict"], row["corrected"] or "") for row in rows) == [
        ("bad", ""),
        ("bad", "better"),
        ("good", ""),
    ]


def test_ctrl_c_keeps_what_was_said(cleaned: Home) -> None:
    """Half an hour of looking is not lost."""
    assert "1 verdicts recorded" in press(cleaned, ["g", "\x03"], "--sample", "5")


def test_a_workbook_goes_out_and_comes_back(cleaned: Home) -> None:
    """Its cells are texts, whatever they hold; the verdicts count as those of a CSV."""
    path = cleaned.root / "sheet.xlsx"
    run(cleaned, "review", KEY, "--sample", "2", "--export", str(path))
    book = openpyxl.load_workbook(path)
    header = [cell.value for cell in book.active[1]]
    for line, verdict in ((2, "good"), (3, "bad")):
        book.active.cell(line, header.index("verdict") + 1).value = verdict
    book.save(path)
    said = facts(cleaned, "review", KEY, "--verdicts", str(path), "--by", "lee")
    assert (said["rows"], said["good"], said["bad"]) == (2, 1, 1)
