"""What every workbook gives: its sheets, their rows, their merged cells; whatever its format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from resources.errors import SourceError
from resources.sources.excel.cells import Row

_ZIP: Final = b"PK"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF: Final = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
_LOOK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: its name, where it lies in the workbook, whether Excel shows it."""

    name: str
    place: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Merge:
    """Cells shown as one: first and last row (as Excel counts) and column (from 0)."""

    top: int
    left: int
    bottom: int
    right: int


class Workbook(Protocol):
    """A workbook that is open."""

    sheets: tuple[Sheet, ...]

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Stream the rows of a sheet that hold something."""

    def merges(self, sheet: Sheet) -> tuple[Merge, ...]:
        """Give the merged cells of a sheet."""

    def close(self) -> None:
        """Close it."""


def open_workbook(file: Path) -> Workbook:
    """Open a workbook by what it is, not by what it is called. Raises SourceError."""
    try:
        with file.open("rb") as stream:
            head = stream.read(_LOOK)
    except OSError as error:
        raise SourceError(
            f"{file} cannot be read ({error.strerror or error})",
            "check that the file is there and that this user may read it",
            file=str(file),
        ) from error
    if head.startswith(_ZIP):
        from resources.sources.excel.xlsx import Xlsx

        return Xlsx(file)
    if head.startswith((_OLE, *_BIFF)):
        from resources.sources.excel.xls import Xls

        return Xls(file)
    raise _no_workbook(file, head)


def _no_workbook(file: Path, head: bytes) -> SourceError:
    """Say what a file is that is called like a workbook and is none."""
    bare = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        what, fix = "is empty", "put data in it, or take it off source="
    elif bare.startswith((b"<html", b"<!doctype html", b"<table", b"<head", b"<meta", b"<style")):
        what = "is a web page called like a workbook"
        fix = "open it in Excel and save it as .xlsx"
    elif bare.startswith((b"<?xml", b"<")):
        what = "is XML, no workbook"
        fix = "read it with format='xml', or open it in Excel and save it as .xlsx"
    elif b"\x00" not in head:
        what = "is text, no workbook"
        fix = "read it with format='csv', or open it in Excel and save it as .xlsx"
    else:
        what = "is not an Excel workbook"
        fix = "fetch it again, or say with format= what it is (packed files are unpacked first)"
    return SourceError(f"{file} {what}", fix, file=str(file))
