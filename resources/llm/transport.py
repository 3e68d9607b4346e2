"""What is sent to a model and what comes back, whichever server or SDK carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: what every engine understands, in its own words.

    options: further parameters of the task (top_p, seed, stop, reasoning_effort), where it says so.
    """

    model: str
    messages: Sequence[dict[str, str]]
    schema: dict[str, Any]
    temperature: float
    max_tokens: int
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer as text; `cut` where it ended at the token limit.

    headers: what the server says of its limits. thought: all the tokens went into thinking.
    """

    content: str
    model: str
    cut: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    headers: Mapping[str, str] | None = None
    thought: bool = False


class Transport(Protocol):
    """Carries one request at a time. Pace, retries and time limits are not its business.

    `send` raises, of resources.llm.failures: Refused (this pack, for good), Doubtful (4xx: pack or
    settings), Limited (429), Passing (no answer, its cause passes), or SettingError.
    """

    warnings: list[str]
    """What was learned of the server that somebody should know."""

    @property
    def url(self) -> str:
        """Give where requests go, as it may be shown."""

    async def send(self, ask: Ask) -> Reply:
        """Send one request."""

    async def close(self) -> None:
        """Close the connections."""
