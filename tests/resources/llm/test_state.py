"""What runs and processes share: answers, figures and batches, in SQLite and in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.errors import DataOpsError, SettingError
from resources.llm.packer import Item, make_item, make_keys
from resources.llm.results import Answer
from resources.llm.state import State
from resources.llm.task import CleaningTask
from tests.postgresql import running

KEYS = make_keys(CleaningTask("t.yaml", prompt="p", model="m"), ("text",))


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """Start a real PostgreSQL; stopped at the end."""
    with running() as url:
        yield url.replace("postgresql:", "postgresql+psycopg2:")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Give an empty place of each kind."""
    if request.param == "sqlite":
        return tmp_path / "llm.sqlite"
    import sqlalchemy as sa

    url: str = request.getfixturevalue("postgresql")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for table in ("llm_answers", "llm_figures", "llm_batches"):
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))
    engine.dispose()
    return url


@pytest.fixture
def state(place: Path | str) -> Iterator[State]:
    """Give an open state."""
    opened = State(place)
    yield opened
    opened.close()


def item(text: str) -> Item:
    return make_item(KEYS, (text,))


def test_answers_are_there_for_whoever_opens_it_next(place: Path | str) -> None:
    first = State(place)
    first.keep([(item("가"), Answer(("나", 3, None, 1.5, True), "m-1"))])
    first.close()
    second = State(place)
    assert second.answers([item("가"), item("다")]) == {
        item("가").key: Answer(("나", 3, None, 1.5, True), "m-1")
    }
    second.close()


def test_the_first_answer_stays(state: State) -> None:
    state.keep([(item("a"), Answer(("first",), "m"))])
    state.keep([(item("a"), Answer(("second",), "m"))])
    assert state.answers([item("a")])[item("a").key].outputs == ("first",)


def test_thousands_of_answers_are_found_at_once(state: State) -> None:
    items = [item(f"text {n}") for n in range(1_300)]
    state.keep([(each, Answer(each.texts, "m")) for each in items])
    assert len(state.answers(items)) == 1_300


def test_stretches_of_time_never_overlap(state: State) -> None:
    now = state.now()
    starts = [state.lease_time("pace:x", now, 0.5, 0.0) for _ in range(3)]
    assert starts == pytest.approx([now, now + 0.5, now + 1.0])
    assert state.lease_time("pace:x", now, 0.5, 0.25) == pytest.approx(now + 1.75)
    assert state.lease_time("pace:y", now, 0.5, 0.0) == pytest.approx(now)


def test_a_stretch_begins_no_earlier_than_asked(state: State) -> None:
    now = state.now()
    state.lease_time("pace:x", now, 0.5, 0.0)
    assert state.lease_time("pace:x", now + 60, 0.5, 0.0) == pytest.approx(now + 60)


def test_amounts_are_added_all_or_none(state: State) -> None:
    assert state.add({"day": 60, "run": 60}, {"day": 100, "run": 1_000}) == ""
    assert state.add({"day": 60, "run": 60}, {"day": 100, "run": 1_000}) == "day"
    assert (state.figure("day"), state.figure("run")) == (60, 60)
    assert state.add({"day": -20}, {}) == ""
    assert state.add({"day": 60}, {"day": 100}) == ""


def test_processes_at_once_never_exceed_a_limit(place: Path | str) -> None:
    taken: list[str] = []

    def take() -> None:
        own = State(place)
        taken.extend("taken" for _ in range(40) if own.add({"day": 1}, {"day": 50}) == "")
        own.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 50


def test_a_figure_is_only_raised(state: State) -> None:
    state.raise_figure("pause:x", 5.0)
    state.raise_figure("pause:x", 3.0)
    assert state.figure("pause:x") == 5.0
    state.set_figure("pause:x", 1.0)
    assert state.figure("pause:x") == 1.0


def test_batches_are_remembered_until_they_end(state: State) -> None:
    state.keep_batch("b1", "task", [["aa", "bb"], ["cc"]])
    state.keep_batch("b1", "task", [["again"]])
    state.keep_batch("b2", "other", [["dd"]])
    assert state.batches("task") == {"b1": [["aa", "bb"], ["cc"]]}
    state.end_batch("b1")
    assert state.batches("task") == {}


@pytest.mark.parametrize(
    "url", ["nonsense", "nosuchdb://x/y", "postgresql+psycopg2://a:secret@127.0.0.1:1/x"]
)
def test_a_wrong_url_is_told_by_its_setting_without_its_password(url: str) -> None:
    with pytest.raises((SettingError, DataOpsError)) as told:
        State(url)
    assert "DATAOPS_LLM_STATE_URL" in str(told.value)
    assert "secret" not in str(told.value)
