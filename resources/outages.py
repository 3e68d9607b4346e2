"""Outages: a service that is away for a while costs a wait, not the work that needs it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Final, TypeVar

_RECORD: Final = logging.getLogger("dataops.record")
_LONGEST_PAUSE: Final = 10.0
# What clients of databases say of a server that is away, starting, stopping or full, as opposed to
# one that refuses who asks.
_AWAY: Final = re.compile(
    "connection refused|could not connect|connection (?:timed out|reset|to server .* closed)|"
    "timeout expired|server closed the connection|closed unexpectedly|starting up|shutting down|"
    "shutdown|recovery mode|terminating connection|too many (?:clients|connections)|"
    "remaining connection slots|could not translate host name|name resolution|"
    "no route to host|network is unreachable|no such file or directory|broken pipe|"
    "could not (?:receive|send) data|ssl syscall|ssl connection has been closed|"
    "not yet accepting connections|connection already closed|database is locked|host is down",
    re.IGNORECASE,
)
_Answer = TypeVar("_Answer")


def is_outage(message: str) -> bool:
    """Tell by what a database's client says whether the server is merely away."""
    return _AWAY.search(message) is not None


def outlast(
    work: Callable[[], _Answer],
    passes: Callable[[Exception], bool],
    seconds: float,
    what: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> _Answer:
    """Do it again while what goes wrong may pass, for so many seconds; then raise what went wrong.

    what: who is waited for, as the log says it.
    """
    began, pause = clock(), 0.2
    told = False
    while True:
        try:
            answer = work()
        except Exception as error:
            left = began + seconds - clock()
            if left <= 0 or not passes(error):
                raise
            if not told:
                _RECORD.warning("%s does not answer; waiting for it, at most %.0f s", what, seconds)
                told = True
            sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            if told:
                _RECORD.warning("%s answers again, after %.0f s", what, clock() - began)
            return answer
