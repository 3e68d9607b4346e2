"""Encodings: told from the bytes of the whole file, or from what the caller says."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path
from typing import IO, Final

from resources.errors import SourceError, did_you_mean

_BLOCK: Final = 1 << 20
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def open_bytes(file: Path) -> IO[bytes]:
    """Open a file, unpacking gzip."""
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")


def encoding_of(file: Path, wanted: str | None) -> str:
    """Give the file's encoding: as wanted, by its BOM, else UTF-8, else CP949.

    The whole file is decoded, so that nothing is guessed. Raises SourceError with the byte offset
    and line of the first byte that fits none.
    """
    if wanted is not None:
        try:
            name = codecs.lookup(wanted).name
        except LookupError:
            raise SourceError(
                f"encoding={wanted!r} is unknown"
                + did_you_mean(wanted.lower(), ["utf-8", "utf-16", "cp949", "euc-kr", "latin-1"]),
                "use a name Python knows, such as 'utf-8' or 'cp949'",
                file=str(file),
            ) from None
        if (wrong := _first_wrong(file, name)) is not None:
            raise _unreadable(file, f"is not {wanted}", wrong)
        return name
    try:
        with open_bytes(file) as opened:
            head = opened.read(4)
    except (OSError, EOFError) as error:
        raise SourceError(f"{file} cannot be unpacked ({error})", "collect it again") from error
    for bom, name in _BOMS:
        if head.startswith(bom):
            if (wrong := _first_wrong(file, name)) is not None:
                raise _unreadable(file, f"says it is {name}, but is not", wrong)
            return name
    wrong = _first_wrong(file, "utf-8")
    if wrong is None:
        return "utf-8"
    if _first_wrong(file, "cp949") is None:
        return "cp949"
    raise _unreadable(file, "is neither UTF-8 nor CP949", wrong)


def _unreadable(file: Path, what: str, wrong: tuple[int, int]) -> SourceError:
    """Say where decoding failed."""
    return SourceError(
        f"{file} {what}: byte {wrong[0]} (line {wrong[1]}) does not fit",
        "say the encoding: source.read(encoding='...')",
        file=str(file),
        offset=wrong[0],
        line=wrong[1],
    )


def _first_wrong(file: Path, encoding: str) -> tuple[int, int] | None:
    """Give offset and line of the first byte that is not in `encoding`, None where all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset, lines, carried = 0, 1, 0
    try:
        with open_bytes(file) as opened:
            while True:
                block = opened.read(_BLOCK)
                try:
                    decoder.decode(block, final=not block)
                except UnicodeDecodeError as error:
                    place = offset - carried + error.start
                    return place, lines + block[: max(error.start - carried, 0)].count(b"\n")
                if not block:
                    return None
                offset += len(block)
                lines += block.count(b"\n")
                carried = len(decoder.getstate()[0])
    except (OSError, EOFError) as error:
        raise SourceError(
            f"{file} cannot be read ({error})", "collect it again", file=str(file)
        ) from error
