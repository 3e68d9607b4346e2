"""People are told of what is wrong: once per cause, until it is over, and only where they ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from assets.engine import open_project
from assets.engine.alerting import open_alerts, reconcile, tell
from assets.engine.runs import finish_run
from catalog.records import Alerted
from resources.alerts import Rule
from resources.llm.spending import ENDED, figure_names
from resources.llm.state import State
from resources.settings import load_settings
from tests.assets.conftest import Home
from tests.resources.alerts.places import Hook, hook, mail_server

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
FAILS = """
    from assets import asset

    @asset(chain=False)
    def a():
        raise RuntimeError("no answer, try 1 of 3: ask kim@example.org")
    """
WORKS = """
    from assets import asset

    @asset(chain=False)
    def a():
        import pandas as pd
        return pd.DataFrame({"x": [1]})
    """


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """Give an endpoint that is told of everything."""
    with hook() as found:
        monkeypatch.setenv("DATAOPS_CONNECTION_ALERTS", found.url)
        yield found


def fail(home: Home, key: str = "raw.a") -> None:
    """Make an asset that cannot be made."""
    with pytest.raises(Exception, match=re.escape(key)):
        home.make(key)


def end_run(home: Home, *failed: str) -> None:
    """End a run, as the command line and Airflow do."""
    finish_run(home.open(), "test", failed=failed)


def test_a_failure_is_told_with_what_to_do_and_where_to_look(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    end_run(home, "raw.a")
    assert place.titles == ["DataOps: raw.a failed"]
    text = place.sent[0]["message"]
    assert "raised RuntimeError" in text
    assert "What to do: " in text
    assert "There is no version yet" in text
    assert "data/logs/raw.a/" in text
    assert "http://localhost:8080/dags/materialize__raw.a" in text
    assert "kim@example.org" not in text, "what a row says does not leave the machine"


def test_a_cause_is_told_once_however_often_it_is_tried(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    end_run(home, "raw.a")
    home.write("assets/raw/a.py", FAILS.replace("try 1", "try 2"))
    fail(home)
    end_run(home, "raw.a")
    end_run(home, "raw.a")
    assert len(place.sent) == 1


def test_another_cause_is_told_anew_and_the_first_is_no_recovery(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    end_run(home, "raw.a")
    home.write("assets/raw/a.py", FAILS.replace("no answer", "wrong password"))
    fail(home)
    end_run(home, "raw.a")
    assert place.titles == ["DataOps: raw.a failed"] * 2
    assert "wrong password" in place.sent[1]["message"]
    assert len(open_alerts(home.open())) == 1


def test_recovery_is_told_once(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    end_run(home, "raw.a")
    home.write("assets/raw/a.py", WORKS)
    home.make("raw.a")
    end_run(home)
    end_run(home)
    assert place.titles == ["DataOps: raw.a failed", "DataOps: raw.a recovered"]
    assert open_alerts(home.open()) == ()


def test_what_may_still_be_tried_again_is_told_when_nobody_tries(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    assert tell(home.open()) == []
    assert place.sent == [], "Airflow may be about to try again"
    rules = (Rule("alerts"),)
    reconcile(home.open(), rules, datetime.now(UTC) + timedelta(minutes=4))
    assert len(place.sent) == 1, "a dead run tells nobody, so the next look does (within 5 minutes)"


def test_a_mistake_in_code_is_told_at_once(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS.replace("RuntimeError", "TypeError"))
    fail(home)
    tell(home.open())
    assert len(place.sent) == 1


def test_assets_that_fail_for_one_cause_share_a_message(home: Home, place: Hook) -> None:
    for name in ("a", "b", "c"):
        text = FAILS.replace("def a", f"def {name}").replace("RuntimeError", "OSError")
        home.write(f"assets/raw/{name}.py", text)
        fail(home, f"raw.{name}")
    end_run(home, "raw.a", "raw.b", "raw.c")
    assert place.titles == ["DataOps: 3 assets failed: raw.a, raw.b, raw.c"]


def test_a_blocked_check_is_told_with_what_is_below(chain: Home, place: Hook) -> None:
    source = chain.root / "in.csv"
    chain.write(
        "assets/raw/a.py",
        f"""
        from assets import Schema, asset

        class A(Schema):
            x: int
            y: str

        @asset(chain=False, source="in.csv", schema=A)
        def a():
            import pandas as pd
            return pd.read_csv({str(source)!r})
        """,
    )
    source.write_text("x,y\n1,\n2,\n", encoding="utf-8")
    fail(chain)
    end_run(chain, "raw.a")
    assert place.titles == ["DataOps: raw.a is blocked by a check"]
    assert "Version 1" in place.sent[0]["message"]
    assert "2 assets below it" in place.sent[0]["message"]


def test_a_threshold_is_told_until_a_version_keeps_it(home: Home, place: Hook) -> None:
    code = """
        from typing import Annotated
        from assets import MaxMissing, Schema, asset

        class A(Schema):
            x: Annotated[int | None, MaxMissing(0.1)]

        @asset(chain=False, schema=A)
        def a():
            import pandas as pd
            return pd.DataFrame({"x": VALUES})
        """
    home.write("assets/raw/a.py", code.replace("VALUES", "[1, None]"))
    home.make("raw.a")
    end_run(home)
    assert place.titles == ["DataOps: raw.a is beyond a threshold"]
    assert "missing values of x is 0.5, the threshold is 0.1" in place.sent[0]["message"]
    home.write("assets/raw/a.py", code.replace("VALUES", "[1, 2]"))
    home.make("raw.a")
    end_run(home)
    assert place.titles[1:] == ["DataOps: raw.a recovered"]


def test_a_late_source_is_told_after_its_grace(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", WORKS.replace("chain=False", "chain=False, schedule='hourly'"))
    home.make("raw.a", as_of=NOW)
    rules = (Rule("alerts"),)
    reconcile(home.open(), rules, NOW + timedelta(minutes=70))
    assert place.sent == []
    reconcile(home.open(), rules, NOW + timedelta(minutes=76))
    reconcile(home.open(), rules, NOW + timedelta(minutes=90))
    assert place.titles == ["DataOps: raw.a is overdue"]
    assert "was due at 2026-11-27 13:00 UTC" in place.sent[0]["message"]
    home.make("raw.a", as_of=NOW + timedelta(hours=2))
    reconcile(home.open(), rules, NOW + timedelta(hours=2, minutes=1))
    assert place.titles[1:] == ["DataOps: raw.a recovered"]


def test_a_file_that_does_not_load_is_told(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", "from assets import asset\n\n@asset\ndef a(:\n")
    end_run(home)
    assert place.titles == ["DataOps: raw.a failed"]
    assert "does not load" in place.sent[0]["message"]


def test_a_message_that_does_not_arrive_is_kept_and_sent_later(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    place.status = 503
    end_run(home, "raw.a")
    assert place.sent == []
    assert open_alerts(home.open())[0].pending == ("alerts",)
    place.status = 200
    rules = (Rule("alerts"),)
    soon = datetime.now(UTC) + timedelta(minutes=4)
    assert reconcile(home.open(), rules, soon) == []
    assert len(place.sent) == 1
    assert open_alerts(home.open())[0].pending == ()
    reconcile(home.open(), rules, soon)
    assert len(place.sent) == 1


def test_alerts_never_fail_a_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAOPS_CONNECTION_ALERTS", "nonsense")
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    end_run(home, "raw.a")
    home.write("resources/alerts.yaml", "team: [\n")
    end_run(home, "raw.a")


def test_each_is_told_what_they_asked_for(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write("assets/raw/a.py", FAILS)
    home.write("assets/raw/b.py", FAILS.replace("def a", "def b"))
    home.write("resources/alerts.yaml", "team:\nkim:\n  when: [failed]\n  assets: [raw.b]\n")
    fail(home)
    fail(home, "raw.b")
    with mail_server() as (url, box), hook() as found:
        monkeypatch.setenv("DATAOPS_CONNECTION_KIM", url)
        monkeypatch.setenv("DATAOPS_CONNECTION_TEAM", found.url)
        end_run(home, "raw.a", "raw.b")
    assert [m["Subject"] for m in box.messages] == ["DataOps: raw.b failed"]
    assert found.titles == ["DataOps: 2 assets failed: raw.a, raw.b"]


def _tell(root: str) -> None:
    """Look, in a process of its own."""
    tell(open_project(settings=load_settings(Path(root), {})), over=("raw.a",))


def test_of_processes_that_look_at_once_one_tells(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    processes = [get_context("spawn").Process(target=_tell, args=(str(home.root),)) for _ in "1234"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(place.sent) == 1


def test_alerts_are_in_the_catalog(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    end_run(home, "raw.a")
    catalog = home.open().catalog
    told = catalog.query("SELECT change, kind, key, told FROM alerts ORDER BY event").rows
    still = catalog.query("SELECT key FROM open_alerts").rows
    assert told == [
        ("opened", "failed", "raw.a", ["alerts"]),
        ("delivered", "failed", "raw.a", ["alerts"]),
    ]
    assert still == [("raw.a",)]
    assert place.sent


def test_a_budget_is_told_at_four_fifths_and_at_its_end(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", WORKS)
    home.write("resources/tasks/paid.yaml", "prompt: p\nmodel: m\nbudget: {tokens_per_day: 1000}\n")
    home.write(
        "assets/processed/b.py",
        """
        from assets import Cleaner, Table, asset

        @asset(upstream=["raw.a"], task="paid")
        def b(a: Table, llm: Cleaner) -> Table:
            return llm.clean(a)
        """,
    )
    state = State(home.data / "cache" / "llm.sqlite")
    day = figure_names("tokens", "paid.yaml", "")["task_day"]
    state.add({day: 790.0}, {})
    end_run(home)
    assert place.sent == []
    state.add({day: 20.0}, {})
    end_run(home)
    assert "1,000 tokens per day by paid.yaml is used by 81%" in place.sent[0]["message"]
    state.raise_figure(ENDED + day, 1.0)
    end_run(home)
    end_run(home)
    state.close()
    assert [title for title in place.titles if "used up" in title] == place.titles[1:]
    assert len(place.sent) == 2


def test_the_record_says_what_did_not_arrive(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    place.status = 500
    end_run(home, "raw.a")
    events = home.open().events
    last = events.get("_alerts", events.last("_alerts"))
    assert isinstance(last, Alerted)
    assert last.undelivered
    assert "secret" not in str(last)


def test_what_nobody_has_to_make_any_more_is_over(home: Home, place: Hook) -> None:
    """A task that cannot be paid, taken off again: the version that is there is fresh."""
    home.write("assets/raw/a.py", WORKS)
    home.make("raw.a")
    home.write("assets/raw/a.py", FAILS.replace("RuntimeError", "TypeError"))
    fail(home)
    home.write("assets/raw/a.py", WORKS)
    end_run(home)
    assert place.sent == []


def test_a_failure_looks_like_one_and_a_recovery_too(home: Home, place: Hook) -> None:
    home.write("assets/raw/a.py", FAILS)
    fail(home)
    end_run(home, "raw.a")
    home.write("assets/raw/a.py", WORKS)
    home.make("raw.a")
    end_run(home)
    assert [one["type"] for one in place.sent] == ["failure", "success"]
