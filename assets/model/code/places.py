"""Where names of users' code lead: from a chain in one file to what another file defines."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from assets.model.code.names import ALL_MODULES
from assets.model.code.statements import LAYERS, Module, Statement, is_foreign, read_module
from resources.files import replace_file

_FORMAT: Final = "3"
EVERYTHING: Final = "*"
"""The name that stands for whatever a module holds."""


class Place(NamedTuple):
    """A name in a users' file; `EVERYTHING` for all of it."""

    file: str
    name: str


class Found(NamedTuple):
    """What a chain of names leads to.

    rest: how many of its names lead on from the place. package: the library it belongs to, where it
    leads out of the users' code.
    """

    places: tuple[Place, ...] = ()
    rest: int = 0
    package: str = ""


class Modules:
    """The users' files, read once each and kept by their content."""

    def __init__(self, root: Path, cache: Path | None, loaded: Mapping[str, str]) -> None:
        """Work on the project at `root`; `cache` is a file that may be deleted at any time.

        loaded: sha256 of the source of each file that discovery loaded, by path.
        """
        self._root = root
        self._layers = root / "assets"
        self._loaded = loaded
        self._cache_file = cache
        self._cache = _read_cache(cache)
        self._files: dict[str, Module | None] = {}
        self._names: dict[str, dict[str, list[int]]] = {}
        self._keys: dict[str, str] = {}
        self._located: dict[tuple[str, str], str | None] = {}
        self._connected: frozenset[str] | None = None
        self._new = False

    def read(self, path: str) -> Module | None:
        """Read a file, or take it from the cache; None where it cannot be read.

        A file that discovery loaded counts as it was loaded, whatever it holds by now.
        """
        if path not in self._files:
            kept = self._cache.get(self._key(path))
            try:
                self._files[path] = Module.from_json(kept[:4]) if kept else None
            except (TypeError, ValueError):  # somebody edited the cache
                self._files[path] = None
        return self._files[path]

    def _key(self, path: str) -> str:
        """Give what a file is kept under, and read it where the cache does not know it."""
        if path not in self._keys:
            key = self._loaded.get(path, "")
            self._keys[path] = key if key in self._cache else self._read_new(path)
        return self._keys[path]

    def _read_new(self, path: str) -> str:
        """Read a file that the cache may not know, and give its key there."""
        try:
            source = Path(path).read_bytes()
            key = hashlib.sha256(source).hexdigest()
            if key not in self._cache:
                self._cache[key] = [*read_module(source).to_json(), {}]
                self._new = True
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            return ""
        return key

    def stands_alone(self, path: str) -> bool:
        """Tell a file that has nothing to do with other users' files."""
        if self._connected is None:
            alone = {p for p in self.assets() if not self._loads_others(p)}
            loading = [p for p in self.assets() if p not in alone]
            self._connected = frozenset(found for p in loading for found in self.loads(p))
        return path not in self._connected and not self._loads_others(path)

    def connected(self) -> frozenset[str]:
        """Give the users' files that load each other."""
        self.stands_alone("")
        return self._connected or frozenset()

    def _loads_others(self, path: str) -> bool:
        """Tell a file that loads other users' files."""
        kept = self._cache.get(self._key(path))
        for name in kept[3] if kept else ():
            if name == ALL_MODULES or any(True for _ in self._loaded_by(path, name)):
                return True
        return False

    def answer(self, path: str, function: str) -> dict[str, str] | None:
        """Give the digests of a function that were worked out before, of a file as it is."""
        kept = self._cache.get(self._key(path))
        return kept[4].get(function) if kept else None

    def keep_answer(self, path: str, function: str, digests: dict[str, str]) -> None:
        """Keep the digests of a function; right only where its file stands alone."""
        if kept := self._cache.get(self._key(path)):
            kept[4][function] = digests
            self._new = True

    def save(self) -> None:
        """Keep what was read, where there is anything new; a lost cache costs only time."""
        if self._new and self._cache_file is not None:
            content = {"format": _FORMAT, "files": self._cache}
            replace_file(self._cache_file, json.dumps(content).encode())
            self._new = False

    def binding(self, place: Place) -> list[int]:
        """Give the numbers of the statements that bind a name, in order."""
        if place.file not in self._names:
            names: dict[str, list[int]] = {}
            module = self.read(place.file)
            for number, statement in enumerate(module.statements if module else ()):
                for name in dict.fromkeys(statement.binds):
                    names.setdefault(name, []).append(number)
            self._names[place.file] = names
        return self._names[place.file].get(place.name, [])

    def statements(self, place: Place) -> list[Statement]:
        """Give the statements that bind a name, in order; all of the file for EVERYTHING."""
        module = self.read(place.file)
        if module is None:
            return []
        if place.name == EVERYTHING:
            return list(module.statements)
        return [module.statements[n] for n in self.binding(place)]

    def kind(self, place: Place) -> str:
        """Tell what a name holds: constant, plain, function, class, or other."""
        kinds = {s.kind for s in self.statements(place)}
        if kinds == {"constant", "plain"}:
            return "plain"
        return kinds.pop() if len(kinds) == 1 else "other"

    def assets(self) -> list[str]:
        """Give the users' files that declare assets."""
        found: list[str] = []
        for layer in LAYERS:
            folder = self._layers / layer
            names = sorted(entry.name for entry in _scan(folder))
            found.extend(
                f"{folder}/{name}" for name in names if name.endswith(".py") and name[0] != "_"
            )
        return found

    def helpers(self) -> list[str]:
        """Give the users' files that are imported, not discovered."""
        return [
            str(file)
            for layer in LAYERS
            for file in sorted((self._layers / layer).rglob("*.py"))
            if file.name.startswith("_") or file.parent != self._layers / layer
        ]

    def loads(self, path: str) -> list[str]:
        """Give the users' files that loading a file loads, itself included."""
        seen = dict.fromkeys([path])
        stack = [path]
        while stack:
            file = stack.pop()
            module = self.read(file)
            for name in module.loads if module else ():
                files = self.helpers() if name == ALL_MODULES else self._loaded_by(file, name)
                for found in files:
                    if found not in seen:
                        seen[found] = None
                        stack.append(found)
        return list(seen)

    def _loaded_by(self, path: str, name: str) -> Iterator[str]:
        """Give the files of a module that is imported, and of what is taken from it."""
        module, _, attribute = name.partition(":")
        for whole in (module, f"{module}{'' if module.endswith('.') else '.'}{attribute}"):
            if (file := self._locate(path, whole.rstrip(".") or whole)) is not None:
                yield file

    def find(self, path: str, chain: str) -> Found:
        """Find what a chain of names in a file leads to."""
        if ":" in chain:
            return self._find_imported(path, chain, 0)
        head, _, rest = chain.partition(".")
        parts = rest.split(".") if rest else []
        places: list[Place] = []
        module = self.read(path)
        imports = module.imports.get(head, ()) if module else ()
        if self.binding(Place(path, head)) and not imports:
            return Found((Place(path, head),), len(parts))
        left, package = len(parts), ""
        for imported in imports:
            joint = "" if imported.endswith(":") or not rest else "."
            found = self._find_imported(path, f"{imported}{joint}{rest}", 0)
            places.extend(found.places)
            left, package = min(left, found.rest), package or found.package
        if self.binding(Place(path, head)):
            places.append(Place(path, head))
        if not places and not imports:
            places.extend(self._find_starred(path, chain))
            places.append(Place(path, head))  # perhaps the module is given it at run time
        return Found(tuple(dict.fromkeys(places)), left, package)

    def _find_starred(self, path: str, chain: str) -> Iterator[Place]:
        """Look for a name among those that `import *` brings in."""
        module = self.read(path)
        for star in module.stars if module else ():
            file = self._locate(path, star)
            if file is not None and file != path:
                found = self._find_in(file, chain.split("."), 1)
                yield from (place for place in found.places if self._is_known(place))

    def _is_known(self, place: Place) -> bool:
        """Tell a place that is more than a guess."""
        return place.name == EVERYTHING or bool(self.binding(place))

    def _find_imported(self, path: str, chain: str, depth: int) -> Found:
        """Find what `module:attribute.more` leads to."""
        module, _, rest = chain.partition(":")
        parts = rest.split(".") if rest else []
        level = len(module) - len(module.lstrip("."))
        names = [part for part in module[level:].split(".") if part]
        for used in range(len(parts), -1, -1):
            whole = "." * level + ".".join([*names, *parts[:used]])
            file = self._locate(path, whole)
            if file is not None:
                found = self._find_in(file, parts[used:], depth)
                if used:  # its package may define the same name
                    outer = self._locate(path, "." * level + ".".join([*names, *parts[: used - 1]]))
                    if outer is not None and self.binding(Place(outer, parts[used - 1])):
                        return Found((*found.places, Place(outer, parts[used - 1])), found.rest)
                return found
        return Found(package=names[0] if names and not level else "")

    def _find_in(self, file: str, parts: list[str], depth: int) -> Found:
        """Find what a chain leads to in the file of a module."""
        if not parts or depth > 20:
            return Found((Place(file, EVERYTHING),))
        if self.binding(Place(file, parts[0])):
            return Found((Place(file, parts[0]),), len(parts) - 1)
        module = self.read(file)
        found: list[Place] = []
        left = len(parts) - 1
        for imported in module.imports.get(parts[0], ()) if module else ():
            joint = "" if imported.endswith(":") or len(parts) == 1 else "."
            onward = self._find_imported(file, f"{imported}{joint}{'.'.join(parts[1:])}", depth + 1)
            if onward.package:
                return onward
            found.extend(onward.places)
            left = min(left, onward.rest)
        if not found:
            for star in module.stars if module else ():
                starred = self._locate(file, star)
                if starred is not None and starred != file:
                    onward = self._find_in(starred, parts, depth + 1)
                    found.extend(p for p in onward.places if self._is_known(p))
        return Found(tuple(found) or (Place(file, EVERYTHING),), left if found else 0)

    def _locate(self, path: str, module: str) -> str | None:
        """Give the users' file of a module; None for the framework and installed packages."""
        level = len(module) - len(module.lstrip("."))
        key = (str(Path(path).parent) if level else "", module)
        if key not in self._located:
            self._located[key] = self._look_for(Path(path), level, module[level:])
        return self._located[key]

    def _look_for(self, path: Path, level: int, module: str) -> str | None:
        """Look for the file of a module on disk."""
        parts = [part for part in module.split(".") if part]
        if level:
            base = path.parent
            for _ in range(level - 1):
                base = base.parent
            if not base.is_relative_to(self._root):
                return None
        elif parts[:1] == ["assets"] and len(parts) > 1 and parts[1] in LAYERS:
            base, parts = self._layers, parts[1:]
        elif parts and not is_foreign(module):
            base = self._root
        else:
            return None
        if not parts and base in (self._layers, self._root):
            return None
        target = base.joinpath(*parts)
        for candidate in (target.with_name(target.name + ".py"), target / "__init__.py"):
            if candidate.is_file():
                return str(candidate)
        return None


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    """List a folder; nothing where there is none."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _read_cache(file: Path | None) -> dict[str, list[Any]]:
    """Read what was kept; nothing where there is none, or it is of another format."""
    try:
        kept = json.loads(file.read_bytes()) if file is not None else {}
        return dict(kept["files"]) if kept and kept["format"] == _FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
