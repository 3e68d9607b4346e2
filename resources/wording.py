"""Wording: counts as people say them."""

from __future__ import annotations


def counted(count: int, one: str = "row") -> str:
    """Say how many: 1 row, 2 rows."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
