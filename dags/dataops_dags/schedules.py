"""Schedules: which assets each one collects, and what its DAG is called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assets.model.graph import Graph
from assets.model.schedules import PRESETS, is_schedule
from resources.zones import problem_of_zone

SCHEDULED: Final = "schedule_"
_WRITTEN: Final = re.compile(
    r"""\b(schedule|timezone)\s*=\s*["']([^"'\n]+)["']|"""
    r"""^[ \t]*["']?(schedule|timezone)["']?\s*:\s*["']?([^"'#\n]+)""",
    re.MULTILINE,
)
"""`schedule="daily"` in Python, `schedule: daily` in a pipeline's file; and the time zone."""
_SIGNS: Final = {"*/": "every", "*": "x", "/": "by", ",": ".", " ": "_"}


@dataclass(frozen=True, slots=True, order=True)
class Schedule:
    """A schedule in a time zone; `own` says that the zone is not the project's."""

    line: str
    zone: str
    own: bool = False

    @property
    def dag_id(self) -> str:
        """Give what its DAG is called; in the project's zone, the zone goes without saying."""
        place = f"__{self.zone.replace('/', '.')}" if self.own else ""
        return f"{SCHEDULED}{slug(self.line)}{place}"


def schedules_of(graph: Graph, default: str) -> dict[Schedule, tuple[str, ...]]:
    """Give each distinct schedule with its raw assets and all that is downstream of them.

    default: the project's time zone. A broken file's schedule is read as text: its DAG stays,
    fails, and so is noticed.
    """
    raw: dict[Schedule, list[str]] = {}
    for key, asset in graph.assets.items():
        if asset.schedule:
            raw.setdefault(_schedule(asset.schedule, asset.timezone, default), []).append(key)
    for key, bad in graph.broken.items():
        if key.startswith("raw."):
            for line, zone in _written(Path(bad.file)):
                raw.setdefault(_schedule(line, zone, default), []).append(key)
    inside = {schedule: {*keys, *graph.below(keys)} for schedule, keys in sorted(raw.items())}
    return {
        schedule: tuple(key for key in graph.order if key in keys)
        for schedule, keys in inside.items()
    }


def keys_of(dag_id: str, graph: Graph, default: str) -> Sequence[str]:
    """Give the assets of a DAG: those of its schedule, or all."""
    if not dag_id.startswith(SCHEDULED):
        return graph.order
    found = schedules_of(graph, default)
    return next((keys for one, keys in found.items() if one.dag_id == dag_id), ())


def _schedule(line: str, zone: str, default: str) -> Schedule:
    """Give a schedule; one that names the project's zone is as one that names none."""
    return Schedule(line, zone or default, own=bool(zone) and zone != default)


def _written(file: Path) -> Iterator[tuple[str, str]]:
    """Give the usable schedules that a file names, with its zone, whether or not it loads."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        found = _WRITTEN.findall(text)
    except (OSError, ValueError):
        return
    said = [(a or c, " ".join((b or d).split())) for a, b, c, d in found]
    zones = [text for word, text in said if word == "timezone" and not problem_of_zone(text)]
    for line in dict.fromkeys(text for word, text in said if word == "schedule"):
        if line.strip("@") in PRESETS or is_schedule(line):
            name = line.strip("@") if line.strip("@") in PRESETS else line
            yield name, zones[0] if len(zones) == 1 else ""


def slug(schedule: str) -> str:
    """Write a schedule so that a DAG id can carry it: `*/5 6 * * 1-5` -> `every5_6_x_x_1-5`.

    Different schedules get different slugs: each sign has a word that no cron line holds.
    """
    for sign, word in _SIGNS.items():
        schedule = schedule.replace(sign, word)
    return re.sub(r"[^A-Za-z0-9_.-]", lambda found: f".{ord(found[0])}.", schedule)
