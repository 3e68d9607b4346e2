"""From the name of a connection to its database: which kind, which driver, which time-outs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resources.connections import connection_url
from resources.errors import SettingError, did_you_mean
from resources.sources.database_backend import CONNECT_SECONDS, Backend, Server, SqliteFile
from resources.sources.database_errors import Speaker, setting_of

if TYPE_CHECKING:
    import sqlalchemy as sa

STATEMENT_SECONDS: Final = 3600.0
_DIALECTS: Final = {
    "postgresql": ("postgresql", "psycopg2"),
    "postgres": ("postgresql", "psycopg2"),
    "mysql": ("mysql", "pymysql"),
    "mariadb": ("mysql", "pymysql"),
    "sqlite": ("sqlite", "pysqlite"),
}
_INSTALL: Final = {"psycopg2": "psycopg2-binary", "pymysql": "PyMySQL"}


def backend_of(source: str) -> Backend:
    """Give the database of a source such as `sql:shop`; raises SettingError."""
    import sqlalchemy as sa

    name = source.removeprefix("sql:")
    setting = setting_of(name)
    try:
        url = sa.make_url(connection_url(name))
    except (sa.exc.ArgumentError, ValueError):
        raise SettingError(
            f"{setting} is no URL",
            "write it as postgresql://user:password@host:5432/database, with special signs of the "
            "password as %XX",
            setting=setting,
        ) from None
    scheme, _, driver = url.drivername.partition("+")
    if scheme not in _DIALECTS:
        raise SettingError(
            f"{setting} is the URL of {scheme!r}, which is no database that can be read here"
            f"{did_you_mean(scheme, _DIALECTS)}",
            f"use one of {', '.join(_DIALECTS)}",
            setting=setting,
        )
    dialect, wanted = _DIALECTS[scheme]
    if driver not in ("", wanted):
        raise SettingError(
            f"{setting} asks for the driver {driver!r}, but {scheme} is read with {wanted}",
            f"write {scheme}://...",
            setting=setting,
        )
    if wanted in _INSTALL and find_spec(wanted) is None:
        raise SettingError(
            f"{setting}: the driver {wanted} is not installed",
            f"install it: python -m pip install {_INSTALL[wanted]}",
            setting=setting,
        )
    return _opened(source, url.set(drivername=f"{dialect}+{wanted}"), setting)


def _opened(source: str, url: sa.URL, setting: str) -> Backend:
    """Make the backend of a URL that can be used."""
    connect = _seconds(url, "connect_timeout", CONNECT_SECONDS, setting)
    statement = _seconds(url, "statement_timeout", STATEMENT_SECONDS, setting)
    dialect = url.get_backend_name()
    if dialect == "sqlite":
        if not url.database or url.database == ":memory:":
            raise SettingError(
                f"{setting} names no file", "write sqlite:////the/whole/path.db", setting=setting
            )
        return SqliteFile(Path(url.database).expanduser(), connect, source.removeprefix("sql:"))
    socket = url.query.get("host") or url.query.get("unix_socket")
    speaker = Speaker(
        source,
        setting,
        dialect,
        server=f"{url.host or socket or 'localhost'}" + (f":{url.port}" if url.port else ""),
        secrets=(str(url.password or ""),),
        statement_timeout=statement,
    )
    rest = url.difference_update_query(["connect_timeout", "statement_timeout"])
    return Server(source, rest, speaker, connect)


def _seconds(url: sa.URL, name: str, default: float, setting: str) -> float:
    """Read a time-out from a URL's query."""
    written = url.query.get(name, "")
    try:
        value = float(str(written)) if written else default
    except ValueError:
        value = 0
    if not 0 < value <= 7 * 86_400:
        raise SettingError(
            f"{setting} has {name}={written!s}", "give a number of seconds", setting=setting
        )
    return value
