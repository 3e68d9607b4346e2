"""Rows in quarantine as a workbook or CSV to be corrected, and the corrected one read back."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from assets.engine.quarantine import OpenRow, QuarantineError
from resources.errors import did_you_mean
from resources.excel_ways import damage, number_of
from resources.sheets import as_meant, sheet_columns, sheet_records
from resources.workbooks import is_workbook, write_workbook

ROW: Final = "quarantine_row"
RULE: Final = "quarantine_rule"
REASON: Final = "quarantine_reason"
PLACE: Final = "quarantine_place"
TEXT: Final = "quarantine_text"
ANSWER: Final = "quarantine_answer"
"""Columns beside the row's own: which row it is, why it is there, and where it came from."""
_LINE: Final = "line"


def write_sheet(
    path: Path, key: str, rows: Sequence[OpenRow], columns: Sequence[str], *, formula_safe: bool
) -> None:
    """Write rows with their reasons and values; raises QuarantineError where the file is there."""
    import pyarrow as pa

    from resources.export import write_csv
    from resources.tables import Table

    if path.exists():
        raise QuarantineError(
            f"{path} is there already, and may hold somebody's work",
            "name another file, or remove it",
            file=str(path),
        )
    beside = [ROW, RULE, REASON, PLACE]
    beside += [TEXT] if any(unread(row) is not None for row in rows) else []
    beside += [ANSWER] if any(row.reject.answer for row in rows) else []
    names = list(dict.fromkeys([*beside, *columns_of(rows, columns)]))
    schema = pa.schema([(name, pa.string()) for name in names])

    def batches(size: int) -> Iterator[pa.RecordBatch]:
        """Write the rows part by part: as cells they take many times their memory."""
        for start in range(0, len(rows), size):
            lines = [_cells(key, row, names) for row in rows[start : start + size]]
            yield pa.RecordBatch.from_pylist(lines, schema=schema)

    table = Table(lambda: schema, batches)
    if is_workbook(path):
        write_workbook(table, path)
    else:
        write_csv(table, path, formula_safe=formula_safe)


def _cells(key: str, row: OpenRow, names: Sequence[str]) -> dict[str, str | None]:
    """Give the cells of a row: why it is there, then its values."""
    values, reject = values_of(row), row.reject
    beside = {
        ROW: f"{key}/{row.id}",
        RULE: f"{reject.rule} of {reject.column}".removesuffix(" of "),
        REASON: reject.reason,
        PLACE: _place(row),
        TEXT: unread(row),
        ANSWER: reject.answer,
    }
    own = {name: _cell(values.get(name)) for name in names if name not in beside}
    return {name: own[name] if name in own else beside[name] for name in names}


def values_of(row: OpenRow) -> dict[str, Any]:
    """Give a row's values by column; none where it could not be read."""
    if unread(row) is not None:
        return {}
    values = json.loads(row.reject.row)
    return values if isinstance(values, dict) else {}


def unread(row: OpenRow) -> str | None:
    """Give the text of a row that could not be parsed; None for any other."""
    try:
        values = json.loads(row.reject.row)
    except ValueError:
        return row.reject.row
    if not isinstance(values, dict):
        return row.reject.row
    return str(values[_LINE]) if list(values) == [_LINE] and row.reject.line is not None else None


def columns_of(rows: Sequence[OpenRow], columns: Sequence[str]) -> list[str]:
    """Give the asset's columns; where they are not known, those that the rows have."""
    return list(dict.fromkeys(columns or (name for row in rows for name in values_of(row))))


def _place(row: OpenRow) -> str:
    """Say where a row came from."""
    source, line = row.reject.source, row.reject.line
    return f"{source}, line {line}" if source and line is not None else source


def _cell(value: Any) -> str | None:
    """Write a value into a cell; a missing one is an empty cell."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A corrected CSV. rows: open rows that somebody changed, with their values as JSON.

    unchanged: open rows that stand there as they were. decided: rows that are not open any more.
    """

    rows: tuple[tuple[OpenRow, str], ...]
    unchanged: int
    decided: int


def read_sheet(
    path: Path,
    key: str,
    rows: Sequence[OpenRow],
    decided: Collection[str],
    *,
    kinds: Mapping[str, str] | None = None,
    meant: Collection[str] = (),
) -> Sheet:
    """Read a corrected CSV: only cells that differ from what was handed out count.

    kinds: the types of declared columns. meant: columns whose cells count as they stand, also
    where they look as if a spreadsheet had damaged them.
    Raises QuarantineError with the line for a row nobody knows, and for damaged cells.
    """
    if not path.is_file():
        raise QuarantineError(
            f"there is no file {path}",
            f"write one: dataops quarantine show {key} --xlsx FILE",
            file=str(path),
        )
    _need_rows_named(path, key)
    known = {row.id: row for row in rows}
    found: dict[str, tuple[OpenRow, str]] = {}
    seen: set[str] = set()
    damaged: list[str] = []
    unchanged = done = 0
    for line, fields in sheet_records(path):
        row_id = _row_id(path, line, fields, key)
        if row_id in seen:
            _refuse(path, line, f"the row {row_id} stands there twice")
        seen.add(row_id)
        row = known.get(row_id)
        if row is None:
            if row_id.partition("-")[0] not in decided:
                _refuse(path, line, f"the row {row_id} is not in quarantine any more")
            done += 1
            continue
        values, changed = _corrected(row, fields, kinds or {})
        damaged += (f"line {line}, {it}" for it in _damaged(row, fields, changed, meant))
        if changed:
            found[row_id] = (row, json.dumps(values, ensure_ascii=False))
        else:
            unchanged += 1
    if damaged:
        _refuse_damage(path, key, damaged)
    return Sheet(tuple(found.values()), unchanged, done)


def _need_rows_named(path: Path, key: str) -> None:
    """Refuse a file that does not say in any column which rows it is about."""
    names = sheet_columns(path)
    if ROW not in names:
        shown = ", ".join(name[:40] for name in names[:5]) or "nothing"
        raise QuarantineError(
            f"{path} has no column {ROW}{did_you_mean(ROW, names)}; its header has {shown}",
            "accept takes the file that was written to be corrected, with its columns: "
            f"dataops quarantine show {key} --xlsx FILE",
            file=str(path),
        )


def _row_id(path: Path, line: int, fields: Mapping[str, str], key: str) -> str:
    """Give the id of a line's row."""
    of, _, row_id = fields.get(ROW, "").strip().rpartition("/")
    if not of or not row_id:
        _refuse(path, line, f"it does not say which row this is{did_you_mean(ROW, fields)}")
    if of != key:
        _refuse(path, line, f"this is a row of {of}, not of {key}")
    return row_id


def _corrected(
    row: OpenRow, fields: Mapping[str, str], kinds: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """Give a row with what was written into its cells, and the columns where anything was."""
    before = values_of(row)
    values, changed = dict(before), []
    for name, cell in fields.items():
        if name in (ROW, RULE, REASON, PLACE, TEXT, ANSWER):
            continue
        old = before.get(name)
        shown = _cell(old) or ""
        text = as_meant(cell, (shown,))
        if text == shown.replace("\r\n", "\n") or _same_value(old, shown, text, kinds.get(name)):
            continue
        values[name] = _value(text, old)
        changed.append(name)
    return values, changed


def _same_value(old: Any, shown: str, text: str, kind: str | None) -> bool:
    """Tell whether a cell holds the number or truth value that it did, written otherwise.

    It counts only where the column's values are such: a text 00501 is not 501.
    """
    if isinstance(old, bool) or kind == "bool":
        return shown.lower() == text.lower()
    if isinstance(old, int | float) or (kind or "").startswith(_NUMBERS):
        one, other = number_of(shown), number_of(text)
        return one is not None and one == other
    return False


_NUMBERS: Final = ("int", "uint", "float", "double", "decimal")


def _damaged(
    row: OpenRow, fields: Mapping[str, str], changed: Sequence[str], meant: Collection[str]
) -> Iterator[str]:
    """Say which of the changed cells a spreadsheet damaged, and how."""
    before = values_of(row)
    for name in changed:
        shown = _cell(before.get(name)) or ""
        text = as_meant(fields[name], (shown,))
        lost = None if name in meant else damage(shown, text)
        if lost is not None:
            yield f"{name}: {shown[:40]!r} came back as {text[:40]!r} ({lost})"


def _refuse_damage(path: Path, key: str, damaged: Sequence[str]) -> NoReturn:
    """Refuse a file in which a spreadsheet changed cells of its own accord."""
    more = f"; and {len(damaged) - 3:,} more" if len(damaged) > 3 else ""
    raise QuarantineError(
        f"{path} came back with cells that a spreadsheet damaged, and none of it is accepted: "
        f"{'; '.join(damaged[:3])}{more}",
        "put them right, or correct a workbook, whose cells Excel leaves as they are: "
        f"dataops quarantine show {key} --xlsx FILE; a column whose cells are meant "
        "as they stand is named with --meant COLUMN",
        file=str(path),
        cells=len(damaged),
    )


def _value(text: str, old: Any) -> Any:
    """Give what a changed cell means: an emptied one is a missing value, a list stays one."""
    if not text:
        return None
    if isinstance(old, list | dict):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _refuse(path: Path, line: int, problem: str) -> NoReturn:
    """Raise QuarantineError for a line of the file."""
    raise QuarantineError(
        f"{path}, line {line}: {problem}",
        f"leave the columns {ROW} and so on as they are; write the file anew with "
        "dataops quarantine show KEY --xlsx FILE",
        file=str(path),
        line=line,
    )
