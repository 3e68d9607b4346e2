"""The wire: one request at a time, over connections that go to checked addresses only.

No cookies, no redirects, no proxies from the environment: a proxy would look names up itself, so
nothing could be checked. TLS is verified against the name, with the system's certificates.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpcore2
import httpx2

from resources.addresses import shown
from resources.errors import SourceError
from resources.sources.web.gate import Gate

CONNECT: Final = 10.0
"""Seconds until a connection has to stand."""


class NoAnswer(Exception):
    """There was no answer, or not all of it, and the cause may pass."""


class Clock:
    """How long the answer under way may still take, and how long the server may be silent."""

    def __init__(self) -> None:
        """Start without a limit."""
        self.until = float("inf")
        self.silence = 30.0

    def left(self, most: float | None = None) -> float:
        """Give the seconds that one step may take; raises NoAnswer where none are left."""
        rest = self.until - time.monotonic()
        if rest <= 0:
            raise NoAnswer("the answer took too long")
        return min(rest, self.silence if most is None else most)


class _Stream(httpcore2.NetworkStream):
    """A connection that knows the time: each step gets what is left of it."""

    def __init__(self, inner: httpcore2.NetworkStream, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._inner.read(max_bytes, self._clock.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._inner.write(buffer, self._clock.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        left = self._clock.left(CONNECT)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Connects to an address that the gate has just checked, and to no other."""

    def __init__(self, clock: Clock) -> None:
        self.gate = Gate()
        self._clock = clock
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        failed: Exception = NoAnswer(f"{host} has no address")
        for address in self.gate.addresses(host, port):
            left = self._clock.left(CONNECT)
            try:
                stream = self._inner.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
                continue
            return _Stream(stream, self._clock)
        raise failed


@dataclass(frozen=True, slots=True)
class Head:
    """An answer's beginning, and its body as it comes. headers: in small letters."""

    status: int
    headers: Mapping[str, str]
    body: Iterator[bytes]


class Wire:
    """Sends requests. `clock` says how long the one under way may take."""

    def __init__(self, gate: Gate) -> None:
        """Prepare; nothing is connected yet."""
        self.gate = gate
        self.clock = Clock()
        self._backend = _Backend(self.clock)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=4,
            keepalive_expiry=5.0,
            network_backend=self._backend,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    @contextmanager
    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes = b"",
        *,
        outside: bool = False,
    ) -> Iterator[Head]:
        """Send one request; raises NoAnswer, or what the gate says of its address.

        outside: only to the open internet, whatever the setting allows.
        """
        gate = self._backend.gate = Gate() if outside else self.gate
        gate.check(url)
        try:
            request = httpx2.Request(method, url, headers=headers, content=content or None)
        except httpx2.InvalidURL:
            raise SourceError(
                f"{shown(url)} is no web address", "write it like https://host/path"
            ) from None
        target = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        with (
            _said_plainly(url),
            self._pool.stream(
                method, target, headers=request.headers.raw, content=content or None
            ) as answer,
        ):
            named: dict[str, str] = {}
            for name, value in answer.headers:
                key, text = name.decode("latin-1").lower(), value.decode("latin-1")
                named[key] = f"{named[key]}, {text}" if key in named else text
            yield Head(answer.status, named, answer.iter_stream())


@contextmanager
def _said_plainly(url: str) -> Iterator[None]:
    """Turn what can happen on a wire into NoAnswer; a wrong certificate stays wrong."""
    try:
        yield
    except httpcore2.ConnectTimeout:
        raise NoAnswer(f"no connection within {CONNECT:g} s{_proxy()}") from None
    except httpcore2.TimeoutException:
        raise NoAnswer("the server fell silent") from None
    except httpcore2.ConnectError as error:
        wrong = error.args[0] if error.args else None
        if isinstance(wrong, ssl.SSLCertVerificationError):
            raise SourceError(
                f"{shown(url)} cannot prove who it is ({wrong.verify_message})",
                "correct the address; for a certificate authority of your own set SSL_CERT_FILE",
            ) from None
        raise NoAnswer(f"no connection ({_brief(error)}){_proxy()}") from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise NoAnswer(f"the connection broke ({_brief(error)})") from None
    except OSError as error:
        raise NoAnswer(f"the connection broke ({_brief(error)})") from None


def _proxy() -> str:
    """Say that a proxy is set but not used, where one is."""
    names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
    found = [name for name in names if os.environ.get(name) or os.environ.get(name.lower())]
    return f"; {found[0]} is set, but sources do not use proxies" if found else ""


def _brief(error: Exception) -> str:
    """Give an error's text in one short line."""
    return " ".join(str(error).split())[:160] or type(error).__name__
