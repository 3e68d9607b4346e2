"""Every module of commands, so that importing this one registers them all."""

from assets.cli import (
    alerts,
    asking,
    comparing,
    docs,
    experiments,
    history,
    looking,
    making,
    quality,
    quarantine,
    review,
    scaffold,
    showing,
    verifying,
)

__all__ = [
    "alerts",
    "asking",
    "comparing",
    "docs",
    "experiments",
    "history",
    "looking",
    "making",
    "quality",
    "quarantine",
    "review",
    "scaffold",
    "showing",
    "verifying",
]
