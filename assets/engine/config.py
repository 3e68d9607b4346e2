"""What beside code decides a result: cleaning task, params, declared files; and sources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from assets.engine.project import Project
from assets.engine.reasons import SOURCE, Reason
from assets.model.declare import Asset
from assets.model.modes import CSV
from assets.model.pipelines import PIPELINE_VERSION
from catalog.records import SourceFile
from resources.errors import SourceError
from resources.expectations import Expectation, check_columns, facts_of
from resources.reach import hold
from resources.sources.pinned import Pin, Pins, pin_of
from resources.sources.places import is_place

DEFAULT_TASK: Final = "default"


def config_of(project: Project, asset: Asset, task: str | None = None) -> dict[str, str]:
    """Give the asset's config, item by item; `task` stands in for the declared cleaning task.

    Raises TaskError (file, line, field) for a cleaning task that cannot be used, SuiteError for a
    suite that cannot, and SourceError for a declared file that is not there.
    """
    config: dict[str, str] = {}
    if any(argument.kind == "cleaner" for argument in asset.arguments):
        name = task or asset.task or DEFAULT_TASK
        config = {f"task.{k}": v for k, v in _task_config(project, name).items()}
        config["task"] = Path(name).stem
    for name, value in _params(asset):
        config[name] = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    for name in asset.files:
        path = project.settings.root / name
        hold([path], project.settings.root, project.settings.sources_allow)
        try:
            config[f"files.{name}"] = project.checksums.of(path, path.stat())[:16]
        except OSError as error:
            raise SourceError(
                f"{asset.key} declares files=[{name!r}], which cannot be read ({error.strerror})",
                "put the file there, or take it off the list",
                asset=asset.key,
                file=str(path),
            ) from error
    for column in asset.columns or ():
        if column.written is not None:
            written = json.dumps(column.written.said(), ensure_ascii=False, sort_keys=True)
            config[f"written.{column.name}"] = written
    said = {"on": ", ".join(asset.on), "deleted": asset.deleted, "full.missing": asset.missing}
    config |= {name: value for name, value in said.items() if value}
    suite = suite_for(project, asset)
    config |= {f"checks.{name}": fact for name, fact in facts_of(suite).items()}
    if asset.layer == "output" and not project.settings.formula_safe:
        config["csv.formula_safe"] = "no"
    if asset.format != CSV:
        config["format"] = asset.format
    return config


def _params(asset: Asset) -> Iterator[tuple[str, Any]]:
    """Give an asset's params by name: `params.x`, or the field of a pipeline's file."""
    if asset.engine_version != PIPELINE_VERSION:
        yield from ((f"params.{name}", value) for name, value in asset.params.items())
        return
    for name, fields in asset.params.items():
        yield from ((f"{name}.{inner}", value) for inner, value in fields.items())


def _task_config(project: Project, name: str) -> dict[str, str]:
    """Give the config of a cleaning task, read once per project."""
    if name not in project.tasks:
        from resources.llm import CleaningTask, find_task, load_task

        if name == DEFAULT_TASK:
            project.tasks[name] = CleaningTask(DEFAULT_TASK).config()
        else:
            project.tasks[name] = load_task(find_task(project.settings.root, name)).config()
    return project.tasks[name]


def suite_for(project: Project, asset: Asset) -> tuple[Expectation, ...]:
    """Give what is expected of an asset: from `checks=` and the suites about it.

    Raises SuiteError for a suite that cannot be used, and for columns that the schema lacks.
    """
    suite = project.suites.of(asset.key, asset.checks)
    if asset.columns is not None:
        check_columns(asset.key, suite, asset.columns)
    return suite


def source_paths(project: Project, asset: Asset) -> dict[str, Path]:
    """Give the files a raw asset reads now: name as declared or below the project -> path."""
    root = project.settings.root
    found: dict[str, Path] = {}
    for pattern in asset.source:
        if is_place(pattern):
            continue  # what it holds now, nobody asks here: schedule= and fresh_for= say when
        path = Path(pattern).expanduser()
        if any(sign in pattern for sign in "*?["):
            base, rest = (
                (Path(path.anchor), str(path)[len(path.anchor) :])
                if path.is_absolute()
                else (root, str(path))
            )
            for file in sorted(base.glob(rest)):
                if file.is_file():
                    name = file.relative_to(root) if file.is_relative_to(root) else file
                    found[name.as_posix()] = file
        else:
            found[pattern] = path if path.is_absolute() else root / path
    hold(found.values(), root, project.settings.sources_allow)
    return found


def sources_now(project: Project, asset: Asset) -> tuple[SourceFile, ...]:
    """Take the facts of all source files, hashing those that were touched."""
    return pin_sources(project, asset)[0]


def pin_sources(project: Project, asset: Asset) -> tuple[tuple[SourceFile, ...], Pins]:
    """Take the facts of all source files, and what tells whether they stay as they are."""
    named: list[SourceFile] = []
    pins: list[Pin] = []
    for name, path in source_paths(project, asset).items():
        try:
            status = path.stat()
            facts = project.checksums.facts(path, status)
        except OSError:
            continue  # the collector says what is missing, with the pattern it asked for
        named.append(SourceFile(name, facts.bytes, facts.mtime_ns, facts.checksum))
        pins.append(pin_of(path, status, facts))
    places = (SourceFile(one, 0, 0, "") for one in asset.source if is_place(one))
    return (*named, *places), Pins({pin.inode: pin for pin in pins})


def source_reasons(project: Project, asset: Asset, recorded: Iterable[SourceFile]) -> list[Reason]:
    """Compare the source files with those that the current version was collected from.

    Of a place only the declaration is compared.
    """
    before = {source.path: source for source in recorded}
    after = source_paths(project, asset)
    places = [one for one in asset.source if is_place(one)]
    reasons = [
        Reason(SOURCE, name, "there", "gone")
        for name in before
        if name not in after and name not in places
    ]
    reasons += [Reason(SOURCE, one, "not there", "new") for one in places if one not in before]
    for name, path in after.items():
        try:
            status = path.stat()
        except OSError:
            reasons.append(Reason(SOURCE, name, "there", "gone"))
            continue
        old = before.get(name)
        if old is None:
            reasons.append(Reason(SOURCE, name, "not there", "new"))
        elif old.bytes != status.st_size:
            reasons.append(Reason(SOURCE, name, f"{old.bytes} bytes", f"{status.st_size} bytes"))
        elif old.mtime_ns != status.st_mtime_ns:
            checksum = project.checksums.of(path, status)
            if checksum != old.checksum:
                reasons.append(Reason(SOURCE, name, old.checksum[:8], checksum[:8]))
    return reasons
