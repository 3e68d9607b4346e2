"""What a read from a value on may say, beside a cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resources.errors import SourceError
from resources.sources.onward.trail import Onward


def going_on(name: str, onward: Onward | None, options: Mapping[str, Any]) -> Onward | None:
    """Give where a read goes on from: the cursor, where its value is asked for; else None.

    Raises SourceError where rows would be read once more that nothing tells from new ones.
    """
    if onward is None or not options.get("by"):
        return None
    since, overlap = options.get("since"), options.get("overlap")
    if onward.appends and not onward.keyed and onward.at is not None:
        again = "overlap=" if overlap else "since=" if since != onward.at else ""
        if again:
            raise SourceError(
                f"{name} appends without a key, and {again} reads rows once more (or passes some "
                "over): they would be there twice",
                "say which columns tell rows apart: on=['id']; or read since=cursor.value, which "
                "takes what comes later with the last value, too",
                asset=name,
                option=again[:-1],
            )
    return onward if since == onward.at else None
