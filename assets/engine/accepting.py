"""Accepting rows: an attempt that begins with the current version and what it set aside.

Its result is what making the asset anew from the same inputs would give, were the rows right.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from assets.engine.boundaries import kept_boundary
from assets.engine.errors import FileDamaged
from assets.engine.project import Project
from assets.model.cursor import Cursor
from assets.model.modes import REPLACE
from catalog.quarantine import files_of
from catalog.records import Materialized
from resources.files import file_facts
from resources.rejects import Reject, Rejects, read_rejects
from resources.tables import Table, parquet_table

if TYPE_CHECKING:
    from assets.engine.corrections import Correction
    from assets.engine.make import Attempt


@dataclass(slots=True)
class Accepting:
    """Rows to accept. current: the version they go into (None: the asset is made anew with them).

    What came of it: accepted, refused (with the new reason), unmatched (their rows did not come).
    """

    corrections: Sequence[Correction]
    current: Materialized | None
    accepted: int = 0
    refused: list[Reject] = field(default_factory=list)
    unmatched: int = 0


def pin_as_before(project: Project, attempt: Attempt, current: Materialized) -> None:
    """Take over what the current version was made from, and verify its bytes."""
    attempt.code, attempt.config = current.code, current.config
    attempt.inputs, attempt.sources = current.inputs, current.sources
    attempt.cursor = Cursor(current.key, current.cursor)
    attempt.boundary = kept_boundary(project, current)
    attempt.base = current if attempt.asset.mode != REPLACE else None
    for file in current.files:
        path = project.data / file.path
        try:
            whole = file_facts(path).checksum == file.checksum
        except OSError:
            whole = False
        if not whole:
            raise FileDamaged(
                f"{path}, version {current.number} of {current.key}, is not what was published",
                f"make it again: dataops materialize {current.key}",
                asset=current.key,
                file=str(path),
            )


def given_again(project: Project, attempt: Attempt, rejects: Rejects) -> Table | None:
    """Give the rows of the version that rows are accepted into, and set aside what it did.

    Where rows are only added to those that are there, there are none to give. None where
    the asset is made by its function.
    """
    current = attempt.into
    if current is None:
        return None
    for file in files_of(project.events, current):
        if (project.data / file).is_file():
            for reject in read_rejects(project.data / file):
                rejects.add(replace(reject, after=None))
    if attempt.base is not None:
        schema = parquet_table([project.data / current.files[0].path]).schema
        return Table(lambda: schema, lambda _: iter(()), volatile=_volatile(current))
    if current.provenance_file:
        staged = rejects.path.with_name("provenance.parquet")
        staged.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.link(project.data / current.provenance_file, staged)
    table = parquet_table([project.data / file.path for file in current.files], current.rows)
    table.volatile = _volatile(current)
    return table


def _volatile(version: Materialized) -> frozenset[str]:
    """Give a version's columns that are no content."""
    return frozenset(column.name for column in version.columns if column.volatile)
