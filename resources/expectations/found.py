"""What validating found: one record an expectation, kept beside the version as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from resources.errors import DataOpsError
from resources.files import replace_file

LONGEST: Final = 120
"""Characters of a value that is shown as an example."""


class Example(msgspec.Struct, frozen=True, gc=False):
    """A value that does not meet an expectation, and how often it is among the first ones."""

    value: str
    count: int


class Found(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What came of one expectation.

    sentence: what is expected, observed: what was found, both in words. value: what was observed,
    where that is a number. rows: those that do not meet it, of `of` rows that it looked at.
    error: why it could not be computed. source: the schema, or "" for a suite.
    """

    name: str
    column: str
    severity: str
    passed: bool
    sentence: str
    observed: str = ""
    value: float | None = None
    rows: int = 0
    of: int | None = None
    mostly: float | None = None
    examples: tuple[Example, ...] = ()
    error: str = ""
    arguments: dict[str, Any] = {}
    notes: str = ""

    @property
    def blocks(self) -> bool:
        """Tell whether this stops the version from being published."""
        return self.severity == "critical" and not self.passed

    def detail(self) -> str:
        """Say it in one line: what is expected, what was found, and a few examples."""
        if self.error:
            return f"{self.sentence} Could not be computed: {self.error}"
        shown = ", ".join(one.value for one in self.examples[:3])
        return " ".join(
            part
            for part in (
                self.sentence,
                f"Found: {self.observed}." if self.observed and not self.passed else "",
                f"Such as {shown}." if shown and not self.passed else "",
            )
            if part
        )


def write_found(path: Path, found: Sequence[Found]) -> None:
    """Keep what was found."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, msgspec.json.encode(list(found)))


def read_found(path: Path) -> list[Found]:
    """Read what was found; nothing where it was not kept or cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Found])
    except (OSError, ValueError, msgspec.MsgspecError):
        return []


def shorten(value: Any, hide: Callable[[str], str]) -> str:
    """Write a value as an example: personal data hidden, one line, not too long."""
    text = "null" if value is None else hide(str(value))
    text = re.sub(r"\s+", " ", text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


class ValidationFailed(DataOpsError):
    """Great Expectations could not run at all."""
