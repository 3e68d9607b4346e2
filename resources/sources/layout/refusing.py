"""What is called .csv and is none: a web page, XML, JSON, a PDF, an old Excel file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from resources.errors import SourceError

_KINDS: Final = (
    (
        re.compile(
            rb"\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body|script)\b",
            re.I | re.S,
        ),
        "a web page, not a table",
        "open it in a browser: it is usually a login or an error; fetch the file itself",
    ),
    (
        re.compile(rb"\s*<\?xml\b|\s*<[a-z][\w:.-]*(?:\s[^<>]*)?>\s*<", re.I),
        "XML, not a table",
        "name it .xml, or say format='xml'; if it is a web page, fetch the file itself",
    ),
    (
        re.compile(rb'\s*(?:\{\s*"[^"\r\n]*"\s*:|\[\s*\{\s*")'),
        "JSON, not a table",
        "name it .json, or say format='json'",
    ),
    (re.compile(rb"%PDF-"), "a PDF, not a table", "ask for the data itself"),
    (
        re.compile(rb"\xd0\xcf\x11\xe0"),
        "an old Office file, not text",
        "name it .xls, or say format='excel'",
    ),
    (re.compile(rb"\{\\rtf"), "a word processor's file, not a table", "ask for the data itself"),
)


def refuse_other_formats(file: Path, head: bytes) -> None:
    """Raise SourceError where a file's first bytes (as UTF-8) are those of another format."""
    for pattern, what, fix in _KINDS:
        if pattern.match(head):
            raise SourceError(f"{file} is {what}", fix, file=str(file), option="format")
