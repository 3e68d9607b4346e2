"""Discovery: import the users' files, collect what they declare; a bad file stops only itself."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
import time
import traceback
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from assets.model.chain import default_chain
from assets.model.declare import LAYERS, Asset, Broken
from assets.model.graph import Graph, build_graph
from assets.model.misplaced import find_misplaced
from assets.model.pipelines import load_pipelines
from assets.model.plain import key_name
from resources.errors import DataOpsError
from resources.hosts import is_hosts

SLOW_IMPORT: Final = 0.05
LOADED: Final[dict[str, str]] = {}
"""sha256 of the source of every users' file, as it was loaded last, by path."""
_DECLARED = re.compile(r"^@asset\b[\s\S]*?^def\s+([A-Za-z_]\w*)", re.MULTILINE)
_EDGES = re.compile(r"""["']((?:raw|processed)\.[a-z][a-z0-9_]*)["']""")


class _FreshLoader(SourceFileLoader):
    """Load from source every time: bytecode files cannot tell two edits within one second."""

    def get_code(self, fullname: str) -> CodeType | None:
        """Compile the file as it is now."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        LOADED[path] = hashlib.sha256(source).hexdigest()
        code: CodeType = self.source_to_code(source, path)
        return code


class _UserFiles:
    """Find `assets.raw.*`, `assets.processed.*` and `assets.output.*` in one project's folder."""

    def __init__(self, root: Path) -> None:
        """Serve the project at `root`."""
        self.folder = root / "assets"

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the import system's protocol
        target: ModuleType | None = None,  # noqa: ARG002 - the import system's protocol
    ) -> ModuleSpec | None:
        """Give the spec of a users' module or layer; None for everything else."""
        parts = fullname.split(".")
        if len(parts) < 2 or parts[0] != "assets" or parts[1] not in LAYERS:
            return None
        place = self.folder.joinpath(*parts[1:])
        if len(parts) == 2:
            layer = ModuleSpec(fullname, None, is_package=True)
            layer.submodule_search_locations = [str(place)]
            return layer
        file, package = place.with_name(place.name + ".py"), place / "__init__.py"
        if file.is_file():
            return spec_from_file_location(fullname, file, loader=_FreshLoader(fullname, str(file)))
        if package.is_file():
            return spec_from_file_location(
                fullname,
                package,
                loader=_FreshLoader(fullname, str(package)),
                submodule_search_locations=[str(place)],
            )
        return None


def discover(root: Path) -> Graph:
    """Load all assets of the project at `root`: its files, and what the default chain adds."""
    _serve(root)
    assets: list[Asset] = []
    broken: list[Broken] = []
    seconds: dict[str, float] = {}
    for layer in LAYERS:
        for file in sorted((root / "assets" / layer).glob("*.py")):
            if file.name.startswith("_"):
                continue
            start = time.perf_counter()
            found = _load(layer, file)
            if (spent := time.perf_counter() - start) > SLOW_IMPORT:
                seconds[str(file)] = spent
            for item in found:
                (broken if isinstance(item, Broken) else assets).append(item)  # type: ignore[arg-type]
    taken = {a.key for a in assets} | {b.key for b in broken}
    for item in load_pipelines(root, taken):
        (broken if isinstance(item, Broken) else assets).append(item)  # type: ignore[arg-type]
    broken += find_misplaced(root, {a.key for a in assets} | {b.key for b in broken})
    return build_graph([*assets, *default_chain(assets, broken)], broken, seconds)


def _serve(root: Path) -> None:
    """Make imports of users' modules come from this project, fresh."""
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, _UserFiles)]
    sys.meta_path.insert(0, _UserFiles(root))
    prefixes = tuple(f"assets.{layer}" for layer in LAYERS)
    for name in [n for n in sys.modules if n.startswith(prefixes)]:
        if name in prefixes or name.startswith(tuple(p + "." for p in prefixes)):
            del sys.modules[name]
    importlib.invalidate_caches()
    LOADED.clear()


def _load(layer: str, file: Path) -> Sequence[Asset | Broken]:
    """Import one file; what it raises, whatever it is, makes only its own assets broken."""
    name = f"assets.{layer}.{file.stem}"
    try:
        if not file.is_file():
            raise OSError(f"{file.name} is no file that can be read")
        spec = spec_from_file_location(name, file, loader=_FreshLoader(name, str(file)))
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} cannot be imported")
        module = module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        found = _declared(module, name)
    except BaseException as error:
        sys.modules.pop(name, None)
        if is_hosts(error):
            raise
        return _broken(layer, file, error)
    if found:
        return list(dict.fromkeys(found))
    stem, guessed = key_name(file.stem)
    return [
        Broken(
            f"{layer}.{stem}",
            f"{file.name} declares no asset: decorate a function with @asset, "
            "or start the file's name with _ if it only helps others",
            str(file),
            1,
            guessed=guessed,
        )
    ]


def _declared(module: ModuleType, name: str) -> list[Asset]:
    """Give what a module declares itself, not what it imports."""
    found = [
        getattr(value, "__dict__", {}).get("__dataops__")
        for value in list(vars(module).values())
        if callable(value) and getattr(value, "__module__", None) == name
    ]
    return [one for one in found if isinstance(one, Asset)]


def _broken(layer: str, file: Path, error: BaseException) -> list[Broken]:
    """Say what went wrong and where, for each asset that the file seems to declare."""
    line = _line(file, error)
    kind = "" if isinstance(error, DataOpsError) else f"{type(error).__name__}: "
    text = f"{kind}{error.msg if isinstance(error, SyntaxError) else _said(error)}"
    try:
        source = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError:
        source = ""
    names = [key_name(name) for name in _DECLARED.findall(source) or [file.stem]]
    edges = tuple(dict.fromkeys(_EDGES.findall(source))) if layer != "raw" else ()
    return [
        Broken(
            f"{layer}.{name}",
            f"{text} ({file.name}, line {line})" if line else f"{text} ({file.name})",
            str(file),
            line,
            tuple(edge for edge in edges if edge != f"{layer}.{name}"),
            guessed,
        )
        for name, guessed in dict.fromkeys(names)
    ]


def _said(error: BaseException) -> str:
    """Give what an exception says; its own words may fail, too."""
    try:
        return str(error)
    except Exception as worse:
        if is_hosts(worse):
            raise
        return "(it cannot say what)"


def _line(file: Path, error: BaseException) -> int:
    """Give the line of the file where the error came from, 0 where unknown."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno or 0
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    return (lines[-1] or 0) if lines else 0
