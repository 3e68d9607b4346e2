"""`data/output/current/<name>.csv`, `.xlsx`: always the current version, replaced in one step."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assets.engine.errors import FileDamaged
from assets.engine.findings import is_as_found
from assets.engine.log import log
from assets.engine.project import Project
from assets.engine.reasons import EDITED, Reason
from assets.model.declare import Asset
from catalog.heads import Head
from catalog.history import versions_of
from catalog.records import File, Materialized
from resources.files import sync_folder

_BLOCK = 1 << 20
_FOLDER = "output/current"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of what a version holds. path: below data/; parts: the files it consists of."""

    path: str
    parts: tuple[File, ...]

    @property
    def facts(self) -> tuple[int, int]:
        """Give the size and time that the copy has."""
        return sum(file.bytes for file in self.parts), self.parts[0].mtime_ns


def copies_of(name: str, version: Materialized) -> Iterator[Copy]:
    """Give the copies that follow an output asset's current version."""
    if version.files:
        yield Copy(f"{_FOLDER}/{name}.csv", version.files)
    if version.workbook is not None:
        yield Copy(_workbook(name), (version.workbook,))


def _workbook(name: str) -> str:
    """Give where an output's workbook is copied to."""
    return f"{_FOLDER}/{name}.xlsx"


def write_current(project: Project, name: str, version: Materialized) -> None:
    """Replace the current files by copies: editing a copy cannot harm a version.

    Raises FileDamaged where the version's file is not what was published: damage is not handed on.
    """
    for copy in copies_of(name, version):
        _write(project, copy, version)
    if version.workbook is None:
        _remove_workbook(project, name, version)


def _write(project: Project, copy: Copy, version: Materialized) -> None:
    """Write one copy."""
    target = project.data / copy.path
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.stem}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with aside.open("xb") as written:
            for file in copy.parts:
                digest = hashlib.sha256()
                with (project.data / file.path).open("rb") as source:
                    while block := source.read(_BLOCK):
                        digest.update(block)
                        written.write(block)
                _need(digest.hexdigest() == file.checksum, project.data / file.path, version)
            written.flush()
            os.fsync(written.fileno())
        time = copy.parts[0].mtime_ns
        os.utime(aside, ns=(time, time))
        aside.replace(target)
        sync_folder(target.parent)
    finally:
        aside.unlink(missing_ok=True)


def _remove_workbook(project: Project, name: str, version: Materialized) -> None:
    """Remove the workbook of a version before, which nothing keeps up to date any more.

    Only what a version holds byte by byte: people may keep a workbook of their own there.
    """
    path = project.data / _workbook(name)
    if not path.is_file():
        return
    made = [v.workbook for v in versions_of(project.events, version.key)]
    checksum = project.checksums.of(path, path.stat())
    if checksum in {file.checksum for file in made if file is not None}:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


def _need(intact: bool, path: Path, version: Materialized) -> None:
    """Raise FileDamaged for a file that is not what was published."""
    if not intact:
        raise FileDamaged(
            f"{path}, version {version.number} of {version.key}, is not what was published",
            f"`dataops verify {version.key}` notes it, and the next run makes it again",
            asset=version.key,
            file=str(path),
        )


def copy_reasons(project: Project, asset: Asset, current: Materialized) -> list[Reason]:
    """Look at the current version's copies: there, of their size and time, else of their bytes."""
    if asset.layer != "output":
        return []
    copies = copies_of(asset.name, current)
    found = ((copy.path, _state(project, copy)) for copy in copies)
    return [
        Reason(EDITED, path, f"version {current.number}", state) for path, state in found if state
    ]


def _state(project: Project, copy: Copy) -> str:
    """Say what is wrong with a copy ("" = nothing)."""
    path = project.data / copy.path
    try:
        status = path.stat()
    except OSError:
        return "gone"
    found = project.findings.of(copy.path)
    if found is not None and is_as_found(found, status):
        return "other bytes"
    if found is None and (status.st_size, status.st_mtime_ns) == copy.facts:
        return ""
    if status.st_size == copy.facts[0] and _same_bytes(project, path, copy, status):
        return ""
    return "other bytes"


def _same_bytes(project: Project, path: Path, copy: Copy, status: os.stat_result) -> bool:
    """Compare a copy with what was published, byte by byte where it has several parts."""
    if len(copy.parts) == 1:
        return project.checksums.of(path, status, anew=True) == copy.parts[0].checksum
    with path.open("rb") as written:
        for file in copy.parts:
            digest, left = hashlib.sha256(), file.bytes
            while left and (block := written.read(min(_BLOCK, left))):
                digest.update(block)
                left -= len(block)
            if digest.hexdigest() != file.checksum:
                return False
    return True


def sync_current(project: Project, asset: Asset, head: Head) -> None:
    """Bring the copies in line, where a crash, a rollback or an editor left them otherwise."""
    current = head.current
    if asset.layer != "output" or current is None:
        return
    if current.workbook is None:
        _remove_workbook(project, asset.name, current)
    for copy in copies_of(asset.name, current):
        if _is_in_line(project, copy):
            continue
        if not all((project.data / file.path).is_file() for file in copy.parts):
            continue
        try:
            _write(project, copy, current)
        except FileDamaged as error:
            text = f"{copy.path} stays as it is"
            log(text, logging.WARNING, asset=asset.key, error=str(error))


def _is_in_line(project: Project, copy: Copy) -> bool:
    """Tell whether a copy is there with its size and time, and nothing was found about it."""
    try:
        status = (project.data / copy.path).stat()
    except FileNotFoundError:
        return False
    same = (status.st_size, status.st_mtime_ns) == copy.facts
    return same and project.findings.of(copy.path) is None
