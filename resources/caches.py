"""Caches: small JSON documents that can be made again, each with a checksum of its own.

One that was edited or damaged counts as not there, and that is said; so it is made again.
"""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path
from typing import Final

from resources.files import replace_file

_SEAL: Final = re.compile(rb',"checksum":"([0-9a-f]{64})"\}\Z')
_LONGEST: Final = 100
_RECORD: Final = logging.getLogger("dataops.record")


def write_cache(path: Path, document: bytes) -> None:
    """Replace a cache by a JSON object, which has some field, in one step."""
    body = document.removesuffix(b"}")
    checksum = hashlib.sha256(body).hexdigest().encode()
    replace_file(path, body + b',"checksum":"' + checksum + b'"}')


def read_cache(path: Path) -> bytes | None:
    """Read a cache; None where there is none, or none that can be trusted. May raise OSError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    found = _SEAL.search(text[-_LONGEST:])
    if found is None:
        return None
    size = len(text) - len(found[0])
    if hashlib.sha256(memoryview(text)[:size]).hexdigest() != found[1].decode():
        _RECORD.warning("the cache %s was changed by somebody else; it is made again", path)
        return None
    return text
