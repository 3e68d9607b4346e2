"""The log of calls: one line of JSON for each request that was sent, as soon as it has ended."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class CallLog:
    """Appends to one file; killed at any moment it lacks at most the calls still in flight.

    Fields: called_at (when it ended, UTC), endpoint, model (asked for), answered_as, task, kind
    (first, again, hedge, probe), rows, status (of HTTP, 0 = none), prompt_tokens,
    completion_tokens, cost (USD), latency (seconds), error; and, only where asked for, request and
    response.
    """

    def __init__(self, path: Path | None, *, texts: bool = False) -> None:
        """Log to `path` (None: nowhere); the file appears with the first call."""
        self._path = path
        self._texts = texts
        self._file: int | None = None
        self._lock = threading.Lock()

    def add(self, facts: Mapping[str, Any], *, request: object = None, response: str = "") -> None:
        """Write one call down. Texts are left out unless this log was told to keep them."""
        if self._path is None:
            return
        line = {"called_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), **facts}
        if self._texts:
            line |= {"request": json.dumps(request, ensure_ascii=False), "response": response}
        with self._lock:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o640)
            os.write(
                self._file, f"{json.dumps(line, ensure_ascii=False)}\n".encode(errors="replace")
            )

    def close(self) -> None:
        """Finish the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
