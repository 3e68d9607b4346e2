"""What a server says of its limits in `x-ratelimit-*` headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NEAR_ITS_END = 0.1
_SLOWEST = 1 / 60
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit. refill: per second; full_at: when all of it is there again."""

    limit: float
    remaining: float
    refill: float
    full_at: float

    def binds(self, now: float) -> bool:
        """Tell whether so little is left that only what comes back may be used."""
        near = now < self.full_at and self.remaining < _NEAR_ITS_END * self.limit
        # A limit per day is kept by being refused, not by sending one request in an hour.
        return near and self.refill >= _SLOWEST


def allowances(headers: Mapping[str, str], now: float) -> dict[str, Allowance]:
    """Read the allowances of requests and tokens, as far as a server tells them.

    `reset` is the time until the whole limit is there again, so what comes back per second is what
    is gone over that time: this holds for limits per second, minute and day alike.
    """
    found = {}
    for what in ("requests", "tokens"):
        limit = _number(headers.get(f"x-ratelimit-limit-{what}", ""))
        remaining = _number(headers.get(f"x-ratelimit-remaining-{what}", ""))
        reset = seconds_of(headers.get(f"x-ratelimit-reset-{what}", ""))
        if limit and remaining is not None and reset and remaining < limit:
            refill = (limit - remaining) / reset
            found[what] = Allowance(limit, remaining, refill, now + reset)
    return found


def seconds_of(text: str) -> float | None:
    """Read a time like `6m0s`, `1.5s`, `20ms`, or plain seconds."""
    text = text.strip()
    if (plain := _number(text)) is not None:
        return plain
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _number(text: str) -> float | None:
    """Read a number that makes sense."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None
