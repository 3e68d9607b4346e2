"""What an answer holds: by `format=`, else by its content type, else by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from resources.errors import SourceError
from resources.sources.formats import FORMATS, PACKED

JSON: Final = "json"
LINES: Final = "jsonl"
_TYPES: Final = {
    "application/json": ".json",
    "text/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/jsonlines": ".jsonl",
    "application/x-jsonlines": ".jsonl",
    "text/csv": ".csv",
    "application/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.apache.parquet": ".parquet",
    "application/x-parquet": ".parquet",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.apache.arrow.stream": ".arrow",
    "application/zip": ".zip",
}
_LINES: Final = (".jsonl", ".ndjson")
_FILENAME: Final = re.compile(r"filename\*?=(?:UTF-8'')?\"?([^\";]+)", re.IGNORECASE)
_CHARSET: Final = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_SAYS_NOTHING: Final = ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1")


def suffix_of(headers: Mapping[str, str], url: str, place: str) -> str:
    """Give the suffix that a file of an answer would have; raises SourceError for a web page."""
    media = media_of(headers)
    if media in _TYPES:
        return _TYPES[media]
    if media.endswith("+json"):
        return ".json"
    named = _FILENAME.search(headers.get("content-disposition", ""))
    for name in (unquote(named[1]) if named else "", urlsplit(url).path):
        if suffix := _known(name):
            return suffix
    if media.endswith("+xml") and media != "application/xhtml+xml":
        return ".xml"
    if media in ("text/html", "application/xhtml+xml"):
        raise SourceError(
            f"{place} answers with a web page, not with data",
            "correct the address in source= (a page to log in, perhaps: auth=), or say format=",
        )
    raise SourceError(
        f"{place} answers with {media or 'no content type'}, which says no format",
        f"say it: source.read(format=...), one of {', '.join(one.name for one in FORMATS)}",
    )


def kind_of(suffix: str, asked: str | None) -> str:
    """Tell JSON documents and JSON Lines from what other readers read ("")."""
    if asked is not None:
        wanted = asked.lower()
        return wanted if wanted in (JSON, LINES) else ""
    plain = suffix.removesuffix(".gz")
    if plain == ".json":
        return JSON
    return LINES if plain in _LINES else ""


def charset_of(headers: Mapping[str, str]) -> str | None:
    """Give the encoding that a server names; what servers say of anything is left to the reader."""
    found = _CHARSET.search(headers.get("content-type", ""))
    if found is None or found[1].lower() in _SAYS_NOTHING:
        return None
    return found[1]


def media_of(headers: Mapping[str, str]) -> str:
    """Give the content type without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _known(path: str) -> str:
    """Give the suffixes of a name that a reader knows."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes]
    packed = suffixes.pop() if suffixes and suffixes[-1] in PACKED else ""
    known = {suffix for one in FORMATS for suffix in one.suffixes} | {*_LINES, ".txt", ".zip"}
    if suffixes and suffixes[-1] in known:
        return suffixes[-1] + packed
    return ""
