"""Rows of somebody's data on a terminal: every value in its place, none of them in charge."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from assets.cli.sampling import Sample
from assets.cli.show import console
from resources.terminal import raw

if TYPE_CHECKING:
    import pyarrow as pa

_WIDEST: Final = 32
_GAP: Final = 2
_SIGNS: Final = {"\n": "⏎", "\r": "", "\t": "⇥"}
_HIDDEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def harmless(value: object, widest: int = _WIDEST) -> str:
    """Give a value as one line of visible letters, cut to a width (wide letters count two).

    What moves the cursor, colours the screen or turns the direction of writing is spelled out.
    """
    text = "" if value is None else str(value)[: 4 * widest + 1]
    shown = "".join(_visible(letter) for letter in text)
    if cell_len(shown) <= widest:
        return shown
    while cell_len(shown) >= widest:
        shown = shown[:-1]
    return f"{shown}…"


def _visible(letter: str) -> str:
    """Give a letter, or its name where it cannot be seen."""
    if letter in _SIGNS:
        return _SIGNS[letter]
    if unicodedata.category(letter) in _HIDDEN:
        return f"\\u{ord(letter):04x}"
    return letter


def print_sample(source: str, sample: Sample | None, trouble: str) -> None:
    """Print ten rows of a source, and how they were read; or why they were not."""
    if sample is None:
        print(f"{harmless(source, 200)} could not be looked at: {trouble}\n")
        return
    print_rows(sample.rows)
    facts = [sample.seen]
    if sample.encoding:
        facts.append(f"read as {sample.encoding} (confidence {sample.confidence:.2f})")
    if sample.rejected:
        facts.append(f"{sample.rejected:,} more cannot be read and would be set aside")
    if len(sample.files) > 1:
        facts.append(f"from {sample.files[0].name}, the first of {len(sample.files)} files")
    print(f"\n{'; '.join(facts)}\n")
    if sample.notes:
        print("\n".join(harmless(note, 400) for note in sample.notes) + "\n")


def print_rows(rows: pa.Table, count: int = 10) -> None:
    """Print the first rows, with as many columns as the terminal has room for."""
    names, shown = rows.column_names, rows.slice(0, count).to_pylist()
    out = console()
    widths = [_width(name, shown) for name in names]
    room, fits = out.width, 0
    while fits < len(names) and room >= widths[fits]:
        room -= widths[fits] + _GAP
        fits += 1
    _print([harmless(n) for n in names[:fits]], [[r[n] for n in names[:fits]] for r in shown])
    if rest := names[fits:]:
        print(f"... and {len(rest)} more columns: {harmless(', '.join(rest), 60)}")


def _width(name: str, rows: Sequence[dict[str, Any]]) -> int:
    """Give the width of a column."""
    return max(cell_len(harmless(value)) for value in (name, *(row[name] for row in rows)))


def _print(names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table of plain text: no value is read as markup."""
    out = console()
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.padding = (0, _GAP, 0, 0)
    for name in names:
        table.add_column(Text(name, no_wrap=True))
    for row in rows:
        table.add_row(*(Text(harmless(value), no_wrap=True) for value in row))
    with out.capture() as captured:
        out.print(table)
    lines = "\n".join(line.rstrip() for line in captured.get().splitlines())
    print(lines, file=raw(sys.stdout))  # its texts were made visible when they were rendered
