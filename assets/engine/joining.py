"""Joining: new rows join a version's files; each materialization writes one new file, no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.engine.arguments import verify
from assets.engine.checks import Checked, check_rows, content_of
from assets.engine.correcting import count_discarded
from assets.engine.errors import CheckFailed, SchemaMismatch
from assets.engine.increment import keys_of, same_form
from assets.engine.known import Base, Keys
from assets.engine.merging import parted, rewrite
from assets.engine.project import Project
from assets.engine.stage import Staged, filled, stage
from assets.model.declare import Asset
from assets.model.modes import UPSERT
from catalog.quarantine import files_of
from catalog.records import File, Materialized
from resources.columns import Column, fingerprint
from resources.errors import did_you_mean
from resources.rejects import Rejects
from resources.tables import Table, parquet_table
from resources.wording import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from assets.engine.make import Attempt


@dataclass(frozen=True, slots=True)
class Joined:
    """A version as it will be: files that stay, and the one that is written (None: no new row).

    content: of the whole. replaced: old rows that made room; deleted: those that went.
    grown: whether the old rows all stand, in front, as they were.
    """

    kept: tuple[File, ...]
    written: Staged | None
    written_content: str
    rows: int
    content: str
    replaced: int
    grown: bool
    deleted: int = 0


def base_rows(project: Project, version: Materialized) -> Base:
    """Give a version's rows as what new ones join."""
    return Base(
        version=version.number,
        paths=tuple(project.data / file.path for file in version.files),
        files=version.files,
        rows=version.rows,
        content=sum(int(file.content) for file in version.files),
        missing={c.column: c.rows for c in version.checks if c.name == "missing values"},
        quarantined=_quarantined(project, version),
    )


def _quarantined(project: Project, version: Materialized) -> int:
    """Give how many rows were set aside on the way to a version, since it was last made whole.

    Those that people discarded do not count.
    """
    aside = sum(c.rows for c in version.checks if c.name == "quarantined rows")
    files = [project.data / file for file in files_of(project.events, version)] if aside else []
    volatile = {column.name for column in version.columns if column.volatile}
    found, gone = count_discarded(project, version.key, files, volatile)
    return found - gone if gone else aside


def schema_of(project: Project, version: Materialized) -> pa.Schema:
    """Give the Arrow schema of a version's files."""
    return parquet_table([project.data / file.path for file in version.files]).schema


def keys_for(asset: Asset, base: Base | None, columns: Sequence[Column]) -> Keys:
    """Give what tells the asset's rows apart; raises SchemaMismatch for a column they lack."""
    names = [column.name for column in columns]
    for name in asset.on:
        if name not in names:
            raise SchemaMismatch(
                f"{asset.key} has on=[{name!r}], but its rows lack that column"
                f"{did_you_mean(name, names)}; they have {names}",
                "name the columns of the key as they come, or hand them over",
                asset=asset.key,
                column=name,
            )
    return Keys(keys_of(asset), asset.mode == UPSERT, frozenset(asset.on), base)


def in_new_form(
    project: Project,
    asset: Asset,
    version: Materialized,
    columns: tuple[Column, ...],
    target: pa.Schema,
    aside: Path,
) -> Base:
    """Write a version's rows with the columns that hold now (as Arrow: `target`), to be joined.

    A column that they do not have is missing in all of them. Raises SchemaMismatch where a row does
    not fit: rows that were published are never set aside.
    """
    for file in version.files:
        verify(project.data / file.path, file.checksum, asset.key, version.number)
    table = parquet_table([project.data / file.path for file in version.files], version.rows)
    new = [field for field in target if field.name not in table.schema.names]
    rejects, settings = Rejects(aside / "rejects.parquet"), project.settings
    try:
        staged = stage(
            Table(
                lambda: _arrow([*table.schema, *new]),
                lambda rows: filled(table.batches(rows), new),
            ),
            aside / "rows.parquet",
            key=asset.key,
            columns=asset.columns,
            rejects=rejects,
            chunk_rows=settings.chunk_rows,
            compression=settings.compression,
            like=target,
        )
        keys = Keys(keys_of(asset), required=frozenset(asset.on))
        checked = check_rows(staged, columns, rejects, settings, ordered=False, keys=keys)
    finally:
        rejects.close()
    if checked.staged.rows != version.rows:
        _refuse(asset, version, rejects, checked)
    return Base(
        version=version.number,
        paths=(checked.staged.path,),
        files=(),
        rows=version.rows,
        content=int(checked.content),
        missing=checked.missing,
        quarantined=_quarantined(project, version),
    )


def _arrow(fields: Sequence[pa.Field]) -> pa.Schema:
    """Make a schema of fields."""
    import pyarrow as pa

    return pa.schema(fields)


def _refuse(asset: Asset, version: Materialized, rejects: Rejects, checked: Checked) -> None:
    """Say which rule old rows break."""
    broken = [f"{rule} of {column}: {n}" for (rule, column), n in rejects.counts.items()]
    if checked.duplicates:
        broken.append(f"equal rows with one key: {checked.duplicates}")
    raise SchemaMismatch(
        f"{asset.key}: {version.rows - checked.staged.rows:,} of the {counted(version.rows)} of "
        f"version {version.number}, which new rows would join, break what is declared now "
        f"({', '.join(broken)})",
        "let the declaration take them (a new column may be missing in them: `| None`), or "
        f"collect everything anew: dataops materialize {asset.key} --full",
        asset=asset.key,
    )


def joinable(
    project: Project, attempt: Attempt, staged: Staged, columns: tuple[Column, ...], aside: Path
) -> Base | None:
    """Give the rows that the staged ones join, in the form that holds now; None without any."""
    asset, version = attempt.asset, attempt.base
    if version is None:
        return None
    alike = not staged.rows or fingerprint(columns) == version.schema_fingerprint
    if alike and same_form(project, asset, version):
        return base_rows(project, version)
    return in_new_form(project, asset, version, columns, staged.schema, aside)


def totals(
    base: Base | None, checked: Checked, columns: Sequence[Column]
) -> tuple[dict[str, int], int]:
    """Give the missing values by column, and the rows, of the whole version."""
    if base is None:
        return checked.missing, checked.staged.rows
    missing = {
        c.name: base.missing.get(c.name, 0)
        - checked.leaving.missing.get(c.name, 0)
        + checked.missing.get(c.name, 0)
        for c in columns
    }
    return missing, base.rows - checked.leaving.rows + checked.staged.rows


def join(
    project: Project,
    asset: Asset,
    base: Base | None,
    checked: Checked,
    columns: Sequence[Column],
    to: Path,
) -> Joined:
    """Put the new rows, and what old rows must be written again, into one new file aside (`to`)."""
    if base is None:
        rows, content = checked.staged.rows, checked.content
        return Joined((), checked.staged, content, rows, content, 0, grown=False)
    leaving = checked.leaving.places
    if base.files and not checked.staged.rows and not leaving:
        return Joined(base.files, None, "", base.rows, str(base.content), 0, grown=True)
    again, kept = parted(base, set(leaving))
    written, content = checked.staged, checked.content
    if again:
        for file in base.files:
            if file not in kept:
                verify(project.data / file.path, file.checksum, asset.key, base.version)
        written = rewrite(again, checked.staged, leaving, to, project.settings)
        content = content_of(written.path, columns, project.settings)
    joined = Joined(
        kept=kept,
        written=written,
        written_content=content,
        rows=sum(file.rows for file in kept) + written.rows,
        content=str(sum(int(file.content) for file in kept) + int(content)),
        replaced=checked.replaced.rows,
        grown=not leaving and bool(base.files),
        deleted=checked.gone.old.rows,
    )
    _balance(asset, base, checked, joined)
    return joined


def _balance(asset: Asset, base: Base, checked: Checked, joined: Joined) -> None:
    """Hold the books of the whole version: what was there, plus new rows, minus replaced ones."""
    expected = base.rows + checked.staged.rows - joined.replaced - joined.deleted
    if joined.rows != expected:
        raise CheckFailed(
            f"{asset.key}: {base.rows} rows and {checked.staged.rows} new ones, of which "
            f"{joined.replaced} replace old ones, less {joined.deleted} deleted, are {expected}, "
            f"but {joined.rows} were written",
            "this is a defect of the product: please report it with the log",
            asset=asset.key,
        )
