"""Places that alerts reach: a real SMTP server and a real HTTP endpoint on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """Keeps the messages that an SMTP server takes."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.to: list[list[str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a message (the name is aiosmtpd's)."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.to.append(list(envelope.rcpt_tos))
        return "250 OK"

    @property
    def texts(self) -> list[str]:
        """Give each message's text."""
        bodies = [message.get_body(("plain", "html")) for message in self.messages]
        return [str(body.get_content()) for body in bodies if body is not None]


@contextmanager
def mail_server() -> Iterator[tuple[str, Mailbox]]:
    """Run an SMTP server; give its address as a connection's URL, and its mailbox."""
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"mailto://127.0.0.1:{port}?from=dataops@example.org&to=team@example.org", box
    finally:
        controller.stop()


class Hook:
    """Keeps what an HTTP endpoint is sent; answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.sent: list[dict[str, Any]] = []
        self.url = ""

    @property
    def titles(self) -> list[str]:
        """Give the messages' titles."""
        return [str(one["title"]) for one in self.sent]


@contextmanager
def hook() -> Iterator[Hook]:
    """Run an HTTP endpoint that takes messages as JSON."""
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if found.status == 200:
                found.sent.append(json.loads(body))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"json://user:hook-secret@127.0.0.1:{server.server_address[1]}/very-secret-path"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
