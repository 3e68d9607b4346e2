"""The header of a CSV file: its delimiter, and usable names for its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from resources.errors import SourceError
from resources.sources.encoding import Encoding, utf8_blocks
from resources.sources.records import record_pattern

_DELIMITERS: Final = "\t;|"
_INVISIBLE: Final = " \t\r\n\u00a0\u200b\u3000\ufeff"
_HEAD: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Header:
    """How one file is laid out; its header takes the first `bytes` bytes, as UTF-8."""

    encoding: Encoding
    delimiter: str
    names: tuple[str, ...]
    bytes: int


def read_header(file: Path, encoding: Encoding, delimiter: str | None) -> Header:
    """Read the first record that is not an empty line."""
    head, ended = b"", True
    for block in utf8_blocks(file, encoding):
        head += block
        if ended := len(head) < _HEAD:
            continue
        break
    text = head.lstrip(b"\r\n")
    if not text.strip():
        raise SourceError(
            f"{file} is empty", "put data in it, or take it off source=", file=str(file)
        )
    first = text.splitlines()[0].decode(errors="replace")
    sign = _check_delimiter(delimiter, file) if delimiter else _find_delimiter(file, first)
    match = record_pattern(sign).match(text + b"\n" * ended)
    try:
        if match is None:
            raise csv.Error("a quotation mark is not closed")
        record = match[0].decode()
        cells = next(csv.reader(io.StringIO(record.rstrip("\r\n"), newline=""), delimiter=sign))
    except csv.Error as error:
        raise SourceError(
            f"the header of {file} cannot be read: {error}",
            "the first line must hold the column names",
            file=str(file),
            line=1,
        ) from error
    skipped = len(head) - len(text) + len(match[0])
    return Header(encoding, sign, column_names(cells), skipped)


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


def _check_delimiter(delimiter: str, file: Path) -> str:
    """Hold a delimiter to one character of one byte that is no quotation mark."""
    if len(delimiter) == 1 and delimiter.isascii() and delimiter not in '"\r\n':
        return delimiter
    raise SourceError(
        f"{file} cannot be read with the delimiter {delimiter!r}",
        "give one ASCII character, such as ',' or '\\t'",
        file=str(file),
    )


def _find_delimiter(file: Path, header: str) -> str:
    """Tell the delimiter by the file's name, or by the header where that has no comma."""
    if {".tsv", ".tab"} & {suffix.lower() for suffix in file.suffixes}:
        return "\t"
    if "," in header:
        return ","
    likely = max(_DELIMITERS, key=header.count)
    return likely if likely in header else ","
