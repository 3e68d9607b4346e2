"""A real HTTP server on loopback that answers as a test tells it, misbehaviour included."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked. headers: in small letters. at: seconds since the epoch, as it came in."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Reply:
    """What is answered. body: bytes, text, or anything JSON can write.

    hang: seconds before the head. cut: send only so many bytes of the body, then reset.
    drip: seconds between single bytes. raw: sent as it is, head included.
    """

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    cut: int | None = None
    drip: float = 0.0
    raw: bytes | None = None


Answer = Callable[[Request], Any]


class WebServer:
    """The server; use it as a context manager. Paths answer with what `on` was told."""

    def __init__(self) -> None:
        """Start with no path."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._answers: dict[str, Answer] = {}
        self.requests: list[Request] = []

    def on(self, path: str, answer: Answer | Any) -> str:
        """Answer at a path with a value, a Reply, or what a function makes of a Request."""
        self._answers[path] = answer if callable(answer) else lambda _: answer
        return f"{self.url}{path}"

    def script(self, path: str, *replies: Any) -> str:
        """Answer at a path with one reply after the other; the last one stays."""
        waiting = list(replies)
        return self.on(path, lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0])

    def asked(self, path: str) -> list[Request]:
        """Give the requests to a path."""
        return [request for request in self.requests if request.path == path]

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._thread.start()
        start = asyncio.start_server(self._connection, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
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
                first, *lines = head.decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines)
                    if name
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, target, _ = first.split(" ")
                parts = urlsplit(target)
                params = dict(parse_qsl(parts.query, keep_blank_values=True))
                request = Request(method, parts.path, params, headers, body, time.time())
                self.requests.append(request)
                if not await self._answer(request, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; tell whether the connection goes on."""
        known = self._answers.get(request.path)
        answer = Reply(b"no such path", 404) if known is None else known(request)
        reply = answer if isinstance(answer, Reply) else Reply(answer)
        await asyncio.sleep(reply.hang)
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        body, kind = _written(reply.body)
        headers = {"content-type": kind, "content-length": str(len(body)), **reply.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
        writer.write(f"HTTP/1.1 {reply.status} X\r\n{lines}\r\n".encode("latin-1"))
        if reply.drip:
            for byte in body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(reply.drip)
            return True
        writer.write(body if reply.cut is None else body[: reply.cut])
        await writer.drain()
        return reply.cut is None


def _written(body: Any) -> tuple[bytes, str]:
    """Give a body's bytes and content type."""
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return json.dumps(body, ensure_ascii=False).encode(), "application/json"
