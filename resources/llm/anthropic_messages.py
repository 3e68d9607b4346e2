"""The engine `anthropic`: Claude through its own SDK, an optional extra."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from resources.errors import DataOpsError
from resources.llm.endpoint import Endpoint, whole
from resources.llm.failures import (
    Again,
    Doubtful,
    Limited,
    Passing,
    Refused,
    told_by,
    wait_asked,
    wrong_setting,
)
from resources.llm.transport import Ask, Reply

_TOOL: Final = "rows"
_SHAPES: Final = ("strict", "tool", "format", "text")
_OF_TOOLS: Final = ("tool", "strict", "schema", "grammar", "union", "propert")
_OF_CREDIT: Final = ("credit balance", "api usage limits", "billing", "spend limit")
_OF_CONTENT: Final = ("content filtering", "prompt is too long", "exceed context limit")
_MOST_TOKENS: Final = re.compile(r"max_tokens\D+\d+ > (\d+)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a model takes.

    shape: how an answer is held to its schema, by a forced call of a tool (strict or not), by an
    output format, or by words alone. temperature, thinking: whether it may be told its temperature,
    and not to think. most_tokens: of an answer, 0 where no limit is known.
    """

    shape: str = _SHAPES[0]
    temperature: bool = True
    thinking: bool = True
    most_tokens: int = 0

    def body(self, ask: Ask) -> dict[str, Any]:
        """Give the request's body in this dialect."""
        system = "\n\n".join(m["content"] for m in ask.messages if m["role"] == "system")
        turns = [m for m in ask.messages if m["role"] != "system"]
        most = min(ask.max_tokens, self.most_tokens or ask.max_tokens)
        body: dict[str, Any] = {"model": ask.model, "max_tokens": most, "messages": turns}
        if system:
            body["system"] = system
        if self.temperature:
            body["temperature"] = min(ask.temperature, 1.0)
        if "stop" in ask.options:
            body["stop_sequences"] = list(ask.options["stop"])
        if self.thinking:
            body["thinking"] = {"type": "disabled"}
        if self.shape in ("strict", "tool"):
            tool = {"name": _TOOL, "description": "Takes the answer.", "input_schema": ask.schema}
            body["tools"] = [tool | ({"strict": True} if self.shape == "strict" else {})]
            forced = {"type": "tool", "name": _TOOL, "disable_parallel_tool_use": True}
            body["tool_choice"] = forced
        elif self.shape == "format":
            body["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
        return body

    def without(self, refused: str) -> Dialect | None:
        """Give the dialect that avoids what a server refused (None where there is none)."""
        told = refused.lower()
        if found := _MOST_TOKENS.search(told):
            most = int(found[1])
            return replace(self, most_tokens=most) if most and most != self.most_tokens else None
        if "temperature" in told:
            return replace(self, temperature=False) if self.temperature else None
        if "thinking" in told and self.thinking and "tool_choice" not in told:
            return replace(self, thinking=False)
        tools = self.shape in ("strict", "tool")
        if ("thinking" in told or "tool_choice" in told) and tools:
            return replace(self, shape="format")  # a model that always thinks calls no forced tool
        if (tools and any(word in told for word in _OF_TOOLS)) or (
            self.shape == "format" and ("output_config" in told or "schema" in told)
        ):
            return replace(self, shape=_SHAPES[_SHAPES.index(self.shape) + 1])
        return None


class AnthropicMessages:
    """Asks Claude models at one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Prepare the connections; nothing is sent yet."""
        import anthropic
        import httpx2

        self._endpoint = endpoint
        self._dialects: dict[str, Dialect] = {}
        self.warnings: list[str] = []
        self._api = anthropic.AsyncAnthropic(
            api_key=endpoint.key,
            base_url=endpoint.url.rstrip("/").removesuffix("/v1"),
            max_retries=0,
            timeout=anthropic.Timeout(endpoint.timeout, connect=min(endpoint.timeout, 5.0)),
            http_client=anthropic.DefaultAsyncHttpxClient(
                trust_env=not endpoint.local,
                follow_redirects=False,  # a redirect would take rows and key elsewhere
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=256),
            ),
        )

    @property
    def url(self) -> str:
        """Give the endpoint's URL as it may be shown."""
        return self._endpoint.shown

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def send(self, ask: Ask) -> Reply:
        """Send one request; a model that refuses a parameter is told so by the next one."""
        import anthropic
        import httpx2

        dialect = self._dialects.get(ask.model, Dialect())
        try:
            # One limit over the whole request: the client's own counts silence, not time.
            async with asyncio.timeout(self._endpoint.timeout):
                answer = await self._api.post(
                    "/v1/messages", cast_to=httpx2.Response, body=dialect.body(ask)
                )
        except anthropic.APIStatusError as error:
            raise self._failure(ask, dialect, error) from None
        except (TimeoutError, anthropic.APITimeoutError):
            raise Passing(f"no answer within {self._endpoint.timeout:g} s") from None
        except anthropic.APIConnectionError as error:
            said = self._endpoint.scrub(str(error.__cause__ or error))
            raise Passing(f"no connection ({said})") from None
        except (anthropic.AnthropicError, ValueError) as error:
            said = self._endpoint.scrub(str(error))
            raise Passing(f"an answer that is not one ({said})") from None
        try:
            return self._reply(ask, answer.json(), answer.headers)
        except (ValueError, RecursionError):
            raise Passing("an answer that is not JSON", status=answer.status_code) from None

    def _reply(self, ask: Ask, done: Any, headers: Mapping[str, str]) -> Reply:
        """Read an answer whose every part may be missing or of another type."""
        done = _dict(done)
        blocks = done.get("content")
        blocks = [_dict(block) for block in blocks] if isinstance(blocks, list) else []
        ended, model = done.get("stop_reason"), done.get("model")
        words = "\n".join(str(b.get("text") or "") for b in blocks if b.get("type") == "text")
        if ended == "refusal":
            raise Refused(self._endpoint.scrub(words) or "it declined to answer")
        cut = ended in ("max_tokens", "model_context_window_exceeded")
        inputs = [block.get("input") for block in blocks if block.get("type") == "tool_use"]
        content = words
        if inputs and isinstance(inputs[0], dict):
            rows = inputs[0]
            if cut and rows:
                rows = dict(list(rows.items())[:-1])  # the one it was cut off in
            content = json.dumps(rows, ensure_ascii=False)
        usage = _dict(done.get("usage"))
        kinds = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        prompt = sum(_count(usage.get(kind)) for kind in kinds)
        named = whole(model) if isinstance(model, str) and model else ask.model
        limits = limit_headers(headers)
        return Reply(content, named, cut, prompt, _count(usage.get("output_tokens")), limits)

    def _failure(self, ask: Ask, dialect: Dialect, error: Any) -> Exception:
        """Give what a status other than 2xx means."""
        told, status = told_by(error), error.status_code
        said = self._endpoint.scrub(told["message"])
        wait = wait_asked(error.response.headers)
        broke = any(words in told["message"].lower() for words in _OF_CREDIT)
        if status == 402 or told["type"] == "billing_error" or (status in (400, 429) and broke):
            return Passing(f"the LLM account has no credit ({said})", stop=True, status=status)
        if status == 429:
            return Limited(said or "too many requests", wait)
        if status >= 500 or status in (408, 409):
            return Passing(f"status {status}: {said}", wait=wait, status=status)
        wrong = wrong_setting(self._endpoint, ask.model, status, told["message"])
        if status in (401, 403, 404) or 300 <= status < 400:
            return wrong
        return self._of_request(ask, dialect, status, told["message"], wrong)

    def _of_request(
        self, ask: Ask, dialect: Dialect, status: int, message: str, wrong: DataOpsError
    ) -> Exception:
        """Give what a refused request means: its content, a parameter, or who knows."""
        said = f"status {status}: {self._endpoint.scrub(message)}"
        if status == 413 or any(words in message.lower() for words in _OF_CONTENT):
            return Refused(said, status)
        if status in (400, 422):
            other = dialect.without(message)
            if other is not None:
                self._dialects[ask.model] = other
            if self._dialects.get(ask.model, Dialect()) != dialect:
                return Again(said)
        return Doubtful(said, wrong, status)


def limit_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Give Anthropic's rate-limit headers as resources.llm.limits reads them: resets in seconds."""
    found = {}
    for what in ("requests", "tokens"):
        for part in ("limit", "remaining", "reset"):
            value = headers.get(f"anthropic-ratelimit-{what}-{part}", "")
            if part == "reset":
                value = _seconds_until(value, headers.get("date", ""))
            if value:
                found[f"x-ratelimit-{part}-{what}"] = value
    return found


def _seconds_until(moment: str, date: str) -> str:
    """Give the seconds until an RFC 3339 time, by the server's own clock where it tells it."""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    try:
        now = parsedate_to_datetime(date)
    except ValueError:
        now = datetime.now(UTC)
    if then.tzinfo is None or now.tzinfo is None:
        return ""
    return f"{max((then - now).total_seconds(), 0.0):.3f}"


def _dict(value: object) -> dict[str, Any]:
    """Read an object; anything else is one without names."""
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    """Read a number of tokens."""
    return value if isinstance(value, int) and 0 <= value < 10**9 else 0
