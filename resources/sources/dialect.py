"""How delimited text is laid out: what was said about it, held to what can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from resources.errors import SourceError, did_you_mean

_DELIMITERS: Final = "\t;|"
TXT_DELIMITERS: Final = "\t|;,"
"""What may part the fields of a table in a .txt file, the likeliest first."""
LAYOUT_OPTIONS: Final = "delimiter, quote, escape, skip, header, header_rows, comment, trailing"
"""The options that say how delimited text is laid out."""
LAYOUT_RULES: Final = ("fields", "quotes", "footer")
"""The rules of rows that are set aside because they do not fit the layout."""
TRAILING: Final = ("drop", "keep", "index", "fill")
"""What may become of fields that rows have beside the header's, or lack."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The signs of delimited text, and where its rows begin.

    delimiter: between fields ("" = find out). quote: around fields ("" = none: every sign is
    text). escape: takes the meaning from the sign after it ("" = none). comment: what the lines
    begin with that are passed over ("" = none). skip: lines before the header. header: whether the
    first record names the columns (None = find out). header_rows: records that the header takes.
    trailing: what becomes of fields that rows have beside the header's, or lack (TRAILING), or how
    many lines at the end are no rows. names: the columns' names, in place of the header's.
    said: which of these somebody said; the others may be found out.
    """

    delimiter: str = ""
    quote: str = '"'
    escape: str = ""
    comment: str = ""
    skip: int = 0
    header: bool | None = None
    header_rows: int = 1
    trailing: str | int = ""
    names: Sequence[str] = ()
    said: frozenset[str] = field(default=frozenset())

    def with_delimiter(self, file: Path, line: str) -> Dialect:
        """Give the dialect with the delimiter of a file whose first record begins like `line`."""
        return self if self.delimiter else replace(self, delimiter=_find(file, line))

    def check(self, file: Path) -> Dialect:
        """Give the dialect, in a form that can be compared; raises SourceError if it is none."""
        signs = {"delimiter": self.delimiter, "quote": self.quote, "escape": self.escape}
        for name, sign in signs.items():
            if sign and not _is_sign(sign):
                raise SourceError(
                    f"{file} cannot be read with the {name} {sign!r}",
                    "give one ASCII character, such as ',' or '\\t'"
                    + (", or '' for none" if name != "delimiter" else ""),
                    file=str(file),
                )
        given = [sign for sign in signs.values() if sign]
        if len(set(given)) < len(given):
            raise SourceError(
                f"{file} cannot be read with one sign in two roles: {signs}",
                "a quotation mark written twice is read without escape=",
                file=str(file),
            )
        _check_rest(self, file)
        return replace(self, names=tuple(self.names))


def _is_sign(sign: object) -> bool:
    """Tell one character of one byte that no encoding or line end is made of."""
    return isinstance(sign, str) and len(sign) == 1 and sign.isascii() and sign not in "\r\n\0"


def _check_rest(dialect: Dialect, file: Path) -> None:
    """Hold comment, skip and names to what can be read."""
    comment: Any = dialect.comment
    skip: Any = dialect.skip  # what was said may be anything
    _check_header(dialect, file)
    names: Any = dialect.names
    taken = (dialect.delimiter, dialect.quote, dialect.escape)
    if not isinstance(comment, str) or (comment and not comment.isprintable()):
        raise SourceError(
            f"{file} cannot be read with the comment sign {comment!r}",
            "give ASCII characters, such as '#'",
            file=str(file),
        )
    if comment and (not comment.isascii() or comment[0] in (*taken, "\r", "\n")):
        raise SourceError(
            f"{file} cannot be read with the comment sign {comment!r}",
            "give ASCII characters, such as '#'",
            file=str(file),
        )
    if not isinstance(skip, int) or isinstance(skip, bool) or skip < 0:
        raise SourceError(
            f"{file} cannot be read with skip={skip!r}",
            "give the number of lines before the header",
            file=str(file),
        )
    several = isinstance(names, list | tuple)
    folded = [n.casefold() if isinstance(n, str) else "" for n in names] if several else [""]
    if "" in folded or len(set(folded)) < len(folded):
        raise SourceError(
            f"{file} cannot be read with names={names!r}",
            "give a list of names that are different also without capitals",
            file=str(file),
        )


def _check_header(dialect: Dialect, file: Path) -> None:
    """Hold header, header_rows and trailing to what can be read."""
    header: Any = dialect.header
    rows: Any = dialect.header_rows
    trailing: Any = dialect.trailing
    if header is not None and not isinstance(header, bool):
        raise SourceError(
            f"{file} cannot be read with header={header!r}",
            "say True where the first row names the columns, False where it is data",
            file=str(file),
            option="header",
        )
    if not isinstance(rows, int) or isinstance(rows, bool) or not 1 <= rows <= 10:
        raise SourceError(
            f"{file} cannot be read with header_rows={rows!r}",
            "give the number of rows that the header takes, 1 to 10, or say header=False",
            file=str(file),
            option="header_rows",
        )
    if header is False and rows > 1:
        raise SourceError(
            f"{file} cannot be read with header=False and header_rows={rows}",
            "leave one of them out",
            file=str(file),
            option="header_rows",
        )
    lines = isinstance(trailing, int) and not isinstance(trailing, bool) and trailing >= 0
    if not lines and trailing not in ("", *TRAILING):
        raise SourceError(
            f"{file} cannot be read with trailing={trailing!r}"
            f"{did_you_mean(str(trailing), TRAILING)}",
            f"use one of {', '.join(TRAILING)}, or the number of lines at the end that are no rows",
            file=str(file),
            option="trailing",
        )


def _find(file: Path, header: str) -> str:
    """Tell the delimiter by the file's name, or by the header where that has no comma."""
    suffixes = {suffix.lower() for suffix in file.suffixes}
    if {".tsv", ".tab"} & suffixes:
        return "\t"
    if ".txt" in suffixes:
        return next((sign for sign in TXT_DELIMITERS if sign in header), ",")
    if "," in header:
        return ","
    likely = max(_DELIMITERS, key=header.count)
    return likely if likely in header else ","
