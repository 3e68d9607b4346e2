"""UTF-16 and UTF-32 without a byte order mark, told by what their letters would be."""

from __future__ import annotations

import unicodedata
from typing import Final

_WIDTHS: Final = (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2))
_ODD: Final = ("Cc", "Cn", "Co", "Cs")
_LEAST: Final = 0.98
"""The share of letters that must be letters of some text."""


def wide_codec(head: bytes) -> str:
    """Give the wide encoding that a file's first bytes are plainly in, "" for none.

    Every sign of ASCII, and so every line end and delimiter, has zeros in it. Read in the right
    encoding a text has letters and its own line ends; read in another it has none.
    """
    if b"\0" not in head:
        return ""
    for codec, width in _WIDTHS:
        if _is_text(head, codec, width):
            return codec
    return ""


def _is_text(head: bytes, codec: str, width: int) -> bool:
    """Tell whether bytes read as a text of some length, with signs of ASCII among its letters."""
    text = head[: len(head) - len(head) % width].decode(codec, "replace")
    if len(text) < 3:
        return False
    fine = sum(
        letter in "\t\r\n" or unicodedata.category(letter) not in _ODD
        for letter in text.removesuffix("\ufffd")
    )
    ascii_signs = sum(letter < "\x7f" for letter in text)
    if fine < _LEAST * len(text) or "\ufffd" in text[:-1] or not ascii_signs:
        return False
    ends, single = text.count("\n"), head.count(b"\n")
    if single > 2 * ends:  # most line ends are one byte: the zeros are signs of some text
        return False
    return ends > 0 or ascii_signs > 0.3 * len(text)
