"""Airflow's view of our assets: what the Assets page lists, and who announces a new version."""

from __future__ import annotations

from typing import Any, Final

from airflow.sdk import Asset, AssetAlias

_TOLD: Final = {"to make it": "Materialize (Manual makes nothing)"}
"""What an asset's page shows, because its dialog opens on an event that nobody made."""
_SHOWN = ("version", "rows", "data_version", "schema_version")


def airflow_asset(key: str) -> Asset:
    """Give Airflow's asset of a key."""
    layer, _, name = key.partition(".")
    return Asset(name=key, uri=f"dataops://{layer}/{name}", group=layer, extra=dict(_TOLD))


def alias_of(key: str) -> AssetAlias:
    """Give what announces a version from a DAG that must not count as the asset's producer."""
    return AssetAlias(f"{key} by pipeline")


def announce(events: Any, key: str, facts: dict[str, Any], *, alone: bool) -> None:
    """Tell Airflow about a version: an asset event with its facts."""
    extra = {name: facts[name] for name in _SHOWN}
    if alone:
        events[airflow_asset(key)].extra = extra
    else:
        events[alias_of(key)].add(airflow_asset(key), extra=extra)
