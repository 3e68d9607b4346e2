"""Seals: each event's own checksum, and its predecessor's, as the last two fields of its document.

    "previous": "<checksum of the event before it in its stream; empty for the first>",
    "checksum": "<sha256 over the stream's name and every byte before this field>"

So an event that was edited, swapped, copied over another or moved to another stream says so
itself, and one that was replaced as a whole no longer fits its successor. Events of releases
without seals are valid; the first sealed event after them holds their bytes fast, too.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from typing import Final

import msgspec

_SEAL: Final = re.compile(
    rb',\n "previous": "([0-9a-f]{64}|)",\n "checksum": "([0-9a-f]{64})"\n\}\Z'
)
_LONGEST: Final = 200
_MARKS: Final = re.compile(rb'\n "(?:previous|checksum)"')
_LOST: Final = re.compile(rb'\{\n "kind": "lost"')


def digest(stream: str, text: bytes) -> str:
    """Give the checksum of bytes that belong to a stream."""
    return hashlib.sha256(stream.encode() + b"\0" + text).hexdigest()


def seal(stream: str, text: bytes, previous: str) -> bytes:
    """Give an event's document with its seal."""
    body = text.removesuffix(b"\n}") + b',\n "previous": "' + previous.encode() + b'"'
    return body + b',\n "checksum": "' + digest(stream, body).encode() + b'"\n}'


def previous_of(text: bytes) -> str | None:
    """Give the checksum that a document names of the event before it; None without a seal."""
    found = _SEAL.search(text[-_LONGEST:])
    return None if found is None else found[1].decode()


def link_of(stream: str, text: bytes) -> str:
    """Give what the next event names of this one: its checksum, be it sealed or not.

    What stands in for a lost event gives the checksum of that one, so that the chain goes on.
    """
    found = _SEAL.search(text[-_LONGEST:])
    if found is None:
        return digest(stream, text)
    if _LOST.match(text):
        with suppress(msgspec.MsgspecError, ValueError):
            return str(msgspec.json.decode(text).get("stands_for") or found[2].decode())
    return found[2].decode()


def fault_of(stream: str, text: bytes) -> str:
    """Say what is wrong with a document's seal ("" = nothing, or it is of an earlier release)."""
    found = _SEAL.search(text[-_LONGEST:])
    if found is None:
        return "its checksum is damaged" if _MARKS.search(text) else ""
    signed = text[: text.rfind(b',\n "checksum": "')]
    if digest(stream, signed) != found[2].decode():
        return "it was changed since it was written: its checksum does not fit"
    return ""
