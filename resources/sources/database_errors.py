"""What a database's error means: whether it passes, and in one sentence without a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final
from urllib.parse import quote, quote_plus

from resources.connections import OTHERS, PREFIX
from resources.errors import DataOpsError, SettingError, SourceError, TransientError
from resources.wording import counted

_PASSING: Final = {
    "postgresql": ("08", "25P03", "40", "53", "55P", "57", "58"),
    "mysql": (
        *("1040", "1053", "1080", "1152", "1158", "1159", "1160", "1161", "1184", "1205", "1213"),
        *("1317", "1927", "2002", "2003", "2006", "2013", "2014", "2055", "4031"),
    ),
    "sqlite": ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"),
}
"""How the codes begin of errors that pass: lost, refused, shutting down, deadlocked, busy."""
_TIMED_OUT: Final = ("57014", "1969", "3024")
_ENTRY: Final = ("28", "3D", "1044", "1045", "1049", "1130", "1698", "2026", "2059", "2061")
"""Codes of a wrong password, user or database: what the connection's URL has to say."""
_FORBIDDEN: Final = ("42501", "1142", "1143", "1370", "1227")
_WRITES: Final = ("25006", "1792", "1290", "1836", "SQLITE_READONLY")
_UNFINISHED: Final = ("SQLITE_READONLY_R", "SQLITE_READONLY_CANTINIT")
_NO_HOST: Final = re.compile(
    r"name or service not known|nodename nor servname|no address associated|unknown host"
    r"|could not translate host name(?!.*temporary)|getaddrinfo failed|name does not resolve",
    re.IGNORECASE | re.DOTALL,
)
_LOCKED_OUT: Final = re.compile(
    r"authentication failed|no password supplied|role .* does not exist|no pg_hba.conf entry"
    r"|database .* does not exist|certificate|server does not support SSL"
    r"|invalid (connection option|sslmode|port)|root\.crt",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says what went wrong with a database, in sentences that are safe to show.

    place: how the source is named. setting: the variable that says where it is ("" = a file).
    dialect: postgresql, mysql or sqlite. secrets: what must never be shown.
    """

    place: str
    setting: str
    dialect: str
    server: str = ""
    secrets: tuple[str, ...] = ()
    statement_timeout: float = 0
    values: Mapping[str, Any] = field(default_factory=dict)

    def connecting(self, error: BaseException) -> DataOpsError:
        """Say why there is no connection."""
        code, text = self._parts(error)
        facts = {"source": self.place, "setting": self.setting, "code": code}
        where = f"{self.place}: {self.server}"
        fix = f"correct {self.setting}" if self.setting else "look at the file"
        if _NO_HOST.search(text):
            return SettingError(f"{where} is no host that is known here ({text})", fix, **facts)
        if self._is_lasting(error, code) or _LOCKED_OUT.search(text):
            return SettingError(f"{where} cannot be opened like this ({text})", fix, **facts)
        again = f"see that the server runs and can be reached, or {fix}; then try again"
        return TransientError(f"{where} cannot be reached ({text})", again, **facts)

    def reading(self, error: BaseException, rows: int) -> DataOpsError:
        """Say why a read came to an end after so many rows."""
        code, text = self._parts(error)
        facts = {"source": self.place, "setting": self.setting, "code": code, "rows": rows}
        if code.startswith(_TIMED_OUT) and "user request" not in text:
            return TransientError(
                f"{self.place}: the query took longer than {self.statement_timeout:g} s ({text})",
                f"ask for less, or put ?statement_timeout=SECONDS into {self.setting}",
                **facts,
            )
        if code.startswith(_UNFINISHED):
            fix = "open it once with a program that may write to it, or fetch it again"
            return SourceError(f"{self.place} was left in the middle of a write", fix, **facts)
        if code.startswith(_WRITES):
            fix = "write one SELECT; a source is only read"
            return SourceError(f"{self.place}: the query would write ({text})", fix, **facts)
        if code.startswith(_FORBIDDEN):
            return SourceError(
                f"{self.place} may not be read by this user ({text})",
                f"grant it SELECT, or name another user in {self.setting}",
                **facts,
            )
        if code.startswith(_PASSING[self.dialect]) or self._is_lost(error, code):
            return TransientError(
                f"{self.place}: the connection was lost after {counted(rows)} ({text})",
                "nothing was kept of them; try again",
                **facts,
            )
        fix = "correct the query, its parameters or the table's name"
        if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR")):
            fix = "the file is damaged: fetch it again"
        return SourceError(f"{self.place} cannot be read ({text})", fix, **facts)

    def _is_lasting(self, error: BaseException, code: str) -> bool:
        """Tell whether nobody gets in before something is corrected."""
        if self.dialect == "sqlite":  # a file: busy, or not what it should be
            return not code.startswith(_PASSING["sqlite"])
        return code.startswith(_ENTRY) or isinstance(error, TypeError)

    def _is_lost(self, error: BaseException, code: str) -> bool:
        """Tell an error of the line from one of the query: the first has no code."""
        import sqlalchemy.exc as sa

        if isinstance(error, OSError) or getattr(error, "connection_invalidated", False):
            return True
        line = (sa.OperationalError, sa.InterfaceError, sa.InternalError)
        return self.dialect == "postgresql" and not code and isinstance(error, line)

    def _parts(self, error: BaseException) -> tuple[str, str]:
        """Give an error's code and its text, without secrets and the values of parameters."""
        orig = getattr(error, "orig", None) or error
        diagnosis = getattr(orig, "diag", None)
        code = getattr(orig, "pgcode", None) or getattr(orig, "sqlite_errorname", None) or ""
        text = str(orig)
        if diagnosis is not None and diagnosis.message_primary:  # all but the statement itself
            text = ". ".join(filter(None, (diagnosis.message_primary, diagnosis.message_hint)))
        if self.dialect == "mysql" and orig.args and isinstance(orig.args[0], int):
            code = str(orig.args[0])
            text = str(orig.args[1]) if len(orig.args) > 1 else text
        return code, self.scrub(" ".join(text.split())) or type(orig).__name__

    def scrub(self, text: str) -> str:
        """Take secrets and the values of parameters out of a text."""
        for name, value in self.values.items():
            written = str(value)
            if len(written) > 3:
                text = text.replace(written, f":{name}")
        for secret in _forms(self.secrets):
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
        return text[:400]


def failures(dialect: str) -> tuple[type[Exception], ...]:
    """Give what a database's driver may raise, bare or through SQLAlchemy."""
    import sqlalchemy.exc as sa

    drivers = {"postgresql": "psycopg2", "mysql": "pymysql", "sqlite": "sqlite3"}
    error: type[Exception] = import_module(drivers[dialect]).Error
    return (sa.SQLAlchemyError, error, OSError, ValueError, TypeError)


def setting_of(name: str) -> str:
    """Give what says where a connection leads: its variable, or Airflow."""
    variable = f"{PREFIX}{name.upper()}"
    return variable if not OTHERS or variable in os.environ else f"Airflow's Connection {name!r}"


def _forms(secrets: Iterable[str]) -> list[str]:
    """Give the ways in which secrets may be written, the longest first."""
    forms = {form for s in secrets if s for form in (s, quote(s, safe=""), quote_plus(s))}
    return sorted(forms, key=len, reverse=True)
