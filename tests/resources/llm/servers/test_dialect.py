"""What is learned of a refusal, in the words of many servers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.llm.servers import Dialect, is_too_long, refuses, told_in
from resources.llm.transport import Ask

SAID = ({"role": "system", "content": "You fix."}, {"role": "user", "content": "teh"})
ASK = Ask("m", SAID, {"type": "object"}, 0.0, 5_000, {"seed": 7, "top_p": 0.9, "stop": ("END",),
                                                      "reasoning_effort": "low"})  # fmt: skip
PLAIN = Dialect()
TODAY = date(2026, 1, 31)


def learned(body: Any, dialect: Dialect = PLAIN) -> dict[str, Any] | None:
    """Give what is left out of, or changed in, the next request after an error with this body."""
    other = dialect.without(told_in(body), dialect.body(ASK))
    if other is None:
        return None
    old, new = dialect.body(ASK), other.body(ASK)
    return {name: new.get(name) for name in {*old, *new} if old.get(name) != new.get(name)}


JSON_OBJECT = {"response_format": {"type": "json_object"}}
RENAMED = {"max_tokens": None, "max_completion_tokens": 5_000}


@pytest.mark.parametrize(
    ("body", "change"),
    [
        # OpenAI's own
        ({"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this "
          "model. Use 'max_completion_tokens' instead.", "type": "invalid_request_error",
          "param": "max_tokens", "code": "unsupported_parameter"}}, RENAMED),
        ({"error": {"message": "Unsupported value: 'temperature' does not support 0.0 with this "
          "model. Only the default (1) value is supported.", "param": "temperature",
          "code": "unsupported_value"}}, {"temperature": None}),
        ({"error": {"message": "max_tokens is too large: 5000. This model supports at most 4096 "
          "completion tokens, whereas you provided 5000.", "param": "max_tokens"}},
         {"max_tokens": 4_096}),
        ({"error": {"message": "Unsupported parameter: 'reasoning_effort' is not supported with "
          "this model.", "param": "reasoning_effort"}}, {"reasoning_effort": None}),
        ({"error": {"message": "Invalid parameter: 'response_format' of type 'json_schema' is not "
          "supported with this model.", "param": None}}, JSON_OBJECT),
        # vLLM, FastAPI
        ({"detail": [{"loc": ["body", "response_format"], "msg": "extra fields not permitted"}]},
         {"response_format": None}),
        ({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"},
                     {"loc": ["body", "top_p"], "msg": "Extra inputs are not permitted"}]},
         {"seed": None, "top_p": None}),
        ({"detail": "Structured outputs are not supported by this model"},
         {"response_format": None}),
        ({"object": "error", "message": "guided_json is not supported with this tokenizer",
          "type": "BadRequestError", "code": 400}, JSON_OBJECT),
        ({"message": "Unsupported parameter: max_tokens"}, RENAMED),
        # Mistral, Gemma and others behind a chat template
        ({"error": {"message": "System role not supported"}}, "system"),
        ({"object": "error", "message": "Conversation roles must alternate user/assistant/user/"
          "assistant/...; template error"}, "system"),
        ({"error": "messages[0].role: value must be one of 'user', 'assistant'; role 'system' is "
          "invalid"}, "system"),
        ({"error": {"code": 400, "message": "Developer instruction is not enabled for models/"
          "gemma-3-12b-it", "status": "INVALID_ARGUMENT"}}, "system"),
        # llama.cpp, LM Studio, TGI, Ollama
        ({"error": {"code": 400, "message": "Failed to parse grammar", "type":
          "invalid_request_error"}}, JSON_OBJECT),
        ({"error": "'response_format.type' must be 'json_schema' or 'text'"}, JSON_OBJECT),
        ({"error": "Input validation error: `top_p` must be > 0.0 and < 1.0",
          "error_type": "validation"}, {"top_p": None}),
        ({"error": "Input validation error: `max_new_tokens` must be <= 2048. Given: 5000",
          "error_type": "validation"}, {"max_tokens": 2_048}),
        # LiteLLM, OpenRouter, Bedrock, Azure, Groq, Together
        ({"error": {"message": "litellm.UnsupportedParamsError: bedrock does not support "
          "parameters: ['seed'], for model=x. To drop these, set `litellm.drop_params=True`"}},
         {"seed": None}),
        ({"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw":
          '{"error":{"message":"`temperature` is deprecated for this model"}}',
          "provider_name": "x"}}}, {"temperature": None}),
        ({"message": "The maximum tokens you requested exceeds the model limit of 4096. Try again "
          "with a maximum tokens value that is lower than 4096."}, {"max_tokens": 4_096}),
        ({"error": {"message": "`max_tokens` must be less than or equal to `4,096`, the maximum "
          "value for `max_tokens` is less than the `context_window`"}}, {"max_tokens": 4_096}),
        ({"error": {"message": "invalid value for stop: stop is not supported"}}, {"stop": None}),
        ({"errors": [{"message": "json mode is not available for this model"}]}, JSON_OBJECT),
    ],
)  # fmt: skip
def test_what_is_refused_is_left_out_of_the_next_request(body: Any, change: Any) -> None:
    found = learned(body)
    if change == "system":
        assert found is not None
        assert found == {"messages": [{"role": "user", "content": "You fix.\n\nteh"}]}
    else:
        assert found == change


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "The response was filtered", "code": "content_filter"}},
        {"error": {"message": "This model's maximum context length is 4096 tokens. However, you "
                   "requested 9000 tokens (4000 in the messages, 5000 in the completion)."}},
        {"error": {"message": "invalid JSON in the body, please stop sending it"}},
        {"error": {"message": "the model does not exist"}},
        "",
        None,
    ],
)  # fmt: skip
def test_what_names_no_parameter_changes_nothing(body: Any) -> None:
    assert learned(body) is None


def test_what_is_simplest_already_is_not_learned_again() -> None:
    dialect = Dialect()
    bodies = [{"detail": f"{kind} is not supported"} for kind in ("json_schema", "json_object")]
    bodies += [{"detail": f"Unsupported parameter: {name}"} for name in
               ("max_tokens", "max_completion_tokens", "temperature", "seed", "top_p",
                "reasoning_effort", "stop")]  # fmt: skip
    bodies += [{"detail": "system role not supported"}]
    for body in bodies:
        other = dialect.without(told_in(body), dialect.body(ASK))
        assert other is not None, body
        assert other.without(told_in(body), other.body(ASK)) != dialect
        dialect = other
    assert set(dialect.body(ASK)) == {"model", "messages"}
    assert all(dialect.without(told_in(body), dialect.body(ASK)) is None for body in bodies)
    assert all(Dialect.of(note, TODAY) == Dialect() for note in ("", "[]", '{"a": 1}', "{}", "1"))


def test_thinking_gets_more_room_in_steps_and_not_for_ever() -> None:
    dialect, seen = Dialect(), []
    while roomier := dialect.with_room():
        dialect = roomier
        seen.append(dialect.body(ASK)["max_tokens"])
    assert seen == [7_000, 13_000, 37_000]


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens",
        "the request exceeds the available context size (n_ctx)",
        "Input validation error: `inputs` must have less than 4096 tokens",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ],
)
def test_a_text_that_does_not_fit_is_known(message: str) -> None:
    assert is_too_long(message)


def test_a_dialect_is_remembered_as_it_is() -> None:
    dialect = Dialect("text", "", 4_096, frozenset({"seed", "stop"}), system=False, room=2_000)
    assert Dialect.of(dialect.note(TODAY), TODAY + timedelta(days=7)) == dialect


def test_a_dialect_is_forgotten_when_the_server_may_be_another_one() -> None:
    assert Dialect.of(Dialect("text").note(TODAY), TODAY + timedelta(days=8)) == Dialect()


@given(st.text(max_size=200))
def test_any_words_can_be_read_as_a_refusal(words: str) -> None:
    learned(words)
    refuses(words)
    is_too_long(words)
