"""What is sent to a model and what comes back, whichever server or SDK carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: what every engine understands, in its own words."""

    model: str
    messages: Sequence[dict[str, str]]
    schema: dict[str, Any]
    temperature: float
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer as text; `cut` where it ended at the token limit.

    headers: what the server says of its limits.
    """

    content: str
    model: str
    cut: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    headers: Mapping[str, str] | None = None


class Transport(Protocol):
    """Carries one request at a time. Pace, retries and time limits are not its business.

    `send` raises, of resources.llm.failures: Refused (this pack, for good), Doubtful (4xx: pack or
    settings), Limited (429), Passing (no answer, its cause passes), or SettingError.
    """

    @property
    def url(self) -> str:
        """Give where requests go, as it may be shown."""

    async def send(self, ask: Ask) -> Reply:
        """Send one request."""

    async def close(self) -> None:
        """Close the connections."""
