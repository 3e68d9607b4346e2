"""The identity of an attempt: equal identity, equal outcome."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from catalog.records import SourceFile


def attempt_identity(
    code: Mapping[str, str],
    config: Mapping[str, str],
    inputs: Mapping[str, str],
    sources: Iterable[SourceFile],
    checks: str,
) -> str:
    """Digest what decides an attempt's outcome: code, config, upstream data, sources, and checks.

    checks: whatever decides what blocks (schema fingerprint, limits), as text.
    """
    parts = [
        sorted(code.items()),
        sorted(config.items()),
        sorted(inputs.items()),
        sorted((source.path, source.checksum) for source in sources),
        checks,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
