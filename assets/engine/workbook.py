"""An output's workbook: the same rows as its CSV, beside it, where `format` asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.model.modes import XLSX
from catalog.records import File

if TYPE_CHECKING:
    from assets.engine.make import Attempt
    from assets.engine.project import Project
    from assets.engine.publish import Result


def keep_workbook(
    project: Project, attempt: Attempt, result: Result, *, unchanged: bool
) -> File | None:
    """Write the rows as .xlsx where the version's record names it; None where none is asked for.

    The same rows keep the workbook that there is. Raises WorkbookError beyond what Excel holds.
    """
    current, staged = attempt.head.current, result.joined.written
    if attempt.asset.format != XLSX:
        return None
    if unchanged and current is not None and current.workbook is not None:
        return current.workbook
    assert staged is not None  # noqa: S101 - an output is made whole
    from resources.files import file_facts, sync_folder
    from resources.tables import parquet_table
    from resources.workbooks import write_workbook

    # Staged first: what a killed attempt staged is removed by whoever finds it dead.
    aside = staged.path.with_name("export.xlsx")
    write_workbook(
        parquet_table([staged.path], staged.rows),
        aside,
        about=attempt.asset.key,
        otherwise="take the format off: its CSV has no such limit",
    )
    facts = file_facts(aside)
    path = f"workbooks/{attempt.asset.key}/{attempt.stamp}.xlsx"
    target = project.data / path
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.replace(target)
    sync_folder(target.parent)
    return File(
        path=path,
        rows=staged.rows,
        bytes=facts.bytes,
        checksum=facts.checksum,
        content=result.joined.written_content,
        mtime_ns=facts.mtime_ns,
    )
