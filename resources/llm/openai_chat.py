"""The engine `openai`: chat completions of OpenAI, and of every server that speaks like it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlsplit, urlunsplit

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
from resources.llm.servers import Dialect, error_of, is_too_long, refuses, text_of, told_in
from resources.llm.transport import Ask, Reply

_CONTENT: Final = ("content_filter", "content_policy_violation", "context_length_exceeded")
_DENIED_FOR: Final = 10.0
"""Seconds that a key may be refused which was taken before: gateways blink."""
_PATH: Final = "/chat/completions"


class Memory(Protocol):
    """Where is remembered, from run to run, what a model takes."""

    def note(self, name: str) -> str:
        """Give a note; "" where there is none."""

    def set_note(self, name: str, value: str) -> None:
        """Write a note."""


class OpenAIChat:
    """Asks models at one OpenAI-compatible endpoint."""

    def __init__(self, endpoint: Endpoint, memory: Memory | None = None) -> None:
        """Prepare the connections; nothing is sent yet."""
        import httpx2
        import openai

        self._endpoint, self._memory = endpoint, memory
        self._dialects: dict[str, Dialect] = {}
        self._has_answered, self._denied_since = False, 0.0
        self.warnings: list[str] = []
        base, query = _parted(endpoint.url)
        self.client = openai.AsyncOpenAI(
            api_key=endpoint.key,
            base_url=base,
            default_query=query,
            # Azure, whose URLs carry their version, takes a key by this name only.
            default_headers={"api-key": endpoint.key} if "api-version" in query else None,
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
        """Give what is known of the parameters that a model takes, from earlier runs too."""
        if model not in self._dialects:
            note = self._memory.note(self._note(model)) if self._memory else ""
            self._dialects[model] = Dialect.of(note, _today())
        return self._dialects[model]

    def _note(self, model: str) -> str:
        """Give the name of the note about a model at this endpoint."""
        return f"dialect:{self._endpoint.pace}:{model}"[:200]

    async def send(self, ask: Ask) -> Reply:
        """Send one request; a server that refuses a parameter is told so by the next one."""
        import httpx2
        import openai

        dialect = self.dialect(ask.model)
        try:
            # One limit over the whole request: the client's own counts silence, not time.
            async with asyncio.timeout(self._endpoint.timeout):
                answer = await self.client.post(
                    _PATH, cast_to=httpx2.Response, body=dialect.body(ask)
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
            done = answer.json()
        except (ValueError, RecursionError):
            said = self._endpoint.scrub(told_in(answer.text)["message"])
            problem = f"an answer that is not JSON ({said})"
            raise Passing(problem, status=answer.status_code) from None
        return self.reply(ask, done, answer.headers)

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
        text = text_of(choice)
        if not text and (error := error_of(done, choice)):
            raise self._failure_within(ask, error)
        self._has_answered, self._denied_since = True, 0.0
        cut = ended == "length"
        thought = cut and _thought(text, message, usage)
        if thought:
            self._give_room(ask, tokens[1])
        named = whole(model) if isinstance(model, str) and model else ask.model
        return Reply(text, named, cut, *tokens, headers, thought)

    def _failure_within(self, ask: Ask, error: Any) -> Exception:
        """Give what an error means that came with status 200: by its code, if that is a status."""
        told = told_in(error)
        code = int(told["code"]) if told["code"].isdecimal() else 0
        status = code if 400 <= code < 600 else 500
        return self.failure(ask, self.dialect(ask.model), status, told)

    def _give_room(self, ask: Ask, used: int) -> None:
        """Let a model that spent an answer's tokens on thinking have more of them next time."""
        dialect = self.dialect(ask.model)
        roomier = dialect.with_room()
        # Answers that were under way when more room was given say nothing of whether it is enough.
        if roomier is not None and (not used or used >= ask.max_tokens + dialect.room):
            self._speak(ask.model, roomier)

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
        if status == 402 or (status == 429 and is_quota(told)):
            what = "'s quota is used up" if status == 429 else " has no credit"
            return Passing(f"the LLM account{what} ({said})", stop=True)
        if status == 429:
            return Limited(said or "too many requests", wait)
        said = f"status {status}: {said}"
        if self._learn(ask, dialect, status, told):
            return Again(said)
        blinks = status in (401, 403) and self._has_answered and self._is_blink()
        if status >= 500 or status in (408, 409) or blinks:
            return Passing(said, wait=wait, status=status)
        wrong = wrong_setting(self._endpoint, ask.model, status, told["message"])
        if status in (401, 403, 404) or 300 <= status < 400:
            return wrong
        if told["code"] in _CONTENT or status == 413 or is_too_long(told["message"]):
            return Refused(said, status)
        return Doubtful(said, wrong, status)

    def _is_blink(self) -> bool:
        """Tell whether a key that was taken is refused only since a moment ago."""
        now = asyncio.get_running_loop().time()
        self._denied_since = self._denied_since or now
        return now - self._denied_since < _DENIED_FOR

    def _learn(self, ask: Ask, dialect: Dialect, status: int, told: Mapping[str, str]) -> bool:
        """Speak another dialect from here on, if that is what a refusal asks for.

        A server's own error (5xx) is taken for one only where it speaks of what it does not take.
        """
        if status not in (400, 404, 415, 422, 500, 501) or told["code"] in _CONTENT:
            return False
        if status not in (400, 415, 422) and not refuses(told["message"]):
            return False
        other = dialect.without(told, dialect.body(ask))
        if other is None:
            return status < 500 and self.dialect(ask.model) != dialect
        self._speak(ask.model, other)
        return True

    def _speak(self, model: str, dialect: Dialect) -> None:
        """Use a dialect from here on, in later runs too; say so once."""
        self._dialects[model] = dialect
        if self._memory is not None:
            self._memory.set_note(self._note(model), dialect.note(_today()))
        start = f"the model {model!r} at {self.url} is asked"
        self.warnings[:] = [w for w in self.warnings if not w.startswith(start)]
        self.warnings.append(f"{start} {dialect.said()}: learned from its answers")


def _today() -> date:
    """Give the day."""
    return datetime.now(UTC).date()


def _parted(url: str) -> tuple[str, dict[str, str]]:
    """Part a URL from its query, which belongs behind the path of each request."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix(_PATH)
    return urlunsplit((parts.scheme, parts.netloc, path, "", "")), dict(parse_qsl(parts.query))


def _thought(text: str, message: Mapping[str, Any], usage: Mapping[str, Any]) -> bool:
    """Tell an answer that was cut off in its thinking, before it said anything."""
    if "<think" in text and "</think" not in text:
        return True
    details = _dict(usage.get("completion_tokens_details"))
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    return not text.strip() and bool(thoughts or _count(details.get("reasoning_tokens")))


def _dict(value: object) -> dict[str, Any]:
    """Read an object; anything else is one without names."""
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    """Read a number of tokens."""
    return value if isinstance(value, int) and 0 <= value < 10**9 else 0
