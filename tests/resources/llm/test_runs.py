"""Runs that something happens to: hangs, outages, budgets; what leaves the machine; what is kept."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from resources.errors import DataOpsError, TransientError
from resources.llm import CleaningRun
from resources.llm.failures import Paused
from resources.llm.task import Budget, Invariants
from tests.llm_bench import KEY, Bench, assert_nothing_mixed_up, reviews
from tests.llm_server import FAULT_MIX, Behaviour, LlmServer, corrected

PRIVATE = ["kim.minsu@example.co.kr", "010-1234-5678", "900101-1234568", "4539 1488 0343 6467"]


def calls_of(path: Path) -> list[dict[str, Any]]:
    """Read a log of calls."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_request_that_hangs_is_sent_once_more_and_waited_for_no_longer(restless: Bench) -> None:
    texts = reviews(1_000)
    script = [""] * 30 + ["hang", "", "hang"]
    # Who waits for what hangs waits for an hour: the test then ends by its own limit.
    with LlmServer(Behaviour(latency=0.05, script=script, hang_seconds=3_600)) as server:
        patient = {"DATAOPS_LLM_TIMEOUT_SECONDS": "3600"}
        result = restless.clean(server, texts, environment=patient)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []


def test_the_fault_mix_loses_and_mixes_nothing_and_costs_little(bench: Bench) -> None:
    texts = reviews(3_000)
    # Without hangs: how many are sent again for those depends on the machine.
    faults = FAULT_MIX | {"hang": 0.0}
    with LlmServer(Behaviour(latency=0.05, shares=faults)) as server:
        result = bench.clean(server, texts, chunk=1_000)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []
    assert result.requests <= 150 * 1.2


def test_an_outage_in_mid_run_is_waited_out(bench: Bench) -> None:
    texts = reviews(1_200)
    with LlmServer(Behaviour(latency=0.05, outage_at=0.15, outage_seconds=1.5)) as server:
        result = bench.clean(server, texts, chunk=300)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []


def test_while_a_model_is_out_its_fallback_answers(bench: Bench) -> None:
    class OneIsOut(LlmServer):
        """Answers, but for one model after a while."""

        async def _chat(self, number: int, headers: dict[str, str], asked: dict[str, Any]) -> Any:
            """Be out for the first model from the 11th request on."""
            if asked["model"] == "first" and number > 10:
                return 503, {}, {"error": {"message": "overloaded"}}
            return await super()._chat(number, headers, asked)

    texts = reviews(1_500)
    with OneIsOut(Behaviour(latency=0.02)) as server:
        result = bench.clean(server, texts, chunk=300, model="first", fallback_models=("second",))
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []
    assert {usage.model for usage in result.usage} == {"first", "second"}


def test_a_pause_tells_why_and_the_next_run_goes_on(bench: Bench) -> None:
    texts = reviews(1_000)
    run = CleaningRun(most_waiting=0.01)
    with LlmServer(Behaviour(quota=10, latency=0.02)) as server:
        with pytest.raises(Paused, match="quota is used up") as told:
            bench.clean(server, texts, run=run)
        assert not told.value.permanent
        server.behaviour = Behaviour()
        again = bench.clean(server, texts, run=run)
    assert_nothing_mixed_up(again, texts)
    assert again.requests == 50 - 10


def test_a_budget_is_never_exceeded_and_what_was_done_stays(bench: Bench) -> None:
    texts = reviews(2_000)
    with LlmServer(Behaviour(latency=0.02)) as server:
        result = bench.clean(server, texts, budget=Budget(tokens_per_day=20_000))
        spent = sum(server.used.values())
        assert_nothing_mixed_up(result, texts)
        assert all(r.retry and "20,000 tokens per day" in r.reason for r in result.rejects)
        assert 14_000 < spent <= 20_000
        assert any("80%" in warning for warning in result.warnings)
        more = bench.clean(server, texts, budget=Budget(tokens_per_day=20_000))
        assert sum(server.used.values()) <= 20_000
        whole = bench.clean(server, texts)
    assert len(more.rows) >= len(result.rows)
    assert_nothing_mixed_up(whole, texts)
    assert whole.rejects == []


def test_a_budget_per_run_begins_anew_with_the_next_run(bench: Bench) -> None:
    texts, limit = reviews(1_000), Budget(tokens_per_run=15_000)
    with LlmServer(Behaviour(latency=0.01)) as server:
        one = bench.clean(server, texts, budget=limit, run=CleaningRun(run="one"))
        two = bench.clean(server, texts, budget=limit, run=CleaningRun(run="two"))
    assert 0 < len(one.rows) < len(two.rows)


def test_a_budget_in_money_needs_a_price(bench: Bench) -> None:
    with LlmServer() as server, pytest.raises(DataOpsError, match=r"resources/prices\.yaml"):
        bench.clean(server, ["x"], budget=Budget(usd_per_day=1))


def test_money_is_counted_and_limited_by_the_project_s_prices(bench: Bench) -> None:
    prices = bench.settings.root / "resources" / "prices.yaml"
    prices.parent.mkdir()
    prices.write_text("m: {prompt: 10, completion: 20}\n", encoding="utf-8")
    texts = reviews(400)
    with LlmServer(Behaviour(answers_as="m-2026-01-01", latency=0.01)) as server:
        result = bench.clean(server, texts)
        used = server.used
        cost = (used["prompt_tokens"] * 10 + used["completion_tokens"] * 20) / 1e6
        assert result.usage[0].cost == pytest.approx(cost)
        small = {"DATAOPS_LLM_USD_PER_DAY": "0.01"}
        other = bench.clean(server, texts, prompt="otherwise {text}", environment=small)
    assert other.rejects
    assert all("$0.01 per day" in reject.reason for reject in other.rejects)


def test_a_killed_run_cannot_make_the_rest_spend_more(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        """
import sys
from pathlib import Path
from resources.llm.task import Budget, Invariants
from tests.llm_bench import Bench, reviews
from tests.llm_server import LlmServer
class There:
    url, requests = sys.argv[2], 0
Bench(Path(sys.argv[1])).clean(There, reviews(2000), budget=Budget(tokens_per_day=30000))
""",
        encoding="utf-8",
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with LlmServer(Behaviour(latency=0.2)) as server:
        for _ in range(3):
            command = [sys.executable, str(script), str(tmp_path), server.url]
            process = subprocess.Popen(command, env=environment, cwd=tmp_path)
            before = server.requests
            while server.requests < before + 5 and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(0.4)
        subprocess.run(command, env=environment, check=True, cwd=tmp_path)
        assert sum(server.used.values()) <= 30_000


def test_personal_data_never_leaves_and_comes_back_whole(bench: Bench, tmp_path: Path) -> None:
    texts = [f"teh call {value} about order 7" for value in PRIVATE] + reviews(30)
    log = tmp_path / "calls.jsonl"
    with LlmServer(Behaviour(shares={"reorder": 0.3, "drop": 0.2})) as server:
        result = bench.clean(
            server,
            texts,
            run=CleaningRun(calls=log),
            environment={"DATAOPS_LLM_LOG_TEXTS": "1"},
        )
    assert result.texts[1] == "the call 010-1234-5678 about order 7."
    assert_nothing_mixed_up(result, texts)
    sent = json.dumps(list(server.bodies), ensure_ascii=False)
    kept = (bench.settings.data / "cache" / "llm.sqlite").read_bytes().decode("utf-8", "replace")
    for value in PRIVATE:
        assert value not in sent
        assert value not in kept
        assert value not in log.read_text(encoding="utf-8")


def test_rows_that_differ_in_personal_data_alone_are_asked_once(bench: Bench) -> None:
    texts = [f"teh number 010-1234-{n:04}" for n in range(50)]
    with LlmServer() as server:
        result = bench.clean(server, texts)
    assert_nothing_mixed_up(result, texts)
    assert sum(server.texts_seen.values()) == 1


def test_masking_can_be_switched_off(bench: Bench) -> None:
    with LlmServer() as server:
        bench.clean(server, ["teh 010-1234-5678"], mask=())
    assert "010-1234-5678" in json.dumps(server.bodies[0])


def test_an_answer_that_loses_or_invents_a_mark_never_passes(bench: Bench) -> None:
    def obeys(text: str) -> str | None:
        """Put one number where another was."""
        return text.replace("⟦phone-1⟧", "⟦phone-2⟧") if "swap" in text else None

    texts = ["swap 010-1234-5678 and 010-9999-0000", "teh 010-1234-5678"]
    loose = Invariants(digits=False)
    with LlmServer(Behaviour(obeys=obeys)) as server:
        result = bench.clean(server, texts, invariants=loose)
    assert [row["text"] for row in result.rows] == ["the 010-1234-5678."]
    assert len(result.rejects) == 1


def test_every_call_is_logged_without_key_and_text(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "calls" / "a.jsonl"
    script = ["500", "429", "malformed"]
    with LlmServer(Behaviour(script=script, answers_as="m-1", retry_after="0.01")) as server:
        bench.clean(server, reviews(100), run=CleaningRun(calls=log))
    calls = calls_of(log)
    assert len(calls) == server.requests
    assert sorted({call["status"] for call in calls}) == [200, 429, 500]
    good = next(call for call in calls if call["status"] == 200)
    assert (good["model"], good["answered_as"], good["task"]) == ("m", "m-1", "clean.yaml")
    assert good["prompt_tokens"] > 0
    assert good["latency"] >= 0
    assert "request" not in good
    assert KEY not in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o007 == 0


def test_how_each_row_was_made_is_written_beside(bench: Bench, tmp_path: Path) -> None:
    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    texts = [*reviews(40), "", reviews(40)[0]]
    with LlmServer(Behaviour(shares={"drop": 0.5}, answers_as="m-1")) as server:
        bench.clean(server, texts[:20], run=CleaningRun(provenance=first))
        bench.clean(server, texts, run=CleaningRun(provenance=second))
    rows = pq.read_table(second).to_pylist()
    assert [row["position"] for row in rows] == list(range(42))
    assert [row["id"] for row in rows] == [str(n) for n in range(42)]
    assert {row["origin"] for row in rows[:20]} == {"cache"}
    assert {row["origin"] for row in rows[20:40]} == {"fresh"}
    assert (rows[40]["origin"], rows[40]["model"], rows[40]["item"]) == ("rules", "rules/3", "")
    assert rows[41]["item"] == rows[0]["item"]
    assert all(row["attempts"] == 0 for row in rows[:20])
    assert all(row["attempts"] >= 1 for row in rows[20:40])
    assert max(row["attempts"] for row in rows) >= 2
    assert {row["model"] for row in rows} == {"m-1", "rules/3"}
    assert len({row["config_version"] for row in rows}) == 1


def test_answers_for_one_version_are_asked_anew_for_the_next(bench: Bench) -> None:
    texts = reviews(40)
    with LlmServer() as server:
        first = bench.clean(server, texts, cache="version", run=CleaningRun(salt="a:1"))
        rerun = bench.clean(server, texts, cache="version", run=CleaningRun(salt="a:1"))
        later = bench.clean(server, texts, cache="version", run=CleaningRun(salt="a:2"))
    assert (first.requests, rerun.requests, later.requests) == (2, 0, 2)


def test_what_a_server_takes_is_remembered_but_not_its_key(bench: Bench) -> None:
    with LlmServer() as server:
        bench.clean(server, reviews(400))
    path = bench.settings.data / "cache" / "llm.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("select name from llm_figures")]
    assert any(name.startswith("completion:127.0.0.1") for name in names)
    assert not any(KEY in name for name in names)


@pytest.mark.slow
def test_processes_with_one_key_share_its_limit(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        """
import sys
from pathlib import Path
from tests.llm_bench import Bench, reviews
class There:
    url, requests = sys.argv[2], 0
limit = {"DATAOPS_LLM_REQUESTS_PER_SECOND": "40"}
done = Bench(Path(sys.argv[1])).clean(There, reviews(1000, seed=int(sys.argv[3])), environment=limit)
print(len(done.rows), len(done.rejects))
""",
        encoding="utf-8",
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with LlmServer(Behaviour(latency=0.3, rate=40, burst=20, retry_after="0.2")) as server:
        workers = [
            subprocess.Popen(
                [sys.executable, str(script), str(tmp_path), server.url, str(seed)],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
            for seed in range(3)
        ]
        assert [worker.communicate()[0].split() for worker in workers] == [["1000", "0"]] * 3
        # Each by itself would send three times what is allowed: two of three would be refused.
        assert server.statuses[429] <= 0.4 * server.requests


def test_a_redirect_is_not_followed(bench: Bench) -> None:
    class Elsewhere(LlmServer):
        """Sends everybody somewhere else."""

        async def _chat(self, *_: object) -> Any:
            """Answer with a redirect."""
            return 307, {"location": "http://127.0.0.1:9/v1/chat/completions"}, {}

    with Elsewhere() as server, pytest.raises(DataOpsError, match="status 307"):
        bench.clean(server, ["x"])


def test_each_row_equals_the_server_s_answer_also_for_a_hospital_shaped_table(bench: Bench) -> None:
    import pyarrow as pa

    columns = ["provider", "name", "city", "state", "zip", "phone", "measure"]
    rows = [
        {c: "" if (n + i) % 7 == 0 else f"teh {c} {n % 5} {n}" for i, c in enumerate(columns)}
        for n in range(120)
    ]
    table = pa.Table.from_pylist([{"id": n, **row} for n, row in enumerate(rows)])
    faults = {"drop": 0.2, "swap": 0.1, "reorder": 0.2, "empty": 0.1, "duplicate": 0.1}
    with LlmServer(Behaviour(shares=faults)) as server:
        result = bench.clean(server, table, columns=tuple(columns))
    assert result.rejects == []
    for row, given in zip(result.rows, rows, strict=True):
        assert {c: row[c] for c in columns} == {
            c: corrected(v) if v else "" for c, v in given.items()
        }


def test_a_row_that_comes_again_in_a_later_step_is_one_row_and_no_cached_one(
    bench: Bench, tmp_path: Path
) -> None:
    texts = [*reviews(500), *reviews(500)]
    made = tmp_path / "p.parquet"
    with LlmServer() as server:
        result = bench.clean(server, texts, chunk=100, run=CleaningRun(provenance=made))
        again = bench.clean(server, texts, chunk=100)
    use = result.usage[0]
    assert (use.rows, use.unique_rows, use.cached_rows) == (1_000, 500, 0)
    assert 25 <= use.requests < 50, "the later 500 were not sent again"
    assert {row["origin"] for row in pq.read_table(made).to_pylist()} == {"fresh"}
    use = again.usage[0]
    assert (use.rows, use.unique_rows, use.cached_rows, use.requests) == (1_000, 500, 500, 0)


def test_a_server_that_never_answers_is_one_error_also_for_many_rows(bench: Bench) -> None:
    texts = reviews(3_000)
    with (
        LlmServer(Behaviour(outage=(0, 10**9))) as server,
        pytest.raises(TransientError, match="DATAOPS_LLM_BASE_URL"),
    ):
        bench.clean(server, texts, chunk=1_000)
    assert server.requests < 100, "it gives up after a few seconds' worth of requests"


def test_a_server_that_tells_no_usage_does_not_escape_the_budget(bench: Bench) -> None:
    class Silent(LlmServer):
        """Tells no usage."""

        async def _chat(self, number: int, headers: dict[str, str], asked: dict[str, Any]) -> Any:
            """Answer without usage."""
            status, extra, said = await super()._chat(number, headers, asked)
            said.pop("usage", None)
            return status, extra, said

    with Silent(Behaviour(latency=0.01)) as server:
        result = bench.clean(server, reviews(1_000), budget=Budget(tokens_per_day=10_000))
    assert 5 <= server.requests <= 12
    assert result.rejects
    assert result.usage[0].prompt_tokens > 0


def test_an_outage_of_silence_is_waited_out_too(bench: Bench) -> None:
    class Falls(LlmServer):
        """Says nothing at all for a while."""

        async def _chat(self, number: int, headers: dict[str, str], asked: dict[str, Any]) -> Any:
            """Answer after the silence."""
            since = self._loop.time() - (self._first or self._loop.time())
            if 0.3 < since < 2.5:
                await asyncio.sleep(30)
            return await super()._chat(number, headers, asked)

    texts = reviews(1_500)
    impatient = {"DATAOPS_LLM_TIMEOUT_SECONDS": "0.4"}
    with Falls(Behaviour(latency=0.05)) as server:
        result = bench.clean(server, texts, chunk=500, environment=impatient)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []
