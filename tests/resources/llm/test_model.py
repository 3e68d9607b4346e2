"""The model engine against a real HTTP server: nothing lost, nothing mixed up, whatever fails."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa
import pytest

from resources.errors import DataOpsError, SettingError, TransientError
from resources.llm import CleaningTask, make_cleaner
from resources.rejects import Rejects
from resources.tables import Table
from tests.llm_bench import KEY, Bench, assert_nothing_mixed_up, reviews
from tests.llm_server import (
    HTTP_FAULTS,
    ROW_FAULTS,
    TEXT_FAULTS,
    Behaviour,
    LlmServer,
)

IMPATIENT = {"DATAOPS_LLM_TIMEOUT_SECONDS": "1"}
UNHURRIED = {"DATAOPS_LLM_REQUESTS_PER_SECOND": "20"}
"""So slow that a machine under load still has seconds to stop in, before all has been sent."""


def test_a_clean_run_packs_rows_and_keeps_their_order(bench: Bench) -> None:
    texts = reviews(430)
    with LlmServer() as server:
        result = bench.clean(server, texts)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []
    assert result.requests == 4 * 5 + 2


@pytest.mark.parametrize("fault", [*ROW_FAULTS, *TEXT_FAULTS, *HTTP_FAULTS])
def test_under_any_one_fault_nothing_is_lost_or_mixed_up(restless: Bench, fault: str) -> None:
    texts = reviews(300, seed=len(fault))
    share = 0.1 if fault in ("hang", "429_bare") else 0.4
    with LlmServer(Behaviour(shares={fault: share}, script=["", fault, fault])) as server:
        result = restless.clean(server, texts, environment=IMPATIENT)
        assert server.faults[fault] >= 2
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []


@pytest.mark.parametrize("seed", range(3))
def test_under_all_faults_at_once_nothing_is_lost_or_mixed_up(restless: Bench, seed: int) -> None:
    texts = reviews(600, seed)
    faults = [*ROW_FAULTS, *TEXT_FAULTS, *HTTP_FAULTS]
    with LlmServer(Behaviour(shares=dict.fromkeys(faults, 0.012), seed=seed)) as server:
        result = restless.clean(server, texts, environment=IMPATIENT)
        again = restless.clean(server, texts)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []
    assert again.requests == 0


@pytest.mark.parametrize("how", ["400", "500", "malformed"])
def test_exactly_the_poison_rows_are_set_aside(bench: Bench, how: str) -> None:
    texts = reviews(200)
    poison = [3, 77, 150, 151]
    for at in poison:
        texts[at] += " VENOM"
    with LlmServer(Behaviour(poison="VENOM", poison_as=how)) as server:
        result = bench.clean(server, texts)
    assert_nothing_mixed_up(result, texts)
    assert [json.loads(reject.row)["id"] for reject in result.rejects] == poison
    assert {reject.retry for reject in result.rejects} == {how == "500"}
    assert all(reject.rule == "llm" and reject.reason for reject in result.rejects)


def test_only_what_is_missing_is_asked_again(bench: Bench) -> None:
    with LlmServer(Behaviour(script=["drop"])) as server:
        result = bench.clean(server, reviews(20))
        assert sorted(server.texts_seen.values()) == [1] * 19 + [2]
    assert result.requests == 2


def test_equal_texts_are_asked_once_even_across_chunks(bench: Bench) -> None:
    texts = reviews(25) * 12
    with LlmServer(Behaviour(latency=0.05)) as server:
        result = bench.clean(server, texts, chunk=50)
        assert set(server.texts_seen.values()) == {1}
    assert_nothing_mixed_up(result, texts)


def test_a_rerun_sends_nothing(bench: Bench) -> None:
    texts = reviews(120)
    with LlmServer() as server:
        first = bench.clean(server, texts)
        again = bench.clean(server, texts, chunk=7, rows_per_request=3, description="reworded")
    assert again.requests == 0
    assert again.rows == first.rows
    assert again.usage[0].cached_rows == 120


def test_another_prompt_asks_again(bench: Bench) -> None:
    with LlmServer() as server:
        bench.clean(server, reviews(20))
        assert bench.clean(server, reviews(20), prompt="Repair {text}").requests == 1


def test_the_fallback_model_answers_what_the_first_cannot_and_is_named(bench: Bench) -> None:
    raw = pa.table(
        {
            "id": [1, 2, 3],
            "source": ["s"] * 3,
            "raw_text": ["조아요 영화", None, "  "],
            "created_at": pa.array([0, 0, 0], pa.timestamp("us")),
            "metadata": ["{}"] * 3,
        }
    )
    with LlmServer(Behaviour(bad_models=("m",))) as server:
        result = bench.clean(server, raw, fallback_models=("better",))
    assert [row["llm_model"] for row in result.rows] == ["better", "rules/3", "rules/3"]
    assert [row["cleaned_text"] for row in result.rows] == ["좋아요 영화.", None, ""]
    assert {row["cleaning_task"] for row in result.rows} == {"clean.yaml"}


def test_rules_as_the_last_fallback_keep_the_row(bench: Bench) -> None:
    with LlmServer(Behaviour(poison="VENOM", poison_as="malformed")) as server:
        texts = ["조아요", "a  b VENOM"]
        result = bench.clean(server, texts, fallback_models=("rules",))
    assert [row["text"] for row in result.rows] == ["좋아요.", "a b VENOM"]


def test_a_table_of_several_columns_is_cleaned_row_by_row(bench: Bench) -> None:
    table = pa.table(
        {
            "id": range(50),
            "city": [f"teh city {at}" for at in range(50)],
            "state": [None if at % 5 == 0 else f"조아요 {at}" for at in range(50)],
            "code": [f"{at:05}" for at in range(50)],
        }
    )
    with LlmServer(Behaviour(shares={"drop": 0.2, "swap": 0.2})) as server:
        result = bench.clean(server, table, columns=("city", "state"))
    assert len(result.rows) == 50
    for at, row in enumerate(result.rows):
        assert row["city"] == f"the city {at}."
        assert row["state"] == (None if at % 5 == 0 else f"좋아요 {at}.")
        assert row["code"] == f"{at:05}"


def test_several_text_columns_are_not_sent_unless_named(bench: Bench) -> None:
    table = pa.table({"a": ["x"], "b": ["y"]})
    with LlmServer() as server:
        with pytest.raises(DataOpsError, match=r"Name them in `columns:` \(a, b\)"):
            bench.clean(server, table)
        with pytest.raises(DataOpsError, match="did you mean 'a'"):
            bench.clean(server, table, columns=("aa",))
        assert server.requests == 0


def test_a_rate_limit_is_waited_out_and_costs_no_row(bench: Bench) -> None:
    texts = reviews(400)
    with LlmServer(Behaviour(rate=40, burst=4)) as server:
        result = bench.clean(server, texts)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []


def test_requests_are_spaced_evenly(bench: Bench) -> None:
    limit = {"DATAOPS_LLM_REQUESTS_PER_SECOND": "40"}
    with LlmServer(Behaviour(latency=0.1, rate=40, burst=4)) as server:
        bench.clean(server, reviews(800), environment=limit)
        assert server.statuses[429] <= 1


def test_an_outage_sets_rows_aside_to_be_tried_again_and_keeps_what_was_done(bench: Bench) -> None:
    texts = reviews(400)
    impatient = {"DATAOPS_LLM_OUTAGE_SECONDS": "0.5"}
    with LlmServer(Behaviour(outage=(6, 10_000))) as server:
        result = bench.clean(server, texts, chunk=400, environment=impatient)
        assert len(result.rows) == 100
        assert all(reject.retry and "503" in reject.reason for reject in result.rejects)
        assert result.requests < 150
        server.behaviour = Behaviour()
        again = bench.clean(server, texts, chunk=400)
    assert_nothing_mixed_up(result, texts)
    assert_nothing_mixed_up(again, texts)
    assert (again.rejects, again.requests) == ([], 15)


def test_a_used_up_quota_stops_at_once(bench: Bench) -> None:
    texts = reviews(1_000)
    with LlmServer(Behaviour(quota=5)) as server:
        result = bench.clean(server, texts, environment=UNHURRIED)
    assert_nothing_mixed_up(result, texts)
    assert len(result.rows) == 100
    assert all(reject.retry and "quota" in reject.reason for reject in result.rejects)
    assert result.requests < 40


@pytest.mark.parametrize(
    ("behaviour", "said", "most"),
    [
        (Behaviour(key="another"), "DATAOPS_LLM_API_KEY", 60),
        (Behaviour(models=("other",)), "`model:`", 60),
        (Behaviour(refuses=("messages",)), "status 400", 120),
    ],
)
def test_a_wrong_setting_is_one_clear_error(
    bench: Bench, behaviour: Behaviour, said: str, most: int
) -> None:
    with LlmServer(behaviour) as server:
        with pytest.raises(SettingError, match=said) as told:
            bench.clean(server, reviews(2_000), environment=UNHURRIED)
        assert server.requests < most
    assert KEY not in str(told.value)
    assert KEY not in repr(told.value.facts)


def test_a_server_that_is_not_there_is_one_clear_error(bench: Bench) -> None:
    with LlmServer() as server:
        gone = {"DATAOPS_LLM_BASE_URL": "http://127.0.0.1:9/v1"}
        with pytest.raises(TransientError, match="DATAOPS_LLM_BASE_URL"):
            bench.clean(server, reviews(500), environment=gone)


def test_a_model_that_never_gives_a_usable_answer_is_not_paid_for_every_row(bench: Bench) -> None:
    with LlmServer(Behaviour(bad_models=("m",))) as server:
        with pytest.raises(DataOpsError, match="no usable answer"):
            bench.clean(server, reviews(2_000), environment=UNHURRIED)
        assert server.requests < 100


@pytest.mark.parametrize(
    "refuses",
    [("max_tokens",), ("temperature",), ("response_format",), ("json_schema", "temperature")],
)
def test_a_server_that_lacks_a_parameter_is_asked_without_it(
    bench: Bench, refuses: tuple[str, ...]
) -> None:
    texts = reviews(100)
    with LlmServer(Behaviour(refuses=refuses)) as server:
        result = bench.clean(server, texts)
    assert_nothing_mixed_up(result, texts)
    assert result.rejects == []


def test_usage_says_what_was_used(bench: Bench) -> None:
    with LlmServer(Behaviour(script=["500"], answers_as="m-2026-01-01")) as server:
        usage = bench.clean(server, [*reviews(40), *reviews(40)]).usage
    assert len(usage) == 1
    assert (usage[0].engine, usage[0].model, usage[0].task) == (
        "openai/2",
        "m-2026-01-01",
        "clean.yaml",
    )
    assert (usage[0].rows, usage[0].unique_rows, usage[0].cached_rows) == (80, 40, 0)
    assert (usage[0].requests, usage[0].failed_requests) == (3, 1)
    used = (usage[0].prompt_tokens, usage[0].completion_tokens)
    assert used == (server.used["prompt_tokens"], server.used["completion_tokens"])


def test_a_stream_is_never_read_far_ahead(bench: Bench) -> None:
    read = 0

    def batches(rows: int) -> Iterator[pa.RecordBatch]:
        nonlocal read
        for at in range(50):
            read += 1
            texts = [f"조아요 영화 {at} {row}" for row in range(rows)]
            yield pa.record_batch({"text": texts})

    table = Table(lambda: pa.schema([("text", pa.string())]), batches)
    with LlmServer() as server:
        cleaner = make_cleaner(
            CleaningTask("t.yaml", prompt="p", model="m"),
            settings=bench.settings,
            rejects=Rejects(bench.settings.data / "r.parquet"),
            environment={
                "DATAOPS_LLM_BASE_URL": server.url,
                "DATAOPS_LLM_REQUESTS_PER_SECOND": "500",
            },
        )
        stream = cleaner.clean(table).batches(10)
        assert read == 0
        next(stream)
        assert read <= 10
        stream.close()  # type: ignore[attr-defined]
    assert read <= 10


def test_a_damaged_cache_is_told_and_its_fix(bench: Bench) -> None:
    path = bench.settings.data / "cache" / "llm.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is not a database, and it is long enough to be looked at" * 20)
    with LlmServer() as server, pytest.raises(DataOpsError, match="delete it"):
        bench.clean(server, reviews(5))


def test_the_cache_is_not_for_everybody_s_eyes(bench: Bench) -> None:
    with LlmServer() as server:
        bench.clean(server, reviews(5))
    mode = (bench.settings.data / "cache" / "llm.sqlite").stat().st_mode
    assert mode & 0o027 == 0
