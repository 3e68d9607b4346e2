"""What the server can be told to do wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ROW_FAULTS = ("drop", "duplicate", "reorder", "wrong_id", "merge", "empty", "swap", "extra")
TEXT_FAULTS = ("fenced", "chatty", "truncated", "malformed", "refusal", "filtered", "not_json")
HTTP_FAULTS = (
    "429",
    "429_bare",
    "500",
    "503",
    "hang",
    "reset",
    "not_chat",
    "torn",
    "html",
    "hollow",
)
FAULT_MIX = {
    "500": 0.02,
    "hang": 0.005,
    "reset": 0.005,
    "malformed": 0.01,
    "truncated": 0.01,
    "fenced": 0.02,
    "drop": 0.03,
    "duplicate": 0.02,
    "reorder": 0.05,
    "wrong_id": 0.01,
    "merge": 0.01,
    "empty": 0.005,
}
"""Shares of requests, as servers and models have been seen to fail."""


@dataclass
class Behaviour:
    """What the server does. All off by default.

    shares: fault -> share of requests (0..1). script: faults of the first requests, in order.
    latency: mean seconds until an answer; sigma: of their log-normal distribution (0: uniform,
    half to one and a half times). retry_after: what a 429 asks for ("" = nothing).
    poison: texts holding this word are refused (poison_as: 400, 500 or malformed).
    outage: requests, from which number to which, that get a 503; outage_at, outage_seconds: the
    same by time since the first request. quota: requests until the account is used up.
    rate, burst: requests per second taken; tokens_per_minute likewise. told: whether the limits
    are told in x-ratelimit headers. hang_seconds: how long a hang lasts, until it is answered.
    refuses: words of parameters that get a 400 (response_format, temperature, max_tokens, ...).
    obeys: what a model answers for a text that it takes for an instruction, None for the others.
    refusing: what a dialect answers instead, by the request's number and body: status and body.
    saying: how a dialect puts an answer: a choice, made of the request's body and the content.
    faults_a_row: how many faults a row meets at most, so that what comes out is certain.
    """

    shares: dict[str, float] = field(default_factory=dict)
    script: list[str] = field(default_factory=list)
    seed: int = 7
    latency: float = 0.0
    sigma: float = 0.0
    retry_after: str = "0.05"
    poison: str = ""
    poison_as: str = "400"
    outage: tuple[int, int] = (0, 0)
    outage_at: float = 0.0
    outage_seconds: float = 0.0
    quota: int = 0
    rate: float = 0.0
    burst: float = 1.0
    tokens_per_minute: float = 0.0
    told: bool = False
    hang_seconds: float = 3_600.0
    refuses: tuple[str, ...] = ()
    key: str = ""
    models: tuple[str, ...] = ()
    bad_models: tuple[str, ...] = ()
    answers_as: str = ""
    obeys: Callable[[str], str | None] | None = None
    refusing: Callable[[int, dict[str, Any]], tuple[int, Any] | None] | None = None
    saying: Callable[[dict[str, Any], str], dict[str, Any]] | None = None
    faults_a_row: int = 2
