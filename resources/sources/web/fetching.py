"""Fetching: one whole answer, whatever it takes - logins, redirects, the cache, retries."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from resources.addresses import origin_of
from resources.errors import SourceError, TransientError
from resources.sources.web.asking import COMMON, Answer, Asker, Request
from resources.sources.web.cache import AnswerCache, cache_name
from resources.sources.web.failures import Passing, refused
from resources.sources.web.login import Door
from resources.sources.web.options import Limits
from resources.sources.web.urls import with_params

HOPS: Final = 5
"""Redirects that are followed for one answer."""


class Fetcher:
    """Fetches the answers of one collection, one after the other."""

    def __init__(
        self,
        asker: Asker,
        door: Door,
        *,
        headers: Mapping[str, str],
        limits: Limits,
        cache: AnswerCache,
        pause: float,
    ) -> None:
        """Ask with `asker`, let in by `door`. pause: seconds before the first retry."""
        self._asker, self._door, self._cache = asker, door, cache
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._limits, self._pause = limits, pause

    def fetch(self, url: str, into: Path) -> Answer:
        """Fetch one answer into the file `into`.

        Raises TransientError where trying later may help, and SourceError where it cannot.
        """
        waited, attempt, renewed = 0.0, 1, False
        while True:
            try:
                return self._once(url, into, attempt)
            except Passing as failure:
                if failure.status == 401 and self._door.can_renew and not renewed:
                    renewed = True
                    self._door.forget()
                    continue
                if failure.status == 401:
                    place, setting = self._asker.place(url), self._door.setting()
                    raise refused(place, 401, failure.said, setting) from None
                waited += self._wait(url, failure, attempt, waited)
                attempt += 1

    def _wait(self, url: str, failure: Passing, attempt: int, waited: float) -> float:
        """Wait before the next try; raises TransientError where there is none."""
        self._asker.check_time(url)
        wait, late = failure.wait, ""
        if wait is None:
            wait = self._pause * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311
        if waited + wait > self._limits.patience or time.monotonic() + wait > self._asker.ends:
            late = f", and asks to wait {wait:,.0f} s" if failure.wait is not None else ""
        elif attempt < self._limits.tries:
            time.sleep(wait)
            return wait
        again = f" ({attempt} tries)" if attempt > 1 else ""
        place = self._asker.place(url)
        raise TransientError(
            f"{place} gives no answer{again}: {failure.said}{late}",
            "try later; see what happened: FROM source_calls",
            url=place,
            status=failure.status,
        )

    def _once(self, url: str, into: Path, attempt: int) -> Answer:
        """Send one request and follow where it is sent on to."""
        login = self._door.login(
            lambda to, headers, form: self._asker.post_form(to, headers, form, attempt)
        )
        name = cache_name(url, sorted(self._headers.items()), self._door.named)
        request = Request(
            with_params(url, login.params),
            {**COMMON, **self._headers, **login.headers},
            attempt,
            None if self._door.in_query else self._cache.find(name),
        )
        for _ in range(HOPS + 1):
            answer = self._asker.get(request, into, self._door.setting())
            if isinstance(answer, Answer):
                ours = origin_of(answer.url) == origin_of(url) and not self._door.in_query
                if answer.status != 304 and ours:
                    self._cache.keep(name, into, answer.headers)
                return answer
            request = self._sent_on(request, answer, url)
        raise SourceError(
            f"{self._asker.place(url)} is sent on more than {HOPS} times",
            "declare the address it ends at",
        )

    def _sent_on(self, request: Request, to: str, source: str) -> Request:
        """Go on at another address: to another host goes nothing but the request itself.

        A source outside cannot send us inside, also where the setting would let us.
        """
        if origin_of(to) == origin_of(request.url):
            return replace(request, url=to, kept=None)
        outside = request.outside or not self._asker.is_inside(source)
        return Request(to, COMMON, request.attempt, outside=outside)
