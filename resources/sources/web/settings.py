"""What the project allows web sources."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Web:
    """What fetching needs from the project. allow: DATAOPS_HTTP_ALLOW. calls: the log of calls.

    cache: where answers are kept (None: nowhere), up to cache_bytes. pause: seconds before the
    first retry. environment: where secrets are looked up (None: the process's).
    """

    allow: str = field(default_factory=lambda: os.environ.get("DATAOPS_HTTP_ALLOW", ""))
    calls: Path | None = None
    cache: Path | None = None
    cache_bytes: int = 1 << 30
    pause: float = 2.0
    environment: Mapping[str, str] | None = field(default=None, repr=False)
