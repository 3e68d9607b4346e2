"""The header of a CSV file: its layout, and usable names for its columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from resources.errors import SourceError
from resources.limits import check_width
from resources.sources.decoding import Encoding, check_readable, marked_blocks
from resources.sources.dialect import Dialect
from resources.sources.layout import Layout, decide_layout, refuse_other_formats, sep_line
from resources.sources.layout.ending import without_ctrl_z
from resources.sources.layout.found import Header
from resources.sources.packed import Limits
from resources.sources.records import count_lines

_INVISIBLE: Final = " \t\r\n\u00a0\u200b\u3000\ufeff"
_HEAD: Final = 1 << 20
_LINE: Final = re.compile(rb"[^\r\n]*+(?:\r\n?|\n)")


def read_header(file: Path, encoding: Encoding, dialect: Dialect, limits: Limits) -> Header:
    """Read the first records, and decide by them how the file is laid out."""
    head, ended = b"", True
    for block in marked_blocks(file, encoding, limits):
        head += block
        if ended := len(head) < _HEAD:
            continue
        break
    head = without_ctrl_z(head + b"\n") if ended else head
    refuse_other_formats(file, head)
    dialect, begin, notes = _obey_sep(head, dialect)
    begin += _lines(file, head[begin:], dialect)
    start = _first(head, begin, dialect)
    text = head[start:]
    if not text.strip():
        raise SourceError(
            f"{file} is empty", "put data in it, or take it off source=", file=str(file)
        )
    line = text.splitlines()[0].decode("utf-8", "replace")
    dialect = dialect.with_delimiter(file, line)
    layout = decide_layout(file, head, start, dialect)
    if layout is None:
        raise _no_header(file, "a quotation mark is not closed")
    if layout.header:
        check_readable(layout.header.decode("utf-8", "surrogatepass"), file, encoding, "the header")
    names = _names(file, layout)
    if not layout.header and layout.begin == start:
        layout = replace(layout, begin=begin)
    return Header(
        encoding,
        layout.dialect,
        names,
        layout.begin,
        count_lines(head[: layout.begin]) + 1,
        layout.width,
        layout.header if len(names) > 1 else b"",
        (*notes, *layout.notes),
        layout.options,
        layout.sure,
    )


def _obey_sep(head: bytes, dialect: Dialect) -> tuple[Dialect, int, tuple[str, ...]]:
    """Take the delimiter from a first line `sep=;`, which Excel writes and reads."""
    if "skip" in dialect.said:
        return dialect, 0, ()
    sign, length = sep_line(head)
    if not length:
        return dialect, 0, ()
    line = head[:length].decode().rstrip("\r\n")
    note = f"the first line, {line!r}, says how fields are parted"
    if "delimiter" in dialect.said:
        return dialect, length, (note,)
    said = dialect.said | {"delimiter"}
    return replace(dialect, delimiter=sign, said=said), length, (note,)


def _lines(file: Path, head: bytes, dialect: Dialect) -> int:
    """Give how many bytes the lines take that are to be passed over."""
    start = 0
    for _ in range(dialect.skip):
        match = _LINE.match(head, start)
        if match is None:
            raise SourceError(
                f"{file} has fewer lines than skip={dialect.skip} in its first megabyte",
                "give the number of lines before the header",
                file=str(file),
            )
        start = match.end()
    return start


def _first(head: bytes, start: int, dialect: Dialect) -> int:
    """Give where the first line begins that is not empty and no comment."""
    comment = dialect.comment.encode()
    while match := _LINE.match(head, start):
        if match[0].strip(b"\r\n") and not (comment and match[0].startswith(comment)):
            break
        start = match.end()
    return start


def _names(file: Path, layout: Layout) -> tuple[str, ...]:
    """Name the columns: by `names`, by the header, or by their position."""
    cells, names = layout.cells, layout.dialect.names
    check_width(file, len(cells))
    if not names:
        return column_names(cells)
    if len(names) != len(cells):
        raise SourceError(
            f"{file} has {len(cells)} columns, but names= has {len(names)}",
            f"name all of them: {', '.join(cells[:20])}",
            file=str(file),
        )
    return tuple(names)


def _no_header(file: Path, why: str) -> SourceError:
    """Say that the first record cannot be read."""
    return SourceError(
        f"the header of {file} cannot be read: {why}",
        "the first line must hold the column names (skip= passes over lines before it)",
        file=str(file),
        line=1,
    )


def column_names(cells: Iterable[str]) -> tuple[str, ...]:
    """Make usable names of a header's cells: trimmed, none empty, none twice.

    An empty one becomes column_<position>; a repeated one (capitals do not tell columns apart in
    SQL) gets _2, _3, ...
    """
    names: list[str] = []
    taken: set[str] = set()
    for position, cell in enumerate(cells, 1):
        wanted = cell.strip(_INVISIBLE) or f"column_{position}"
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def check_same(first: Path, names: Iterable[str], file: Path, found: Iterable[str]) -> None:
    """Raise SourceError where two files that are read together have different columns."""
    missing = [name for name in names if name not in set(found)]
    more = [name for name in found if name not in set(names)]
    if not missing and not more:
        return
    parts = [f"lacks {', '.join(map(repr, missing))}"] * bool(missing)
    parts += [f"has {', '.join(map(repr, more))} beside them"] * bool(more)
    raise SourceError(
        f"{file} does not have the columns of {first}: it {' and '.join(parts)}",
        "read files with different columns as assets of their own, or make the headers equal",
        file=str(file),
        missing=missing,
        more=more,
    )
