"""When a raw asset is due: by its schedule's ticks, or because it is no longer fresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assets.engine.reasons import DUE, Reason
from assets.model.declare import Asset
from assets.model.schedules import next_tick
from resources.zones import local


def parse_time(text: str) -> datetime:
    """Read a time as events write it."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def show_time(moment: datetime) -> str:
    """Write a time as events do: UTC, to the microsecond, with Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def zone_name(asset: Asset, default: str) -> str:
    """Give the time zone of an asset's schedule: its own, else the project's."""
    return asset.timezone or default


def due_at(asset: Asset, last: str, zone: str) -> datetime | None:
    """Give when the asset is to be made next; `last` is the moment that its last version is for."""
    made = parse_time(last)
    times = [next_tick(asset.schedule, made, zone)] if asset.schedule else []
    times += [made + asset.fresh_for] if asset.fresh_for is not None else []
    return min(times, default=None)


def due_reasons(asset: Asset, last: str, now: datetime, zone: str) -> list[Reason]:
    """Say whether the asset is due; `last` is the moment its last materialization was made for."""
    made = parse_time(last)
    if asset.schedule:
        tick = next_tick(asset.schedule, made, zone)
        if tick <= now:
            return [Reason(DUE, f"{asset.schedule}, since {local(tick, zone)}")]
    if asset.fresh_for is not None and now - made > asset.fresh_for:
        late = now - made - asset.fresh_for
        return [Reason(DUE, f"fresh for {asset.fresh_for}, {_whole(late)} ago")]
    return []


def _whole(span: timedelta) -> timedelta:
    """Drop fractions of a second."""
    return timedelta(days=span.days, seconds=span.seconds)
