"""A project, opened: its settings, its graph, and the record of what was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from assets.engine.checksums import Checksums
from assets.engine.findings import Findings
from assets.model.discover import LOADED, discover
from assets.model.graph import Graph
from assets.model.versions import CodeVersions
from catalog.events import EventStore
from catalog.open import open_events
from catalog.store import Catalog
from resources.expectations.suites import Suites
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
    graph = discover(settings.root)
    events = open_events(settings.events_url, settings.data / "events")
    return Project(
        settings=settings,
        graph=graph,
        events=events,
        catalog=Catalog(settings.data, events),
        code=CodeVersions(settings.root, settings.data / "cache" / "code.json", dict(LOADED)),
        checksums=Checksums(settings.data / "cache" / "checksums.json"),
        suites=Suites(settings.root, frozenset(graph.order)),
        findings=Findings(events),
    )
