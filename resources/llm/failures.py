"""How a request can fail, and what each failure means for rows and run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from resources.errors import DataOpsError, SettingError, TransientError
from resources.llm.endpoint import Endpoint
from resources.llm.servers.refusals import told_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import APIStatusError


class Refused(Exception):
    """The server will not answer this pack, however often it is asked: a row of it is the cause.

    status: of HTTP, 200 where the model itself refuses.
    """

    def __init__(self, reason: str, status: int = 200) -> None:
        """Keep the reason as a sentence."""
        super().__init__(reason)
        self.status = status


class Doubtful(Exception):
    """A 4xx that may be the pack's fault, or that of the settings: a harmless row tells."""

    def __init__(self, reason: str, wrong: DataOpsError, status: int) -> None:
        """Keep the reason, and the error it is if the settings are at fault."""
        super().__init__(reason)
        self.wrong = wrong
        self.status = status


class Limited(Exception):
    """Too many requests or tokens for now. wait: the seconds that were asked for, if any.

    headers: what the server says of its limits.
    """

    status = 429

    def __init__(
        self, reason: str, wait: float | None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Keep the reason as a sentence."""
        super().__init__(reason)
        self.wait = wait
        self.headers = headers


class Again(Exception):
    """The server wants the request put differently, and the next one will be: ask at once."""

    status = 400


class Passing(Exception):
    """The server gave no answer, and its cause passes.

    stop: nothing more should be sent. wait: the seconds to wait that were asked for. status: of
    HTTP, 0 where it did not come to one.
    """

    def __init__(
        self, reason: str, *, stop: bool = False, wait: float | None = None, status: int = 0
    ) -> None:
        """Keep the reason as a sentence."""
        super().__init__(reason)
        self.stop = stop
        self.wait = wait
        self.status = status


FAILURES = (Refused, Doubtful, Limited, Again, Passing)
"""All that a transport raises of one request; anything else ends the run."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a pack gets no answer as it is. passes: its cause does, so that a later run may try."""

    reason: str
    passes: bool


class Paused(TransientError):
    """Nothing more can be sent for now; what is answered is kept, and the next run goes on."""


def told_by(error: APIStatusError) -> dict[str, str]:
    """Give message, type, code and param that an error's body tells, as text."""
    return told_in(error.body or error.response.text, error.message)


def is_quota(told: Mapping[str, str]) -> bool:
    """Tell a used-up account from a rate limit: both come as 429."""
    ends = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
    return told["code"] in ends or told["type"] in ends


def wait_asked(headers: Mapping[str, str]) -> float | None:
    """Give the seconds that `retry-after-ms` or `Retry-After` asks for."""
    if (exact := _seconds(headers.get("retry-after-ms", ""))) is not None:
        return exact / 1_000
    value = headers.get("retry-after", "")
    if (seconds := _seconds(value)) is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _seconds(text: str) -> float | None:
    """Read a number of seconds that makes sense."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e6 else None


def wrong_setting(endpoint: Endpoint, model: str, status: int, message: str) -> DataOpsError:
    """Give the error for an answer that means: this cannot work as it is set up."""
    where = f"the LLM at {endpoint.shown}"
    said = endpoint.scrub(message)
    if status == 401:
        problem = f"{where} does not accept the key ({said})"
        fix = f"correct DATAOPS_LLM_API_KEY (or {endpoint.provider.key_name})"
    elif status == 403:
        problem = f"{where} does not allow this key to use the model {model!r} ({said})"
        fix = "correct DATAOPS_LLM_API_KEY, or the task's `model:`"
    elif status == 404:
        problem = f"{where} does not know the model {model!r}, or the URL is wrong ({said})"
        usual = "it usually ends in /v1" if endpoint.provider.url.endswith("/v1") else "without /v1"
        fix = f"correct the task's `model:`, or DATAOPS_LLM_BASE_URL ({usual})"
    else:
        problem = f"{where} refuses requests to the model {model!r} with status {status} ({said})"
        fix = "correct the task's `model:` and parameters, or DATAOPS_LLM_BASE_URL"
    return SettingError(problem, fix, url=endpoint.shown, model=model, status=status)
