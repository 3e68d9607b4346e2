"""A real HTTP server on loopback that speaks Anthropic's messages API, with faults by script.

It answers by the same transformation as tests.llm_server (`corrected`), through a tool's input,
an output format or plain text, whichever the request asks for.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.llm_server import corrected

Answer = tuple[int, dict[str, str], dict[str, Any]]


def correct(row: Any) -> Any:
    """Correct a row: its text, or each of its columns."""
    if isinstance(row, dict):
        return {name: corrected(text) if text else "" for name, text in row.items()}
    return corrected(row)


@dataclass
class Manners:
    """What the server does.

    script: faults of the first requests, in order ("" = none): a status, `refusal`, `truncated`,
    `text` or `no_credit`. refuses: parameters that get a 400, each with the API's message.
    poison: texts with this word make the model refuse. row: what is answered for one row.
    """

    script: list[str] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    key: str = ""
    models: tuple[str, ...] = ()
    poison: str = ""
    most_tokens: int = 0
    retry_after: str = "0.05"
    headers: dict[str, str] = field(default_factory=dict)
    row: Callable[[Any], Any] = field(default=correct)


class AnthropicServer:
    """The server; use it as a context manager. `url` is its base URL."""

    def __init__(self, manners: Manners | None = None) -> None:
        """Start with its manners."""
        self.manners = manners or Manners()
        self.bodies: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.headers: list[dict[str, str]] = []
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        """Give how many requests came."""
        return len(self.bodies)

    def __enter__(self) -> AnthropicServer:
        """Listen on a free port."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Answer one request."""
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                sent = {name.lower(): value for name, value in self.headers.items()}
                status, extra, answer = outer._answer(self.path, sent, body)
                payload = json.dumps(answer, ensure_ascii=False).encode()
                self.send_response(status)
                for name, value in {"content-type": "application/json", **extra}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, path: str, sent: dict[str, str], body: dict[str, Any]) -> Answer:
        """Answer one request, or fail it."""
        with self._lock:
            self.bodies.append(body)
            self.headers.append(sent)
            number = len(self.bodies)
            status, extra, answer = self._judge(number, path, sent, body)
            self.statuses.append(status)
        return status, {**self.manners.headers, **extra}, answer

    def _judge(self, number: int, path: str, sent: dict[str, str], body: dict[str, Any]) -> Answer:
        """Refuse what is to be refused, else complete."""
        how = self.manners
        if path != "/v1/messages" or "anthropic-version" not in sent:
            return _error(404, "not_found_error", "Not found")
        shown = sent.get("x-api-key") or sent.get("authorization", "").removeprefix("Bearer ")
        if how.key and shown != how.key:
            return _error(401, "authentication_error", f"invalid x-api-key {shown}")
        if how.models and body["model"] not in how.models:
            return _error(404, "not_found_error", f"model: {body['model']}")
        asked = json.dumps({**body, "messages": ""})
        for word, message in how.refuses.items():
            if f'"{word}"' in asked:
                return _error(400, "invalid_request_error", message)
        if how.most_tokens and body["max_tokens"] > how.most_tokens:
            said = f"max_tokens: {body['max_tokens']} > {how.most_tokens}, which is the maximum"
            return _error(400, "invalid_request_error", said)
        fault = how.script[number - 1] if number <= len(how.script) else ""
        if fault == "no_credit":
            said = "Your credit balance is too low to access the Anthropic API."
            return _error(400, "invalid_request_error", said)
        if fault.isdigit():
            kind = {"429": "rate_limit_error", "529": "overloaded_error"}.get(fault, "api_error")
            waits = {"retry-after": how.retry_after} if fault == "429" else {}
            return int(fault), waits, _error(int(fault), kind, "not now")[2]
        return self._complete(body, fault)

    def _complete(self, body: dict[str, Any], fault: str) -> Answer:
        """Answer the rows."""
        how = self.manners
        rows = _rows_of(body)
        if fault == "refusal" or (how.poison and how.poison in json.dumps(rows)):
            return _message(body, [{"type": "text", "text": "I cannot."}], "refusal")
        answers = {number: how.row(row) for number, row in rows.items()}
        ended = "end_turn"
        if fault == "truncated":
            answers = dict(list(answers.items())[: len(answers) // 2 + 1])
            last = list(answers)[-1]
            answers[last], ended = answers[last][: len(answers[last]) - 2], "max_tokens"
        if "tools" in body and fault != "text":
            block = {"type": "tool_use", "id": "toolu_1", "name": "rows", "input": answers}
            ended = "tool_use" if ended == "end_turn" else ended
            return _message(body, [{"type": "thinking", "thinking": "hm"}, block], ended)
        text = json.dumps(answers, ensure_ascii=False)
        if fault == "truncated":
            text = text[:-2]
        return _message(body, [{"type": "text", "text": f"Here it is: {text}"}], ended)


def _rows_of(body: dict[str, Any]) -> dict[str, Any]:
    """Find the rows in the last message: the line that is a JSON object."""
    for line in body["messages"][-1]["content"].splitlines():
        if line.startswith("{"):
            rows: dict[str, Any] = json.loads(line)
            return rows
    return {}


def _message(body: dict[str, Any], blocks: list[dict[str, Any]], ended: str) -> Answer:
    """Give a message in Anthropic's shape."""
    return (
        200,
        {},
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": f"{body['model']}-20260101",
            "content": blocks,
            "stop_reason": ended,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 7,
                "cache_creation_input_tokens": 2,
                "cache_read_input_tokens": 1,
                "output_tokens": 5,
            },
        },
    )


def _error(status: int, kind: str, message: str) -> Answer:
    """Give an error in Anthropic's shape."""
    return status, {}, {"type": "error", "error": {"type": kind, "message": message}}
