"""Find a source's files, and say clearly what is missing where nothing is found."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from resources.errors import SourceError, did_you_mean
from resources.sources.places import is_place

_SIGNS = "*?["


def find_sources(
    patterns: Iterable[str | Path], root: Path | None = None
) -> tuple[Path | str, ...]:
    """Give the files that `find_files` finds, and places as they are."""
    found: dict[Path | str, None] = {}
    for pattern in patterns:
        found |= dict.fromkeys([pattern] if is_place(pattern) else find_files([pattern], root))
    return tuple(found)


def find_files(patterns: Iterable[str | Path], root: Path | None = None) -> tuple[Path, ...]:
    """Give the files that paths and patterns (`*`, `?`, `[...]`, `**`) name, in name order.

    Relative patterns start at `root`. Raises SourceError, naming pattern and folder, for each
    that names no file.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        path = path if path.is_absolute() else (root or Path.cwd()) / path
        for file in _files(path):
            found[file] = None
    return tuple(found)


def _files(path: Path) -> list[Path]:
    """Give what one path or pattern names."""
    if path.is_file():
        return [path]
    if path.is_dir():
        raise SourceError(
            f"the source {path} is a folder",
            f"name the files in it, for example {path.name}/*.csv",
            file=str(path),
        )
    if not any(sign in str(path) for sign in _SIGNS):
        raise _missing(path, f"the source file {path.name!r} is not there")
    base, rest = _split(path)
    files = sorted(file for file in base.glob(rest) if file.is_file()) if base.is_dir() else []
    if not files:
        raise _missing(base / rest, f"no file matches the source {rest!r}")
    return files


def _split(path: Path) -> tuple[Path, str]:
    """Split a pattern into the folder that is certain and the rest."""
    parts = path.parts
    first = next(i for i, part in enumerate(parts) if any(sign in part for sign in _SIGNS))
    return Path(*parts[:first]), str(Path(*parts[first:]))


def _missing(path: Path, problem: str) -> SourceError:
    """Say where was looked and what lies there instead."""
    folder = path.parent
    if not folder.is_dir():
        near = next(parent for parent in folder.parents if parent.is_dir())
        gone = folder.relative_to(near).parts[0]
        hint = did_you_mean(gone, _names(near))
        return SourceError(
            f"{problem}: there is no folder {gone!r} in {near}{hint}",
            "put the file there, or correct source=",
            file=str(path),
        )
    names = _names(folder)
    hint = did_you_mean(path.name, names) or (
        f"; the folder holds {', '.join(names[:5])}" if names else "; the folder is empty"
    )
    return SourceError(
        f"{problem} in {folder}{hint}",
        "put the file there, or correct source=",
        file=str(path),
    )


def _names(folder: Path) -> list[str]:
    """Give the names in a folder, hidden ones left out."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
