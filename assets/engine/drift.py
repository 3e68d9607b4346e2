"""Drift: columns that vanish at the source, or are of another type, since the current version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from assets.engine.anomalies import history_of
from catalog.events import EventStore
from catalog.records import Check, Profile, SchemaColumn
from resources.columns import Column
from resources.errors import did_you_mean
from resources.sources.formats import FORMATS

if TYPE_CHECKING:
    from assets.engine.make import Attempt

GONE: Final = "anomaly: column gone"
CHANGED: Final = "anomaly: column type"
_KEYED: Final = ("json", "xml")
"""Formats whose records have their own keys."""
_WIDER: Final = {
    ("int8", "int16"),
    ("int16", "int32"),
    ("int32", "int64"),
    ("int8", "int32"),
    ("int8", "int64"),
    ("int16", "int64"),
    ("float", "float64"),
    ("date", "timestamp[us]"),
}


def drift_checks(
    attempt: Attempt, came: Sequence[str], columns: Sequence[Column], events: EventStore
) -> tuple[Check, ...]:
    """Hold the columns that came against the current version's, where the source alone decides.

    Where columns are declared the schema decides; where code or config changed, people did. A key
    that records may lack is not gone because one batch of them lacks it.
    """
    asset, current = attempt.asset, attempt.head.current
    if current is None or attempt.into is not None or not came or asset.anomalies == "off":
        return ()
    same = current.code == attempt.code and current.config == attempt.config
    if asset.columns is not None or asset.layer != "raw" or not same:
        return ()
    before = {column.name: column for column in current.columns}
    new = [name for name in came if name not in before]
    missed = [name for name in before if name not in came]
    if missed and not new and attempt.base is not None and _have_keys(attempt):
        history = history_of(events, attempt.head)
        missed = [name for name in missed if not _is_optional(name, history)]
    gone = [
        Check(GONE, name, asset.anomalies, False, 0, 1.0, 0.0, _gone(name, new, current.number))
        for name in missed
    ]
    return (*gone, *_changed(attempt, before, columns))


def _have_keys(attempt: Attempt) -> bool:
    """Tell whether each record brings its own names; a header that lacks one lacks it for all."""
    keyed = {end for one in FORMATS if one.name in _KEYED for end in one.suffixes}
    files = [PurePath(source.path) for source in attempt.sources]
    return bool(files) and all(keyed & {end.lower() for end in file.suffixes} for file in files)


def _is_optional(name: str, history: Sequence[Profile]) -> bool:
    """Tell whether a column was missing in some rows before, and came after all (newest first).

    A column that was never missing is gone, however often its batches came without it since.
    """
    came = False
    for profile in history:
        lacking = {column.name: column.missing for column in profile.columns}
        missing = lacking.get(name, profile.rows)
        came = came or missing < profile.rows
        if came and missing:
            return True
    return False


def _gone(name: str, new: Sequence[str], number: int) -> str:
    """Say that a column is gone, and what it may be called now."""
    said = f"version {number} had the column {name!r}, and the source has it no more"
    if not new:
        return said
    near = did_you_mean(name, new) or (" (renamed?)" if len(new) == 1 else "")
    return f"{said}; new is {', '.join(map(repr, new[:5]))}{near}"


def _changed(
    attempt: Attempt, before: dict[str, SchemaColumn], columns: Sequence[Column]
) -> Iterator[Check]:
    """Give the columns whose type does not hold what the type before it held."""
    for column in columns:
        old = before.get(column.name)
        if old is None or old.type == column.type or (old.type, column.type) in _WIDER:
            continue
        said = f"{column.name!r} was {old.type} and is {column.type}"
        yield Check(CHANGED, column.name, attempt.asset.anomalies, False, 0, 1.0, 0.0, said)
