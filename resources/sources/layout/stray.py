"""Quotation marks that break the rule: which records cannot be read for certain, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from resources.sources.dialect import Dialect

_HELP: Final = "say quote='' where marks are text like any other"


def why_unreadable(
    record: bytes, cells: Sequence[tuple[bytes, bytes, bytes]], dialect: Dialect
) -> str:
    """Say why a record's quotation marks make it uncertain where its cells end, "" if they do not.

    A mark inside a cell that does not begin with one is text: 5" pipe, say "hi". Two such cells
    with an odd number each may be one quoted cell with a delimiter in it. cells: (quoted, what
    follows the closing mark, bare) each.
    """
    quote = dialect.quote
    mark, escape = quote.encode(), dialect.escape.encode()
    if any(rest for _, rest, _ in cells):
        hint = "" if escape or b"\\" + mark not in record else "say escape='\\\\' if \\ escapes it, or "
        return f"text after a closing quotation mark ({quote}): {hint}{_HELP}"
    bare = [cell for _, _, cell in cells if mark in cell]
    if escape:
        bare = [cell.replace(escape + mark, b"") for cell in bare]
    if sum(cell.count(mark) % 2 for cell in bare) > 1:
        return f"quotation marks ({quote}) in several unquoted fields: {_HELP}"
    return ""


def is_ambiguous(record: bytes, dialect: Dialect, fields: int) -> bool:
    r"""Tell whether a record holds \" and reads as a whole with an escape sign as well.

    "C:\dir\","x" reads in one way alone; "a \", b" in two where the number of fields allows both.
    """
    from resources.sources.layout.parsing import split_cells
    from resources.sources.records import pure_pattern
    from dataclasses import replace

    escaped = replace(dialect, escape="\\")
    match = pure_pattern(escaped).fullmatch(record.rstrip(b"\r\n") + b"\n")
    return match is not None and len(split_cells(record.rstrip(b"\r\n"), escaped)) == fields
