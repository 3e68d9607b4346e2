"""Rows that have more or fewer fields than the header, every one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from resources.errors import SourceError
from resources.sources.dialect import Dialect
from resources.sources.layout.kinds import NUMBER, column_kinds
from resources.sources.layout.parsing import Record

_LEAST: Final = 0.8
EVENED: Final = ("drop", "fill")
"""What may be done with some rows and not with others."""


@dataclass(frozen=True, slots=True)
class Width:
    """Rows have `fields` fields, and `columns` of them are handed over.

    trailing: what becomes of the difference to the header ("" = there is none): the fields beyond
    it are dropped where they are empty ("drop") or columns without a name ("keep"), or the first
    field is one ("index"); those that rows lack are missing ("fill").
    """

    fields: int
    columns: int
    trailing: str = ""
    note: str = ""

    def named(self, cells: Sequence[str]) -> list[str]:
        """Give the header's cells, one for each column."""
        more = [""] * max(self.columns - len(cells), 0)
        return [*more, *cells] if self.trailing == "index" else [*cells, *more][: self.columns]


def settle_width(
    file: Path,
    cells: Sequence[str],
    body: Sequence[Record],
    usual: int,
    dialect: Dialect,
    headed: bool,
) -> Width:
    """Settle what becomes of rows whose fields are not as many as the header's.

    Raises SourceError naming `trailing` where it is not plain.
    """
    named, said = len(cells), dialect.trailing
    if isinstance(said, int) or not headed:  # lines at the end are meant: nothing is found out
        return Width(named, named)
    rows = [one.cells for one in body if not one.blank and not one.odd]
    like = [row for row in rows if len(row) == usual]
    empty = usual < named and not any(cell.strip() for cell in cells[usual:])
    either = said == "drop" and (usual > named or empty)
    if said in EVENED and not either and not (said == "fill" and usual < named):
        return Width(named, named, said)  # rows that differ may come later
    if not said and _often_more(rows, named):
        note = "some rows end with empty fields beyond the header's, which are dropped"
        return Width(named, named, "drop", note)
    if usual == named or not like or (any(len(row) == named for row in rows) and not said):
        return Width(named, named)
    trailing = said or _plain(cells, like, usual)
    few = len(like) < 2 and trailing != "drop"
    if not said and (few or len(like) < _LEAST * len(rows)):
        return Width(named, named)
    if not trailing and usual < 2:
        return Width(named, named)
    if not trailing or trailing in _WRONG[usual > named]:
        raise _unsure(file, named, usual, said)
    columns = usual if trailing in ("keep", "index") else named
    if trailing == "drop" and usual < named:
        if any(cell.strip() for cell in cells[usual:]):
            raise _unsure(file, named, usual, said)
        columns = usual
    note = "" if said else _note(named, usual, trailing)
    return Width(usual, columns, trailing, note)


_WRONG: Final = {True: ("fill",), False: ("keep", "index")}


def _plain(cells: Sequence[str], rows: Sequence[Sequence[str]], usual: int) -> str:
    """Tell what becomes of the difference where that is plain, "" where it is not."""
    named = len(cells)
    if usual < named:
        filled = any(cell.strip() for cell in cells[usual:])
        return "drop" if not filled else "fill" if usual > 1 else ""
    if not _says_more(rows, named):
        return "drop"
    firsts = [row[0] for row in rows]
    if usual != named + 1 or named < 2 or len(rows) < 2 or len(set(firsts)) < len(firsts):
        return ""
    kinds = column_kinds(rows, usual)
    counts = [cell.strip() for cell in firsts] in (
        [str(n + first) for n in range(len(rows))] for first in (0, 1)
    )
    return "index" if counts or kinds[0] != NUMBER else ""


def _often_more(rows: Sequence[Sequence[str]], named: int) -> bool:
    """Tell whether many rows, not all, end with empty fields beyond the header's.

    A single one may as well be a row with a delimiter too many in its middle.
    """
    more = [row for row in rows if len(row) > named]
    many = len(rows) > len(more) > 1 and 5 * len(more) >= len(rows)
    return many and not _says_more(more, named)


def _says_more(rows: Sequence[Sequence[str]], named: int) -> bool:
    """Tell whether fields beyond the header's hold anything."""
    return any(cell.strip() for row in rows for cell in row[named:])


def _note(named: int, usual: int, trailing: str) -> str:
    """Say what was done."""
    said = f"its rows have {usual} fields where the header has {named}: "
    return (
        said
        + {
            "drop": "the empty ones at the end are dropped",
            "fill": "the last columns are missing values",
            "keep": "those at the end are columns without a name",
            "index": "the first one is taken as a column without a name",
        }[trailing]
    )


def _unsure(file: Path, named: int, usual: int, said: str) -> SourceError:
    """Say that rows and header do not fit each other."""
    tried = f", which trailing={said!r} does not settle" if said else ""
    ways = (
        "trailing='index' (the first field has no name), 'keep' (the last ones have none) or "
        "'drop' (the last ones are empty)"
        if usual > named
        else "trailing='fill' (the last columns are missing)"
    )
    return SourceError(
        f"the rows of {file} have {usual} fields where its header has {named}{tried}",
        f"say what becomes of them: {ways}; or check delimiter= and quote=",
        file=str(file),
        option="trailing",
    )
