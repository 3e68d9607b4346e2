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
        escapes = not escape and b"\\" + mark in record
        hint = "say escape='\\\\' where \\ escapes it, or " if escapes else ""
        return f"text after a closing quotation mark ({quote}): {hint}{_HELP}"
    bare = [cell for _, _, cell in cells if mark in cell]
    if escape:
        bare = [cell.replace(escape + mark, b"") for cell in bare]
    if sum(cell.count(mark) % 2 for cell in bare) > 1:
        return f"quotation marks ({quote}) in several unquoted fields: {_HELP}"
    return ""
