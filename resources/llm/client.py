"""Requests to an OpenAI-compatible server: every attempt is paced, every failure has its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import uniform
from typing import TYPE_CHECKING, Any, NoReturn

from resources.llm.counts import Counts
from resources.llm.endpoint import Endpoint
from resources.llm.failures import Passing, Refused, is_quota, told_by, wait_asked, wrong_setting
from resources.llm.pacer import Pacer
from resources.llm.protocol import answer_schema

if TYPE_CHECKING:
    from openai import APIStatusError

_TRIES = 5
_FIRST_TRIES = 3
_PROBE_TRIES = 2
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 20.0
_REFUSED_TOO_LONG = 900.0
_PROBE = [{"role": "user", "content": 'Answer with this JSON object:\n{"1": "ok"}'}]
_PROBE_SCHEMA = answer_schema(("text",), 1)
_CONTENT = ("content_filter", "content_policy_violation", "context_length_exceeded")


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer as text; `cut` where it ended at the token limit."""

    content: str
    model: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """What is sent: everything but the parameters a server turns out not to take."""

    model: str
    messages: Sequence[dict[str, str]]
    schema: dict[str, Any]
    temperature: float
    max_tokens: int
    order: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a model takes: newer ones rename or refuse parameters, small servers lack schemas."""

    answer: str = "json_schema"
    limit: str = "max_tokens"
    temperature: bool = True

    def parameters(self, ask: Ask) -> dict[str, Any]:
        """Give the request's parameters in this dialect."""
        given: dict[str, Any] = {self.limit: ask.max_tokens}
        if self.temperature:
            given["temperature"] = ask.temperature
        if self.answer == "json_schema":
            shape = {"name": "rows", "strict": True, "schema": ask.schema}
            given["response_format"] = {"type": "json_schema", "json_schema": shape}
        elif self.answer == "json_object":
            given["response_format"] = {"type": "json_object"}
        return given

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


class Client:
    """Asks models at one endpoint."""

    def __init__(self, endpoint: Endpoint, counts: Counts) -> None:
        """Prepare the connection; nothing is sent yet."""
        import openai

        self._endpoint = endpoint
        self._counts = counts
        self._pacer = Pacer(endpoint.rate)
        self._dialects: dict[str, Dialect] = {}
        self._last_answer = asyncio.get_running_loop().time()
        self._works: set[str] = set()
        self._probing = asyncio.Lock()
        self._api = openai.AsyncOpenAI(
            api_key=endpoint.key,
            base_url=endpoint.url,
            max_retries=0,
            timeout=openai.Timeout(endpoint.timeout, connect=min(endpoint.timeout, 5.0)),
            http_client=openai.DefaultAsyncHttpxClient(trust_env=not endpoint.local),
        )

    @property
    def url(self) -> str:
        """Give the endpoint's URL as it may be shown."""
        return self._endpoint.shown

    @property
    def has_answered(self) -> bool:
        """Tell whether any model answered any request."""
        return bool(self._works)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def ask(self, ask: Ask, *, probe: bool = False) -> Reply:
        """Ask until there is an answer; raises Refused, Passing, or SettingError.

        probe: this pack is harmless, so what refuses it is wrong in the settings.
        """
        import openai

        failures = 0
        while True:
            dialect = self._dialects.get(ask.model, Dialect())
            try:
                return await self._send(ask, dialect)
            except openai.RateLimitError as error:
                self._hold_back(error)
                continue
            except openai.APIStatusError as error:
                wait = wait_asked(error.response.headers)
                if error.status_code < 500 and error.status_code not in (408, 409):
                    if not self._learn(ask, dialect, error):
                        await self._give_up(ask, error, probe=probe)
                    continue
                reason = f"status {error.status_code}: {told_by(error)['message']}"
            except openai.APITimeoutError:
                wait, reason = None, f"no answer within {self._endpoint.timeout:g} s"
            except openai.APIConnectionError as error:
                wait, reason = None, f"no connection ({error.__cause__ or error})"
            except (openai.OpenAIError, ValueError) as error:  # the client lets broken JSON through
                wait, reason = None, f"an answer that is not one ({error})"
            failures += 1
            tries = _PROBE_TRIES if probe else _TRIES if self.has_answered else _FIRST_TRIES
            if failures >= tries:
                raise Passing(self._endpoint.scrub(reason))
            longest = min(_FIRST_WAIT * 2**failures, _LONGEST_WAIT)
            # Jitter, not secrecy.
            await asyncio.sleep(max(wait or 0.0, uniform(0, longest)))  # noqa: S311

    async def probe(self, model: str) -> None:
        """Ask for a harmless row: what keeps it from an answer is the server or the settings."""
        await self.ask(Ask(model, _PROBE, _PROBE_SCHEMA, 0.0, 64, order=-1), probe=True)

    async def _send(self, ask: Ask, dialect: Dialect) -> Reply:
        """Send one request when its turn has come."""
        loop = asyncio.get_running_loop()
        async with self._pacer.slot(ask.order):
            started = loop.time()
            try:
                # One limit over the whole request: the client's own counts silence, not time.
                async with asyncio.timeout(self._endpoint.timeout):
                    done = await self._api.chat.completions.create(
                        model=ask.model,
                        messages=ask.messages,  # type: ignore[arg-type]
                        **dialect.parameters(ask),
                    )
            except BaseException as error:
                self._counts.failed(ask.model, loop.time() - started)
                if isinstance(error, TimeoutError):
                    import openai

                    raise openai.APITimeoutError(request=None) from None  # type: ignore[arg-type]
                raise
        self._pacer.answered()
        self._last_answer = loop.time()
        usage = getattr(done, "usage", None)
        tokens = (getattr(usage, "prompt_tokens", 0), getattr(usage, "completion_tokens", 0))
        model = str(getattr(done, "model", None) or ask.model)
        self._counts.answered(ask.model, model, tokens, loop.time() - started)
        # The client does not check shapes: anything may be missing or of another type.
        choice = next(iter(getattr(done, "choices", None) or ()), None)
        message = getattr(choice, "message", None)
        if message is None:
            return Reply("", model, False)
        self._works.add(ask.model)
        ended = getattr(choice, "finish_reason", None)
        refusal = getattr(message, "refusal", None)
        if ended == "content_filter" or refusal:
            raise Refused(self._endpoint.scrub(str(refusal or "filtered by the server")))
        content = getattr(message, "content", None)
        return Reply(content if isinstance(content, str) else "", model, ended == "length")

    def _hold_back(self, error: APIStatusError) -> None:
        """Pause everybody after a 429; stop where the account is used up or never free again."""
        told = told_by(error)
        if is_quota(told):
            said = self._endpoint.scrub(told["message"])
            raise Passing(f"the LLM account's quota is used up ({said})", stop=True) from None
        waited = asyncio.get_running_loop().time() - self._last_answer
        wait = wait_asked(error.response.headers)
        if waited + (wait or 0.0) > _REFUSED_TOO_LONG:
            raise Passing("the LLM's rate limit leaves no room (status 429)", stop=True) from None
        self._pacer.pause(wait)

    def _learn(self, ask: Ask, dialect: Dialect, error: APIStatusError) -> bool:
        """Speak another dialect from here on, if that is what a 4xx asks for."""
        told = told_by(error)
        if error.status_code not in (400, 422):
            return False
        other = dialect.without(f"{told['param']} {told['message']}")
        if other is None:
            return self._dialects.get(ask.model, Dialect()) != dialect
        self._dialects[ask.model] = other
        return True

    async def _give_up(self, ask: Ask, error: APIStatusError, *, probe: bool) -> NoReturn:
        """Raise what a 4xx means: wrong settings, or a row that this server will not have."""
        told, status = told_by(error), error.status_code
        wrong = wrong_setting(self._endpoint, ask.model, status, told["message"])
        if probe or status in (401, 403, 404):
            raise wrong from None
        if told["code"] not in _CONTENT and status != 413:
            # Before any answer a refusal may mean the settings: a harmless row tells.
            async with self._probing:
                if ask.model not in self._works:
                    await self.probe(ask.model)
        raise Refused(f"status {status}: {self._endpoint.scrub(told['message'])}") from None
