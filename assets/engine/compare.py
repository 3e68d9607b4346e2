"""Comparing one asset's declaration with its current version: the reasons that lie in itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from assets.engine.config import config_of, source_paths, source_reasons
from assets.engine.current import copy_reasons
from assets.engine.due import due_reasons, zone_name
from assets.engine.findings import is_as_found
from assets.engine.project import Project
from assets.engine.reasons import (
    CODE,
    CONFIG,
    CORRUPTED,
    MISSING,
    NEVER,
    RETRY,
    SCHEMA,
    UPSTREAM,
    Reason,
    changed_items,
)
from assets.model.declare import Asset
from assets.model.modes import REPLACE
from catalog.heads import Head
from catalog.quarantine import discards_of
from catalog.records import Materialized
from resources.columns import fingerprint


def own_reasons(
    project: Project,
    asset: Asset,
    heads: Mapping[str, Head],
    now: datetime,
    task: str | None = None,
) -> list[Reason]:
    """Give the reasons that lie in the asset itself and in its upstream's current versions."""
    head = heads[asset.key]
    current = head.current
    config = config_of(project, asset, task)
    if current is None:
        source_paths(project, asset)  # a source that leads out of the project is told at once
        return [Reason(NEVER)]
    reasons = [*_file_reasons(project, current), *copy_reasons(project, asset, current)]
    code = code_of(project, asset)
    if code != current.code:
        reasons += changed_items(CODE, current.code, code)
    if config != current.config:
        reasons += changed_items(CONFIG, current.config, config)
    declared = declared_schema(asset)
    if declared != current.declared_schema:
        reasons.append(Reason(SCHEMA, "", current.declared_schema[:8], declared[:8]))
    reasons += _upstream_reasons(asset, current, heads)
    if asset.layer == "raw":
        if asset.source or current.sources:
            reasons += source_reasons(project, asset, current.sources)
        if asset.schedule or asset.fresh_for is not None:
            zone = zone_name(asset, project.settings.timezone)
            reasons += due_reasons(asset, head.last_as_of or current.as_of, now, zone)
    if current.retry_rows:
        reasons.append(Reason(RETRY, f"{current.retry_rows} rows"))
    return reasons


def _upstream_reasons(
    asset: Asset, current: Materialized, heads: Mapping[str, Head]
) -> list[Reason]:
    """Compare the pinned upstream versions with the current ones, by content."""
    pinned = {pin.key: pin for pin in current.inputs}
    reasons = []
    for up in asset.upstream:
        now, pin = heads[up].current, pinned.get(up)
        if now is None:
            continue  # the upstream's own line says it is missing
        if pin is None:
            renamed = [p for p in current.inputs if p.data_version == now.data_version]
            if not renamed:
                reasons.append(Reason(UPSTREAM, up, "not used", f"version {now.number}"))
        elif pin.data_version != now.data_version:
            reasons.append(Reason(UPSTREAM, up, f"version {pin.version}", f"version {now.number}"))
    known = set(asset.upstream)
    gone = [pin for pin in current.inputs if pin.key not in known]
    if len(current.inputs) > len(asset.upstream):
        reasons += [Reason(UPSTREAM, p.key, f"version {p.version}", "not used") for p in gone]
    return reasons


def _file_reasons(project: Project, current: Materialized) -> list[Reason]:
    """Look at the current version's files: there, of the right size, touched since."""
    reasons = []
    data = str(project.data)
    for file in current.every_file:
        path = f"{data}/{file.path}"
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
        except OSError:
            reasons.append(Reason(MISSING, file.path))
            continue
        found = project.findings.of(file.path)
        if status.st_size != file.bytes:
            reasons.append(
                Reason(CORRUPTED, file.path, f"{file.bytes} bytes", f"{status.st_size} bytes")
            )
        elif found is not None and is_as_found(found, status):
            reasons.append(Reason(CORRUPTED, file.path, file.checksum[:8], found.detail))
        elif found is not None or status.st_mtime_ns != file.mtime_ns:
            checksum = project.checksums.of(Path(path), status, anew=found is not None)
            if checksum != file.checksum:
                reasons.append(Reason(CORRUPTED, file.path, file.checksum[:8], checksum[:8]))
    return reasons


def code_of(project: Project, asset: Asset) -> dict[str, str]:
    """Give the digests of the asset's function and what it uses (the chain has a version)."""
    if asset.engine_version:
        return {"engine": asset.engine_version}
    return project.code.of(asset.file, asset.function.__name__)


def declared_schema(asset: Asset) -> str:
    """Give the fingerprint of the declared columns, "" without a schema."""
    return fingerprint(asset.columns) if asset.columns is not None else ""


def what_blocks(project: Project, asset: Asset, head: Head) -> str:
    """Say what decides over a check beside code, config and inputs: rules, limits, rows."""
    current = head.current
    said = [declared_schema(asset), str(quarantine_limit(project, asset))]
    said += [current.data_version] if asset.mode != REPLACE and current is not None else []
    said += [asset.mode] if asset.mode != REPLACE else []
    said += [f"anomalies {asset.anomalies}"] if asset.anomalies != "warn" else []
    said += [current.corrections_file] if current is not None and current.corrections_file else []
    said += [f"discarded {len(gone)}"] if (gone := discards_of(project.events, asset.key)) else []
    return " ".join(said)


def quarantine_limit(project: Project, asset: Asset) -> float:
    """Give the share of rows (0..1) above which nothing is published."""
    limit = asset.max_quarantine
    return project.settings.max_quarantine if limit is None else limit
