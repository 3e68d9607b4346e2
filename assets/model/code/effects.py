"""What statements of users' files change when the files are loaded: whose names, from where.

`CONF["rate"] = 2`, `STEPS.append(f)`, `@register("x")`, `setup()`: such a statement belongs to the
code version of whoever uses what it changes, wherever it stands. The rule, when in doubt: it may
change whatever it has in hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from assets.model.code.names import ALL_NAMES
from assets.model.code.places import EVERYTHING, Modules, Place
from assets.model.code.statements import Part, Statement

_SILENT = frozenset({"logging", "warnings", ""})
"""Libraries whose settings change no data."""


class Doing(NamedTuple):
    """A statement that changes something, by its file and its number there."""

    file: str
    number: int


class Effects:
    """Who changes what, in files that load each other."""

    def __init__(self, modules: Modules, files: Iterable[str]) -> None:
        """Work out what the statements of these files change."""
        self._modules = modules
        self._changes: dict[Place, dict[Doing, None]] = {}
        self._packages: dict[str, dict[str, dict[Doing, None]]] = {}
        self._derived: dict[Place, dict[Doing, None]] = {}
        self._bodies: dict[Place, set[Place]] = {}
        self._looked_at: set[Place] = set()
        self._work_out(files)

    def _work_out(self, files: Iterable[str]) -> None:
        """Look at every statement of the files."""
        acting: list[tuple[Doing, Statement]] = []
        for file in sorted(files):
            module = self._modules.read(file)
            for number, statement in enumerate(module.statements if module else ()):
                if statement.run.acts or statement.bases:
                    acting.append((Doing(file, number), statement))
        for doing, statement in acting:
            self._note_bases(doing, statement)
            for package in self._set_up(doing.file, statement.run, frozenset()):
                packages = self._packages.setdefault(doing.file, {})
                packages.setdefault(package, {})[doing] = None
        # What was put into a box can be changed through the box: again, until nothing is new.
        # So does what functions that call each other may change.
        before = -1
        while before != (before := self._known()):
            self._looked_at.clear()
            for doing, statement in acting:
                for place in self._touched(doing.file, statement.run):
                    self._changes.setdefault(place, {})[doing] = None

    def of(self, place: Place) -> Iterable[Doing]:
        """Give the statements that may change what a name holds, other than by binding it."""
        return self._changes.get(place, {})

    def of_package(self, file: str, package: str) -> Iterable[Doing]:
        """Give the statements of a file that may change how a library works."""
        return self._packages.get(file, {}).get(package, {})

    def derived(self, place: Place) -> Iterable[Doing]:
        """Give the classes that derive from a class."""
        return self._derived.get(place, {})

    def _known(self) -> int:
        """Count what is known so far; it only grows."""
        return sum(map(len, self._changes.values())) + sum(map(len, self._bodies.values()))

    def _note_bases(self, doing: Doing, statement: Statement) -> None:
        """Note what a class derives from, and that bases which look see it."""
        for base in statement.bases:
            for place in self._modules.find(doing.file, base).places:
                self._derived.setdefault(place, {})[doing] = None
                if self._is_hooked(place, 0):
                    self._changes.setdefault(place, {})[doing] = None

    def _is_hooked(self, place: Place, depth: int) -> bool:
        """Tell a class that, or whose base, sees what derives from it."""
        for statement in self._modules.statements(place):
            if statement.hooked:
                return True
            for base in statement.bases if depth < 10 else ():
                places = self._modules.find(place.file, base).places
                if any(self._is_hooked(found, depth + 1) for found in places):
                    return True
        return False

    def _set_up(self, file: str, part: Part, running: frozenset[Place]) -> Iterator[str]:
        """Give the libraries that a region of code sets something up in."""
        targets = (target.partition(" ")[0] for target in part.sets)
        for name in (*targets, *part.fills, *part.drops):
            if (package := self._modules.find(file, name).package) not in _SILENT:
                yield package
        for name in part.calls:
            for place in self._modules.find(file, name).places:
                if place not in running and self._modules.kind(place) == "function":
                    for statement in self._modules.statements(place):
                        yield from self._set_up(place.file, statement.body, running | {place})

    def _touched(self, file: str, part: Part) -> Iterator[Place]:
        """Give what a region of code may change when it runs."""
        if not part.acts:
            return
        for target in part.sets:
            name, _, steps = target.rpartition(" ")
            yield from self._set(file, name, int(steps))
        for name in part.fills:
            yield from self._set(file, name, 1)
        for name in part.calls:
            yield from self._called(file, name)
        if part.opaque:
            if ALL_NAMES in part.reads:
                yield Place(file, EVERYTHING)
            for name in part.reads:
                yield from self._in_hand(self._modules.find(file, name).places)

    def _set(self, file: str, name: str, steps: int) -> Iterator[Place]:
        """Give what is changed by putting something into a name, so many steps down."""
        found = self._modules.find(file, name)
        for place in found.places:
            if place.name == EVERYTHING:
                yield place
                continue
            depth = steps + found.rest
            kind = self._modules.kind(place)
            yield place
            if depth > 1 or (depth == 1 and kind == "other"):
                yield from self._in_hand([place])

    def _called(self, file: str, name: str) -> Iterator[Place]:
        """Give what a call may change, by what is called."""
        found = self._modules.find(file, name)
        for place in found.places:
            kind = self._modules.kind(place)
            if kind == "function" and found.rest:
                yield place  # f.register(...): the function is an object like any other
            elif kind in ("function", "class"):
                yield from self._body(place)
                if found.rest:
                    yield place
            elif place.name == EVERYTHING or self._modules.binding(place):
                yield from self._in_hand([place])

    def _body(self, place: Place) -> frozenset[Place]:
        """Give what the functions of a definition may change when they are called."""
        known = self._bodies.setdefault(place, set())
        if place not in self._looked_at:
            self._looked_at.add(place)
            for statement in self._modules.statements(place):
                known.update(self._touched(place.file, statement.body))
                for base in statement.bases:
                    for above in self._modules.find(place.file, base).places:
                        known.update(self._body(above))
        return frozenset(known)

    def _in_hand(self, places: Iterable[Place]) -> Iterator[Place]:
        """Give all that can be reached from what is in hand, and so be changed."""
        stack, seen = list(places), set()
        while stack:
            place = stack.pop()
            if place in seen:
                continue
            seen.add(place)
            kind = self._modules.kind(place)
            if place.name != EVERYTHING and (kind == "constant" or not self._is_there(place)):
                continue
            yield place
            if place.name != EVERYTHING:
                yield from self._body(place)  # of a function, or of a lambda that a name holds
            if kind in ("function", "class"):
                continue
            for file, part in self._parts(place):
                for name in part.uses:
                    stack.extend(self._modules.find(file, name).places)

    def _is_there(self, place: Place) -> bool:
        """Tell a name that is bound, or changed, somewhere."""
        return bool(self._modules.binding(place)) or place in self._changes

    def _parts(self, place: Place) -> Iterator[tuple[str, Part]]:
        """Give the code that made what a name holds."""
        if place.name == EVERYTHING:
            return
        for statement in self._modules.statements(place):
            yield place.file, statement.run
        for doing in self._changes.get(place, ()):
            module = self._modules.read(doing.file)
            if module is not None:
                yield doing.file, module.statements[doing.number].run
