"""Reasons: why an asset is not as it should be, each with what was and what is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NEVER: Final = "never materialized"
SOURCE: Final = "source changed"
DUE: Final = "due"
CODE: Final = "code changed"
CONFIG: Final = "config changed"
SCHEMA: Final = "schema changed"
UPSTREAM: Final = "upstream changed"
MISSING: Final = "file missing"
CORRUPTED: Final = "file corrupted"
EDITED: Final = "current file changed"
"""The copy below output/current is not the current version: it is put right, nothing is made."""
RETRY: Final = "rows to retry"
ASKED: Final = "asked for"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. about: the file, helper, setting or upstream; before and after: its values."""

    kind: str
    about: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        """Say it in one line: `config changed: task.model gpt-a -> gpt-b`."""
        change = f"{self.before or 'none'} -> {self.after or 'none'}" if self._changed else ""
        detail = " ".join(part for part in (self.about, change) if part)
        return f"{self.kind}: {detail}" if detail else self.kind

    @property
    def _changed(self) -> bool:
        """Tell whether there is a before and after to show."""
        return bool(self.before or self.after)


def changed_items(kind: str, before: dict[str, str], after: dict[str, str]) -> list[Reason]:
    """Give a reason for each item that is new, gone or different."""
    names = sorted({*before, *after})
    return [
        Reason(kind, name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    ]
