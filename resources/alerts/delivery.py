"""Delivery: one message to one place, by Apprise: e-mail, Slack, and what else it speaks.

A connection's URL says where: `mailtos://user:password@host?to=a@b.c`, `slack://T…/B…/C…`,
`json://host/path` (https://github.com/caronc/apprise lists them all).
"""

from __future__ import annotations

import logging
import os
import re
from typing import Final
from urllib.parse import unquote, urlsplit

from resources.connections import connection_url
from resources.errors import DataOpsError

_LONGEST: Final = 3_000
_MENTION = re.compile(r"<([!@#])|@(?=(?:everyone|here|channel|all)\b)")
_HOLDS_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CONNECTION_|SQL_ALCHEMY|_URL$")
_LOGIN = re.compile(
    r"((?<=://)[^\s/:@]*:(?=[^\s/@]*@)|\b(?:Bearer|Basic)\s+|"
    r"\b(?:password|passwd|pwd|secret|token|api[_-]?key|key)\s*[=:]\s*)[^\s,;&@'\"]+",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str, most: int = _LONGEST) -> str:
    """Give a text that notifies nobody else, hides nothing, and ends."""
    text = _MENTION.sub(lambda m: f"< {m[1]}" if m[1] else "@ ", _CONTROL.sub(" ", text))
    return text if len(text) <= most else text[: most - 1] + "…"


def without_secrets(text: str) -> str:
    """Take out what looks like a login, and the values of variables that hold one."""
    for name, value in os.environ.items():
        if len(value) > 5 and _HOLDS_SECRET.search(name):
            text = text.replace(value, "***")
    return _LOGIN.sub(lambda m: f"{m[1]}***", text)


def deliver(to: str, title: str, body: str, tone: str = "info") -> str:
    """Send a message to a connection; give "" or why it did not arrive, without its secrets.

    tone: failure, warning, success or info: a service's colour or icon, `type` in JSON.
    """
    try:
        url = connection_url(to)
    except DataOpsError as error:
        return str(error)
    import apprise

    apprise.logger.setLevel(logging.WARNING)
    apprise.logger.propagate = False  # what it says is scrubbed before anybody logs it
    place = apprise.Apprise(asset=apprise.AppriseAsset(app_id="DataOps", app_desc="DataOps"))
    with apprise.LogCapture(level=logging.WARNING) as said:  # type: ignore[no-untyped-call]
        sent = place.add(url) and place.notify(
            title=harmless(" ".join(title.split()), 200),
            body=harmless(body),
            body_format=apprise.NotifyFormat.TEXT,
            notify_type=apprise.NotifyType(tone),
        )
        why = said.getvalue()
    if sent:
        return ""
    if not len(place):
        why = _scrubbed(why, url) or "Apprise does not know it"
        return f"the connection {to!r} ({_scheme(url)}) is no address to send to: {why}"
    return f"{to} ({_scheme(url)}): {_scrubbed(why, url) or 'it was not taken'}"


def _scheme(url: str) -> str:
    """Give a URL's scheme, the one part of it that is no secret."""
    return url.partition("://")[0][:20] if "://" in url else "?"


def _scrubbed(text: str, url: str) -> str:
    """Take an address's secrets out of what went wrong: all its parts may be some."""
    parts = urlsplit(url)
    secrets = {url, parts.netloc, parts.path, parts.query, parts.password, parts.username}
    secrets |= set(parts.path.split("/"))
    for secret in sorted((s for s in secrets if s and len(s) > 3), key=len, reverse=True):
        for form in (secret, unquote(secret)):
            text = text.replace(form, "***")
    return " ".join(text.split())[:300]
