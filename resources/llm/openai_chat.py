"""The engine `openai`: chat completions of OpenAI, and of every server that speaks like it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from resources.llm.endpoint import Endpoint, whole
from resources.llm.failures import (
    Again,
    Doubtful,
    Limited,
    Passing,
    Refused,
    is_quota,
    told_by,
    wait_asked,
    wrong_setting,
)
from resources.llm.transport import Ask, Reply

_CONTENT = ("content_filter", "content_policy_violation", "context_length_exceeded")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a model takes: newer ones rename or refuse parameters, small servers lack schemas."""

    answer: str = "json_schema"
    limit: str = "max_tokens"
    temperature: bool = True

    def body(self, ask: Ask) -> dict[str, Any]:
        """Give the request's body in this dialect."""
        body: dict[str, Any] = {"model": ask.model, "messages": ask.messages}
        body[self.limit] = ask.max_tokens
        if self.temperature:
            body["temperature"] = ask.temperature
        if self.answer == "json_schema":
            shape = {"name": "rows", "strict": True, "schema": ask.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        elif self.answer == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def without(self, refused: str) -> Dialect | None:
        """Give the dialect that avoids what a server refused (None where there is none)."""
        if "max_tokens" in refused and "max_completion_tokens" in refused:
            if self.limit == "max_tokens":
                return replace(self, limit="max_completion_tokens")
        elif "temperature" in refused and self.temperature:
            return replace(self, temperature=False)
        elif "response_format" in refused or "json_schema" in refused or "json_object" in refused:
            simpler = {"json_schema": "json_object", "json_object": "text"}.get(self.answer)
            return replace(self, answer=simpler) if simpler else None
        return None


class OpenAIChat:
    """Asks models at one OpenAI-compatible endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Prepare the connections; nothing is sent yet."""
        import httpx2
        import openai

        self._endpoint = endpoint
        self._dialects: dict[str, Dialect] = {}
        self.client = openai.AsyncOpenAI(
            api_key=endpoint.key,
            base_url=endpoint.url,
            max_retries=0,
            timeout=openai.Timeout(endpoint.timeout, connect=min(endpoint.timeout, 4.0)),
            http_client=openai.DefaultAsyncHttpxClient(
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
        await self.client.close()

    def dialect(self, model: str) -> Dialect:
        """Give what is known of the parameters that a model takes."""
        return self._dialects.get(model, Dialect())

    async def send(self, ask: Ask) -> Reply:
        """Send one request; a server that refuses a parameter is told so by the next one."""
        import httpx2
        import openai

        dialect = self.dialect(ask.model)
        try:
            # One limit over the whole request: the client's own counts silence, not time.
            async with asyncio.timeout(self._endpoint.timeout):
                answer = await self.client.post(
                    "/chat/completions", cast_to=httpx2.Response, body=dialect.body(ask)
                )
        except openai.APIStatusError as error:
            wait = wait_asked(error.response.headers)
            failure = self.failure(ask, dialect, error.status_code, told_by(error), wait)
            if isinstance(failure, Limited):
                failure.headers = error.response.headers
            raise failure from None
        except (TimeoutError, openai.APITimeoutError):
            raise Passing(f"no answer within {self._endpoint.timeout:g} s") from None
        except openai.APIConnectionError as error:
            said = self._endpoint.scrub(str(error.__cause__ or error))
            raise Passing(f"no connection ({said})") from None
        except (openai.OpenAIError, ValueError) as error:
            raise Passing(
                f"an answer that is not one ({self._endpoint.scrub(str(error))})"
            ) from None
        try:
            return self.reply(ask, answer.json(), answer.headers)
        except (ValueError, RecursionError):
            raise Passing("an answer that is not JSON", status=answer.status_code) from None

    def reply(self, ask: Ask, done: Any, headers: Mapping[str, str] | None = None) -> Reply:
        """Read an answer whose every part may be missing or of another type."""
        done = _dict(done)
        usage, model = _dict(done.get("usage")), done.get("model")
        tokens = (_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))
        choices = done.get("choices")
        choice = _dict(choices[0] if isinstance(choices, list) and choices else None)
        message = _dict(choice.get("message"))
        ended, refusal = choice.get("finish_reason"), message.get("refusal")
        if ended == "content_filter" or refusal:
            raise Refused(self._endpoint.scrub(str(refusal or "filtered by the server")))
        content = message.get("content")
        text = content if isinstance(content, str) else ""
        named = whole(model) if isinstance(model, str) and model else ask.model
        return Reply(text, named, ended == "length", *tokens, headers)

    def failure(
        self,
        ask: Ask,
        dialect: Dialect,
        status: int,
        told: Mapping[str, str],
        wait: float | None = None,
    ) -> Exception:
        """Give what a status other than 2xx means. told: as told_by gives it."""
        said = self._endpoint.scrub(told["message"])
        if status == 429:
            if is_quota(told):
                return Passing(f"the LLM account's quota is used up ({said})", stop=True)
            return Limited(said or "too many requests", wait)
        if status == 402:
            return Passing(f"the LLM account has no credit ({said})", stop=True)
        if status >= 500 or status in (408, 409):
            return Passing(f"status {status}: {said}", wait=wait, status=status)
        if self._learn(ask, dialect, status, f"{told['param']} {told['message']}"):
            return Again(f"status {status}: {said}")
        wrong = wrong_setting(self._endpoint, ask.model, status, told["message"])
        if status in (401, 403, 404) or 300 <= status < 400:
            return wrong
        if told["code"] in _CONTENT or status == 413:
            return Refused(f"status {status}: {said}", status)
        return Doubtful(f"status {status}: {said}", wrong, status)

    def _learn(self, ask: Ask, dialect: Dialect, status: int, refused: str) -> bool:
        """Speak another dialect from here on, if that is what a 4xx asks for."""
        if status not in (400, 422):
            return False
        other = dialect.without(refused)
        if other is None:
            return self.dialect(ask.model) != dialect
        self._dialects[ask.model] = other
        return True


def _dict(value: object) -> dict[str, Any]:
    """Read an object; anything else is one without names."""
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    """Read a number of tokens."""
    return value if isinstance(value, int) and 0 <= value < 10**9 else 0
