"""Where cleaning tasks are found: in resources/tasks/, or directly in resources/."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from resources.document import SUFFIXES, Kind
from resources.errors import DataOpsError, did_you_mean


class TaskError(DataOpsError):
    """A cleaning task's file is missing or cannot be used."""


TASK: Final = Kind("cleaning task", TaskError, example="prompt", least="`prompt:`, or `rules:`")


def find_task(root: Path, name: str) -> Path:
    """Find a task's file: under resources/tasks/, else directly in resources/.

    `name` may be bare ('clean_reviews'), a file name, or a path below the project's folder.
    """
    home = (root / "resources").resolve()
    bases = (home / "tasks", home, root.resolve())
    for base in bases:
        tries = [base / name, *(base / f"{name}{suffix}" for suffix in SUFFIXES)]
        found = [path for path in tries if path.is_file() and path.suffix in SUFFIXES]
        inside = [path for path in found if path.resolve().is_relative_to(home)]
        if len(inside) > 1:
            raise TaskError(
                f"the cleaning task {name!r} could be {' or '.join(p.name for p in inside)}",
                "name the file with its ending, or rename one of them",
                task=name,
            )
        if inside:
            return inside[0]
    known = sorted(p.stem for base in bases[:2] for p in base.glob("*") if p.suffix in SUFFIXES)
    raise TaskError(
        f"there is no cleaning task {name!r}{did_you_mean(Path(name).stem, known)}",
        f"put it at resources/tasks/{Path(name).stem}.yaml"
        + (f", or use one of {', '.join(known)}" if known else ""),
        task=name,
    )
