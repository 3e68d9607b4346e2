"""The server's limits: strict buckets of requests and tokens, told in headers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Bucket:
    """What may be taken: refilled at `rate` a second up to `size`; nothing is lent."""

    rate: float
    size: float
    left: float = 0.0
    filled_at: float = 0.0

    def __post_init__(self) -> None:
        """Start full."""
        self.left = self.size

    def take(self, amount: float, now: float) -> bool:
        """Take an amount if it is there; a larger one than ever fits needs a full bucket."""
        self.left = min(self.size, self.left + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.left < min(amount, self.size):
            return False
        self.left -= amount
        return True

    def headers(self, what: str) -> dict[str, str]:
        """Tell what is left, as OpenAI does."""
        reset = (self.size - self.left) / self.rate
        return {
            f"x-ratelimit-limit-{what}": f"{self.size:g}",
            f"x-ratelimit-remaining-{what}": f"{max(self.left, 0):.0f}",
            f"x-ratelimit-reset-{what}": f"{reset * 1_000:.0f}ms" if reset < 1 else f"{reset:.2f}s",
        }
