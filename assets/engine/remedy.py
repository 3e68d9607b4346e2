"""Remedy: what helps an asset whose attempt was blocked, by the checks that failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assets.engine.checks import NEW_ROWS
from assets.engine.suites import is_suite_check
from assets.model.pipelines import PIPELINE_VERSION
from catalog.records import Check
from resources.sources.dialect import LAYOUT_OPTIONS

if TYPE_CHECKING:
    from assets.engine.make import Attempt
    from assets.engine.project import Project

LIMITS = ("quarantined rows", NEW_ROWS)
"""The checks that block where too many rows are in quarantine."""


def remedy(project: Project, attempt: Attempt, failed: Sequence[Check], kept: Path) -> str:
    """Say what stays as it was, and what to do. kept: where the rows that stayed lie."""
    key, current = attempt.asset.key, attempt.head.current
    if attempt.accepting is not None:
        return (
            "nothing was changed; correct more rows and accept the file again, or discard those "
            f"that nobody wants: dataops quarantine discard {key} --rows ID"
        )
    stays = f"version {current.number} stays current; " if current is not None else ""
    again = f"dataops materialize {key} --{'full' if attempt.full else 'force'}"
    ways = f"{_correct(attempt, failed)}{_mend(project, attempt, failed)}"
    return f"{stays}{ways}, then: {again}. What would be published lies in {kept}"


def _correct(attempt: Attempt, failed: Sequence[Check]) -> str:
    """Say how rows that were set aside come back, where that helps."""
    key = attempt.asset.key
    if not attempt.quarantined or not any(c.name in LIMITS or is_suite_check(c) for c in failed):
        return ""
    return (
        f"correct the rows set aside (dataops quarantine show {key} --csv FILE, then dataops "
        f"quarantine accept {key} FILE), or "
    )


def _mend(project: Project, attempt: Attempt, failed: Sequence[Check]) -> str:
    """Say what else helps against each kind of check that failed."""
    ways = ["mend the source" if attempt.asset.layer == "raw" else "mend what it is made from"]
    laid_out = 2 * attempt.misfits > attempt.quarantined
    if laid_out:  # rows that no layout fits are no bad rows: more of them are no answer
        ways = [f"say how the file is laid out ({LAYOUT_OPTIONS}: docs/sources.md)", *ways]
    if attempt.hints and any(check.name in LIMITS for check in failed):
        ways = [f"say how values are written ({'; '.join(attempt.hints)})", *ways]
    if not laid_out and any(check.name in LIMITS for check in failed):
        ways.append(f"raise {_setting(project, attempt)}")
    if any(is_suite_check(check) for check in failed):
        ways.append("change the suite (`checks=` or resources/expectations)")
    if any(check.name.startswith("anomaly") for check in failed):
        ways.append('let it pass (anomalies="warn" on the asset)')
    return " or ".join(ways)


def _setting(project: Project, attempt: Attempt) -> str:
    """Name the limit, and the file that it is declared in."""
    asset = attempt.asset
    word = "max_quarantine:" if asset.engine_version == PIPELINE_VERSION else "max_quarantine="
    file, root = Path(asset.file), project.settings.root
    shown = file.relative_to(root) if file.is_relative_to(root) else file
    return f"`{word}` in {shown.as_posix()}" if asset.file else f"`{word}`"
