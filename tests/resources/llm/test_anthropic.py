"""Claude through its own SDK, against a real HTTP server that speaks the messages API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.errors import SettingError
from resources.llm import CleaningTask, load_task, make_cleaner
from resources.llm.endpoint import ANTHROPIC, endpoint_of
from resources.llm.limits import allowances
from resources.llm.outputs import Output
from resources.llm.task import Example
from resources.rejects import Reject, Rejects, read_rejects
from resources.settings import Settings
from resources.task_files import TaskError
from tests.anthropic_server import AnthropicServer, Manners
from tests.llm_server import corrected

pytest.importorskip("anthropic", reason="needs the extra `anthropic`")

KEY = "sk-ant-very-secret"
TEXTS = [f"조아요 teh film {at}" for at in range(50)]


class Bench:
    """Cleans tables on a server, in a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(root=folder, data=folder / "data")
        self.calls = folder / "calls.jsonl"

    def clean(
        self, server: AnthropicServer, table: pa.Table | list[str], **fields: Any
    ) -> tuple[list[dict[str, Any]], list[Reject], Any]:
        """Clean texts (or a table); give rows, rejects and usage."""
        rejects = Rejects(self.settings.data / "rejects.parquet")
        facts: dict[str, Any] = {"prompt": "Correct {text}", "model": "claude-m"}
        task = CleaningTask(
            "t.yaml", engine="anthropic", **(facts | {"rows_per_request": 20} | fields)
        )
        cleaner = make_cleaner(
            task,
            settings=self.settings,
            rejects=rejects,
            environment={
                "DATAOPS_LLM_BASE_URL": server.url,
                "DATAOPS_LLM_API_KEY": KEY,
                "DATAOPS_LLM_REQUESTS_PER_SECOND": "500",
                "DATAOPS_LLM_TIMEOUT_SECONDS": "5",
            },
        )
        if isinstance(table, list):
            table = pa.table({"id": range(len(table)), "text": table})
        rows = [row for batch in cleaner.clean(table).batches(1_000) for row in batch.to_pylist()]
        rejects.close()
        return rows, list(read_rejects(rejects.path)) if rejects.rows else [], cleaner.usage


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Give a bench whose waits between tries are short."""
    monkeypatch.setattr("resources.llm.sender._LONGEST_WAIT", 0.05)
    monkeypatch.setattr("resources.llm.pacer._FIRST_PAUSE", 0.05)
    return Bench(tmp_path)


def assert_all_answered(rows: list[dict[str, Any]], texts: list[str]) -> None:
    """Hold every row to its own answer, in order."""
    assert [row["text"] for row in rows] == [corrected(text) for text in texts]


def test_rows_are_packed_and_held_to_a_tool_s_schema(bench: Bench) -> None:
    with AnthropicServer(Manners(key=KEY)) as server:
        rows, rejects, usage = bench.clean(server, TEXTS, system_message="You correct reviews.")
    assert_all_answered(rows, TEXTS)
    assert rejects == []
    assert server.requests == 3
    body = server.bodies[0]
    assert body["system"].startswith("You correct reviews.")
    assert [turn["role"] for turn in body["messages"]] == ["user"]
    assert body["tool_choice"]["name"] == body["tools"][0]["name"]
    assert list(body["tools"][0]["input_schema"]["required"]) == [str(n) for n in range(1, 21)]
    assert body["temperature"] == 0
    assert (usage[0].engine, usage[0].model) == ("anthropic/1", "claude-m-20260101")
    assert (usage[0].prompt_tokens, usage[0].completion_tokens) == (30, 15)


def test_examples_are_turns_of_the_conversation(bench: Bench) -> None:
    shown = (Example("teh", "the."),)
    with AnthropicServer() as server:
        bench.clean(server, TEXTS[:3], examples=shown)
    turns = server.bodies[0]["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert json.loads(turns[1]["content"]) == {"1": "the."}


def test_a_rerun_sends_nothing(bench: Bench) -> None:
    with AnthropicServer() as server:
        bench.clean(server, TEXTS)
        rows, _, _ = bench.clean(server, TEXTS)
    assert_all_answered(rows, TEXTS)
    assert server.requests == 3


def test_several_columns_are_cleaned_row_by_row(bench: Bench) -> None:
    table = pa.table(
        {
            "id": range(30),
            "city": [f"teh city {at}" for at in range(30)],
            "state": [None if at % 5 == 0 else f"조아요 {at}" for at in range(30)],
        }
    )
    with AnthropicServer() as server:
        rows, rejects, _ = bench.clean(server, table, columns=("city", "state"))
    assert rejects == []
    for at, row in enumerate(rows):
        assert row["city"] == f"the city {at}."
        assert row["state"] == (None if at % 5 == 0 else f"좋아요 {at}.")


def test_labels_and_numbers_come_in_their_types(bench: Bench) -> None:
    outputs = (
        Output("cleaned_text"),
        Output("mood", "label", values=("good", "bad"), optional=True),
        Output("stars", "integer", optional=True),
    )

    def row(text: str) -> dict[str, Any]:
        return {"cleaned_text": corrected(text), "mood": "good", "stars": 4.0}

    with AnthropicServer(Manners(row=row)) as server:
        rows, _, _ = bench.clean(server, TEXTS, outputs=outputs)
    assert [row["mood"] for row in rows] == ["good"] * 50
    assert [row["stars"] for row in rows] == [4] * 50


@pytest.mark.parametrize("fault", ["429", "500", "529", "text", "truncated"])
def test_a_passing_fault_costs_no_row(bench: Bench, fault: str) -> None:
    with AnthropicServer(Manners(script=[fault, "", fault])) as server:
        rows, rejects, _ = bench.clean(server, TEXTS)
    assert_all_answered(rows, TEXTS)
    assert rejects == []


def test_a_wrong_key_is_one_clear_error(bench: Bench) -> None:
    with AnthropicServer(Manners(key="another")) as server, pytest.raises(SettingError) as told:
        bench.clean(server, TEXTS)
    assert "DATAOPS_LLM_API_KEY (or ANTHROPIC_API_KEY)" in str(told.value)
    assert KEY not in str(told.value)
    assert KEY not in repr(told.value.facts)


def test_an_unknown_model_is_one_clear_error(bench: Bench) -> None:
    others = Manners(models=("claude-other",))
    with (
        AnthropicServer(others) as server,
        pytest.raises(SettingError, match=r"'claude-m'.*`model:`"),
    ):
        bench.clean(server, TEXTS)


def test_without_credit_the_run_stops_and_the_rows_wait(bench: Bench) -> None:
    with AnthropicServer(Manners(script=["", "no_credit", "no_credit"])) as server:
        rows, rejects, _ = bench.clean(server, TEXTS)
    assert len(rows) + len(rejects) == 50
    assert rejects
    assert all(reject.retry and "no credit" in reject.reason for reject in rejects)


def test_exactly_the_rows_that_the_model_refuses_are_set_aside(bench: Bench) -> None:
    texts = [*TEXTS, "a film with VENOM"]
    with AnthropicServer(Manners(poison="VENOM")) as server:
        rows, rejects, _ = bench.clean(server, texts)
    assert_all_answered(rows, TEXTS)
    assert [json.loads(reject.row)["text"] for reject in rejects] == ["a film with VENOM"]
    assert not rejects[0].retry
    assert "refuses" in rejects[0].reason


def test_an_account_s_larger_answer_limit_is_kept(bench: Bench) -> None:
    with AnthropicServer(Manners(most_tokens=300)) as server:
        rows, rejects, _ = bench.clean(server, TEXTS, max_tokens=500)
    assert_all_answered(rows, TEXTS)
    assert rejects == []
    assert server.bodies[-1]["max_tokens"] == 300


@pytest.mark.parametrize(
    ("refuses", "left"),
    [
        ({"temperature": "`temperature` is deprecated for this model."}, {"tools"}),
        ({"thinking": "thinking: this model always thinks"}, {"tools", "temperature"}),
        ({"strict": "tools.0.custom.strict: Extra inputs are not permitted"}, {"tools"}),
        (
            {"tool_choice": "Thinking may not be enabled when tool_choice forces tool use."},
            {"output_config"},
        ),
        ({"tools": "tools: unknown", "output_config": "output_config: unknown"}, {"system"}),
    ],
)
def test_a_model_that_refuses_a_parameter_is_asked_without_it(
    bench: Bench, refuses: dict[str, str], left: set[str]
) -> None:
    with AnthropicServer(Manners(refuses=refuses)) as server:
        rows, rejects, _ = bench.clean(server, TEXTS)
    assert_all_answered(rows, TEXTS)
    assert rejects == []
    assert left <= set(server.bodies[-1])
    assert not set(refuses) & set(server.bodies[-1])


def test_the_limits_that_the_server_tells_are_understood() -> None:
    from resources.llm.anthropic_messages import limit_headers

    told = {
        "date": "Mon, 23 Nov 2026 09:00:00 GMT",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "2",
        "anthropic-ratelimit-requests-reset": "2026-11-23T09:00:58Z",
        "anthropic-ratelimit-tokens-limit": "40000",
        "anthropic-ratelimit-tokens-remaining": "30000",
        "anthropic-ratelimit-tokens-reset": "2026-11-23T09:00:10Z",
    }
    found = allowances(limit_headers(told), now=0.0)
    assert found["requests"].refill == pytest.approx(48 / 58)
    assert found["requests"].binds(now=1.0)
    assert found["tokens"].refill == pytest.approx(1_000)


@given(st.dictionaries(st.sampled_from(["limit", "remaining", "reset"]), st.text(max_size=30)))
def test_whatever_a_server_says_of_its_limits_is_no_error(told: dict[str, str]) -> None:
    from resources.llm.anthropic_messages import limit_headers

    headers = {f"anthropic-ratelimit-requests-{part}": value for part, value in told.items()}
    allowances(limit_headers(headers | {"date": told.get("limit", "")}), now=0.0)


def test_claude_is_not_told_a_temperature_that_it_has_not(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("prompt: p\nmodel: claude-m\nengine: anthropic\ntemperature: 1.5\n")
    with pytest.raises(TaskError, match="Claude takes 0 to 1"):
        load_task(path)


def test_anthropic_s_own_key_goes_only_to_anthropic() -> None:
    own = {"ANTHROPIC_API_KEY": KEY}
    assert endpoint_of(own, ANTHROPIC).key == KEY
    assert endpoint_of(own, ANTHROPIC).url == "https://api.anthropic.com"
    with pytest.raises(SettingError, match="DATAOPS_LLM_API_KEY"):
        endpoint_of({**own, "DATAOPS_LLM_BASE_URL": "https://proxy.example"}, ANTHROPIC)
    with pytest.raises(SettingError, match="ALLOW_HTTP"):
        endpoint_of({**own, "DATAOPS_LLM_BASE_URL": "http://proxy.example"}, ANTHROPIC)
