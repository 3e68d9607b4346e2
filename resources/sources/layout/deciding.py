"""The layout of one file: what was said about it, and for the rest the likeliest, with a word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from resources.errors import SourceError
from resources.sources.dialect import LAYOUT_OPTIONS, Dialect
from resources.sources.layout.doubting import refuse_doubts
from resources.sources.layout.heading import Heading, find_heading, join_rows
from resources.sources.layout.names import COMMENTS
from resources.sources.layout.parsing import Record, first_records, share_of
from resources.sources.layout.signs import Fit, choose_signs, other_sign
from resources.sources.layout.width import Width, settle_width
from resources.sources.records import count_lines

_LEAST: Final = 0.5
"""The share of records that must fit a layout that was guessed."""
_FEW: Final = 4
_SPACED: Final = re.compile(r'\s+"[^"]*"\s*')


@dataclass(frozen=True, slots=True)
class Layout:
    """How one file is laid out: rows begin after `begin` bytes.

    cells: the header's, one for each column that is handed over. width: what fields rows have.
    header: the header's bytes, to know it again; `start`: where it begins. notes: what was assumed
    or passed over, in words. options: what would say so for certain. sure: how sure all of it is.
    """

    dialect: Dialect
    cells: tuple[str, ...]
    width: Width
    start: int
    begin: int
    header: bytes = b""
    notes: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    sure: float = 1.0


def decide_layout(file: Path, head: bytes, start: int, usual: Dialect) -> Layout | None:
    """Decide how a file is laid out by its first records; None where there is not even one.

    head: the file's beginning as UTF-8; start: where the first record begins that counts, as far
    as was said; usual: the signs that its name and first line tell. Raises SourceError naming the
    options that would say it, where nothing is plausible.
    """
    found = choose_signs(head, start, usual, usual.said)
    words = _Words()
    _note_signs(found, usual, words)
    records = first_records(head, start, found.dialect)
    if not records:
        return None
    heading = _heading(records, found, found.dialect)
    _check_share(file, records[heading.at :], found, found.dialect)
    top = _header_records(records, heading.at, heading.rows)
    body = records[records.index(top[-1]) + 1 :] if top else records[heading.at :]
    first = (top or body or records)[0]
    lines = count_lines(head[: first.start])
    refuse_doubts(file, records, heading, found.dialect, lines)
    dialect = _note_above(head[: first.start], start, first, heading, found.dialect, words)
    _note_rows(heading, dialect, words)
    joined = join_rows([one.cells for one in top], found.width) if len(top) > 1 else []
    cells = joined or (list(top[0].cells) if top else [""] * found.width)
    width = settle_width(file, cells, body, found.width, dialect, bool(top))
    _note_body(records, body, width, found, words)
    return Layout(
        dialect,
        tuple(width.named(cells)),
        width,
        first.start if top else start,
        top[-1].end if top else (first.start if heading.at else start),
        head[first.start : first.end].strip(b"\r\n") if top else b"",
        tuple(words.notes),
        words.options,
        min(found.share, heading.sure, 0.99) if words.options else 1.0,
    )


@dataclass(slots=True)
class _Words:
    """What is to be said of a layout, and the options that would say it."""

    notes: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


def _note_signs(found: Fit, usual: Dialect, words: _Words) -> None:
    """Say which signs were found that are not the usual ones."""
    for name in ("delimiter", "quote", "escape"):
        sign = getattr(found.dialect, name)
        if sign != getattr(usual, name):
            words.options[name] = sign
            words.notes.append(
                f"{name} {sign!r} fits its lines ({found.share:.0%} of those looked at)"
            )


def _note_body(
    records: Sequence[Record], body: Sequence[Record], width: Width, found: Fit, words: _Words
) -> None:
    """Say what is odd about the rows."""
    said = found.dialect.said
    if _is_spaced(body):
        words.notes.append(
            "fields begin with a space before their quotation mark, so that both are text"
        )
    if width.note:
        words.notes.append(width.note)
        words.options["trailing"] = width.trailing
    if found.width == 1 and "delimiter" not in said and (sign := other_sign(records)):
        words.notes.append(
            f"no delimiter was found, so that each line is one value; delimiter={sign!r} parts them"
        )
    if words.options and found.dialect.delimiter != "," and "delimiter" not in said:
        words.options["delimiter"] = found.dialect.delimiter  # other options change its line


def _heading(records: Sequence[Record], found: Fit, dialect: Dialect) -> Heading:
    """Find the header, as far as it was not said where it is."""
    if dialect.header is False:
        return Heading(0, 0)
    heading = find_heading(records, found.width)
    if "skip" in dialect.said and heading.at:
        heading = Heading(0, 1)
    if "trailing" in dialect.said and isinstance(dialect.trailing, str):
        named = next((n for n, one in enumerate(records) if len(one.cells) > 1), 0)
        heading = Heading(0 if "skip" in dialect.said else named, 1)  # its width tells nothing
    rows = heading.rows
    if dialect.header is True and "header" in dialect.said:
        rows = max(rows, 1)
    if "header_rows" in dialect.said:
        rows = dialect.header_rows
    return replace(heading, rows=rows)


def _header_records(records: Sequence[Record], at: int, rows: int) -> list[Record]:
    """Give the records that the header takes; those of nothing but delimiters do not count."""
    taken = [one for one in records[at:] if not one.blank][:rows]
    return taken or (list(records[at : at + 1]) if rows else [])


def _is_spaced(body: Sequence[Record]) -> bool:
    """Tell whether quotation marks stand after a space, where they mean nothing, in most rows."""
    spaced = sum(any(map(_SPACED.fullmatch, one.cells)) for one in body)
    return bool(body) and 2 * spaced >= len(body)


def _check_share(file: Path, records: Sequence[Record], found: Fit, dialect: Dialect) -> None:
    """Refuse a layout that most lines contradict, unless it was said."""
    share = share_of(records, found.width)
    if share >= _LEAST or len(records) < _FEW or {"delimiter", "trailing"} & dialect.said:
        return
    raise SourceError(
        f"{file} has no layout that fits most of its first {len(records)} lines: with "
        f"{found.dialect.delimiter!r} between fields {share:.0%} have {found.width} of them",
        f"say how it is laid out: {LAYOUT_OPTIONS} (docs/sources.md)",
        file=str(file),
        option="delimiter",
        sure=share,
    )


def _note_above(
    before: bytes,
    start: int,
    first_record: Record,
    heading: Heading,
    dialect: Dialect,
    words: _Words,
) -> Dialect:
    """Say which lines above the header are passed over; comments there are so all through."""
    above = before[start:]
    lines = count_lines(above)
    if not above.strip(b"\r\n") or not lines:
        return dialect
    if dialect.comment and not _said_lines(above, dialect.comment.encode()):
        return dialect
    for sign in () if "comment" in dialect.said else COMMENTS:
        if not _said_lines(above, sign.encode()) and not first_record.cells[0].startswith(sign):
            words.options["comment"] = sign
            words.notes.append(f"lines that begin with {sign!r} are taken as comments")
            return replace(dialect, comment=sign)
    first = above.strip().split(b"\n")[0].decode("utf-8", "replace").strip()
    words.options["skip"] = count_lines(before)  # from the file's first line
    lead = "line" if lines == 1 else f"{lines} lines"
    words.notes.append(
        f"the {lead} before the {'header' if heading.rows else 'rows'} "
        f"{'is' if lines == 1 else 'are'} passed over ({first[:60]!r})"
    )
    return dialect


def _said_lines(above: bytes, comment: bytes) -> bool:
    """Tell whether there are lines that are no comments."""
    return any(line.strip() and not line.startswith(comment) for line in above.splitlines())


def _note_rows(heading: Heading, dialect: Dialect, words: _Words) -> None:
    """Say that there is no header, or that it takes several rows."""
    rows = heading.rows
    if rows == 0 and dialect.header is not False:
        words.options["header"] = False
        words.notes.append("it has no header, and its first row is data")
    if rows > 1 and "header_rows" not in dialect.said:
        words.options["header_rows"] = rows
        words.notes.append(f"its header takes {rows} rows, which are joined")
    if rows == 1 and heading.doubt and not {"header", "header_rows", "skip"} & dialect.said:
        words.notes.append(f"{heading.doubt}: skip=, header= or header_rows= say what it is")
