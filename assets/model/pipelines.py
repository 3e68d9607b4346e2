"""Pipelines without Python: resources/pipelines/*.yaml as ordinary assets.

One file is raw.<name>, processed.<name>_clean and output.<name>.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assets.model.arguments import Argument, Params
from assets.model.chain import clean
from assets.model.declare import NAME, Asset, Broken
from assets.model.deletes import check_deletes
from assets.model.errors import DeclarationError
from assets.model.modes import APPEND, REPLACE, check_mode
from assets.model.onward import check_onward
from assets.model.pipeline_file import (
    PIPELINE,
    RULES,
    Pipeline,
    PipelineError,
    pipeline_of,
)
from assets.model.plain import key_name
from assets.schemas import ProcessedText, RawText
from resources.columns import Column
from resources.document import SUFFIXES, Document, read_document
from resources.errors import DataOpsError, did_you_mean
from resources.expectations import SuiteError, check_columns
from resources.hosts import is_hosts
from resources.task_files import TASK, find_task

if TYPE_CHECKING:
    import pyarrow as pa

    from assets.model.cursor import Cursor
    from resources.sources import Source
    from resources.tables import Table

PIPELINE_VERSION: Final = "yaml/1"
"""Counts as the code of these assets: raise it when what they make of the same fields changes."""
FOLDER: Final = "resources/pipelines"


def collect(source: Source, params: Params) -> Table:
    """Read the source as the file says."""
    read, texts = params.get("read", {}), params.get("texts")
    return source.texts(**texts, **read) if texts else source.read(**read)


def collect_new(source: Source, params: Params, cursor: Cursor) -> Table:
    """Read what is new as the file says; when it was handed over, the cursor stands at its end."""
    from resources.tables import Table

    onward = {"by": params["cursor"]["by"], "since": cursor.value}
    table = collect(source, {**params, "read": {**params.get("read", {}), **onward}})

    def batches(rows: int) -> Iterator[pa.RecordBatch]:
        """Hand the rows over, then move the cursor."""
        yield from table.batches(rows)
        cursor.advance(source.last)

    return Table(lambda: table.schema, batches, volatile=table.volatile)


def export(table: Table, params: Params) -> Table:
    """Hand the table over, with all of its columns or those that the file names."""
    columns = params.get("output", {}).get("columns")
    if not columns:
        return table
    known = table.columns
    for name in columns:
        if name not in known:
            raise DataOpsError(
                f"`output:` names the column {name!r}, which the table does not have"
                f"{did_you_mean(name, known)}",
                f"use {', '.join(known)}",
                column=name,
            )
    return table.map(lambda batch: batch.select(columns), lambda: _chosen(table, columns))


def _chosen(table: Table, columns: list[str]) -> Any:
    """Give the schema of some of a table's columns."""
    import pyarrow as pa

    return pa.schema([table.schema.field(name) for name in columns])


def load_pipelines(root: Path, taken: Collection[str]) -> Iterator[Asset | Broken]:
    """Give the assets of all pipelines of a project; a bad file stops only itself.

    taken: keys that Python declares. They replace what a file does not ask for in words.
    """
    tasks: dict[str, Document | None] = {}
    for path in sorted((root / FOLDER).glob("*")):
        if path.suffix in SUFFIXES and not path.name.startswith(("_", ".")):
            yield from _load(root, path, taken, tasks)


def _load(
    root: Path, path: Path, taken: Collection[str], tasks: dict[str, Document | None]
) -> Iterator[Asset | Broken]:
    """Give the assets of one file, or say what is wrong with it."""
    document: Document | None = None
    try:
        document = read_document(path, PIPELINE)
        pipeline = pipeline_of(document)
        yield from list(_assets(root, pipeline, taken, tasks))
    except PipelineError as error:
        yield from _broken(path, document.values if document else {}, error, taken)
    except Exception as error:
        if is_hosts(error):
            raise
        said = f"{path}, line 1: this cannot be used ({type(error).__name__}: {error})"
        unknown = PipelineError(said, "correct the file", file=str(path), line=1)
        yield from _broken(path, document.values if document else {}, unknown, taken)


def _assets(
    root: Path, pipeline: Pipeline, taken: Collection[str], tasks: dict[str, Document | None]
) -> Iterator[Asset]:
    """Declare what a pipeline is made of."""
    raw = _raw(pipeline)
    _check_checks(pipeline, raw)
    yield raw
    last, columns = raw.key, raw.columns
    clean_key, csv_key = f"processed.{pipeline.name}_clean", f"output.{pipeline.name}"
    cleans = pipeline.clean is not None and (
        bool(pipeline.clean) or columns is None or any(c.is_text for c in columns)
    )
    if not pipeline.clean and clean_key in taken and pipeline.clean is not None:
        last, columns = clean_key, None
    elif cleans:
        cleaned = _cleaned(root, pipeline, raw, tasks)
        yield cleaned
        last, columns = cleaned.key, cleaned.columns
    written = pipeline.document.values.get("output") is not None
    if pipeline.output and (written or csv_key not in taken):
        if columns is not None:
            _check_output(pipeline, columns)
        yield _exported(pipeline, raw, last)


def _raw(pipeline: Pipeline) -> Asset:
    """Declare the raw asset."""
    params = {"read": pipeline.read, "texts": pipeline.texts}
    arguments = [Argument("source", "source"), Argument("params", "params")]
    if pipeline.cursor:
        params["cursor"] = {"by": pipeline.cursor}
        arguments.append(Argument("cursor", "cursor"))
    raw = Asset(
        key=f"raw.{pipeline.name}",
        layer="raw",
        name=pipeline.name,
        function=collect_new if pipeline.cursor else collect,
        arguments=tuple(arguments),
        description=pipeline.description,
        columns=pipeline.columns,
        params={name: value for name, value in params.items() if value},
        source=pipeline.source,
        schedule=pipeline.schedule,
        timezone=pipeline.timezone,
        fresh_for=pipeline.fresh_for,
        chain=False,
        checks=pipeline.checks,
        tags=pipeline.tags,
        owner=pipeline.owner,
        ordered=pipeline.ordered,
        max_quarantine=pipeline.max_quarantine,
        anomalies=pipeline.anomalies,
        mode=pipeline.mode,
        on=pipeline.on,
        deleted=pipeline.deleted,
        missing=str((pipeline.full or {}).get("missing", "")),
        file=str(pipeline.document.path),
        line=pipeline.document.line("source"),
        engine_version=PIPELINE_VERSION,
    )
    _check_mode(pipeline, raw)
    check_onward(pipeline, raw)
    return raw


def _check_mode(pipeline: Pipeline, raw: Asset) -> None:
    """Refuse a mode that cannot work, as for every asset."""
    field = "on" if pipeline.on else "mode"
    try:
        check_mode(
            "the pipeline",
            "raw",
            raw.mode,
            raw.on,
            raw.columns,
            (),
            raw.arguments,
            ordered=raw.ordered,
        )
        field = "deleted" if pipeline.deleted else "full"
        check_deletes("the pipeline", raw.mode, raw.deleted, pipeline.full, raw.columns, raw.on)
    except DeclarationError as error:
        pipeline.document.refuse(field, error.problem.removeprefix("the pipeline has "), error.fix)


def _cleaned(
    root: Path, pipeline: Pipeline, raw: Asset, tasks: dict[str, Document | None]
) -> Asset:
    """Declare the cleaned asset."""
    task = None if pipeline.clean in ("", RULES) else pipeline.clean
    columns = raw.columns
    if columns is not None and [c.name for c in columns] == [c.name for c in RawText.columns()]:
        own = {column.name: column for column in columns}
        columns = tuple(own.get(column.name, column) for column in ProcessedText.columns())
    if task is not None and _adds_columns(root, task, tasks):
        columns = None
    if columns is not None:  # what the raw asset read has its types already
        columns = tuple(replace(column, written=None) for column in columns)
    return replace(
        raw,
        key=f"processed.{pipeline.name}_clean",
        layer="processed",
        name=f"{pipeline.name}_clean",
        function=clean,
        arguments=(Argument("table", "upstream", raw.key), Argument("llm", "cleaner")),
        description=f"{raw.description or raw.key} (cleaned)",
        upstream=(raw.key,),
        columns=columns,
        task=task,
        params={},
        mode=REPLACE if raw.mode == REPLACE else APPEND,
        on=(),
        deleted="",
        missing="",
        source=(),
        schedule="",
        timezone="",
        fresh_for=None,
        checks=(),
        line=pipeline.document.line("clean"),
    )


def _check_checks(pipeline: Pipeline, raw: Asset) -> None:
    """Refuse expectations about columns that the pipeline does not have."""
    if raw.columns is None:
        return
    for number, one in enumerate(pipeline.checks):
        if isinstance(one, str):
            continue
        try:
            check_columns(raw.key, [replace(one, where="")], raw.columns)
        except SuiteError as error:
            pipeline.document.refuse(f"checks.{number}", error.problem, error.fix)


def _adds_columns(root: Path, task: str, tasks: dict[str, Document | None]) -> bool:
    """Tell whether a cleaning task has outputs, whose columns come as they are.

    What is wrong with the task is said by the plan, as for every asset.
    """
    if task not in tasks:
        try:
            tasks[task] = read_document(find_task(root, task), TASK)
        except DataOpsError:
            tasks[task] = None
    found = tasks[task]
    return found is None or bool(found.values.get("outputs"))


def _exported(pipeline: Pipeline, raw: Asset, upstream: str) -> Asset:
    """Declare the CSV."""
    columns = list(pipeline.output_columns)
    return replace(
        raw,
        key=f"output.{pipeline.name}",
        layer="output",
        function=export,
        arguments=(Argument("table", "upstream", upstream), Argument("params", "params")),
        description=f"{raw.description or raw.key} (CSV)",
        upstream=(upstream,),
        columns=None,
        params={"output": {"columns": columns}} if columns else {},
        mode=REPLACE,
        on=(),
        deleted="",
        missing="",
        source=(),
        schedule="",
        timezone="",
        fresh_for=None,
        checks=(),
        max_quarantine=None,
        format=pipeline.output_format,
        line=pipeline.document.line("output"),
    )


def _check_output(pipeline: Pipeline, columns: tuple[Column, ...]) -> None:
    """Refuse columns of the CSV that what it is made from does not have."""
    names = [column.name for column in columns]
    for name in pipeline.output_columns:
        if name not in names:
            pipeline.document.inside("output").refuse(
                "columns",
                f"there is no column {name!r}{did_you_mean(name, names)}",
                f"use {', '.join(names)}",
            )


def _broken(
    path: Path, values: Mapping[str, Any], error: PipelineError, taken: Collection[str]
) -> Iterator[Broken]:
    """Say what is wrong with a file, for each asset that it would have declared."""
    name, guessed = values.get("name", path.stem), False
    if not isinstance(name, str) or not NAME.fullmatch(name):
        name, guessed = key_name(path.stem)[0], True
    where, line = str(path), int(str(error.facts.get("line") or 0))
    raw, cleaned, csv = f"raw.{name}", f"processed.{name}_clean", f"output.{name}"
    yield Broken(raw, str(error), where, line, guessed=guessed)
    last = raw
    if values.get("clean") is not False:
        last = cleaned
        if cleaned not in taken:
            yield Broken(cleaned, str(error), where, line, (raw,), guessed)
    if values.get("output") is not False and csv not in taken:
        yield Broken(csv, str(error), where, line, (last,), guessed)
