"""Connections: where a database or an API is and how one gets in, by name, never in a file of ours.

`shop` is the variable DATAOPS_CONNECTION_SHOP, a URL with user and password; in Airflow, the
Connection `shop` where there is no such variable (dags/ adds that look-up).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from resources.errors import SettingError, did_you_mean

PREFIX: Final = "DATAOPS_CONNECTION_"
OTHERS: Final[list[Callable[[str], str]]] = []
"""Further look-ups of a connection's URL by name, each giving "" where it knows none."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def connection_url(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Give a connection's URL, secrets included; raises SettingError naming the variable."""
    env = os.environ if environment is None else environment
    if not _NAME.fullmatch(name):
        raise SettingError(
            f"{name!r} is no name of a connection",
            "use lower case letters, digits and _, a letter first",
            connection=name,
        )
    url = env.get(PREFIX + name.upper(), "").strip()
    for other in OTHERS:
        url = url or other(name)
    if not url:
        known = [n.removeprefix(PREFIX).lower() for n in env if n.startswith(PREFIX)]
        raise SettingError(
            f"there is no connection {name!r}{did_you_mean(name, known)}",
            f"set {PREFIX}{name.upper()} to its URL, or make a Connection {name!r} in Airflow",
            connection=name,
        )
    return url


def has_connection(name: str) -> bool:
    """Tell whether there is a connection of that name."""
    try:
        return bool(connection_url(name))
    except SettingError:
        return False


def shown(url: str) -> str:
    """Give a URL as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
