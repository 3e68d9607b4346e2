"""What a pipeline's file may say together of how it goes on: mode, key, cursor, overlap."""

from __future__ import annotations

from assets.model.declare import Asset
from assets.model.modes import APPEND
from assets.model.pipeline_file import Pipeline, is_database


def check_onward(pipeline: Pipeline, raw: Asset) -> None:
    """Refuse what contradicts itself; raises PipelineError with field and fix."""
    read, file = pipeline.read, pipeline.document
    if read.get("overlap") is not None:
        if not pipeline.cursor:
            file.inside("read").refuse(
                "overlap",
                "nothing is read on from a value, so no rows are read once more",
                "name the column that says what is new, `cursor: updated_at`, or take it out",
            )
        if raw.mode == APPEND and not has_key(raw):
            file.inside("read").refuse(
                "overlap",
                "with `mode: append` and no key, its rows would be there twice after every run",
                "say which columns tell rows apart, `on: [id]`, or take overlap out",
            )
        if not all(is_database(one) for one in pipeline.source):
            file.inside("read").refuse(
                "overlap",
                "only databases can be asked for rows before a value",
                "take it out; let the address itself ask for more, in `params`",
            )
    if pipeline.cursor:
        _check_cursor(pipeline)


def has_key(raw: Asset) -> bool:
    """Tell whether something tells the rows of an asset apart."""
    return bool(raw.on) or any(column.unique for column in raw.columns or ())


def _check_cursor(pipeline: Pipeline) -> None:
    """Refuse options of reading that say again, or otherwise, what the cursor says."""
    read, file = pipeline.read, pipeline.document
    for name in ("by", "since"):
        if read.get(name) is not None:
            file.inside("read").refuse(
                name,
                f"`cursor: {pipeline.cursor}` says it already",
                "take it out: rows are read by the cursor's column, from where it stands",
            )
    if read.get("query"):
        file.inside("read").refuse(
            "query",
            "a cursor reads a table, in the order of its column",
            "write `table:`; for a query make a view of it, or take cursor out",
        )
    web = any("://" in one and not is_database(one) for one in pipeline.source)
    params = read.get("params")
    listed = params.values() if isinstance(params, dict) else ()
    if web and not any("{since}" in str(value) for value in listed):
        where = file.inside("read") if read else file
        where.refuse(
            "params" if read else "cursor",
            "no parameter takes the cursor's value, so all would come every time",
            'say which one does: `read: {params: {updated_after: "{since}"}}`',
        )
