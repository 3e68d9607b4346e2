"""Code versions: what a function does, as a digest that comments and formatting do not change.

It covers the function, and everything of the users' own that can change what it does: the helpers
and constants it uses, wherever they are defined, and every statement that changes what those hold
(`CONF["rate"] = 2`, a decorator that registers, a loop that fills a dictionary) when its file is
loaded. When in doubt, a statement counts. The framework and installed packages do not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from assets.model.code.effects import Doing, Effects
from assets.model.code.names import ALL_MODULES, ALL_NAMES
from assets.model.code.places import EVERYTHING, Modules, Place
from assets.model.code.statements import Statement


class CodeVersions:
    """Code versions of functions, with a cache of files that were read, keyed by their content."""

    def __init__(
        self, root: Path, cache: Path | None = None, loaded: Mapping[str, str] | None = None
    ) -> None:
        """Work on the project at `root`; `cache` is a JSON file that may be deleted at any time.

        loaded: sha256 of the source of each file that discovery loaded, by path.
        """
        self._modules = Modules(root, cache, loaded or {})
        self._effects: Effects | None = None

    def of(self, file: str | Path, function: str) -> dict[str, str]:
        """Give the digests of a function and all it uses, by name ("_helper.tidy", "PATTERN").

        The function itself is called "function", so that renaming it is no change.
        """
        path = str(file)
        start = Place(path, function)
        if not self._modules.stands_alone(path):
            if self._effects is None:
                self._effects = Effects(self._modules, self._modules.connected())
            return _Closure(self._modules, self._effects, start).digests()
        known = self._modules.answer(path, function)
        if known is None:
            known = _Closure(self._modules, Effects(self._modules, [path]), start).digests()
            self._modules.keep_answer(path, function, known)
        return known

    def save(self) -> None:
        """Keep what was read, where there is anything new."""
        self._modules.save()


class _Closure:
    """All that one function uses."""

    def __init__(self, modules: Modules, effects: Effects, start: Place) -> None:
        """Follow what `start` uses until nothing new is found."""
        self._modules = modules
        self._effects = effects
        self._start = start
        self._seen: set[Place] = set()
        self._packages: set[str] = set()
        self._digests: dict[str, list[str]] = {}
        self._added: set[tuple[str, Doing]] = set()
        self._by_subclass = False
        self._stack = [start]
        self._follow()
        while self._add_libraries() or self._add_derived():
            self._follow()

    def digests(self) -> dict[str, str]:
        """Give one digest for each name."""
        return {label: _join(self._digests[label]) for label in sorted(self._digests)}

    def _follow(self) -> None:
        """Visit every place that waits, and what it uses in turn."""
        while self._stack:
            place = self._stack.pop()
            if place in self._seen:
                continue
            self._seen.add(place)
            own, others = self._makers(place)
            for doing in (*own, *others):
                self._add(doing, place.name)

    def _makers(self, place: Place) -> tuple[list[Doing], list[Doing]]:
        """Give the statements that make what a name holds: its file's as they run, and others'."""
        doings = {
            *self._effects.of(place),
            *self._effects.of(Place(place.file, EVERYTHING)),
            *(Doing(place.file, number) for number in self._modules.binding(place)),
        }
        own = sorted(d for d in doings if d.file == place.file)
        return own, sorted(d for d in doings if d.file != place.file)

    def _add(self, doing: Doing, name: str) -> None:
        """Count a statement in under a name, and go on to what it uses."""
        module = self._modules.read(doing.file)
        if module is None:
            return
        statement = module.statements[doing.number]
        label = self._label(doing.file, name, statement)
        if (label, doing) not in self._added:
            self._added.add((label, doing))
            moment = self._moment(doing, statement)
            self._digests.setdefault(label, []).append(statement.digest + moment)
            self._stack.extend(self._uses(doing.file, statement))

    def _moment(self, doing: Doing, statement: Statement) -> str:
        """Say when a statement runs, where what it reads is still changed below it.

        `A = B` above `B = 2` is another thing than below it. Nearly always this is empty.
        """
        if statement.kind == "constant" or not (statement.run.acts or statement.run.reads):
            return ""
        early = [
            f"{place.name}:{sum(d < doing for d in makers)}"
            for place in self._reached(doing, statement)
            if place.file == doing.file
            for makers in [[d for d in self._makers(place)[0] if d != doing]]
            if any(d > doing for d in makers) and self._modules.kind(place) != "function"
        ]
        return "@" + ",".join(sorted(early)) if early else ""

    def _reached(self, doing: Doing, statement: Statement) -> set[Place]:
        """Give every place that a statement may read when it runs."""
        seen: set[Place] = set()
        stack = [p for name in statement.run.uses for p in self._places(doing.file, name)]
        while stack:
            place = stack.pop()
            if place not in seen:
                seen.add(place)
                for below in self._modules.statements(place):
                    stack.extend(self._uses(place.file, below))
        return seen

    def _label(self, file: str, name: str, statement: Statement) -> str:
        """Name a statement by what it makes, as the function sees it."""
        if file != self._start.file:
            return f"{Path(file).stem}.{name}"
        return "function" if self._start.name in (name, *statement.binds) else name

    def _uses(self, file: str, statement: Statement) -> Iterator[Place]:
        """Give the places of the names that a statement uses."""
        for name in (*statement.run.uses, *statement.body.uses):
            self._by_subclass = self._by_subclass or "__subclasses__" in name
            yield from self._places(file, name)

    def _places(self, file: str, name: str) -> Iterator[Place]:
        """Give the places that a name in a file leads to; note the library where it is one's."""
        if name == ALL_NAMES:
            yield from self._all_of(file)
        elif name == ALL_MODULES:
            for helper in self._modules.helpers():
                yield from self._all_of(helper)
        else:
            found = self._modules.find(file, name)
            if found.package:
                self._packages.add(found.package)
            for place in found.places:
                yield from (self._all_of(place.file) if place.name == EVERYTHING else (place,))

    def _all_of(self, file: str) -> Iterator[Place]:
        """Give every place of a file."""
        for statement in self._modules.statements(Place(file, EVERYTHING)):
            yield from (Place(file, name) for name in statement.binds)
        yield Place(file, EVERYTHING)

    def _add_libraries(self) -> bool:
        """Add what the files in use set up in the libraries in use; tell whether any is new."""
        before = len(self._added)
        files = {f for place in self._seen for f in self._modules.loads(place.file)}
        for file in sorted(files):
            for package in sorted(self._packages):
                for doing in self._effects.of_package(file, package):
                    self._add(doing, package)
        return len(self._added) > before

    def _add_derived(self) -> bool:
        """Add classes that are found by what they derive from; tell whether any is new."""
        before = len(self._added)
        if self._by_subclass:
            for place in sorted(self._seen):
                for doing in self._effects.derived(place):
                    self._add(doing, place.name)
        return len(self._added) > before


def _join(digests: list[str]) -> str:
    """Make one digest of those of the statements that make a name."""
    joined = digests[0]
    for digest in digests[1:]:
        joined = hashlib.sha256(f"{joined}|{digest}".encode()).hexdigest()[:16]
    return joined


def code_version(code: dict[str, str], engine: str = "") -> str:
    """Make one code version (16 hex digits) of the digests of a function and all it uses."""
    text = json.dumps([engine, sorted(code.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
