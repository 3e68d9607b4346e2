"""Every module of commands, so that importing this one registers them all."""

from assets.cli import (
    asking,
    docs,
    experiments,
    history,
    looking,
    making,
    review,
    scaffold,
    showing,
)

__all__ = [
    "asking",
    "docs",
    "experiments",
    "history",
    "looking",
    "making",
    "review",
    "scaffold",
    "showing",
]
