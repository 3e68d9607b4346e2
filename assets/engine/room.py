"""Room: what the data folder's disk has left, looked at before attempts and for alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from assets.engine.conditions import Condition
from assets.engine.project import Project
from assets.model.modes import REPLACE
from resources.disk import ROOM, DiskError, drop_catalog, free_bytes
from resources.settings import Settings

if TYPE_CHECKING:
    from assets.engine.make import Attempt

_SHORT: Final = 16_000_000


def need_room(project: Project, attempt: Attempt) -> None:
    """Raise DiskError where the disk has less room than the last version's new rows took.

    What is needed beside them while they are made is not known before. Where it gets short, the
    catalog gives way: it is made again from the events.
    """
    current, asset = attempt.head.current, attempt.asset
    if current is None or not current.files:
        return
    took = current.bytes if asset.mode == REPLACE else current.files[-1].bytes
    free = free_bytes(project.data)
    if free is not None and free < 4 * took and free < _SHORT and drop_catalog(project.data):
        free = free_bytes(project.data)
    if free is not None and free < took:
        raise DiskError(
            f"{asset.key}: the disk is full: version {current.number} took {took:,} bytes to make, "
            f"and {free:,} are left; nothing was begun",
            ROOM,
            asset=asset.key,
            need=took,
            free=free,
        )


def low_room(settings: Settings) -> str:
    """Say that the disk has less room than it should have, "" where it has enough."""
    free = free_bytes(settings.data) if settings.free_mb else None
    if free is None or free >= settings.free_mb * 1_000_000:
        return ""
    return (
        f"the disk of {settings.data} has {free / 1_000_000:,.1f} MB left, less than "
        f"{settings.free_mb:,} (DATAOPS_FREE_MB)"
    )


def short_of_room(settings: Settings) -> Iterator[Condition]:
    """Give the condition that the disk runs full."""
    problem = low_room(settings)
    if problem:
        yield Condition("disk", "", "the disk runs full", problem, ROOM)
