"""Every module of commands, so that importing this one registers them all."""

from assets.cli import (
    asking,
    comparing,
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
    "comparing",
    "docs",
    "experiments",
    "history",
    "looking",
    "making",
    "review",
    "scaffold",
    "showing",
]
