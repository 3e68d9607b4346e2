"""What a function is handed: its upstream in the form it asked for, and what is injected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.engine.boundaries import begin_cursor
from assets.engine.compare import quarantine_limit
from assets.engine.config import DEFAULT_TASK
from assets.engine.errors import FileDamaged, UpstreamMissing
from assets.engine.increment import fresh_files
from assets.engine.project import Project
from assets.model.declare import Asset
from catalog.heads import Head
from catalog.records import File, Input, Materialized, Usage
from resources.files import file_facts
from resources.reach import hold
from resources.rejects import Rejects
from resources.settings import Settings
from resources.tables import Previous, Table, parquet_table

if TYPE_CHECKING:
    from assets.engine.make import Attempt
    from resources.llm import Cleaner
    from resources.sources import Source, Web


@dataclass(frozen=True, slots=True)
class Handed:
    """The function's arguments, and what its cleaner used, once the result was read.

    idle: its source has nothing new, so that there is nothing to call it for.
    """

    arguments: dict[str, Any]
    cleaner: Cleaner | None
    idle: bool = False

    def usage(self) -> tuple[Usage, ...]:
        """Give the cleaner's usage, as the record keeps it."""
        facts = self.cleaner.usage if self.cleaner is not None else ()
        return tuple(
            Usage(**{name: getattr(f, name) for name in Usage.__struct_fields__}) for f in facts
        )

    def warnings(self) -> tuple[str, ...]:
        """Give what the cleaner wants somebody to know."""
        return tuple(self.cleaner.warnings) if self.cleaner is not None else ()

    def close(self) -> None:
        """Finish the files that the cleaner wrote."""
        if self.cleaner is not None:
            self.cleaner.close()


def pin_upstream(
    project: Project, asset: Asset, heads: Mapping[str, Head], skip: int = 0
) -> tuple[Input, ...]:
    """Fix the versions to read, and verify the bytes that will be read against the record.

    skip: how many of the first rows will not be. Raises UpstreamMissing or FileDamaged, naming the
    upstream and its file.
    """
    pins = []
    for key in asset.upstream:
        current = heads[key].current
        if current is None:
            raise UpstreamMissing(
                f"{asset.key} is made from {key}, which has no version yet",
                f"make it first: dataops materialize {key} (or +{asset.key})",
                asset=asset.key,
                upstream=key,
            )
        for file in _from(current, skip)[0]:
            verify(project.data / file.path, file.checksum, key, current.number)
        pins.append(Input(key, current.number, current.data_version))
    return tuple(pins)


def _from(version: Materialized, skip: int) -> tuple[tuple[File, ...], int]:
    """Give the files that hold a version's rows from `skip` on, and the rows to skip in the first.

    Where nothing is left, the last file stands for it, so that the columns are known.
    """
    for at, file in enumerate(version.files):
        if skip < file.rows or at == len(version.files) - 1:
            return version.files[at:], skip
        skip -= file.rows
    return (), 0


def verify(path: Path, checksum: str, key: str, version: int) -> None:
    """Compare a file's bytes with what was published."""
    try:
        facts = file_facts(path)
    except OSError as error:
        raise FileDamaged(
            f"{path}, version {version} of {key}, cannot be read ({error.strerror})",
            f"make it again (dataops materialize {key}) or go back (dataops rollback {key})",
            asset=key,
            file=str(path),
        ) from error
    if facts.checksum != checksum:
        raise FileDamaged(
            f"{path}, version {version} of {key}, is not what was published "
            f"({facts.bytes} bytes, checksum {facts.checksum[:8]} for {checksum[:8]})",
            f"make it again (dataops materialize {key}) or go back (dataops rollback {key})",
            asset=key,
            file=str(path),
        )


def arguments_for(project: Project, attempt: Attempt, rejects: Rejects) -> Handed:
    """Put together what the function asks for."""
    asset = attempt.asset
    arguments: dict[str, Any] = {}
    cleaner: Cleaner | None = None
    idle = False
    if any(argument.kind == "cursor" for argument in asset.arguments):
        begin_cursor(project, attempt)
    for argument in asset.arguments:
        if argument.kind == "upstream":
            current = attempt.heads[argument.key].current
            assert current is not None  # noqa: S101 - pin_upstream looked
            table = table_of(project, current, attempt.skip)
            arguments[argument.name] = _FORMS[argument.form](table, project)
        elif argument.kind == "cleaner":
            cleaner = cleaner or _cleaner(project, attempt, rejects)
            arguments[argument.name] = cleaner
        elif argument.kind == "params":
            arguments[argument.name] = dict(asset.params)
        elif argument.kind == "previous":
            arguments[argument.name] = _previous(project, attempt)
        elif argument.kind == "cursor":
            arguments[argument.name] = attempt.cursor
        else:
            fresh = fresh_files(project, asset, attempt.base, attempt.sources)
            idle = fresh == ()
            if fresh is not None:
                attempt.pins = attempt.pins.only(fresh)
            arguments[argument.name] = _source(project, attempt, fresh, rejects)
    return Handed(arguments, cleaner, idle)


def _source(
    project: Project, attempt: Attempt, fresh: tuple[Path, ...] | None, rejects: Rejects
) -> Source:
    """Give what the collector reads with: its new files, or all that is declared."""
    from resources.sources import Source

    asset = attempt.asset
    return Source(
        _there(project, attempt) if fresh is None else fresh,
        name=asset.name,
        columns=asset.columns,
        rejects=rejects,
        chunk_rows=project.settings.chunk_rows,
        web=web_of(project.settings, project.data / attempt.source_calls_file),
        onward=attempt.onward,
        pins=attempt.pins,
    )


def _there(project: Project, attempt: Attempt) -> tuple[Path | str, ...]:
    """Give what is declared, without files that came since it was looked what is there."""
    found = _found(project, attempt.asset)
    pins = attempt.pins
    if not pins.files:
        return found
    return tuple(one for one in found if isinstance(one, str) or not pins.came_later(one))


def _found(project: Project, asset: Asset) -> tuple[Path | str, ...]:
    """Give the files and places that are declared; none may lead out of the project."""
    from resources.sources import find_sources

    settings = project.settings
    found = find_sources(asset.source, settings.root)
    hold((one for one in found if isinstance(one, Path)), settings.root, settings.sources_allow)
    return found


def web_of(settings: Settings, calls: Path | None = None) -> Web:
    """Give what the project allows web sources, and where their requests are logged."""
    from resources.sources import Web

    return Web(
        allow=settings.http_allow,
        calls=calls,
        cache=settings.data / "cache" / "http",
        cache_bytes=settings.http_cache_mb * 1_000_000,
        pause=settings.retry_seconds,
    )


def table_of(project: Project, version: Materialized, skip: int = 0) -> Table:
    """Give a version's rows, but the first `skip` of them."""
    files, inside = _from(version, skip)
    paths = [project.data / file.path for file in files]
    return parquet_table(paths, version.rows - skip, skip=inside)


def _relation(table: Table, project: Project) -> object:
    """Give an upstream as a DuckDB relation on a connection of its own."""
    import duckdb

    con = duckdb.connect(
        config={
            "memory_limit": f"{project.settings.memory_mb}MB",
            "temp_directory": str(project.data / ".staging" / "spill"),
        }
    )
    if table.files:
        return con.read_parquet([str(file) for file in table.files])
    return con.from_arrow(table.to_arrow())  # rows from the middle of a file on: a small part


_FORMS: dict[str, Callable[[Table, Project], object]] = {
    "table": lambda table, _: table,
    "frame": lambda table, _: table.to_pandas(),
    "arrow": lambda table, _: table.to_arrow(),
    "frames": lambda table, project: table.frames(project.settings.chunk_rows),
    "batches": lambda table, project: table.batches(project.settings.chunk_rows),
    "relation": _relation,
}


def _cleaner(project: Project, attempt: Attempt, rejects: Rejects) -> Cleaner:
    """Make the cleaner for the asset's cleaning task."""
    from resources.llm import CleaningRun, find_task, load_task, make_cleaner

    name = attempt.task or attempt.asset.task or DEFAULT_TASK
    root = project.settings.root
    task = None if name == DEFAULT_TASK else load_task(find_task(root, name))
    run = CleaningRun(
        run=attempt.run,
        salt=answers_until(attempt.asset, attempt.head),
        calls=project.data / attempt.calls_file,
        provenance=rejects.path.with_name("provenance.parquet"),
        most_waiting=quarantine_limit(project, attempt.asset),
    )
    return make_cleaner(task, settings=project.settings, rejects=rejects, run=run)


def answers_until(asset: Asset, head: Head) -> str:
    """Give what ends the life of answers that are kept for one version only: its successor."""
    return f"{asset.key}:{head.number}"


def _previous(project: Project, attempt: Attempt) -> Previous:
    """Give the asset's own current version; without one, a table without rows."""
    import pyarrow as pa

    from resources.columns import arrow_type

    current = attempt.head.current
    if current is not None and attempt.asset.layer != "output":
        table = table_of(project, current)
        return Previous(lambda: table.schema, table.batches, rows=table.rows, files=table.files)
    columns = attempt.asset.columns or ()
    return Previous(
        lambda: pa.schema([pa.field(c.name, arrow_type(c)) for c in columns]),
        lambda _: iter(()),
        rows=0,
    )
