"""Twenty servers, written from what they are known to say and refuse: all rows come out right.

What each says is the wording of its own errors, as people quote them; none of them runs here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.llm_bench import Bench, Result, reviews
from tests.llm_server import Behaviour, LlmServer, corrected

Refusal = tuple[int, Any] | None
ROWS = 200


def unless(fits: Callable[[dict[str, Any]], bool], status: int, body: Any) -> Any:
    """Refuse requests that do not fit, with this body."""
    return lambda _number, asked: None if fits(asked) else (status, body)


def without(*names: str) -> Callable[[dict[str, Any]], bool]:
    """Fit requests that have none of these parameters."""
    return lambda asked: not any(name in asked for name in names)


def kind(asked: dict[str, Any]) -> str:
    """Give the kind of the response format that was asked for."""
    return str(asked.get("response_format", {}).get("type", "text"))


def has_system(asked: dict[str, Any]) -> bool:
    """Tell whether a message has the role system."""
    return any(message["role"] == "system" for message in asked["messages"])


def said(message: dict[str, Any]) -> Any:
    """Put an answer into a message like this; `...` is the content."""

    def saying(_asked: dict[str, Any], content: str) -> dict[str, Any]:
        filled = json.dumps(message).replace('"..."', json.dumps(content))
        return {"message": {"role": "assistant", **json.loads(filled)}}

    return saying


def wrapped(shape: Callable[[dict[str, str]], str]) -> Any:
    """Say the rows in another shape."""
    return lambda _asked, content: {"message": {"content": shape(json.loads(content))}}


def thinking(asked: dict[str, Any], content: str) -> dict[str, Any]:
    """Think for 3,000 tokens before the answer."""
    limit = asked["max_tokens"]
    if limit < 3_000:
        return {"message": {"content": "", "reasoning_content": "Hmm"}, "finish_reason": "length",
                "usage": {"completion_tokens": limit}}  # fmt: skip
    return {"message": {"content": content, "reasoning_content": "Hmm {1: 2}"}}


OPENAI_NEW = {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this "
              "model. Use 'max_completion_tokens' instead.", "param": "max_tokens"}}  # fmt: skip
FASTAPI = {"detail": [{"loc": ["body", "response_format"], "msg": "extra fields not permitted"}]}
ALTERNATE = "Conversation roles must alternate user/assistant/user/assistant/..."
LITELLM = "litellm.UnsupportedParamsError: x does not support parameters: ['temperature']"
OPENROUTER = {"error": {"message": "Provider returned error", "code": 400, "metadata": {
              "raw": '{"error": "json_schema is not supported by this provider"}'}}}  # fmt: skip

SERVERS: dict[str, dict[str, Any]] = {
    "openai, reasoning": {"refusing": unless(without("max_tokens"), 400, OPENAI_NEW)},
    "openai, temperature": {"refusing": unless(without("temperature"), 400, {"error": {
        "message": "Unsupported value: 'temperature' does not support 0.0 with this model."}})},
    "azure": {"refusing": unless(lambda a: kind(a) != "json_schema", 400, {"error": {
        "message": "Invalid parameter: 'response_format' of type 'json_schema' is not supported "
        "with this model."}})},
    "vllm, old": {"refusing": unless(without("response_format"), 422, FASTAPI)},
    "vllm, mistral": {"refusing": unless(lambda a: not has_system(a), 400, {
        "object": "error", "message": ALTERNATE, "type": "BadRequestError", "code": 400})},
    "vllm, thinking": {"saying": said({"content": None, "reasoning_content": "...", "tool_calls": [
        {"function": {"name": "rows", "arguments": "..."}}]})},
    "sglang": {
        "saying": lambda _a, c: {
            "message": {"content": '<think>I see {"1": "a draft"}</think>\n\n' + c}
        }
    },
    "ollama": {"saying": lambda _a, c: {"message": {"content": f"```json\n{c}\n```"}}},
    "ollama, gemma": {"refusing": unless(lambda a: not has_system(a), 500, {
        "error": {"message": "template error: System role not supported"}})},
    "llama.cpp": {"refusing": unless(lambda a: kind(a) != "json_schema", 500, {
        "error": {"code": 500, "message": "failed to parse grammar: not supported"}})},
    "llama.cpp, loading": {"refusing": lambda n, _a: (503, {"error": {"code": 503,
        "message": "Loading model", "type": "unavailable_error"}}) if n < 3 else None},
    "lm studio": {"refusing": unless(lambda a: kind(a) != "json_object", 400, {
        "error": "'response_format.type' must be 'json_schema' or 'text'"})},
    "tgi": {"refusing": unless(lambda a: a["max_tokens"] <= 512, 422, {"error":
        "Input validation error: `max_new_tokens` must be <= 512", "error_type": "validation"})},
    "litellm": {"refusing": unless(without("temperature"), 400, {"error": {"message": LITELLM}})},
    "openrouter": {"refusing": unless(lambda a: kind(a) != "json_schema", 400, OPENROUTER)},
    "openrouter, in a 200": {"refusing": lambda n, _a: (200, {"error": {"code": 502,
        "message": "Upstream error"}}) if n in (2, 5) else None},
    "xinference": {"refusing": unless(lambda a: kind(a) == "text", 400, {
        "detail": "Structured outputs are not supported by this model"})},
    "bedrock gateway": {"refusing": unless(without("max_tokens"), 400, {
        "message": "Unsupported parameter: max_tokens"})},
    "mistral": {"saying": said({"content": [{"type": "thinking", "thinking": []},
                                            {"type": "text", "text": "..."}]})},
    "deepseek": {"saying": thinking},
    "together": {"refusing": lambda n, _a: (200, {"error": {"message": "model is loading"}})
        if n == 4 else None},
    "a gateway, in a 200": {
        "refusing": unless(
            without("response_format"), 200, {"error": "response_format is not supported"}
        )
    },
    "groq": {"saying": wrapped(lambda rows: json.dumps({"rows": [
        {"id": int(number), "text": text} for number, text in rows.items()]}))},
    "fireworks": {"saying": wrapped(lambda rows: json.dumps(rows)[:-1] + ",}")},
    "a proxy": {"refusing": lambda n, _a: (401, "<html><title>401</title></html>")
        if n == 6 else None},
}  # fmt: skip


def clean(bench: Bench, behaviour: Behaviour, **more: Any) -> tuple[Result, LlmServer]:
    """Clean reviews on a server of this behaviour, a few at a time."""
    with LlmServer(behaviour) as server:
        result = bench.clean(server, reviews(ROWS), **more)
        return result, server


@pytest.mark.parametrize("name", SERVERS)
def test_every_row_comes_out_whatever_the_server_speaks(bench: Bench, name: str) -> None:
    result, _ = clean(bench, Behaviour(latency=0.01, **SERVERS[name]))
    assert result.rejects == []
    texts = reviews(ROWS)
    assert result.texts == {number: corrected(text) for number, text in enumerate(texts)}


@pytest.mark.parametrize("name", ["openai, reasoning", "vllm, old", "xinference", "litellm", "tgi"])
def test_a_dialect_is_learned_in_one_request_said_once_and_remembered(
    bench: Bench, name: str
) -> None:
    behaviour = Behaviour(**SERVERS[name])
    with LlmServer(behaviour) as server:
        first = bench.clean(server, reviews(20), rows_per_request=20)
        refused = server.statuses[400] + server.statuses[422]
        assert refused == 1
        assert len([line for line in first.warnings if "learned from its answers" in line]) == 1
        second = bench.clean(server, reviews(60)[30:], rows_per_request=20)
        assert server.statuses[400] + server.statuses[422] == refused
    assert second.rejects == []


def test_the_query_of_a_url_stays_behind_the_path(bench: Bench) -> None:
    with LlmServer() as server:
        url = f"{server.url}/deployments/x?api-version=2024-10-21"
        result = bench.clean(server, reviews(5), environment={"DATAOPS_LLM_BASE_URL": url})
        assert result.rejects == []
        lines = set(server.lines)
    assert lines == {"POST /v1/deployments/x/chat/completions?api-version=2024-10-21 HTTP/1.1"}


def test_what_a_task_says_to_its_model_is_sent(bench: Bench) -> None:
    options = (("top_p", 0.5), ("seed", 7), ("stop", ("END",)), ("reasoning_effort", "low"))
    with LlmServer() as server:
        bench.clean(server, reviews(5), options=options)
        asked = server.bodies[-1]
    assert {name: asked.get(name) for name, _ in options} == {
        "top_p": 0.5, "seed": 7, "stop": ["END"], "reasoning_effort": "low"
    }  # fmt: skip
