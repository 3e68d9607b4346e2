"""Connections by name: sources find those of Airflow where no variable has them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from resources.connections import OTHERS


def share_connections() -> None:
    """Have sources find the Connections of Airflow by name."""
    if connection_of not in OTHERS:
        OTHERS.append(connection_of)


def connection_of(name: str) -> str:
    """Give the URL of Airflow's Connection of that name, masked in logs; "" for none."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError
    from airflow.sdk.log import mask_secret

    try:
        found = Connection.get(name)
    except (AirflowNotFoundException, AirflowRuntimeError):
        return ""
    if found.password:
        mask_secret(found.password)
        mask_secret(quote(found.password, safe=""))
    return url_of(found)


def url_of(found: Any) -> str:
    """Write a Connection as a URL; its extra's plain values become the query.

    A host may be a whole URL, as Airflow's HTTP connections have it; its type does not count then.
    """
    scheme = (found.conn_type or "").replace("_", "-")
    host, path = found.host or "", quote(found.schema or "", safe="/")
    if scheme == "sqlite":
        return f"sqlite:///{host or path}"
    values = {n: v for n, v in found.extra_dejson.items() if isinstance(v, str | int | float)}
    query = urlencode(values)
    if scheme in ("http", "https"):  # here the schema is http or https, and the extra is headers
        scheme, path, query = found.schema or scheme, "", ""
    if "://" in host:
        parts = urlsplit(host)
        scheme, host, path = parts.scheme, parts.netloc, parts.path.removeprefix("/")
        query = "&".join(filter(None, (parts.query, query)))
    elif host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    user = quote(found.login or "", safe="")
    if found.password:
        user += f":{quote(found.password, safe='')}"
    place = f"{user}@{host}" if user else host
    if found.port:
        place += f":{found.port}"
    return f"{scheme}://{place}/{path}" + (f"?{query}" if query else "")
