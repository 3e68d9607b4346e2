"""Where cleaning tasks are found: in resources/tasks/, or directly in resources/."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from resources.document import SUFFIXES, Kind, read_document
from resources.errors import DataOpsError, did_you_mean


class TaskError(DataOpsError):
    """A cleaning task's file is missing or cannot be used."""


TASK: Final = Kind("cleaning task", TaskError, example="prompt", least="`prompt:`, or `rules:`")


_TELLING: Final = frozenset({"task_name", "prompt", "rules", "model"})
"""Fields by which a file directly in resources/ is told from prices, alerts and the like."""


def task_files(root: Path) -> Iterator[Path]:
    """Give a project's cleaning tasks: resources/tasks/, and what is one directly in resources/."""
    home = root / "resources"
    yield from (p for p in (home / "tasks").glob("*") if p.suffix in SUFFIXES)
    for path in home.glob("*"):
        if path.suffix in SUFFIXES and path.is_file():
            with suppress(TaskError):
                if _TELLING & read_document(path, TASK).values.keys():
                    yield path


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
    known = sorted({p.stem for p in task_files(root)})
    raise TaskError(
        f"there is no cleaning task {name!r}{did_you_mean(Path(name).stem, known)}",
        f"put it at resources/tasks/{Path(name).stem}.yaml"
        + (f", or use one of {', '.join(known)}" if known else ""),
        task=name,
    )
