"""`data/output/current/<name>.csv`: always the current version's CSV, replaced in one step."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from assets.engine.project import Project
from assets.model.declare import Asset
from catalog.heads import Head
from catalog.records import Materialized
from resources.files import sync_folder


def current_csv(project: Project, name: str) -> Path:
    """Give the path that follows an output asset's current version."""
    return project.data / "output" / "current" / f"{name}.csv"


def write_current(project: Project, name: str, version: Materialized) -> None:
    """Replace the current CSV by a copy: editing the copy cannot harm a version."""
    target = current_csv(project, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with aside.open("xb") as copy:
            for file in version.files:
                with (project.data / file.path).open("rb") as source:
                    shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        os.utime(aside, ns=(version.files[0].mtime_ns, version.files[0].mtime_ns))
        aside.replace(target)
        sync_folder(target.parent)
    finally:
        aside.unlink(missing_ok=True)


def sync_current(project: Project, asset: Asset, head: Head) -> None:
    """Bring the current CSV in line, where a crash or a rollback left it behind."""
    current = head.current
    if asset.layer != "output" or current is None or not current.files:
        return
    try:
        status = current_csv(project, asset.name).stat()
        size = sum(file.bytes for file in current.files)
        if (status.st_size, status.st_mtime_ns) == (size, current.files[0].mtime_ns):
            return
    except FileNotFoundError:
        pass
    if all((project.data / file.path).is_file() for file in current.files):
        write_current(project, asset.name, current)
