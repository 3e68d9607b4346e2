"""Verdicts: what a person found in cleaned rows, as files for spreadsheets and as the record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from resources.errors import DataOpsError, did_you_mean
from resources.excel_ways import damage
from resources.sheets import as_meant, sheet_records
from resources.workbooks import is_workbook, write_workbook

if TYPE_CHECKING:
    import pyarrow as pa

GOOD: Final = ("good", "g", "ok", "yes", "y")
BAD: Final = ("bad", "b", "no", "n")
SKIPPED: Final = ("", "s", "skip")
_ROW: Final = re.compile(r"([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)/(\d+)/(\d+)")


class VerdictError(DataOpsError):
    """A file of verdicts that cannot be used."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row to look at: its position in the version, its id, and by column both texts."""

    row: int
    id: str
    raw: Mapping[str, str]
    cleaned: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody found. corrected: by column what the text should be, where they said so."""

    item: Item
    good: bool
    corrected: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""

    @property
    def right(self) -> dict[str, str] | None:
        """Give the right texts by column; None where nobody said what is right."""
        if self.good:
            return dict(self.item.cleaned)
        return {**self.item.cleaned, **self.corrected} if self.corrected else None


def write_verdicts(path: Path, verdicts: Iterable[Verdict]) -> None:
    """Write verdicts as Parquet, a line for each column of each row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    lines = [
        {
            "row": v.item.row,
            "id": v.item.id,
            "column": column,
            "raw": v.item.raw[column],
            "cleaned": v.item.cleaned[column],
            "verdict": "good" if v.good else "bad",
            "corrected": v.corrected.get(column),
            "comment": v.comment,
        }
        for v in verdicts
        for column in v.item.cleaned
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(lines, _schema()), path)


def _schema() -> pa.Schema:
    """Give the Parquet schema."""
    import pyarrow as pa

    texts = ("id", "column", "raw", "cleaned", "verdict", "corrected", "comment")
    return pa.schema([("row", pa.int64()), *((name, pa.string()) for name in texts)])


def read_verdicts(path: Path) -> list[Verdict]:
    """Read verdicts back."""
    import pyarrow.parquet as pq

    rows: dict[int, list[dict[str, Any]]] = {}
    for line in pq.read_table(path).to_pylist():
        rows.setdefault(line["row"], []).append(line)
    return [
        Verdict(
            Item(
                row,
                lines[0]["id"],
                {line["column"]: line["raw"] for line in lines},
                {line["column"]: line["cleaned"] for line in lines},
            ),
            lines[0]["verdict"] == "good",
            {line["column"]: line["corrected"] for line in lines if line["corrected"] is not None},
            lines[0]["comment"],
        )
        for row, lines in rows.items()
    ]


def export_items(
    path: Path, key: str, version: int, items: Sequence[Item], *, formula_safe: bool
) -> None:
    """Write rows for a spreadsheet: raw and cleaned, and empty cells for verdict and correction.

    Raises VerdictError where the file is there: it may hold somebody's work.
    """
    import pyarrow as pa

    from resources.export import write_csv
    from resources.tables import Table

    if path.exists():
        raise VerdictError(
            f"{path} is there already", "name another file, or remove it", file=str(path)
        )
    columns: dict[str, list[str]] = {"row": [f"{key}/{version}/{item.row}" for item in items]}
    columns["id"] = [item.id for item in items]
    names = list(items[0].cleaned) if items else []
    for name in names:
        columns[_cell("raw", name, names)] = [item.raw[name] for item in items]
        columns[_cell("cleaned", name, names)] = [item.cleaned[name] for item in items]
    columns["verdict"] = [""] * len(items)
    for name in names:
        columns[_cell("corrected", name, names)] = [""] * len(items)
    columns["comment"] = [""] * len(items)
    table = pa.table({name: pa.array(texts, pa.string()) for name, texts in columns.items()})
    rows = Table(lambda: table.schema, lambda size: iter(table.to_batches(max_chunksize=size)))
    if is_workbook(path):
        write_workbook(rows, path)
    else:
        write_csv(rows, path, formula_safe=formula_safe)


def _cell(word: str, column: str, columns: Sequence[str]) -> str:
    """Give a column's heading: `cleaned`, or `cleaned.title` where several are cleaned."""
    return word if len(columns) == 1 else f"{word}.{column}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file of verdicts, read: the version it is about, and what stands on its lines."""

    path: Path
    version: int
    lines: tuple[tuple[int, int, Mapping[str, str]], ...]
    """Line, row, fields."""

    @property
    def rows(self) -> list[int]:
        """Give the rows it is about, in order."""
        return sorted(row for _, row, _ in self.lines)

    def verdicts(self, items: Mapping[int, Item]) -> list[Verdict]:
        """Give the verdicts on these rows; what has none is left out."""
        found = (self._verdict(line, items[row], fields) for line, row, fields in self.lines)
        return [verdict for verdict in found if verdict is not None]

    def _verdict(self, line: int, item: Item, fields: Mapping[str, str]) -> Verdict | None:
        """Read one line."""
        word = fields.get("verdict", "").strip().casefold()
        corrected = self._corrected(item, fields)
        if not is_workbook(self.path):  # a workbook's cells are texts: what is typed stays
            self._need_undamaged(line, item, corrected)
        if word in GOOD:
            if corrected:
                said = "the row is good, and there is a correction of it"
                _refuse(self.path, line, "verdict", said)
            return Verdict(item, True, comment=fields.get("comment", ""))
        if word in BAD or (word in SKIPPED and corrected):
            return Verdict(item, False, corrected, fields.get("comment", ""))
        if word not in SKIPPED:
            _refuse(self.path, line, "verdict", f"{word!r} is neither good nor bad")
        return None

    def _need_undamaged(self, line: int, item: Item, corrected: Mapping[str, str]) -> None:
        """Refuse a correction that a spreadsheet changed as it was typed: 00501 became 501."""
        for name, text in corrected.items():
            lost = damage(item.raw[name], text) or damage(item.cleaned[name], text)
            if lost is not None:
                column = _cell("corrected", name, list(item.cleaned))
                said = f"{text[:40]!r} {lost}; export a workbook (.xlsx), whose cells keep it"
                _refuse(self.path, line, column, said)

    @staticmethod
    def _corrected(item: Item, fields: Mapping[str, str]) -> dict[str, str]:
        """Give what was written into the cells for corrections, other than the cleaned text."""
        names = list(item.cleaned)
        found = {name: fields.get(_cell("corrected", name, names), "") for name in names}
        return {
            name: as_meant(text, (item.raw[name], item.cleaned[name]))
            for name, text in found.items()
            if text and as_meant(text, (item.raw[name], item.cleaned[name])) != item.cleaned[name]
        }


def read_sheet(path: Path, key: str) -> Sheet:
    """Read a file of verdicts as a spreadsheet saved it; raises VerdictError with file and line."""
    lines: list[tuple[int, int, Mapping[str, str]]] = []
    versions: set[int] = set()
    seen: set[int] = set()
    for line, fields in sheet_records(path):
        place = _ROW.fullmatch(fields.get("row", "").strip())
        if place is None:
            known = did_you_mean("row", fields)
            _refuse(path, line, "row", f"it does not say which row this is{known}")
        if place[1] != key:
            _refuse(path, line, "row", f"this is a row of {place[1]}, not of {key}")
        versions.add(int(place[2]))
        if len(versions) > 1:
            _refuse(path, line, "row", "this is a row of another version than those above")
        if int(place[3]) in seen:
            _refuse(path, line, "row", "this row stands there twice")
        seen.add(int(place[3]))
        lines.append((line, int(place[3]), fields))
    if not lines:
        _refuse(path, 1, "", "there are no rows")
    return Sheet(path, versions.pop(), tuple(lines))


def _refuse(path: Path, line: int, name: str, problem: str) -> NoReturn:
    """Raise VerdictError for a place in the file."""
    where = f"{path}, line {line}" + (f", field {name!r}" if name else "")
    raise VerdictError(
        f"{where}: {problem}",
        "fill in `verdict` (good or bad), `corrected` and `comment`, and leave the rest as it is",
        file=str(path),
        line=line,
        field=name,
    )
