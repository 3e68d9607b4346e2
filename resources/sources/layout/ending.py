"""How a file ends: a total or notes below the table, a closing Ctrl-Z."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from resources.sources.layout.kinds import TYPED, column_kinds, kind_of
from resources.sources.layout.parsing import Record, first_records

if TYPE_CHECKING:
    from resources.sources.layout.found import Header

_TAIL: Final = 1 << 14
_MOST: Final = 12
"""Records that a footer has at most."""
_TOTAL: Final = re.compile(
    r"\W*(?:grand |sub)?(?:total|sum|average|source|note|notes|합계|총계|소계|평균|출처|비고|주)\b",
    re.IGNORECASE,
)
_TOTAL_ALONE: Final = re.compile(
    r"\W*(?:(?:grand |sub)?(?:total|sum|average)s?|(?:총 ?)?합 ?계|총 ?계|소 ?계|누 ?계"
    r"|평 ?균|총합|계|summe|gesamt|insgesamt)\W*",
    re.IGNORECASE,
)
"""A first cell that says nothing else: such a row may be as full as the others."""
_END: Final = rb"(?:\r\n|\r(?!\n)|\n)"
# Where it is all that a field holds, it is a value.
_CTRL_Z: Final = re.compile(rb"(?:\A|(?<=[^,;\t|\"\x1a]))\x1a+[\r\n]*\Z")


def without_ctrl_z(chunk: bytes) -> bytes:
    """Take off the Ctrl-Z that old programs close a text with."""
    found = _CTRL_Z.search(chunk)
    if found is None:
        return chunk
    rest = chunk[: found.start()]
    return rest if not rest or rest.endswith((b"\n", b"\r")) else rest + b"\n"


def footer_start(chunk: bytes, header: Header) -> int:
    """Give where the lines below the table begin: after an empty line, and none of them a row.

    With trailing=<n> these are the last n lines, whatever they are.
    """
    dialect, width = header.dialect, header.width.fields
    if isinstance(dialect.trailing, int):
        return _last_lines(chunk, dialect.trailing)
    if len(header.names) < 2:
        return len(chunk)
    sign = re.escape(dialect.delimiter.encode())
    gap = re.compile(_END + rb"(?:" + sign + rb")*" + _END)
    base = max(len(chunk) - _TAIL, 0)
    nothing = b"\r\n" + dialect.delimiter.encode()
    gaps = [at for m in gap.finditer(chunk, base) if chunk[(at := m.end()) :].strip(nothing)]
    if not gaps:
        return len(chunk)
    start = gaps[-1]
    notes = [one for one in first_records(chunk, start, dialect) if not one.blank]
    rows = first_records(chunk, 0, dialect)
    body = [one for one in rows if one.end <= start and len(one.cells) == width and not one.blank]
    if not notes or len(notes) > _MOST or not body or len(notes) > len(body):
        return len(chunk)
    kinds = column_kinds([one.cells for one in body], width)
    usual = sum(one.filled for one in body) / len(body)
    return start if all(_is_note(one, kinds, usual, width) for one in notes) else len(chunk)


def _is_note(one: Record, kinds: Sequence[str], usual: float, width: int) -> bool:
    """Tell a note or a total from a row of the table."""
    if len(one.cells) != width:
        return True
    first = next(cell for cell in one.cells if cell.strip())
    if _TOTAL_ALONE.fullmatch(first):
        return True
    few = one.filled < usual / 2 or (one.filled < usual and bool(_TOTAL.match(first)))
    wrong = any(
        kind in TYPED and cell.strip() and kind_of(cell) not in ("", kind)
        for cell, kind in zip(one.cells, kinds, strict=True)
    )
    return few or (wrong and (one.filled < usual or bool(_TOTAL.match(first))))


def last_total(chunk: bytes, header: Header) -> str:
    """Give the first cell of a last row that looks like a total of the others, "" for none."""
    dialect, width = header.dialect, header.width.fields
    if "trailing" in dialect.said or len(header.names) < 2:
        return ""
    rows = first_records(chunk[: 1 << 18], 0, dialect)
    tail = chunk.rstrip(b"\r\n")
    start = max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1
    last = next(iter(first_records(chunk, start, dialect, 1)), None)
    if last is None or not start or len(last.cells) != width or last.blank or len(rows) < 2:
        return ""
    kinds = column_kinds([one.cells for one in rows if one.end <= start], width)
    first = next(cell for cell in last.cells if cell.strip())
    usual = sum(one.filled for one in rows if one.end <= start) / max(len(rows) - 1, 1)
    total = _TOTAL.match(first) or _TOTAL_ALONE.fullmatch(first)
    return first.strip() if total and _is_note(last, kinds, usual, width) else ""


def _last_lines(chunk: bytes, count: int) -> int:
    """Give where the last lines begin that are not empty."""
    lines = list(re.finditer(rb"[^\r\n]+(?:\r\n?|\n)", chunk))
    return lines[-min(count, len(lines))].start() if count and lines else len(chunk)
