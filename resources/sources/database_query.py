"""A query as text: one SELECT and nothing else, told without running it.

This finds mistakes early and says them in a sentence. What really keeps a database as it is, is
the read-only transaction that every query runs in.
"""

from __future__ import annotations

import re
from typing import Final

from resources.errors import SourceError

_BEGINNINGS: Final = ("SELECT", "WITH", "VALUES", "TABLE")
_PLAIN: Final = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
_BACKSLASH: Final = r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|`(?:[^`]|``)*`"
_QUOTED: Final = {
    "postgresql": r"\bE'(?:[^'\\]|''|\\.)*'|\$(\w*)\$.*?\$\1\$|" + _PLAIN + r"|--[^\n]*",
    "mysql": _BACKSLASH + r"|--(?=\s|\Z)[^\n]*|#[^\n]*",
    "sqlite": _PLAIN + r"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*",
}
_COMMENT: Final = re.compile(r"/\*(?:(?!/\*|\*/).)*\*/", re.DOTALL)


def one_select(place: str, query: str, dialect: str) -> str:
    """Give the query without the `;` at its end; raises SourceError where it is not one SELECT."""
    bare = bare_text(query, dialect)
    words = re.findall(r"\w+", bare)
    if not words or words[0].upper() not in _BEGINNINGS:
        raise _refused(place, f"begins with {words[0]!r}" if words else "is empty")
    body = bare.rstrip("; \t\r\n")
    if ";" in body:
        raise _refused(place, "holds more than one statement")
    if "/*" in bare:
        raise _refused(
            place, "holds a comment that is not closed, or one that the server would run"
        )
    if dialect == "mysql" and re.search(r"\bINTO\s+(OUTFILE|DUMPFILE|@)", body, re.IGNORECASE):
        raise _refused(place, "writes INTO something")
    return query[: len(query) - (len(bare) - len(body))]


def bare_text(query: str, dialect: str) -> str:
    """Blank out what is quoted and commented, so that signs keep their places."""

    def blank(match: re.Match[str]) -> str:
        """Give as many spaces for a comment, as many marks for what is quoted."""
        sign = " " if match[0].startswith(("--", "#", "/*")) else "'"
        return sign * len(match[0])

    comment = r"/\*(?![!M])(?:(?!/\*|\*/).)*\*/"
    pattern = re.compile(f"{_QUOTED[dialect]}|{comment}", re.DOTALL | re.IGNORECASE)
    bare = pattern.sub(blank, query)
    # PostgreSQL nests comments: the inner ones are blank now, so the outer ones close.
    while dialect == "postgresql" and (once := _COMMENT.sub(blank, bare)) != bare:
        bare = once
    return bare


def _refused(place: str, problem: str) -> SourceError:
    """Say what is wrong with a query."""
    return SourceError(
        f"{place}: the query {problem}",
        "write one SELECT; a source is only read",
        source=place,
        option="query",
    )
