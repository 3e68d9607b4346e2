"""Getting in: what `auth=` adds to requests, for the source's own host and nobody else."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus, urlencode

from resources.addresses import origin_of, shown
from resources.errors import SourceError
from resources.sources.web.options import Auth
from resources.sources.web.secret import Secrets

_EARLY: Final = 30.0
"""Seconds before its end at which a token is fetched anew."""
_TokenCall = Callable[[str, dict[str, str], bytes], bytes]


@dataclass(frozen=True, slots=True)
class Login:
    """What is added to a request."""

    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)


class Door:
    """Gives logins. `ask` posts a form to an address and gives the answer's body."""

    def __init__(self, auth: Auth | None, secrets: Secrets, url: str) -> None:
        """Bind `auth` to the origin of the source's address."""
        self._auth = auth
        self._secrets = secrets
        self.origin = origin_of(url)
        self._token = ""
        self._token_until = 0.0

    @property
    def can_renew(self) -> bool:
        """Tell whether a refused login may be made again."""
        return self._auth is not None and bool(self._auth.oauth2)

    @property
    def in_query(self) -> bool:
        """Tell whether the secret travels in the address."""
        return self._auth is not None and bool(self._auth.query)

    @property
    def named(self) -> str:
        """Name the login without its secret: what cached answers belong to."""
        return "" if self._auth is None else repr(self._auth)

    def setting(self) -> str:
        """Say which setting lets us in, for errors."""
        a = self._auth
        if a is None:
            return "say how to get in: auth={'bearer': 'A_VARIABLE'} or another way"
        name = a.bearer or a.secret or a.basic or a.password or a.client_secret
        return f"correct the secret {name} (a variable or connection), or auth="

    def forget(self) -> None:
        """Drop a token that is not taken any more."""
        self._token, self._token_until = "", 0.0

    def login(self, ask: _TokenCall) -> Login:
        """Give what the next request to the source needs."""
        auth, host = self._auth, self.origin[1]
        if auth is None:
            return Login()
        if auth.bearer:
            return _bearer(self._secrets.value(auth.bearer, host))
        if auth.header:
            return Login(headers={auth.header.lower(): self._secrets.value(auth.secret, host)})
        if auth.query:
            return Login(params={auth.query: self._secrets.value(auth.secret, host)})
        if auth.oauth2:
            if time.monotonic() >= self._token_until:
                self._fetch(auth, ask)
            return _bearer(self._token)
        if auth.basic:
            pair = self._secrets.pair(auth.basic, host)
        else:
            pair = (self._secrets.user(auth.user, host), self._secrets.value(auth.password, host))
        return Login(headers={"authorization": self._basic(*pair)})

    def _basic(self, user: str, password: str) -> str:
        """Give the header of a user and a password."""
        packed = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._secrets.know(packed)
        return f"Basic {packed}"

    def _fetch(self, auth: Auth, ask: _TokenCall) -> None:
        """Fetch a token with our own credentials (RFC 6749, 4.4)."""
        host = origin_of(auth.oauth2)[1]
        client = self._secrets.user(auth.client_id, host)
        secret = self._secrets.value(auth.client_secret, host)
        form = {"grant_type": "client_credentials"}
        if auth.scope:
            form["scope"] = auth.scope
        headers = {
            "authorization": self._basic(quote_plus(client), quote_plus(secret)),
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        body = ask(auth.oauth2, headers, urlencode(form).encode())
        try:
            answer = json.loads(body)
            token, seconds = answer["access_token"], float(answer.get("expires_in") or 300)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            token, seconds = None, 0.0
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise SourceError(
                f"{shown(auth.oauth2)} answers without an access_token",
                "correct auth.oauth2, auth.client_id and auth.client_secret",
            )
        self._secrets.know(token)
        self._token = token
        self._token_until = time.monotonic() + max(seconds - _EARLY, seconds / 2)


def _bearer(token: str) -> Login:
    """Give the header of a token."""
    return Login(headers={"authorization": f"Bearer {token}"})
