"""Batches against a real HTTP server: half the price, and nothing lost, mixed up or paid twice."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.errors import SettingError, TransientError
from resources.llm import CleaningRun
from resources.llm.batch_lines import answer_lines, kept, restored
from resources.llm.packer import Item
from resources.llm.prices import FILE
from resources.llm.state import State
from resources.llm.task import Budget
from resources.llm.work import Pack
from tests.batch_server import BatchServer, Plan
from tests.llm_bench import KEY, Bench, Result, assert_nothing_mixed_up, reviews
from tests.llm_server import Behaviour, corrected


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Give a bench that does not wait long for anything."""
    monkeypatch.setattr("resources.llm.batch._QUIET", 0.1)
    monkeypatch.setattr("resources.llm.batch_api._FIRST_PAUSE", 0.01)
    return Bench(tmp_path)


def clean(bench: Bench, server: BatchServer, texts: list[str], **fields: Any) -> Result:
    """Clean texts in batches."""
    soon = {"DATAOPS_LLM_BATCH_POLL_SECONDS": "0.02", **fields.pop("environment", {})}
    return bench.clean(server, texts, engine="openai-batch", environment=soon, **fields)


def lines_asked(server: BatchServer) -> int:
    """Count the requests of all batches."""
    return sum(map(len, server.asked))


def batches_kept(bench: Bench) -> int:
    """Count the batches that the state holds."""
    state = State(bench.settings.data / "cache" / "llm.sqlite")
    with state._reading() as connection:
        from sqlalchemy import text

        count = connection.execute(text("select count(*) from llm_batches")).scalar()
    state.close()
    return int(count or 0)


def test_all_rows_go_in_one_batch_after_one_harmless_row(bench: Bench) -> None:
    texts = reviews(600)
    with BatchServer() as server:
        result = clean(bench, server, texts)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []
    assert len(server.batches) == 1
    assert lines_asked(server) == 30
    assert result.requests == 1
    assert result.usage[0].requests == 31
    assert batches_kept(bench) == 0


@pytest.mark.parametrize(
    "fault",
    [
        "missing",
        "errors",
        "expired",
        "cancelled",
        "backwards",
        "duplicates",
        "torn",
        "nothing",
        "lost",
    ],
)
def test_whatever_a_batch_brings_nothing_is_lost_or_mixed_up(bench: Bench, fault: str) -> None:
    texts = reviews(300, seed=len(fault))
    with BatchServer(Plan(faults=[fault, fault])) as server:
        result = clean(bench, server, texts)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []
    assert batches_kept(bench) == 0


def test_spoilt_answers_are_asked_again_in_the_next_batch(bench: Bench) -> None:
    texts = reviews(400)
    shares = {"drop": 0.2, "swap": 0.2, "truncated": 0.1, "500": 0.1, "429_bare": 0.1}
    with BatchServer(behaviour=Behaviour(shares=shares)) as server:
        result = clean(bench, server, texts)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []


def test_exactly_the_poison_rows_are_set_aside(bench: Bench) -> None:
    texts = reviews(100)
    texts[7] += " VENOM"
    with BatchServer(behaviour=Behaviour(poison="VENOM")) as server:
        result = clean(bench, server, texts)
    assert_nothing_mixed_up(result, texts)
    assert [json.loads(reject.row)["id"] for reject in result.rejects] == [7]
    assert not result.rejects[0].retry


@pytest.mark.parametrize("path", ["POST files", "POST batches", "GET batches", "GET files"])
@pytest.mark.parametrize("stumble", ["500", "reset", "429"])
def test_a_server_that_stumbles_is_asked_again_and_nothing_is_paid_twice(
    bench: Bench, path: str, stumble: str
) -> None:
    texts = reviews(100)
    with BatchServer(
        Plan(stumbles={path: ["", stumble, stumble][path == "POST batches" :]})
    ) as server:
        result = clean(bench, server, texts)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []
    assert len(server.batches) == 1


def test_a_rerun_sends_nothing_and_so_does_the_engine_without_batches(bench: Bench) -> None:
    texts = reviews(120)
    with BatchServer() as server:
        first = clean(bench, server, texts)
        again = clean(bench, server, texts)
        single = bench.clean(server, texts, engine="openai")
    assert len(server.batches) == 1
    assert again.requests == single.requests == 0
    assert first.rows == again.rows == single.rows


def test_too_much_for_the_account_is_sent_in_smaller_batches(bench: Bench) -> None:
    texts = reviews(300)
    with BatchServer(Plan(most_requests=4)) as server:
        result = clean(bench, server, texts)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []


@pytest.mark.parametrize(
    ("plan", "behaviour", "said"),
    [
        (Plan(faults=["invalid_json_line"]), Behaviour(), "refuses the batch.*cannot be done"),
        (Plan(), Behaviour(key="another"), "DATAOPS_LLM_API_KEY"),
        (Plan(), Behaviour(models=("other",)), "`model:`"),
        (Plan(stumbles={"POST files": ["404"]}), Behaviour(), "no Batch API"),
    ],
)
def test_a_wrong_setting_is_one_clear_error(
    bench: Bench, plan: Plan, behaviour: Behaviour, said: str
) -> None:
    with BatchServer(plan, behaviour) as server, pytest.raises(SettingError, match=said) as told:
        clean(bench, server, reviews(100))
    assert KEY not in str(told.value)
    assert batches_kept(bench) == 0


def test_a_server_that_is_not_there_is_one_clear_error(bench: Bench) -> None:
    gone = {"DATAOPS_LLM_BASE_URL": "http://127.0.0.1:9/v1"}
    with BatchServer() as server, pytest.raises(TransientError, match="DATAOPS_LLM_BASE_URL"):
        clean(bench, server, reviews(10), environment=gone)


def test_batches_that_bring_nothing_are_not_paid_for_ever(bench: Bench) -> None:
    with BatchServer(Plan(faults=["nothing"] * 100)) as server:
        result = clean(bench, server, reviews(100))
    assert len(server.batches) == 3
    assert len(result.rejects) == 100
    assert all(reject.retry and "no answer" in reject.reason for reject in result.rejects)


def test_without_credit_the_rows_wait(bench: Bench) -> None:
    with BatchServer(Plan(faults=["insufficient_quota"])) as server:
        result = clean(bench, server, reviews(50))
    assert len(result.rejects) == 50
    assert all(reject.retry and "quota" in reject.reason for reject in result.rejects)


def test_the_budget_holds_for_the_batch_before_it_is_sent(bench: Bench) -> None:
    texts = reviews(400)
    with BatchServer() as server:
        result = clean(bench, server, texts, budget=Budget(tokens_per_run=6_000))
        assert 0 < lines_asked(server) < 20
    assert_nothing_mixed_up(result, texts)
    assert len(result.rows) == 20 * lines_asked(server)
    assert all(reject.retry and "budget" in reject.reason for reject in result.rejects)


def test_a_batch_costs_half(bench: Bench) -> None:
    prices = bench.settings.root / FILE
    prices.parent.mkdir(parents=True)
    prices.write_text("m: {prompt: 1.0, completion: 2.0}\n", encoding="utf-8")
    with BatchServer() as server:
        batch = clean(bench, server, reviews(100)).usage[0]
        single = bench.clean(server, reviews(200)[100:], engine="openai").usage[0]
    used = batch.prompt_tokens * 1e-6 + batch.completion_tokens * 2e-6
    assert batch.cost == pytest.approx(used / 2, rel=0.01)
    assert single.cost == pytest.approx(
        single.prompt_tokens * 1e-6 + single.completion_tokens * 2e-6, rel=0.01
    )


def test_every_request_of_a_batch_is_written_down(bench: Bench, tmp_path: Path) -> None:
    calls = tmp_path / "calls.jsonl"
    with BatchServer(Plan(faults=["errors"])) as server:
        clean(bench, server, reviews(100), run=CleaningRun(calls=calls))
    written = [json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines()]
    assert [call["kind"] for call in written] == ["probe"] + ["first"] * 5 + ["again"] * 2
    assert sorted(call["status"] for call in written) == [200] * 6 + [500] * 2


def test_an_outage_while_waiting_leaves_the_batch_for_the_next_run(bench: Bench) -> None:
    texts = reviews(100)
    impatient = {"DATAOPS_LLM_OUTAGE_SECONDS": "0.1"}
    with BatchServer(Plan(stumbles={"GET batches": ["500"] * 1_000})) as server:
        result = clean(bench, server, texts, environment=impatient)
        assert len(result.rejects) == 100
        assert all(reject.retry and "later run" in reject.reason for reject in result.rejects)
        server.plan = Plan()
        again = clean(bench, server, texts)
        assert lines_asked(server) == 5
    assert_nothing_mixed_up(again, texts)
    assert again.rejects == []


RUN = """
import sys
from pathlib import Path
import pyarrow as pa
from resources.llm import CleaningTask, batch, make_cleaner
from resources.rejects import Rejects
from resources.settings import Settings
folder, url, rows = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
batch._QUIET = 0.2
cleaner = make_cleaner(
    CleaningTask("t.yaml", prompt="p", model="m", rows_per_request=10, engine="openai-batch"),
    settings=Settings(root=folder, data=folder),
    rejects=Rejects(folder / "rejects.parquet"),
    environment={"DATAOPS_LLM_BASE_URL": url, "DATAOPS_LLM_BATCH_POLL_SECONDS": "0.05"},
)
texts = [f"조아요 영화 {at}" for at in range(rows)]
for text in cleaner.clean(pa.table({"text": texts})).to_arrow().column("text").to_pylist():
    print(text)
"""


class Killed:
    """Runs a cleaning as a process of its own, which can be killed."""

    def __init__(self, folder: Path, server: BatchServer) -> None:
        self.script = folder / "run.py"
        self.script.write_text(RUN, encoding="utf-8")
        self.folder, self.server = folder / "data", server
        root = Path(__file__).parents[3]
        self.environment = {**os.environ, "PYTHONPATH": str(root)}

    def command(self, rows: int) -> list[str]:
        """Give the command for so many rows."""
        return [sys.executable, str(self.script), str(self.folder), self.server.url, str(rows)]

    def kill_when(self, rows: int, happened: Callable[[], bool]) -> None:
        """Start a run and kill it as soon as something happened."""
        process = subprocess.Popen(
            self.command(rows), env=self.environment, stdout=subprocess.DEVNULL
        )
        while not happened() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def run(self, rows: int) -> list[str]:
        """Run to the end and give the rows."""
        done = subprocess.run(
            self.command(rows), env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("rows", [500, 450, 620])
def test_a_run_killed_while_it_waits_pays_for_its_batch_once(tmp_path: Path, rows: int) -> None:
    with BatchServer(Plan(looks=None)) as server:
        killed = Killed(tmp_path, server)
        killed.kill_when(500, lambda: any(count >= 2 for count in server._looked.values()))
        assert lines_asked(server) == 50
        server.plan.looks = 2
        texts = killed.run(rows)
        assert lines_asked(server) == 50 + max(rows - 500, 0) / 10
    assert texts == [corrected(f"조아요 영화 {at}") for at in range(rows)]


@pytest.mark.slow
def test_a_run_killed_as_its_batch_begins_pays_for_it_once(tmp_path: Path) -> None:
    with BatchServer(
        Plan(stumbles={"POST batches": ["reset"] * 10, "GET batches": ["500"] * 20})
    ) as server:
        killed = Killed(tmp_path, server)
        killed.kill_when(300, lambda: bool(server.batches))
        server.plan = Plan()
        texts = killed.run(300)
        assert len(server.batches) == 1
    assert texts == [corrected(f"조아요 영화 {at}") for at in range(300)]


@given(st.lists(st.binary(max_size=60)))
def test_whatever_stands_in_a_file_of_answers_is_no_error(lines: list[bytes]) -> None:
    list(answer_lines([io.BytesIO(b"\n".join(lines))]))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=20))
def test_an_answer_told_twice_in_different_words_is_nobody_s(told: list[tuple[str, int]]) -> None:
    lines = [
        json.dumps({"custom_id": name, "response": {"status_code": 200, "body": body}})
        for name, body in told
    ]
    found = {one.name: one.body for one in answer_lines([io.BytesIO("\n".join(lines).encode())])}
    words = {name: {body for other, body in told if other == name} for name, _ in told}
    assert found == {name: bodies.pop() for name, bodies in words.items() if len(bodies) == 1}


@given(st.lists(st.text(), min_size=1, max_size=3), st.integers(0, 5))
def test_a_pack_is_kept_as_it_was(texts: list[str], step: int) -> None:
    items = [Item(text.encode("utf-8", "replace")[:16], (text, "조아요")) for text in texts]
    back = restored(json.loads(json.dumps(kept(Pack(items, 3, step)))))
    assert (back.items, back.step) == (items, step)
