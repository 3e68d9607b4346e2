"""An event loop in a thread of its own: requests go on while a stream of batches is read."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")
_SWITCH = 0.0005
"""Seconds that a busy caller may keep the loop from running: requests have their moment."""


class Background:
    """Runs coroutines beside the caller; leaving the block cancels what still runs."""

    def __init__(self) -> None:
        """Prepare the thread; it starts with the block."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="llm", daemon=True)

    def __enter__(self) -> Background:
        """Start the thread."""
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cancel what runs, wait for its end, and end the thread."""
        try:
            self.cancel()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            sys.setswitchinterval(self._switch)

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine; its result is waited for with `.result()`."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def cancel(self) -> None:
        """Cancel what still runs and wait for its end."""
        self.start(_cancel_all()).result()


async def _cancel_all() -> None:
    """Cancel every other task of this loop and wait until all have ended."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
