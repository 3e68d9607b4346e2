"""Schedules: which assets each one collects, and what its DAG is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from assets.model.declare import PRESETS
from assets.model.graph import Graph

_WRITTEN: Final = re.compile(
    r"""\bschedule\s*=\s*["']([^"'\n]+)["']|^[ \t]*["']?schedule["']?\s*:\s*["']?([^"'#\n]+)""",
    re.MULTILINE,
)
"""`schedule="daily"` in Python, `schedule: daily` in a pipeline's file."""
_SIGNS: Final = {"*/": "every", "*": "x", "/": "by", ",": ".", " ": "_"}


def schedules_of(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Give each distinct schedule with its raw assets and all that is downstream of them.

    A broken file's schedule is read as text: its DAG stays, fails, and so is noticed.
    """
    raw: dict[str, list[str]] = {}
    for key, asset in graph.assets.items():
        if asset.schedule:
            raw.setdefault(asset.schedule, []).append(key)
    for key, bad in graph.broken.items():
        if key.startswith("raw."):
            for schedule in _written(Path(bad.file)):
                raw.setdefault(schedule, []).append(key)
    inside = {schedule: {*keys, *graph.below(keys)} for schedule, keys in sorted(raw.items())}
    return {
        schedule: tuple(key for key in graph.order if key in keys)
        for schedule, keys in inside.items()
    }


def _written(file: Path) -> Iterator[str]:
    """Give the usable schedules that a file names, whether or not it loads."""
    try:
        found = _WRITTEN.findall(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return
    for text in dict.fromkeys(" ".join((a or b).split()) for a, b in found):
        if text.strip("@") in PRESETS:
            yield text.strip("@")
            continue
        from croniter import croniter

        if croniter.is_valid(text):
            yield text


def slug(schedule: str) -> str:
    """Write a schedule so that a DAG id can carry it: `*/5 6 * * 1-5` -> `every5_6_x_x_1-5`.

    Different schedules get different slugs: each sign has a word that no cron line holds.
    """
    for sign, word in _SIGNS.items():
        schedule = schedule.replace(sign, word)
    return re.sub(r"[^A-Za-z0-9_.-]", lambda found: f".{ord(found[0])}.", schedule)
