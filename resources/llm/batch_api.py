"""The OpenAI Batch API: files up and down, batches begun, found and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import IO, Any, Final, TypeVar

from resources.errors import DataOpsError, SettingError, TransientError
from resources.llm.batch_lines import CHAT
from resources.llm.endpoint import Endpoint
from resources.llm.failures import (
    Limited,
    Passing,
    is_quota,
    told_by,
    wait_asked,
    wrong_setting,
)
from resources.llm.openai_chat import OpenAIChat

T = TypeVar("T")

ENDED: Final = ("completed", "failed", "expired", "cancelled")
_MARK: Final = "dataops"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
_STARTING: Final = 3
_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the server tells of it. files: of its answers; problems: code and message."""

    name: str
    status: str
    files: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()


class BatchApi:
    """Speaks to one endpoint; what passes is tried again, for as long as an outage may last.

    Raises SettingError for what cannot work, TransientError for a server that never answered, and
    Passing with `stop` for one that has ceased to.
    """

    def __init__(self, chat: OpenAIChat, endpoint: Endpoint, model: str) -> None:
        """Use the connections of `chat`; `model` is named in errors."""
        self.chat, self.poll = chat, endpoint.batch_poll
        self._client = chat.client
        self._endpoint, self._model = endpoint, model
        self._answered = False

    async def upload(self, file: IO[bytes]) -> str:
        """Send a file of requests; give its name there."""

        async def send() -> str:
            """Send it once, from its start."""
            file.seek(0)
            made = await self._client.files.create(file=("batch.jsonl", file), purpose="batch")
            return str(made.id)

        return await self._insist(send)

    async def create(self, file: str, mark: str, task: str) -> Batch:
        """Begin a batch, once: one whose answer got lost is found by its mark."""
        body = {
            "input_file_id": file,
            "endpoint": CHAT,
            "completion_window": "24h",
            "metadata": {_MARK: mark, "task": task[:500]},
        }
        unsure = False

        async def begin() -> Batch:
            """Begin it, unless it was already."""
            nonlocal unsure
            if unsure and (found := await self._find(mark)) is not None:
                return found
            unsure = True
            return _batch(await self._json("POST", "/batches", body))

        return await self._insist(begin)

    async def find(self, mark: str) -> Batch | None:
        """Give the batch with this mark, if there is one."""
        return await self._insist(lambda: self._find(mark))

    async def look(self, name: str) -> Batch | None:
        """Give how a batch stands; None where nobody knows it (any more)."""
        return await self._insist(lambda: self._known(self._look(name)))

    async def download(self, name: str, into: IO[bytes]) -> None:
        """Fetch a file of answers; one that is gone is empty."""

        async def fetch() -> None:
            """Fetch it once, from its start."""
            into.seek(0)
            into.truncate()
            content = self._client.files.with_streaming_response.content(name)
            async with content as answer:
                async for part in answer.iter_bytes(1 << 16):
                    into.write(part)

        await self._insist(lambda: self._known(fetch()))

    async def _look(self, name: str) -> Batch:
        """Ask for a batch once."""
        return _batch(await self._json("GET", f"/batches/{name}"))

    async def _find(self, mark: str) -> Batch | None:
        """Look for a mark among the newest thousand batches."""
        after = ""
        for _ in range(_PAGES):
            page = await self._json("GET", f"/batches?limit=100{after}")
            found = [one for one in _list(page.get("data")) if isinstance(one, dict)]
            for one in found:
                if _dict(one.get("metadata")).get(_MARK) == mark:
                    return _batch(one)
            if not found or page.get("has_more") is not True:
                break
            after = f"&after={found[-1].get('id')}"
        return None

    async def _known(self, call: Awaitable[T]) -> T | None:
        """Give None where the server does not know what it is asked for."""
        import openai

        try:
            return await call
        except openai.NotFoundError:
            return None

    async def _json(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask once for an object."""
        import httpx2

        async with asyncio.timeout(self._endpoint.timeout):
            if method == "GET":
                answer = await self._client.get(path, cast_to=httpx2.Response)
            else:
                answer = await self._client.post(path, cast_to=httpx2.Response, body=body)
        return _dict(answer.json())

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call until it is answered, with growing pauses."""
        loop = asyncio.get_running_loop()
        since, failures = loop.time(), 0
        while True:
            try:
                result = await self._once(call)
            except (Passing, Limited) as failure:
                failures += 1
                out = loop.time() - since
                if isinstance(failure, Passing) and failure.stop:
                    raise
                if not self._answered and failures >= _STARTING:
                    raise TransientError(
                        f"the LLM at {self._endpoint.shown} gives no answer: {failure}",
                        "check DATAOPS_LLM_BASE_URL and the network, or try again later",
                        url=self._endpoint.shown,
                    ) from None
                if out > self._endpoint.patience:
                    said = f"the LLM has been out of reach for {out:,.0f} s ({failure})"
                    raise Passing(said, stop=True) from None
                pause = min(_FIRST_PAUSE * 2 ** (failures - 1), _LONGEST_PAUSE)
                await asyncio.sleep(max(failure.wait or 0.0, pause))
            else:
                self._answered = True
                return result

    async def _once(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call, and say what it means when it fails."""
        import httpx2
        import openai

        try:
            return await call()
        except openai.APIStatusError as error:
            raise self._meaning(error) from None
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException):
            raise Passing("no answer in time") from None
        except openai.APIConnectionError as error:
            said = self._endpoint.scrub(str(error.__cause__ or error))
            raise Passing(f"no connection ({said})") from None
        except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
            said = self._endpoint.scrub(str(error))
            raise Passing(f"an answer that is not one ({said})") from None

    def _meaning(self, error: Any) -> Exception:
        """Give what a status other than 2xx means."""
        told, status = told_by(error), error.status_code
        said = self._endpoint.scrub(told["message"])
        if status == 402 or (status == 429 and is_quota(told)):
            return Passing(f"the LLM account's quota is used up ({said})", stop=True)
        if status == 429:
            return Limited(said or "too many requests", wait_asked(error.response.headers))
        if status >= 500 and status != 501:
            return Passing(f"status {status}: {said}", wait=wait_asked(error.response.headers))
        if status in (408, 409):
            return Passing(f"status {status}: {said}")
        if status in (404, 405, 501):
            return self._no_batches(said)
        return wrong_setting(self._endpoint, self._model, status, told["message"])

    def _no_batches(self, said: str) -> DataOpsError:
        """Say that this server takes no batches."""
        return SettingError(
            f"the LLM at {self._endpoint.shown} has no Batch API ({said})",
            "use `engine: openai` in the task, or correct DATAOPS_LLM_BASE_URL",
            url=self._endpoint.shown,
        )


def _batch(told: dict[str, Any]) -> Batch:
    """Read what a server says of a batch."""
    if not isinstance(told.get("id"), str):
        raise ValueError("a batch without a name")
    files = (told.get("output_file_id"), told.get("error_file_id"))
    problems = [_dict(one) for one in _list(_dict(told.get("errors")).get("data"))]
    return Batch(
        told["id"],
        str(told.get("status")),
        tuple(name for name in files if isinstance(name, str) and name),
        tuple((str(one.get("code") or ""), str(one.get("message") or "")) for one in problems),
    )


def _dict(value: object) -> dict[str, Any]:
    """Read an object; anything else is one without names."""
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    """Read a list; anything else is an empty one."""
    return value if isinstance(value, list) else []
