"""Time zones by name (`Asia/Seoul`): looked up, held to be real, and the local time in one."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from resources.errors import did_you_mean

DEFAULT_ZONE: Final = "UTC"
ZONES: Final = "write a place's name, such as Asia/Seoul, Europe/Berlin or UTC"
_NOWHERE: Final = ("localtime", "posixrules", "factory", "leapseconds", "tzdata.zi")
"""Names that the zone files hold beside places: what they mean differs from machine to machine."""


def zone_of(name: str) -> tzinfo:
    """Give a zone by its name ("" = UTC); raises LookupError for a name that is none."""
    if name in ("", DEFAULT_ZONE):
        return UTC
    if name.lower() in _NOWHERE:
        raise LookupError(name)
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise LookupError(name) from None


def problem_of_zone(name: object) -> str:
    """Say what is wrong with a zone's name, "" where nothing is."""
    if not isinstance(name, str):
        return "is no text"
    try:
        zone_of(name)
    except LookupError:
        return f"is no time zone{_near(name)}"
    return ""


def local(moment: datetime, zone: str) -> str:
    """Write a moment as the clocks of a zone show it: 2026-01-31 09:00 Asia/Seoul."""
    there = moment.astimezone(zone_of(zone))
    return f"{there:%Y-%m-%d %H:%M} {zone or DEFAULT_ZONE}"


def _near(name: str) -> str:
    """Name the zone that was meant: the same letters, the same place, or nearly so."""
    known = sorted(one for one in available_timezones() if one.lower() not in _NOWHERE)
    word = name.strip().replace(" ", "_").lower()
    for one in known:
        if word and word in (one.lower(), one.lower().rpartition("/")[2]):
            return f"; did you mean {one!r}?"
    # Abbreviations (KST, CET) look like each other, but mean places far apart.
    return did_you_mean(name, known) if len(word) > 4 else ""
