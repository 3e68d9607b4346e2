"""How delimited text is laid out: what was said about it, held to what can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from resources.errors import SourceError

_DELIMITERS: Final = "\t;|"
TXT_DELIMITERS: Final = "\t|;,"
"""What may part the fields of a table in a .txt file, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The signs of delimited text, and where its rows begin.

    delimiter: between fields ("" = find out). quote: around fields ("" = none: every sign is
    text). escape: takes the meaning from the sign after it ("" = none). comment: what the lines
    begin with that are passed over ("" = none). skip: lines before the header. header: whether the
    first record names the columns. names: the columns' names, in place of the header's.
    """

    delimiter: str = ""
    quote: str = '"'
    escape: str = ""
    comment: str = ""
    skip: int = 0
    header: bool = True
    names: Sequence[str] = ()

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
    comment = dialect.comment
    skip: Any = dialect.skip  # what was said may be anything
    names: Any = dialect.names
    taken = (dialect.delimiter, dialect.quote, dialect.escape)
    if comment and (not comment.isascii() or comment[0] in (*taken, "\r", "\n")):
        raise SourceError(
            f"{file} cannot be read with the comment sign {comment!r}",
            "give ASCII characters, such as '#'",
            file=str(file),
        )
    if not isinstance(skip, int) or skip < 0:
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
