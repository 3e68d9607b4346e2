"""Structured logs: one JSON object a line, one file an attempt; the same lines go to Airflow."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

LOGGER: Final = logging.getLogger("dataops")
LOGGER.setLevel(logging.INFO)
LOGGER.addHandler(logging.NullHandler())
RECORD: Final = logging.getLogger("dataops.record")
"""Warnings about the record itself: the command line shows them."""


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object: time, level, message, and its facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; a stack trace is one field."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": getattr(record, "event", record.getMessage()),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            entry["stack"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def log(message: str, level: int = logging.INFO, *, trace: bool = False, **facts: object) -> None:
    """Log a message with its facts; `trace` adds the stack of the error being handled.

    Our own files keep the facts apart; whoever else listens (Airflow) reads them in the text.
    """
    text = " ".join([message, *(f"{name}={value}" for name, value in facts.items())])
    extra = {"event": message, "facts": facts}
    LOGGER.log(level, "%s", text, extra=extra, exc_info=trace)


class _QuietFile(logging.FileHandler):
    """A log file on a disk that may be full: a line that cannot be written is left out."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Keep quiet; the attempt itself says that the disk is full."""


@contextmanager
def attempt_log(path: Path) -> Iterator[None]:
    """Keep what is logged during an attempt in `path` as well, as far as the disk lets us."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _QuietFile(path, encoding="utf-8")
    except OSError:
        yield  # the attempt itself says what is wrong with the disk
        return
    handler.setFormatter(JsonFormatter())
    LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        with suppress(OSError):
            handler.close()
