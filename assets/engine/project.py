"""A project, opened: its settings, its graph, and the record of what was made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from assets.engine.checksums import Checksums
from assets.engine.findings import Findings
from assets.model.code import CodeVersions
from assets.model.declare import Broken
from assets.model.discover import LOADED, discover
from assets.model.graph import Graph
from catalog.events import EventStore
from catalog.open import open_events
from catalog.store import Catalog
from resources.expectations.suites import Suites
from resources.reach import SETTING, outside
from resources.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Project:
    """What every command and every Airflow task works on."""

    settings: Settings
    graph: Graph
    events: EventStore
    catalog: Catalog
    code: CodeVersions
    checksums: Checksums
    suites: Suites
    findings: Findings
    tasks: dict[str, dict[str, str]] = field(default_factory=dict)
    """Config of the cleaning tasks read so far, by name."""

    @property
    def data(self) -> Path:
        """Give the data folder."""
        return self.settings.data


def open_project(root: Path | str | None = None, settings: Settings | None = None) -> Project:
    """Open the project at `root` (else DATAOPS_ROOT, else around the current folder).

    Reads project files only: no data, no catalog, no network.
    """
    settings = settings or load_settings(root)
    graph = _held(discover(settings.root), settings)
    events = open_events(settings.events_url, settings.data / "events", data=settings.data)
    return Project(
        settings=settings,
        graph=graph,
        events=events,
        catalog=Catalog(settings.data, events, settings.memory_mb),
        code=CodeVersions(settings.root, settings.data / "cache" / "code.json", dict(LOADED)),
        checksums=Checksums(settings.data / "cache" / "checksums.json"),
        suites=Suites(settings.root, frozenset(graph.order)),
        findings=Findings(events),
    )


def _held(graph: Graph, settings: Settings) -> Graph:
    """Make assets broken whose sources lie outside the project, in no folder that is allowed."""
    bad: dict[str, Broken] = {}
    for key, asset in graph.assets.items():
        for one in (*asset.source, *asset.files):
            what = "source" if one in asset.source else "file"
            if "\0" in one:
                error = (
                    f"{asset.file}, line {asset.line}: {key} has the {what} {one!r}, which holds "
                    "a NUL character: no file is named so. Take it out."
                )
                bad[key] = Broken(key, error, asset.file, asset.line)
                continue
            folder = outside(one, settings.root, settings.sources_allow)
            if folder:
                error = (
                    f"{asset.file}, line {asset.line}: {key} has the {what} {one!r}, which lies "
                    f"outside the project. Put the file into it, or allow the folder: "
                    f"{SETTING}={Path(folder) if one.endswith('/') else Path(folder).parent}."
                )
                bad[key] = Broken(key, error, asset.file, asset.line)
    if not bad:
        return graph
    good = {key: asset for key, asset in graph.assets.items() if key not in bad}
    return replace(graph, assets=good, broken={**graph.broken, **bad})
