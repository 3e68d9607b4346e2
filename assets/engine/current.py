"""`data/output/current/<name>.csv`: always the current version's CSV, replaced in one step."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from assets.engine.errors import FileDamaged
from assets.engine.findings import is_as_found
from assets.engine.log import log
from assets.engine.project import Project
from assets.engine.reasons import EDITED, Reason
from assets.model.declare import Asset
from catalog.heads import Head
from catalog.records import Materialized
from resources.files import sync_folder

_BLOCK = 1 << 20


def current_csv(project: Project, name: str) -> Path:
    """Give the path that follows an output asset's current version."""
    return project.data / "output" / "current" / f"{name}.csv"


def write_current(project: Project, name: str, version: Materialized) -> None:
    """Replace the current CSV by a copy: editing the copy cannot harm a version.

    Raises FileDamaged where the version's file is not what was published: damage is not handed on.
    """
    target = current_csv(project, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with aside.open("xb") as copy:
            for file in version.files:
                digest = hashlib.sha256()
                with (project.data / file.path).open("rb") as source:
                    while block := source.read(_BLOCK):
                        digest.update(block)
                        copy.write(block)
                _need(digest.hexdigest() == file.checksum, project.data / file.path, version)
            copy.flush()
            os.fsync(copy.fileno())
        os.utime(aside, ns=(version.files[0].mtime_ns, version.files[0].mtime_ns))
        aside.replace(target)
        sync_folder(target.parent)
    finally:
        aside.unlink(missing_ok=True)


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
    """Look at the copy of the current version: there, of its size and time, else of its bytes."""
    if asset.layer != "output" or not current.files:
        return []
    path, where = current_csv(project, asset.name), f"output/current/{asset.name}.csv"
    try:
        status = path.stat()
    except OSError:
        return [Reason(EDITED, where, f"version {current.number}", "gone")]
    found = project.findings.of(where)
    if found is not None and is_as_found(found, status):
        return [Reason(EDITED, where, f"version {current.number}", "other bytes")]
    size = sum(file.bytes for file in current.files)
    same = (status.st_size, status.st_mtime_ns) == (size, current.files[0].mtime_ns)
    if same and found is None:
        return []
    if status.st_size == size and _same_bytes(project, path, current, status):
        return []
    return [Reason(EDITED, where, f"version {current.number}", "other bytes")]


def _same_bytes(
    project: Project, path: Path, current: Materialized, status: os.stat_result
) -> bool:
    """Compare a copy with what was published, byte by byte where it has several parts."""
    if len(current.files) == 1:
        return project.checksums.of(path, status, anew=True) == current.files[0].checksum
    with path.open("rb") as copy:
        for file in current.files:
            digest, left = hashlib.sha256(), file.bytes
            while left and (block := copy.read(min(_BLOCK, left))):
                digest.update(block)
                left -= len(block)
            if digest.hexdigest() != file.checksum:
                return False
    return True


def sync_current(project: Project, asset: Asset, head: Head) -> None:
    """Bring the current CSV in line, where a crash, a rollback or an editor left it otherwise."""
    current = head.current
    if asset.layer != "output" or current is None or not current.files:
        return
    try:
        status = current_csv(project, asset.name).stat()
        size = sum(file.bytes for file in current.files)
        known = project.findings.of(f"output/current/{asset.name}.csv") is None
        same = (status.st_size, status.st_mtime_ns) == (size, current.files[0].mtime_ns)
        if known and same:
            return
    except FileNotFoundError:
        pass
    if not all((project.data / file.path).is_file() for file in current.files):
        return
    try:
        write_current(project, asset.name, current)
    except FileDamaged as error:
        log("the current CSV stays as it is", logging.WARNING, asset=asset.key, error=str(error))
