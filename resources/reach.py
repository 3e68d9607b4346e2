"""What a source may reach: files of the project, and of folders that a setting allows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from resources.errors import SourceError
from resources.sources.places import is_place

SETTING: Final = "DATAOPS_SOURCES_ALLOW"


def outside(source: str, root: Path, allowed: Sequence[Path]) -> str:
    """Give the folder outside the project that a declared source names, "" where it is inside."""
    if is_place(source):
        return ""
    path = Path(source).expanduser()
    if not path.is_absolute() and ".." not in path.parts:
        return ""
    parts = []
    for part in (path if path.is_absolute() else root / path).parts:
        if any(sign in part for sign in "*?["):
            break
        parts.append(part)
    whole = Path(os.path.normpath(Path(*parts)))
    return "" if _within(whole, (root, *allowed)) else str(whole)


def hold(files: Iterable[Path], root: Path, allowed: Sequence[Path]) -> None:
    """Raise SourceError for a file that a link leads out of the project."""
    places = (root, *allowed)
    whole = tuple(place.resolve() for place in places)
    for file in files:
        real = file.resolve()
        if not _within(real, whole):
            raise SourceError(
                f"the source {file} leads out of the project, to {real}",
                f"copy the file there, or allow its folder: {SETTING}={real.parent}",
                file=str(file),
            )


def _within(path: Path, places: Iterable[Path]) -> bool:
    """Tell whether a path lies in one of the places."""
    return any(path.is_relative_to(place) for place in places)
