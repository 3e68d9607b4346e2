"""Correcting: corrections take the place of the rejected rows they are about, if they hold."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assets.engine.casting import cast_array
from assets.engine.checks import Checked
from assets.engine.content import row_hash
from assets.engine.corrections import (
    SUITE,
    Correction,
    Waiting,
    content_id,
    numbered,
    read_corrections,
    write_corrections,
)
from assets.engine.errors import NothingAccepted
from assets.engine.increment import keys_of
from assets.engine.log import log
from assets.engine.newer import deleted_since, newer_there
from assets.engine.project import Project
from assets.engine.sql import connection, literal
from assets.engine.stage import Staged, StagedWriter, read_batches
from assets.model.modes import UPSERT
from catalog.quarantine import discards_of
from resources.columns import Column
from resources.rejects import Reject, Rejects, read_rejects, row_json
from resources.values.reading import in_plain
from resources.values.written import Written

if TYPE_CHECKING:
    import pyarrow as pa

    from assets.engine.make import Attempt

Check = Callable[..., Checked]
"""Check staged rows; `rejects=` takes those that break a rule."""

_AS_IT_CAME: Final = ("type", "fields", "quotes", "encoding", "json")
"""Rules of rows that were set aside before their values had types."""


@dataclass(slots=True)
class _Place:
    """A correction that is to take a place. reject: whose (None: of a row that is in the table).

    at: before which row of the table (None: at its end).
    """

    correction: Correction
    reject: Reject | None = None
    row: str = ""
    refused: Reject | None = None
    at: int | None = None


def with_corrections(
    project: Project,
    attempt: Attempt,
    checked: Checked,
    columns: Sequence[Column],
    rejects: Rejects,
    check: Check,
) -> tuple[Checked, Rejects]:
    """Let corrections take the place of the rejected rows they are about, if they hold.

    The rows go through `check` like all others; one that breaks a rule stays aside, with the new
    reason. The books stay as they were: a correction counts for the row it replaces.
    """
    old, new = _in_force(project, attempt), _new(attempt)
    usable = [*new, *old] if attempt.into is None else [*new]
    if not usable:
        return checked, rejects
    rejects.close()
    volatile = {column.name for column in columns if column.volatile}
    waiting = Waiting(usable, volatile)
    places, rest = _match(rejects, waiting)
    _refuse_deleted(project, attempt, checked, columns, places)
    gone = _match_table(project, checked.staged, columns, waiting, places)
    if not places:
        _need_some(attempt, places)
        return checked, _written(rejects, rest, ())
    if attempt.asset.mode == UPSERT:  # the last row of a key counts
        _find_places(places, checked.removed)
        _refuse_older(project, attempt, checked.staged, columns, places)
    else:
        for place in places:
            place.at = None
    folder = checked.staged.path.parent / "corrected"
    written = _how_written(columns)
    candidate = folder / "candidate.parquet"
    staged = _put_in(checked.staged, places, gone, candidate, project, written)
    failing = Rejects(folder / "failing.parquet")
    again = check(staged, rejects=failing)
    failing.close()
    _note_refused(places, failing)
    after = _written(rejects, rest, [p.refused for p in places if p.refused is not None])
    attempt.accepted = sum(place.refused is None for place in places)
    _keep(old, new, places, rejects.path.with_name("corrections.parquet"))
    _need_some(attempt, places)
    log("corrected", asset=attempt.asset.key, rows=attempt.accepted)
    broken = dict.fromkeys([*rejects.counts, *checked.broken], 0) | after.counts
    duplicates = checked.duplicates + again.duplicates
    return replace(again, duplicates=duplicates, broken=broken, gone=checked.gone), after


def _how_written(columns: Sequence[Column]) -> dict[str, Written]:
    """Give how values are written, of the columns that say it."""
    return {c.name: c.written for c in columns if c.written is not None}


def count_discarded(
    project: Project, key: str, files: Sequence[Path], volatile: Collection[str]
) -> tuple[int, int]:
    """Count rejected rows, and those whose content people discarded; those of a suite aside.

    Nothing is read, and (0, 0) given, where nothing of the asset was ever discarded.
    """
    discarded = {one for event in discards_of(project.events, key) for one in event.rows}
    seen: Counter[str] = Counter()
    gone = 0
    for path in files if discarded else ():
        for reject in read_rejects(path) if path.is_file() else ():
            if not reject.rule.startswith(SUITE):
                name = content_id(reject.row, volatile)
                seen[name] += 1
                gone += numbered(name, seen[name]) in discarded
    return seen.total(), gone


def _in_force(project: Project, attempt: Attempt) -> list[Correction]:
    """Give the corrections that came with the current version, newest first."""
    current = attempt.head.current
    if current is None or not current.corrections_file:
        return []
    attempt.corrections_file = current.corrections_file
    path = project.data / current.corrections_file
    if path.is_file():
        return read_corrections(path)
    gone = f"the corrections in {path} are gone: rows that they put right are in quarantine again"
    attempt.warnings = (*attempt.warnings, gone)
    return []


def _new(attempt: Attempt) -> Sequence[Correction]:
    """Give the corrections that this attempt is to bring in."""
    return attempt.accepting.corrections if attempt.accepting is not None else ()


def _match(rejects: Rejects, waiting: Waiting) -> tuple[list[_Place], list[Reject]]:
    """Give the rejected rows that have a correction, and those that have none."""
    places: list[_Place] = []
    rest: list[Reject] = []
    for reject in read_rejects(rejects.path) if rejects.rows else ():
        found = waiting.take(reject.row)
        if found is None:
            rest.append(reject)
        else:
            places.append(_Place(found, reject))
    return places, rest


def _match_table(
    project: Project,
    staged: Staged,
    columns: Sequence[Column],
    waiting: Waiting,
    places: list[_Place],
) -> list[int]:
    """Find the rows of the table that have a correction; give where they are."""
    import pyarrow as pa

    wanted: list[tuple[Correction, pa.RecordBatch]] = []
    for one in waiting.of_suites():
        fitted = _fit(one.rejected, staged.schema, {})
        if not isinstance(fitted, tuple):
            wanted.append((one, fitted))
    if not wanted:
        return []
    con = connection(project.settings.memory_mb, project.data / ".staging" / "spill")
    con.register("wanted", pa.Table.from_batches([batch for _, batch in wanted], staged.schema))
    digest = row_hash(columns)
    hashes = [h for (h,) in con.execute(f"SELECT {digest} FROM wanted").fetchall()]  # noqa: S608
    con.unregister("wanted")
    listed = ", ".join(str(h) for h in dict.fromkeys(hashes))
    found = con.execute(
        f"SELECT h, n FROM (SELECT {digest} AS h, file_row_number AS n "  # noqa: S608
        f"FROM read_parquet({literal(str(staged.path))}, file_row_number = true)) "
        f"WHERE h IN ({listed}) ORDER BY n"
    ).fetchall()
    by_hash: dict[int, deque[int]] = {}
    for digested, row in found:
        by_hash.setdefault(digested, deque()).append(row)
    gone: list[int] = []
    for (one, _), digested in zip(wanted, hashes, strict=True):
        if by_hash.get(digested):
            gone.append(by_hash[digested].popleft())
            places.append(_Place(one, at=gone[-1]))
    return sorted(gone)


def _find_places(places: Sequence[_Place], removed: Sequence[int]) -> None:
    """Find out before which row of the table each correction belongs, where that is known."""
    for place in places:
        if place.reject is not None and place.reject.after is not None:
            place.at = place.reject.after - bisect_left(removed, place.reject.after)


def _put_in(
    staged: Staged,
    places: Sequence[_Place],
    gone: Sequence[int],
    path: Path,
    project: Project,
    written: Mapping[str, Written],
) -> Staged:
    """Write the table again with the corrections that have the right types, each in its place."""
    import pyarrow as pa

    settings = project.settings
    writer = StagedWriter(path, staged.schema, settings.compression)
    left, start = set(gone), 0
    waiting = deque(sorted(places, key=lambda place: (place.at is None, place.at or 0)))

    def stay(batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        """Give the rows of a part of the table that nothing takes the place of."""
        keep = [first + at not in left for at in range(batch.num_rows)] if left else None
        return batch if keep is None else batch.filter(pa.array(keep))

    try:
        for batch in read_batches(staged.path, settings.chunk_rows):
            done = 0
            while waiting and waiting[0].at is not None:
                at = waiting[0].at - start
                if at >= batch.num_rows:
                    break
                writer.write(stay(batch.slice(done, at - done), start + done))
                _write_in(waiting.popleft(), staged.schema, writer, written)
                done = at
            writer.write(stay(batch.slice(done), start + done))
            start += batch.num_rows
        for place in waiting:
            _write_in(place, staged.schema, writer, written)
        facts = writer.close()
    except BaseException:
        writer.abort()
        raise
    return replace(staged, path=path, facts=facts, rows=writer.rows)


def _refuse_older(
    project: Project,
    attempt: Attempt,
    staged: Staged,
    columns: Sequence[Column],
    places: Sequence[_Place],
) -> None:
    """Refuse rows whose key a row has that joined an upsert after them, or along with them."""
    if attempt.into is None:
        return
    written = _how_written(columns)
    fitted = [(place, _corrected(place, staged.schema, written)) for place in places]
    rows = [(place, row) for place, row in fitted if not isinstance(row, tuple)]
    volatile = {column.name for column in columns if column.volatile}
    ids = [content_id(place.correction.rejected, volatile) for place, _ in rows]
    newer = newer_there(
        project, attempt.into, keys_of(attempt.asset)[0], columns, [row for _, row in rows], ids
    )
    for at in newer:
        place = rows[at][0]
        rule, column = place.correction.rule, place.correction.column
        place.refused = _refusal(place, rule, column, "a newer row of this key is there already")


def _refuse_deleted(
    project: Project,
    attempt: Attempt,
    checked: Checked,
    columns: Sequence[Column],
    places: Sequence[_Place],
) -> None:
    """Refuse rows whose key was deleted at the source since they were set aside, or with them."""
    asset = attempt.asset
    if not (asset.deleted or asset.missing):
        return
    schema, written = checked.staged.schema, _how_written(columns)
    fitted = [(place, _corrected(place, schema, written)) for place in places]
    rows = [(place, row) for place, row in fitted if not isinstance(row, tuple)]
    volatile = {column.name for column in columns if column.volatile}
    ids = [content_id(place.correction.rejected, volatile) for place, _ in rows]
    key, batches = keys_of(asset)[0], [row for _, row in rows]
    for at in deleted_since(project, attempt.into, checked.gone.file, key, batches, ids, volatile):
        place = rows[at][0]
        rule, column = place.correction.rule, place.correction.column
        place.refused = _refusal(place, rule, column, "its row was deleted at the source since")


def _corrected(
    place: _Place, schema: pa.Schema, written: Mapping[str, Written]
) -> pa.RecordBatch | tuple[str, str]:
    """Give a corrected row the table's types: of a row that had none yet, as its source writes."""
    as_it_came = place.correction.rule in _AS_IT_CAME
    return _fit(place.correction.corrected, schema, written if as_it_came else {})


def _write_in(
    place: _Place, schema: pa.Schema, writer: StagedWriter, written: Mapping[str, Written]
) -> None:
    """Write a correction where it has the right types; else it is refused."""
    if place.refused is not None:
        return
    fitted = _corrected(place, schema, written)
    if isinstance(fitted, tuple):
        place.refused = _refusal(place, "type", *fitted)
    else:
        place.row = row_json(fitted.to_pylist()[0])
        writer.write(fitted)


def _fit(
    row: str, schema: pa.Schema, written: Mapping[str, Written]
) -> pa.RecordBatch | tuple[str, str]:
    """Give a row (JSON) the table's types; where it does not fit, the column and the reason."""
    import pyarrow as pa

    values: Mapping[str, Any] = json.loads(row)
    if not set(values) & set(schema.names):
        return "", "it could not be read, and none of its values was filled in"
    arrays: list[pa.Array] = []
    for field in schema:
        value = values.get(field.name)
        try:
            arrays.append(_array(value, field.type, written.get(field.name)))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            return field.name, f"{field.name}: {str(value)[:80]!r} is not {field.type}"
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(value: Any, kind: pa.DataType, written: Written | None) -> pa.Array:
    """Give one value a type, as the columns of a file get theirs."""
    import pyarrow as pa

    if value is None:
        return pa.nulls(1, kind)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return pa.array([value], kind)
    given = pa.array([value])
    if written is not None:
        given, odd = in_plain(given, kind, written)
        if odd[0].as_py():
            raise pa.ArrowInvalid("a text that is written otherwise")
    return cast_array(given, kind)


def _refusal(place: _Place, rule: str, column: str, reason: str) -> Reject:
    """Say why a correction does not hold; the row that it is about stays aside as it was."""
    before = place.reject
    return Reject(
        row=place.correction.rejected,
        rule=rule,
        column=column,
        reason=f"corrected, but {reason}",
        source=before.source if before is not None else "",
        line=before.line if before is not None else None,
        retry=before.retry if before is not None else False,
        answer=before.answer if before is not None else "",
    )


def _note_refused(places: Sequence[_Place], failing: Rejects) -> None:
    """Find out which corrections broke a rule."""
    found: dict[str, deque[Reject]] = {}
    for reject in read_rejects(failing.path) if failing.rows else ():
        found.setdefault(reject.row, deque()).append(reject)
    for place in reversed(places):  # of equal rows the later ones break a key
        if place.refused is None and found.get(place.row):
            why = found[place.row].popleft()
            place.refused = _refusal(place, why.rule, why.column, why.reason)


def _written(rejects: Rejects, rest: Iterable[Reject], refused: Iterable[Reject]) -> Rejects:
    """Write what stays aside in the place of what was."""
    if rejects.rows:
        rejects.path.replace(rejects.path.with_name("rejects-before.parquet"))
    after = Rejects(rejects.path)
    after.warnings, after.hints = rejects.warnings, rejects.hints
    for reject in (*rest, *refused):
        after.add(reject)
    return after


def _keep(
    old: Sequence[Correction],
    new: Sequence[Correction],
    places: Sequence[_Place],
    path: Path,
) -> None:
    """Write the corrections that are in force from now on, where there are new ones."""
    stand = Counter(id(place.correction) for place in places if place.refused is None)
    if taken := [one for one in new if stand[id(one)]]:
        write_corrections(path, [*taken, *old])


def _need_some(attempt: Attempt, places: Sequence[_Place]) -> None:
    """Note what was refused of the rows to accept; raise NothingAccepted where none stands."""
    accepting = attempt.accepting
    if accepting is None:
        return
    mine = {id(one) for one in accepting.corrections}
    found = [place for place in places if id(place.correction) in mine]
    accepting.refused = [place.refused for place in found if place.refused is not None]
    accepting.unmatched = len(accepting.corrections) - len(found)
    accepting.accepted = len(found) - len(accepting.refused)
    if not accepting.accepted:
        said = "; ".join(dict.fromkeys(one.reason for one in accepting.refused[:3]))
        raise NothingAccepted(
            f"{attempt.asset.key}: none of the {len(mine)} rows can be accepted: "
            f"{said or 'these rows did not come again'}",
            "nothing was changed; correct them, then accept them again",
            asset=attempt.asset.key,
        )
