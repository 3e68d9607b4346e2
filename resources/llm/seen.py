"""Which keys were met before, in memory that does not grow."""

from __future__ import annotations

import struct

_BITS = 27
_MASK = (1 << _BITS) - 1


class Seen:
    """A Bloom filter of 16 MB (B. Bloom, 1970) over keys that are digests already.

    A key that was added is always known. One that was not is taken for known about once in a
    million keys while a million were added, and a few times in a thousand with ten million.
    """

    def __init__(self) -> None:
        """Start with no key; the memory is taken with the first."""
        self._bits = bytearray()

    def add(self, key: bytes) -> bool:
        """Add a key; tell whether it is new."""
        self._bits = self._bits or bytearray(1 << (_BITS - 3))
        new = False
        for place in struct.unpack("<4I", key):
            byte, bit = (place & _MASK) >> 3, 1 << (place & 7)
            if not self._bits[byte] & bit:
                self._bits[byte] |= bit
                new = True
        return new

    def __contains__(self, key: bytes) -> bool:
        """Tell whether a key was added."""
        return bool(self._bits) and all(
            self._bits[(place & _MASK) >> 3] & 1 << (place & 7)
            for place in struct.unpack("<4I", key)
        )
