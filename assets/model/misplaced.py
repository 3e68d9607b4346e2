"""Declarations that lie where discovery does not look: named, with the way to where it does."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from assets.model.declare import LAYERS, Broken
from assets.model.pipelines import FOLDER
from assets.model.plain import key_name
from resources.document import SUFFIXES

_SOURCE: Final = re.compile(rb'^(?:source|[\s{]*"source")\s*:', re.MULTILINE)
_ASSET: Final = re.compile(rb"^@asset\b", re.MULTILINE)
_MOST_BYTES: Final = 1_000_000
"""A declaration is small; what is larger is something else and is not read."""


def find_misplaced(root: Path, taken: Collection[str]) -> Iterator[Broken]:
    """Give what looks like a pipeline or an asset, and would be passed over where it lies.

    taken: keys that are declared. A YAML file beside the asset of its name is that asset's own.
    """
    for path in sorted(_elsewhere(root)):
        name, guessed = key_name(path.stem)
        if path.suffix in SUFFIXES and f"raw.{name}" not in taken and _SOURCE.search(_read(path)):
            told = f"pipelines are looked for in {FOLDER}/: move it to {FOLDER}/{path.name}"
            yield Broken(f"raw.{name}", f"{_short(root, path)}: {told}", str(path), 1, (), guessed)
        elif path.suffix == ".py" and (line := _declares(_read(path))):
            parts = path.relative_to(root).parts
            layer = next((each for each in LAYERS if each in parts), LAYERS[0])
            if f"{layer}.{name}" not in taken:
                told = f"assets are looked for in assets/{layer}/ itself, not in folders below it"
                told += f": move it to assets/{layer}/{path.name}"
                said = f"{_short(root, path)}: {told}"
                yield Broken(f"{layer}.{name}", said, str(path), line, (), guessed)


def _elsewhere(root: Path) -> Iterator[Path]:
    """Give the files near the folders that are looked into: beside, above and below them."""
    pipelines = root / FOLDER
    for folder in (root / "assets", pipelines.parent):
        yield from _files(folder)
    for layer in LAYERS:
        yield from (p for p in _files(root / "assets" / layer) if p.suffix in SUFFIXES)
    for folder in (pipelines, *(root / "assets" / layer for layer in LAYERS)):
        for inner in _folders(folder):
            for here, names, files in os.walk(inner):
                names[:] = [name for name in names if not _is_aside(name)]
                yield from (Path(here, name) for name in files if not _is_aside(name))


def _folders(folder: Path) -> Iterator[Path]:
    """Give the folders directly below one; a link may lead anywhere and is not followed."""
    here, names, _ = next(os.walk(folder), ("", [], []))
    paths = (Path(here, name) for name in names if not _is_aside(name))
    yield from (path for path in paths if not path.is_symlink())


def _files(folder: Path) -> Iterator[Path]:
    """Give the files directly in a folder; none of what cannot be read."""
    here, _, names = next(os.walk(folder), ("", [], []))
    yield from (Path(here, name) for name in names if not _is_aside(name))


def _is_aside(name: str) -> bool:
    """Tell names that nobody wants to be looked at."""
    return name.startswith(("_", "."))


def _read(path: Path) -> bytes:
    """Give a small file's bytes; nothing of what cannot be read, as a pipe that nobody fills."""
    try:
        is_small = path.is_file() and path.stat().st_size <= _MOST_BYTES
        return path.read_bytes() if is_small else b""
    except OSError:
        return b""


def _declares(source: bytes) -> int:
    """Give the line of the first function with @asset in a file; 0: there is none."""
    if not _ASSET.search(source):
        return 0
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    return next((f.lineno for f in body if isinstance(f, ast.FunctionDef) and _has_asset(f)), 0)


def _has_asset(function: ast.FunctionDef) -> bool:
    """Tell a function that is decorated with @asset or @asset(...)."""
    called = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return any(isinstance(name, ast.Name) and name.id == "asset" for name in called)


def _short(root: Path, path: Path) -> str:
    """Name a file as people see it in their project."""
    return path.relative_to(root).as_posix()
