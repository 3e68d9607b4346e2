"""Every module of commands, so that importing this one registers them all."""

from assets.cli import (
    adopting,
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
    "adopting",
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
