"""Rules: which connection is told of which alerts. Each is one field of resources/alerts.yaml.

    team:                                  # a connection (DATAOPS_CONNECTION_TEAM)
      when: [failed, blocked]              # left out = all kinds
      assets: ["processed.*", raw.orders]  # left out = all assets

Without the file, all alerts go to the connection `alerts`, where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from resources.connections import has_connection
from resources.document import Document, Kind, read_document
from resources.errors import DataOpsError, did_you_mean

FILE: Final = "resources/alerts.yaml"
DEFAULT: Final = "alerts"
KINDS: Final = ("failed", "blocked", "threshold", "overdue", "budget", "damaged", "disk")
_FIELDS: Final = ("when", "assets")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class AlertRuleError(DataOpsError):
    """The file of alert rules cannot be used."""


_RULES: Final = Kind("file of alert rules", AlertRuleError, example="team", least="`team:`")


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is told of what: a connection's name, kinds of alerts, patterns of assets' keys."""

    to: str
    when: tuple[str, ...] = KINDS
    assets: tuple[str, ...] = ("*",)

    def covers(self, kind: str, key: str) -> bool:
        """Tell whether an alert is meant; one of no asset in particular (key "") is."""
        return kind in self.when and (
            not key or any(fnmatchcase(key, pattern) for pattern in self.assets)
        )


def load_rules(root: Path) -> tuple[Rule, ...]:
    """Read the project's rules; raises an error with file, line and field for a wrong one."""
    path = root / FILE
    if not path.is_file():
        return (Rule(DEFAULT),) if has_connection(DEFAULT) else ()
    document = read_document(path, _RULES)
    return tuple(_rule(document, name, value) for name, value in document.values.items())


def _rule(document: Document, name: str, value: Any) -> Rule:
    """Read one rule."""
    if not _NAME.fullmatch(name):
        document.refuse(name, "this is no name of a connection", "use lower case, digits and _")
    fields = {} if value is None else value
    if not isinstance(fields, dict):
        document.refuse(name, f"{value!r} is no rule", "write when: and assets: below it, or none")
    for field in fields:
        if field not in _FIELDS:
            near = did_you_mean(str(field), _FIELDS)
            document.refuse(
                f"{name}.{field}", f"there is no such field{near}", f"use {', '.join(_FIELDS)}"
            )
    when = _words(document, f"{name}.when", fields.get("when", list(KINDS)))
    for kind in when:
        if kind not in KINDS:
            near = did_you_mean(kind, KINDS)
            document.refuse(
                f"{name}.when", f"there is no kind {kind!r}{near}", f"use {', '.join(KINDS)}"
            )
    return Rule(name, when, _words(document, f"{name}.assets", fields.get("assets", ["*"])))


def _words(document: Document, field: str, value: Any) -> tuple[str, ...]:
    """Read a list of words; a lone one stands for itself."""
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
        document.refuse(field, f"{value!r} is no list of words", "write [one, two]")
    return tuple(dict.fromkeys(words))


def meant(rules: Iterable[Rule], kind: str, key: str) -> tuple[str, ...]:
    """Give the connections that are told of an alert."""
    return tuple(dict.fromkeys(rule.to for rule in rules if rule.covers(kind, key)))
