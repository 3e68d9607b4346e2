"""The server itself: HTTP on loopback, limits, refusals and faults, and the answers."""

from __future__ import annotations

import asyncio
import json
import math
import random
import threading
from collections import Counter, deque
from typing import Any, Self

from tests.llm_server.answers import (
    answer,
    as_object,
    damage,
    row_schema,
    rows_of,
    spoil,
    token_count,
)
from tests.llm_server.behaviour import HTTP_FAULTS, ROW_FAULTS, TEXT_FAULTS, Behaviour
from tests.llm_server.limits import Bucket

Response = tuple[int, dict[str, str], Any]


class Dropped(Exception):
    """The connection is to be cut."""


class LlmServer:
    """The server; use it as a context manager. `url` is its base URL."""

    def __init__(self, behaviour: Behaviour | None = None, *, port: int = 0) -> None:
        """Start with a behaviour."""
        self._port = port
        self._at_once = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.reset(behaviour or Behaviour())

    def reset(self, behaviour: Behaviour) -> None:
        """Behave like this from here on, and count from nothing."""
        self._behaviour = behaviour
        self.requests = 0
        self.most_at_once = 0
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.times: deque[float] = deque(maxlen=100_000)
        self.bodies: deque[dict[str, Any]] = deque(maxlen=200)
        self.lines: deque[str] = deque(maxlen=200)
        self.texts_seen: Counter[str] = Counter()
        self.used: Counter[str] = Counter()
        self._answered: deque[float] = deque(maxlen=1_000)
        self._met: Counter[str] = Counter()
        self._begin(behaviour)

    @property
    def behaviour(self) -> Behaviour:
        """Give what the server does."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        """Behave like this from here on; what was counted stays."""
        self._behaviour = behaviour
        self._begin(behaviour)

    def _begin(self, how: Behaviour) -> None:
        """Fill the buckets and start the dice anew."""
        self._random = random.Random(how.seed)
        self._first = 0.0
        self._buckets: dict[str, Bucket] = {}
        if how.rate:
            self._buckets["requests"] = Bucket(how.rate, how.burst)
        if how.tokens_per_minute:
            self._buckets["tokens"] = Bucket(how.tokens_per_minute / 60, how.tokens_per_minute)

    def __enter__(self) -> Self:
        """Listen on its port, or a free one."""
        self._thread.start()
        start = asyncio.start_server(self._connection, "127.0.0.1", self._port, backlog=1_024)
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
                status, extra, said = await self._respond(lines[0], headers, body)
                raw = "x-raw" in extra
                payload = (said if raw else json.dumps(said, ensure_ascii=False)).encode()
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

    async def _respond(self, line: str, headers: dict[str, str], body: bytes) -> Response:
        """Answer one request, of whatever kind."""
        if line.startswith("GET /stats"):
            return 200, {}, self.stats()
        if line.startswith("POST /reset"):
            self.reset(Behaviour(**json.loads(body)))
            return 200, {}, {}
        self.lines.append(line)
        if "/chat/completions" not in line:
            return _error(404, "no such path")
        self.requests += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            status, extra, said = await self._chat(self.requests, headers, json.loads(body))
        finally:
            self._at_once -= 1
        self.statuses[status] += 1
        self._answered.append(self._loop.time())
        if self.behaviour.told:
            for what, bucket in self._buckets.items():
                extra = {**bucket.headers(what), **extra}
        return status, extra, said

    def stats(self) -> dict[str, Any]:
        """Give what was counted."""
        return {
            "requests": self.requests,
            "statuses": dict(self.statuses),
            "faults": dict(self.faults),
            "most_at_once": self.most_at_once,
            "tokens": sum(self.used.values()),
            "at_once": self._at_once,
            "just_answered": sum(self._loop.time() - at < 0.1 for at in self._answered),
            "seconds": self.times[-1] - self.times[0] if self.times else 0.0,
            "distinct_texts": len(self.texts_seen),
            "answers": sum(self.texts_seen.values()),
        }

    async def _chat(self, number: int, headers: dict[str, str], asked: dict[str, Any]) -> Response:
        """Answer a chat: limits and refusals first, then the fault whose turn it is."""
        now = self._loop.time()
        self._first = self._first or now
        self.times.append(now)
        self.bodies.append(asked)
        if (refusal := self._refusal(number, headers, asked)) is not None:
            return refusal
        refusing = self.behaviour.refusing
        if refusing is not None and (told := refusing(number, asked)) is not None:
            return told[0], {"x-raw": "1"} if isinstance(told[1], str) else {}, told[1]
        rows = rows_of(asked)
        fault = self._fault(number, rows)
        if fault in HTTP_FAULTS and fault != "hang":
            return self._http_fault(fault)
        await asyncio.sleep(self.behaviour.hang_seconds if fault == "hang" else self._latency())
        return self._completion(asked, rows, fault)

    def _latency(self) -> float:
        """Draw how long this answer takes."""
        how = self.behaviour
        if how.sigma:
            median = math.log(how.latency) - how.sigma**2 / 2
            return self._random.lognormvariate(median, how.sigma)
        return how.latency * self._random.uniform(0.5, 1.5)

    def _refusal(
        self, number: int, headers: dict[str, str], asked: dict[str, Any]
    ) -> Response | None:
        """Refuse what the account, the model or the parameters do not allow."""
        how = self.behaviour
        shown = headers.get("authorization", "")
        if how.key and shown != f"Bearer {how.key}":
            return _error(401, f"Incorrect API key provided: {shown}", code="invalid_api_key")
        if how.models and asked["model"] not in how.models:
            return _error(404, f"The model {asked['model']} does not exist")
        if self._is_out(number):
            return _error(503, "overloaded")
        if how.quota and number > how.quota:
            return _error(429, "You exceeded your current quota", code="insufficient_quota")
        for word in how.refuses:
            if any(word in name for name in asked) or word in json.dumps(
                asked.get("response_format", {})
            ):
                hint = " Use 'max_completion_tokens' instead." if word == "max_tokens" else ""
                return _error(400, f"Unsupported parameter: '{word}'.{hint}", param=word)
        sent = json.dumps(asked["messages"], ensure_ascii=False) if how.poison else ""
        if not self._has_room(asked):
            return self._http_fault("429")
        if how.poison and how.poison in sent and how.poison_as != "malformed":
            return _error(int(how.poison_as), "this text cannot be processed")
        return None

    def _is_out(self, number: int) -> bool:
        """Tell whether this request falls into an outage."""
        how, since = self.behaviour, self._loop.time() - self._first
        by_time = how.outage_at <= since < how.outage_at + how.outage_seconds
        return how.outage[0] <= number < how.outage[1] or by_time

    def _has_room(self, asked: dict[str, Any]) -> bool:
        """Take one request, and its tokens, out of the buckets."""
        now = self._loop.time()
        if "requests" in self._buckets and not self._buckets["requests"].take(1, now):
            return False
        if "tokens" not in self._buckets:
            return True
        return self._buckets["tokens"].take(2 * prompt_tokens(asked), now)

    def _fault(self, number: int, rows: dict[str, Any]) -> str:
        """Give the fault of this request: from the script, else drawn."""
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
        if not fault:
            return ""
        texts = [str(value) for value in rows.values()]
        if any(self._met[text] >= how.faults_a_row for text in texts):
            return ""
        self._met.update(texts)
        self.faults[fault] += 1
        return fault

    def _http_fault(self, fault: str) -> Response:
        """Fail below the protocol."""
        if fault == "429":
            asks = self.behaviour.retry_after
            return 429, {"retry-after": asks} if asks else {}, _error(429, "Rate limit reached")[2]
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
        if fault == "reset":
            raise Dropped
        return _error(int(fault), "server error")

    def _completion(self, asked: dict[str, Any], rows: dict[str, Any], fault: str) -> Response:
        """Answer the rows, with a fault in the text if it is time for one."""
        how = self.behaviour
        for value in rows.values():
            for text in value.values() if isinstance(value, dict) else [value]:
                self.texts_seen[text] += 1
        schema = row_schema(asked)
        pairs = [(number, answer(value, schema, how.obeys)) for number, value in rows.items()]
        finish, refusal = "stop", ""
        if fault in ROW_FAULTS:
            pairs = damage(pairs, fault, self._random)
        content = as_object(pairs)
        if how.poison and any(how.poison in str(value) for value in rows.values()):
            content = content[: len(content) // 3]
        if asked["model"] in how.bad_models:
            content = as_object([(number, "") for number, _ in pairs])
        if fault in TEXT_FAULTS:
            content, finish, refusal = spoil(content, fault)
        message = {"role": "assistant", "content": content, "refusal": refusal or None}
        used = {"prompt_tokens": prompt_tokens(asked), "completion_tokens": token_count(content)}
        self.used.update(used)
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish}
        if how.saying is not None:
            choice |= how.saying(asked, content)
            used |= choice.pop("usage", {})
        return (
            200,
            {},
            {
                "id": f"chatcmpl-{self.requests}",
                "object": "chat.completion",
                "created": 0,
                "model": how.answers_as or asked["model"],
                "choices": [choice],
                "usage": used,
            },
        )


def prompt_tokens(asked: dict[str, Any]) -> int:
    """Count what was asked: the messages and the schema."""
    said = sum(token_count(message["content"]) + 4 for message in asked["messages"])
    shape = asked.get("response_format")
    return said + (len(json.dumps(shape)) // 4 if shape else 0)


def _error(status: int, message: str, code: str = "", param: str = "") -> Response:
    """Give an error in OpenAI's shape."""
    told = {"message": message, "type": code or "error", "code": code or None, "param": param}
    return status, {}, {"error": told}
