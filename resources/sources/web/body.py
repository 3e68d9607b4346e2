"""Bodies: unpacked as they come, complete or not at all, and never larger than allowed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from resources.errors import SourceError
from resources.sources.web.wire import NoAnswer

PACKED: Final = "gzip, deflate"
"""What we tell servers that we unpack."""
_BLOCK: Final = 1 << 20
_BOMB_FROM: Final = 64 << 20
_BOMB_TIMES: Final = 200


def unpacked(body: Iterator[bytes], encoding: str, most: int, place: str) -> Iterator[bytes]:
    """Stream a body as it was before it was packed; raises SourceError above `most` bytes.

    A packed body that ends too early raises NoAnswer: a cut-off table looks like a whole one.
    """
    kind = encoding.strip().lower()
    if kind in ("", "identity"):
        pieces = _counted(body)
    elif kind in ("gzip", "x-gzip"):
        pieces = _members(body, zlib.MAX_WBITS | 16)
    elif kind == "deflate":
        pieces = _members(body, zlib.MAX_WBITS)
    else:
        raise SourceError(
            f"{place} answers packed as {encoding!r}, which was not asked for",
            "look at what stands between this machine and the server",
        )
    done = 0
    try:
        for taken, piece in pieces:
            done += len(piece)
            if done > most:
                raise SourceError(
                    f"{place} answers with more than {most / 1e6:,.6g} MB",
                    "ask for less at a time (pages=), or raise limits={'answer_mb': ...} and "
                    "total_mb",
                )
            if done > _BOMB_FROM and done > _BOMB_TIMES * taken:
                raise SourceError(
                    f"{place} answers with {taken / 1e6:,.3g} MB that unpack to more than "
                    f"{_BOMB_TIMES} times as much",
                    "such an answer is made to fill a disk; ask its owner",
                )
            yield piece
    except zlib.error as error:
        raise NoAnswer(f"the answer is damaged ({error})") from None


def _counted(body: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Stream a body with the bytes that came so far."""
    taken = 0
    for piece in body:
        taken += len(piece)
        yield taken, piece


def _members(body: Iterator[bytes], bits: int) -> Iterator[tuple[int, bytes]]:
    """Unpack one packed stream after the other, at most a megabyte at a time."""
    unpacker, taken, begun = zlib.decompressobj(bits), 0, False
    for piece in body:
        taken += len(piece)
        waiting = piece
        while waiting:
            if unpacker.eof:
                unpacker = zlib.decompressobj(bits)
            try:
                out = unpacker.decompress(waiting, _BLOCK)
            except zlib.error:
                if begun or bits != zlib.MAX_WBITS:
                    raise
                bits, unpacker = -zlib.MAX_WBITS, zlib.decompressobj(-zlib.MAX_WBITS)
                continue  # some servers send deflate without its envelope
            begun = True
            yield taken, out
            waiting = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    while begun and not unpacker.eof and (out := unpacker.decompress(b"", _BLOCK)):
        yield taken, out
    if begun and not unpacker.eof:
        raise NoAnswer("the answer ends too early")
