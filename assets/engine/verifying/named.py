"""What the record names: every file whose checksum an event holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from assets.engine.current import copies_of
from assets.engine.findings import CURRENT, VERSION
from catalog.records import AnyEvent, Attempted, Materialized, Pruned, Reviewed

LET_GO: Final = ("validations",)
"""Kinds whose files the product itself lets go after a while."""


@dataclass(frozen=True, slots=True)
class Named:
    """A file that an event names. at: when it was written, and read back. in_force: it is read now.

    whole: where it is a copy, the files that it consists of.
    """

    path: str
    kind: str
    key: str
    version: int
    checksum: str
    at: str
    in_force: bool = False
    whole: tuple[str, ...] = ()


@dataclass(slots=True)
class Register:
    """The files that events name, collected event by event."""

    files: dict[str, Named] = field(default_factory=dict)
    versions: list[Materialized] = field(default_factory=list)
    gone: set[tuple[str, int]] = field(default_factory=set)
    _ended: set[str] = field(default_factory=set)

    def add(self, _stream: str, event: AnyEvent) -> None:
        """Take in what an event names."""
        if isinstance(event, Pruned):
            self._ended |= set(event.files)
            self.gone |= {(event.key, number) for number in event.versions}
        if isinstance(event, Materialized):
            self.versions.append(event)
            for file in event.every_file:
                named = Named(file.path, VERSION, event.key, event.number, file.checksum, event.at)
                self.files.setdefault(file.path, named)
        if isinstance(event, Materialized | Attempted | Reviewed):
            version = 0 if isinstance(event, Attempted) else event.number
            version = event.version if isinstance(event, Reviewed) else version
            for path, checksum in event.checksums.items():
                kind = path.partition("/")[0]
                named = Named(path, kind, event.key, version, checksum, event.at)
                self.files.setdefault(path, named)

    def remember(self, files: Iterable[Named]) -> None:
        """Take in what events that are damaged now named before."""
        for file in files:
            self.files.setdefault(file.path, file)

    def named(self, current: Iterable[Materialized], copies: Iterable[Named]) -> list[Named]:
        """Give the files that are to be there, those in force marked."""
        in_force = {path for version in current for path in paths_of(version)}
        found = [f for f in self.files.values() if f.path not in self._ended]
        marked = [
            Named(f.path, f.kind, f.key, f.version, f.checksum, f.at, f.path in in_force)
            for f in found
        ]
        return [*marked, *copies]


def paths_of(version: Materialized) -> Iterator[str]:
    """Give every path that a version names."""
    yield from (file.path for file in version.every_file)
    yield from version.checksums


def current_copies(name: str, current: Materialized) -> Iterator[Named]:
    """Name the copies of a version that `output/current` shows."""
    for copy in copies_of(name, current):
        paths = tuple(file.path for file in copy.parts)
        checksum = copy.parts[0].checksum if len(paths) == 1 else ""
        whole = () if checksum else paths
        yield Named(
            copy.path, CURRENT, current.key, current.number, checksum, current.at, True, whole
        )
