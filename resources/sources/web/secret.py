"""Secrets by name: looked up when they are needed, and taken out of whatever is shown."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, quote_plus, unquote, urlsplit

from resources.addresses import shown_value
from resources.connections import connection_url
from resources.errors import SettingError, SourceError

_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_CONNECTION: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def check_name(field: str, name: str) -> None:
    """Refuse what is not a name but looks like the secret itself; it is not repeated."""
    digits = sum(sign.isdigit() for sign in name)
    if (_VARIABLE.fullmatch(name) or _CONNECTION.fullmatch(name)) and digits <= 4:
        return
    raise SourceError(
        f"{field} looks like the secret itself",
        "name the environment variable (in capitals) or the connection (in small letters) that "
        "holds it; a secret never stands in code or YAML",
        field=field,
    )


class Secrets:
    """Looks secrets up by name, and remembers them to take them out of texts."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Look in `environment` (None: the process's)."""
        self._environment = environment
        self._known: set[str] = set()

    def value(self, name: str, host: str) -> str:
        """Give the secret called `name`, for `host`; raises SettingError where there is none."""
        if _VARIABLE.fullmatch(name):
            env = os.environ if self._environment is None else self._environment
            text = env.get(name, "").strip()
            if not text:
                raise SettingError(
                    f"the environment variable {name} is not set",
                    f"set {name} to the secret (in .env or the environment), or correct auth=",
                    setting=name,
                )
            return self._kept(text, name)
        user, password = self.pair(name, host)
        return password or user

    def user(self, name: str, host: str) -> str:
        """Give who we are: a variable's value, or the user of a connection."""
        return self.pair(name, host)[0] if _CONNECTION.fullmatch(name) else self.value(name, host)

    def pair(self, name: str, host: str) -> tuple[str, str]:
        """Give user and password of a connection; it must be for the host they are sent to."""
        parts = urlsplit(connection_url(name, self._environment))
        if parts.hostname and parts.hostname.lower().rstrip(".") != host:
            raise SourceError(
                f"the connection {name!r} is for {parts.hostname}, but would be sent to {host}",
                "correct its URL or the source's address: a secret goes to its own host only",
                connection=name,
            )
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if not user and not password:
            raise SettingError(
                f"the connection {name!r} has neither user nor password",
                "write its URL like https://user:password@host or https://:token@host",
                connection=name,
            )
        if user and password:
            self.know(base64.b64encode(f"{user}:{password}".encode()).decode())
        return user if password else self._kept(user, name), password and self._kept(password, name)

    def know(self, secret: str) -> None:
        """Remember a secret, to take it out of texts."""
        if len(secret) > 3:
            written = json.dumps(secret)[1:-1]
            self._known |= {secret, written, written.replace("/", r"\/")}
            self._known |= {quote(secret, safe=""), quote_plus(secret), shown_value(secret)}

    def scrub(self, text: str) -> str:
        """Take all secrets that were looked up out of a text."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _kept(self, text: str, name: str) -> str:
        """Remember a secret that a header can carry."""
        if not text.isascii() or not text.isprintable():
            raise SettingError(
                f"the secret {name} holds characters that no secret has", "copy it again"
            )
        self.know(text)
        return text
