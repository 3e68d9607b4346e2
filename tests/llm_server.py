"""A real HTTP server on loopback that speaks chat completions and can be told to misbehave.

Its answers follow one fixed transformation of the texts (`corrected`), so that every row of a
result can be checked. Faults are drawn by a seeded generator, request by request, or scripted.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ROW_FAULTS = ("drop", "duplicate", "reorder", "wrong_id", "merge", "empty", "swap", "extra")
TEXT_FAULTS = ("fenced", "chatty", "truncated", "malformed", "refusal", "filtered", "not_json")
HTTP_FAULTS = (
    "429",
    "429_bare",
    "500",
    "503",
    "hang",
    "reset",
    "not_chat",
    "torn",
    "html",
    "hollow",
)


def corrected(text: str) -> str:
    """Give the server's answer for one text."""
    fixed = text.replace("teh", "the").replace("조아요", "좋아요").strip()
    return fixed if fixed.endswith((".", "!", "?")) else f"{fixed}."


@dataclass
class Behaviour:
    """What the server does. All off by default.

    shares: fault -> share of requests (0..1). script: faults of the first requests, in order.
    poison: texts holding this word are refused (poison_as: 400, 500 or malformed).
    outage: requests, from which number to which, that get a 503. quota: requests until the
    account is used up. rate, burst: requests per second taken. refuses: words of parameters that
    get a 400 (response_format, temperature, max_tokens, ...). obeys: what a text makes the model
    say instead of its correction (None = nothing): a prompt injection that worked.
    """

    shares: dict[str, float] = field(default_factory=dict)
    script: list[str] = field(default_factory=list)
    seed: int = 7
    latency: float = 0.0
    retry_after: str = "0.05"
    poison: str = ""
    poison_as: str = "400"
    outage: tuple[int, int] = (0, 0)
    quota: int = 0
    rate: float = 0.0
    burst: float = 1.0
    refuses: tuple[str, ...] = ()
    key: str = ""
    models: tuple[str, ...] = ()
    bad_models: tuple[str, ...] = ()
    answers_as: str = ""
    obeys: Callable[[str], str | None] | None = None


class Dropped(Exception):
    """The connection is to be cut."""


class LlmServer:
    """The server; use it as a context manager. `url` is its base URL."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        """Start with a behaviour."""
        self.behaviour = behaviour or Behaviour()
        self.requests = 0
        self.most_at_once = 0
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.times: deque[float] = deque(maxlen=10_000)
        self.bodies: deque[dict[str, Any]] = deque(maxlen=200)
        self.texts_seen: Counter[str] = Counter()
        self._met: Counter[str] = Counter()
        self._at_once = 0
        self._random = random.Random(self.behaviour.seed)
        self._tokens, self._filled = self.behaviour.burst, 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> LlmServer:
        """Listen on a free port."""
        self._thread.start()
        start = asyncio.start_server(self._connection, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        """Cut all connections and stop."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        """Close the server and end its connections."""
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, request after request."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines[1:])
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, extra, answer = await self._answer(lines[0], headers, body)
                self.statuses[status] += 1
                raw = "x-raw" in extra
                payload = (answer if raw else json.dumps(answer, ensure_ascii=False)).encode()
                more = "".join(f"{name}: {value}\r\n" for name, value in extra.items())
                writer.write(
                    f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}"
                    f"content-length: {len(payload)}\r\n\r\n".encode() + payload
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, Dropped):
            pass
        finally:
            writer.transport.abort()

    async def _answer(
        self, line: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], Any]:
        """Answer one request: limits and refusals first, then the fault whose turn it is."""
        how = self.behaviour
        self.requests += 1
        number = self.requests
        self.times.append(self._loop.time())
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if "/chat/completions" not in line:
                return _error(404, "no such path")
            asked = json.loads(body)
            self.bodies.append(asked)
            if (refusal := self._refusal(number, headers, asked)) is not None:
                return refusal
            fault = self._fault(number, asked)
            if fault in HTTP_FAULTS:
                return await self._http_fault(fault)
            if how.latency:
                await asyncio.sleep(how.latency * self._random.uniform(0.5, 1.5))
            return self._completion(asked, fault)
        finally:
            self._at_once -= 1

    def _refusal(
        self, number: int, headers: dict[str, str], asked: dict[str, Any]
    ) -> tuple[int, dict[str, str], Any] | None:
        """Refuse what the account, the model or the parameters do not allow."""
        how = self.behaviour
        shown = headers.get("authorization", "")
        if how.key and shown != f"Bearer {how.key}":
            return _error(401, f"Incorrect API key provided: {shown}", code="invalid_api_key")
        if how.models and asked["model"] not in how.models:
            return _error(404, f"The model {asked['model']} does not exist")
        if how.outage[0] <= number < how.outage[1]:
            return _error(503, "overloaded")
        if how.quota and number > how.quota:
            return _error(429, "You exceeded your current quota", code="insufficient_quota")
        for word in how.refuses:
            if any(word in name for name in asked) or word in json.dumps(
                asked.get("response_format", {})
            ):
                hint = " Use 'max_completion_tokens' instead." if word == "max_tokens" else ""
                return _error(400, f"Unsupported parameter: '{word}'.{hint}", param=word)
        if how.rate and not self._has_room():
            return 429, {"retry-after-ms": "50"}, _error(429, "Rate limit reached")[2]
        sent = json.dumps(asked["messages"], ensure_ascii=False)
        if how.poison and how.poison in sent and how.poison_as != "malformed":
            return _error(int(how.poison_as), "this text cannot be processed")
        return None

    def _has_room(self) -> bool:
        """Take one request out of the rate limit's bucket."""
        how, now = self.behaviour, self._loop.time()
        grown = (now - self._filled) * how.rate
        self._tokens, self._filled = min(how.burst, self._tokens + grown), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _fault(self, number: int, asked: dict[str, Any]) -> str:
        """Give the fault of this request: from the script, else drawn.

        A row meets at most two faults, so that what a client must get right is certain.
        """
        how = self.behaviour
        fault = ""
        if number <= len(how.script):
            fault = how.script[number - 1]
        elif how.shares:
            draw = self._random.random()
            for name, share in how.shares.items():
                draw -= share
                if draw < 0:
                    fault = name
                    break
        texts = [str(value) for value in _rows_of(asked).values()]
        if not fault or any(self._met[text] >= 2 for text in texts):
            return ""
        self._met.update(texts)
        self.faults[fault] += 1
        return fault

    async def _http_fault(self, fault: str) -> tuple[int, dict[str, str], Any]:
        """Fail below the protocol."""
        if fault == "429":
            headers = {"retry-after": self.behaviour.retry_after}
            return 429, headers, _error(429, "Rate limit reached")[2]
        if fault == "429_bare":
            return _error(429, "Rate limit reached")
        if fault == "not_chat":
            return 200, {}, {"hello": "world"}
        if fault == "hollow":
            return 200, {}, {"model": 5, "usage": None, "choices": [{"message": None}]}
        if fault == "torn":
            return 200, {"x-raw": "1"}, '{"id": "chatcmpl-1", "choices": [{"ind'
        if fault == "html":
            return 502, {"x-raw": "1"}, "<html>Bad gateway</html>"
        if fault == "hang":
            await asyncio.sleep(3_600)
        if fault == "reset":
            raise Dropped
        return _error(int(fault), "server error")

    def _completion(self, asked: dict[str, Any], fault: str) -> tuple[int, dict[str, str], Any]:
        """Answer the rows, with a fault in the text if it is time for one."""
        how = self.behaviour
        rows = _rows_of(asked)
        for value in rows.values():
            for text in value.values() if isinstance(value, dict) else [value]:
                self.texts_seen[text] += 1
        pairs = [(number, _correct(value, how.obeys)) for number, value in rows.items()]
        finish, refusal = "stop", ""
        if fault in ROW_FAULTS:
            pairs = _damage(pairs, fault, self._random)
        content = _object(pairs)
        if how.poison and any(how.poison in str(value) for value in rows.values()):
            content = content[: len(content) // 3]
        if asked["model"] in how.bad_models:
            content = _object([(number, "") for number, _ in pairs])
        if fault in TEXT_FAULTS:
            content, finish, refusal = _spoil(content, fault)
        message = {"role": "assistant", "content": content, "refusal": refusal or None}
        return (
            200,
            {},
            {
                "id": f"chatcmpl-{self.requests}",
                "object": "chat.completion",
                "created": 0,
                "model": how.answers_as or asked["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": finish}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            },
        )


def _spoil(content: str, fault: str) -> tuple[str, str, str]:
    """Spoil an answer as a text; give it with the reason it ended and a refusal."""
    sorry = "I'm sorry, but I can't help with that."
    return {
        "fenced": (f"```json\n{content}\n```", "stop", ""),
        "chatty": (f"Here are the corrected rows:\n{content}\nAnything else?", "stop", ""),
        "truncated": (content[: len(content) // 2], "length", ""),
        "malformed": (content.replace('": ', '" ', 1), "stop", ""),
        "not_json": (sorry, "stop", ""),
        "refusal": ("", "stop", sorry),
        "filtered": ("", "content_filter", ""),
    }[fault]


def _error(
    status: int, message: str, code: str = "", param: str = ""
) -> tuple[int, dict[str, str], Any]:
    """Give an error in OpenAI's shape."""
    told = {"message": message, "type": code or "error", "code": code or None, "param": param}
    return status, {}, {"error": told}


def _rows_of(asked: dict[str, Any]) -> dict[str, Any]:
    """Find the rows in the user's message: the line that is a JSON object."""
    for line in asked["messages"][-1]["content"].splitlines():
        if line.startswith("{"):
            rows: dict[str, Any] = json.loads(line)
            return rows
    return {}


def _correct(value: Any, obeys: Callable[[str], str | None] | None) -> Any:
    """Correct a row: its text, or each of its columns; or say what a text makes the model say."""
    if isinstance(value, dict):
        return {name: _correct(text, obeys) if text else "" for name, text in value.items()}
    told = obeys(value) if obeys else None
    return corrected(value) if told is None else told


def _object(pairs: list[tuple[str, Any]]) -> str:
    """Write an object as JSON, also one whose names repeat."""
    inner = (
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in pairs
    )
    return "{" + ", ".join(inner) + "}"


def _damage(pairs: list[tuple[str, Any]], fault: str, draw: random.Random) -> list[tuple[str, Any]]:
    """Break the order, the numbers or the texts of some rows."""
    pairs = list(pairs)
    at = draw.randrange(len(pairs))
    other = (at + 1) % len(pairs)
    number, value = pairs[at]
    if fault == "drop":
        del pairs[at]
    elif fault == "duplicate":
        pairs.append((number, pairs[other][1]))
    elif fault == "reorder":
        draw.shuffle(pairs)
    elif fault == "wrong_id":
        pairs[at] = (str(len(pairs) + 90), value)
    elif fault == "merge" and at != other and isinstance(value, str):
        pairs[at] = (number, f"{value} {pairs[other][1]}")
        del pairs[other]
    elif fault == "empty":
        pairs[at] = (number, "" if isinstance(value, str) else dict.fromkeys(value, ""))
    elif fault == "swap":
        pairs[at], pairs[other] = (number, pairs[other][1]), (pairs[other][0], value)
    elif fault == "extra":
        pairs.append((str(len(pairs) + 1), "a row that nobody sent"))
    return pairs
