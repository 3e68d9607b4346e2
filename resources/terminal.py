"""What a terminal may be told: letters, never what moves, colours, hides or turns them.

Rows, names, file names and what other machines answer are other people's words. `Visible` stands
before standard output and error, so that whatever is printed, by whichever command, is spelled out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

# Control characters but the line's end and the tab, direction marks, invisible letters, separators
# of lines and paragraphs, tags, halves of letters. Joiners stay: words and pictures need them.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Spell out what would act on a terminal, as JSON does; all else stays as it is."""
    return _HIDDEN.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    """Spell out one character."""
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


class Visible:
    """A stream of text that spells out what would act on a terminal.

    Rich, which colours what it was given, writes past it (`rich_proxied_file`): what goes there has
    to be made visible before.
    """

    def __init__(self, stream: TextIO) -> None:
        """Stand before a stream."""
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        """Write a text, spelled out."""
        self.rich_proxied_file.write(visible(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write texts, spelled out."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Do all else as the stream does."""
        return getattr(self.rich_proxied_file, name)


def raw(stream: Any) -> TextIO:
    """Give the stream itself: for programs that read it, and for colours of our own."""
    below: TextIO = getattr(stream, "rich_proxied_file", stream)
    return below


@contextmanager
def guarded_terminal(*, lasting: bool = False) -> Iterator[None]:
    """Stand before standard output and error; lasting: also when this ends, for what comes last."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if reconfigure := getattr(raw(stream), "reconfigure", None):
            reconfigure(errors="backslashreplace")  # what the terminal has no letter for
    sys.stdout = before[0] if isinstance(before[0], Visible) else Visible(before[0])
    sys.stderr = before[1] if isinstance(before[1], Visible) else Visible(before[1])
    try:
        yield
    finally:
        if not lasting:
            sys.stdout, sys.stderr = before
