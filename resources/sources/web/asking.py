"""Asking: one request and its answer, in its turn, within its time, written down in the log."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from resources.addresses import shown
from resources.errors import SourceError
from resources.llm.calls import CallLog
from resources.llm.failures import wait_asked
from resources.sources.web.body import PACKED, unpacked
from resources.sources.web.cache import AnswerCache, Kept
from resources.sources.web.failures import Passing, refused
from resources.sources.web.options import Limits
from resources.sources.web.secret import Secrets
from resources.sources.web.urls import joined
from resources.sources.web.wire import Head, NoAnswer, Wire

COMMON: Final = {"user-agent": "dataops", "accept": "*/*", "accept-encoding": PACKED}
"""Headers that anybody may see."""
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_TOKEN_BYTES: Final = 1 << 20
_LOGGED: Final = ("method", "url", "kind", "attempt", "status", "bytes")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. place: its address as it may be shown; digest: of its bytes."""

    url: str
    place: str
    status: int
    headers: Mapping[str, str]
    body: Path
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent where. attempt: which try of it this is; kept: the answer of another time.

    outside: only to the open internet, whatever the setting allows.
    """

    url: str
    headers: Mapping[str, str]
    attempt: int = 1
    kept: Kept | None = None
    outside: bool = False


@dataclass(slots=True)
class _Call:
    """One request for the log."""

    method: str
    url: str
    attempt: int
    kind: str = "page"
    status: int = 0
    bytes: int = 0
    error: str = ""
    started: float = field(default_factory=time.monotonic)


class Asker:
    """Sends the requests of one collection, one after the other."""

    def __init__(
        self,
        wire: Wire,
        *,
        rate: float,
        limits: Limits,
        cache: AnswerCache,
        calls: CallLog,
        secrets: Secrets,
    ) -> None:
        """Send over `wire`, at most `rate` requests per second."""
        self._wire, self._gap, self._limits = wire, 1.0 / rate, limits
        self._cache, self._calls, self._secrets = cache, calls, secrets
        self._next_turn = 0.0
        self._total = 0
        self.ends = time.monotonic() + limits.seconds

    def place(self, url: str) -> str:
        """Give an address as it may be shown."""
        return self._secrets.scrub(shown(url))

    def is_inside(self, url: str) -> bool:
        """Tell whether only the project's setting allows an address."""
        return self._wire.gate.is_inside(url)

    def check_time(self, url: str) -> None:
        """Stop a collection that takes longer than it may."""
        if time.monotonic() >= self.ends:
            raise SourceError(
                f"{self.place(url)}: the collection took more than {self._limits.seconds:g} s",
                "ask for less (params=), or raise limits={'seconds': ...}",
            )

    def get(self, request: Request, into: Path, setting: str) -> Answer | str:
        """Send a request; give its answer, in the file `into`, or the address it is sent on to.

        setting: what lets us in, for errors. Raises Passing, or SourceError for what stays wrong.
        """
        kept = request.kept
        headers = {**request.headers, **(kept.conditions() if kept is not None else {})}
        with self._logged("GET", request.url, request.attempt) as call:
            outside = request.outside
            with self._wire.send("GET", request.url, headers, outside=outside) as head:
                call.status = head.status
                if head.status in _REDIRECTS:
                    return self._redirect(head, request.url)
                if not (head.status == 304 and kept is not None):
                    if not 200 <= head.status < 300 or head.status == 206:
                        raise self._failure(request.url, head, setting)
                    return self._save(request.url, head, into, call)
            call.kind = "unchanged"
            if self._cache.take(kept, into):
                return self._unchanged(request.url, kept, into)
        # What was kept is damaged.
        return self.get(replace(request, kept=None), into, setting)

    def post_form(self, url: str, headers: Mapping[str, str], form: bytes, attempt: int) -> bytes:
        """Post a form for a token; it goes to that address and nowhere else."""
        with self._logged("POST", url, attempt) as call:
            call.kind = "token"
            with self._wire.send("POST", url, {**COMMON, **headers}, form) as head:
                call.status = head.status
                if head.status == 200:
                    packing = head.headers.get("content-encoding", "")
                    body = b"".join(unpacked(head.body, packing, _TOKEN_BYTES, self.place(url)))
                    call.bytes = len(body)
                    return body
                failure = self._failure(url, head, "")
            if isinstance(failure, Passing) and failure.status != 401:
                raise failure
            raise refused(
                self.place(url),
                401 if call.status in (400, 401) else call.status,
                f"status {call.status}, no token",
                "correct the secrets that auth.client_id and auth.client_secret name",
            )

    def _save(self, url: str, head: Head, into: Path, call: _Call) -> Answer:
        """Write an answer's body to its file."""
        place = self.place(url)
        left = self._limits.total_mb * 1e6 - self._total
        most = int(max(min(self._limits.answer_mb * 1e6, left), 0))
        digest = hashlib.sha256()
        packing = head.headers.get("content-encoding", "")
        handle = os.open(into, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o640)
        with os.fdopen(handle, "wb") as file:
            for piece in unpacked(head.body, packing, most, place):
                digest.update(piece)
                file.write(piece)
                call.bytes += len(piece)
        self._total += call.bytes
        return Answer(url, place, head.status, head.headers, into, call.bytes, digest.hexdigest())

    def _unchanged(self, url: str, kept: Kept, into: Path) -> Answer:
        """Give the answer that was kept."""
        size = into.stat().st_size
        self._total += size
        return Answer(url, self.place(url), 304, kept.headers, into, size, kept.checksum)

    def _redirect(self, head: Head, url: str) -> str:
        """Give the address that an answer sends us on to."""
        to = head.headers.get("location", "")
        if not to:
            raise SourceError(
                f"{self.place(url)} sends on (status {head.status}), but not where to",
                "declare the address that has the data",
            )
        found = joined(url, to, self.place(url))
        if urlsplit(url).scheme == "https" and urlsplit(found).scheme != "https":
            raise SourceError(
                f"{self.place(url)} sends on to {self.place(found)}, which is not encrypted",
                "declare an https address that has the data",
            )
        return found

    def _failure(self, url: str, head: Head, setting: str) -> Exception:
        """Give what an answer that is none means."""
        said, status = "", head.status
        with suppress(NoAnswer, SourceError):
            packing = head.headers.get("content-encoding", "")
            for piece in unpacked(head.body, packing, 100_000, ""):
                said += piece.decode("utf-8", "replace")
                if len(said) > 2_000:
                    break
        said = " ".join(self._secrets.scrub(said).split())[:200]
        said = f"status {status}" + (f": {said}" if said else "")
        if status in (401, 408, 425, 429) or (status >= 500 and status not in (501, 505)):
            return Passing(said, status=status, wait=wait_asked(head.headers))
        return refused(self.place(url), status, said, setting)

    @contextmanager
    def _logged(self, method: str, url: str, attempt: int) -> Iterator[_Call]:
        """Wait for the next turn, start the clock, and write down what came of it."""
        self.check_time(url)
        now = time.monotonic()
        if now < self._next_turn:
            time.sleep(self._next_turn - now)
        self._next_turn = max(now, self._next_turn) + self._gap
        self._wire.clock.until = self.ends
        self._wire.clock.silence = self._limits.silence
        call = _Call(method, self.place(url), attempt)
        try:
            yield call
        except NoAnswer as error:
            call.error = self._secrets.scrub(str(error))
            raise Passing(call.error, status=0) from None
        except Exception as error:
            call.error = self._secrets.scrub(str(error))[:300]
            raise
        finally:
            seconds = round(time.monotonic() - call.started, 4)
            facts = {name: getattr(call, name) for name in _LOGGED}
            self._calls.add({**facts, "seconds": seconds, "error": call.error})
