"""Schedules: presets and cron lines, held to what comes; and their ticks, in a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from assets.model.errors import DeclarationError
from resources.errors import did_you_mean
from resources.zones import ZONES, problem_of_zone, zone_of

if TYPE_CHECKING:
    from croniter import croniter

PRESETS: Final = {
    "hourly": "0 * * * *",
    "daily": "0 0 * * *",
    "weekly": "0 0 * * 0",
    "monthly": "0 0 1 * *",
    "yearly": "0 0 1 1 *",
}
_ALIASES: Final = {"@midnight": "0 0 * * *", "@annually": "0 0 1 1 *"}
"""Words of cron's own that earlier versions took as they are."""
_FIVE: Final = "minute hour day month weekday"
_VALUE: Final = r"(?:[0-9]{1,2}|[a-z]{3})"
_FIELD: Final = re.compile(
    rf"(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/[0-9]{{1,2}})?"
    rf"(?:,(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/[0-9]{{1,2}})?)*",
    re.IGNORECASE,
)
_LONGEST: Final = 300
_ODD: Final = {
    "?": "write * in its place",
    "W": "there is no nearest weekday: name the day of the month, or weekdays such as 1-5",
    "L": "there is no last day: name a day, such as 28, or the 1st of the next month",
    "#": "there is no n-th weekday: name days of the month, or a weekday",
}
_START: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - wall time, of no zone
_DAY: Final = timedelta(days=1)


def cron(key: str, schedule: object) -> str:
    """Check a schedule; presets stay as written, so that DAGs carry their names.

    Raises DeclarationError with the fix for what is none, and for a line that never comes.
    """
    if not isinstance(schedule, str):
        raise DeclarationError(
            f"{key} has schedule={_short(schedule)}, which is no text", _ways(), asset=key
        )
    if not schedule or schedule in PRESETS:
        return schedule
    if schedule.strip("@") in PRESETS:
        return schedule.strip("@")
    line = " ".join(schedule.split())
    if line in _ALIASES:
        return line
    problem, fix = _wrong(line)
    if problem:
        raise DeclarationError(f"{key} has schedule={_short(schedule)}{problem}", fix, asset=key)
    return line


def check_zone(key: str, schedule: str, timezone: object) -> str:
    """Check the time zone of a schedule; "" leaves it to the project's."""
    if timezone == "":
        return ""
    problem = problem_of_zone(timezone)
    if problem:
        raise DeclarationError(
            f"{key} has timezone={_short(timezone)}, which {problem}", ZONES, asset=key
        )
    if not schedule:
        raise DeclarationError(
            f"{key} has timezone={timezone!r} without a schedule",
            "add schedule=, or take timezone= off",
            asset=key,
        )
    return str(timezone)


def is_schedule(text: str) -> bool:
    """Tell whether a text is a schedule that can be used."""
    try:
        return bool(cron("", text))
    except DeclarationError:
        return False


def _wrong(line: str) -> tuple[str, str]:
    """Say what is wrong with a cron line, and the fix; "" where nothing is."""
    fields = line.split(" ")
    if len(line) > _LONGEST:
        return f", which is {len(line):,} signs long", _ways()
    if len(fields) in (6, 7):
        return f", which has {len(fields)} fields", _without_seconds(fields)
    if len(fields) != 5:
        return f", which is no schedule{did_you_mean(line, PRESETS)}", _ways()
    for field in fields:
        if _FIELD.fullmatch(field) is None:
            said = next((f"{_ODD[sign]}" for sign in _ODD if sign in field.upper()), "")
            return f", whose field {field!r} is none of cron's", said or _ways()
    if not _cron_takes(line):
        return ", which is no cron line", f"hold each field to its range: {_FIVE}"
    if not _comes(line):
        return ", which never comes", "name a day that its months have"
    return "", ""


def _without_seconds(fields: list[str]) -> str:
    """Give the line without the seconds (and years) that other schedulers' lines have."""
    five = " ".join("*" if field == "?" else field for field in fields[1:6])
    said = f"five make a line: {_FIVE}, without seconds and years"
    return f"{said}; write '{five}'" if not _wrong(five)[0] else said


def _cron_takes(line: str) -> bool:
    """Tell whether the library that counts ticks takes a line."""
    from croniter import croniter

    try:
        return croniter.is_valid(line)
    except (ValueError, ArithmeticError, LookupError):
        return False


@lru_cache(maxsize=1024)
def _comes(line: str) -> bool:
    """Tell whether a line has a tick at all: the 31st of February has none."""
    from croniter import CroniterBadDateError, croniter

    try:
        croniter(line, _START).get_next(datetime)
    except CroniterBadDateError:
        return False
    return True


def _ways() -> str:
    """Say how schedules are written."""
    return f"use {', '.join(PRESETS)} or a cron line of five fields such as '30 6 * * 1-5'"


def _short(value: object) -> str:
    """Write a value of any length so that it fits into a sentence."""
    try:
        text = repr(value)
    except ValueError:  # a number of more digits than Python writes
        text = f"a {type(value).__name__} that is too long to write"
    return text if len(text) <= 80 else f"{text[:77]}..."


def next_tick(schedule: str, after: datetime, zone: str = "") -> datetime:
    """Give the schedule's first tick after a moment, in UTC; its line is read in the zone.

    Where clocks go forward, a time that does not exist comes as much later as they went; where
    they go back, a time that exists twice comes at its second. A line with every hour ticks
    through both. Airflow counts in the same way, so that its runs find due what they are for.
    """
    from croniter import croniter

    line = PRESETS.get(schedule, _ALIASES.get(schedule, schedule))
    place, moment = zone_of(zone), after.astimezone(UTC)
    here = moment.astimezone(place)
    wall = here.replace(tzinfo=None)
    ticks = croniter(line, wall)
    if place is UTC:
        found: datetime = ticks.get_next(datetime)
        return found.replace(tzinfo=UTC)
    if ticks.expanded[1] == ["*"]:
        return moment + (ticks.get_next(datetime) - wall)
    if (moment - _DAY).astimezone(place).utcoffset() != here.utcoffset():
        # The clocks were just changed: a tick from before may have been moved to after now.
        ticks = croniter(line, wall - _DAY - timedelta(hours=1))
    return _first(ticks, place, moment)


def _first(ticks: croniter[Any], place: tzinfo, moment: datetime) -> datetime:
    """Give the first tick that lies after a moment."""
    while True:
        tick = _moment(ticks.get_next(datetime), place)
        if tick > moment:
            return tick


def _moment(wall: datetime, place: tzinfo) -> datetime:
    """Give the moment at which a zone's clocks show a time; see `next_tick`."""
    second = wall.replace(tzinfo=place, fold=1).astimezone(UTC)
    if second.astimezone(place).replace(tzinfo=None) == wall:
        return second
    return wall.replace(tzinfo=place, fold=0).astimezone(UTC)
