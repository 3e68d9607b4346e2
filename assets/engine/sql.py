"""DuckDB for one process: in memory, a set amount of it, spilling to the staging folder."""

from __future__ import annotations

import atexit
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_local = threading.local()


def connection(memory_mb: int, spill: Path) -> duckdb.DuckDBPyConnection:
    """Give this thread's connection, made at first use (opening one costs tens of ms)."""
    made: tuple[int, Path, duckdb.DuckDBPyConnection] | None = getattr(_local, "made", None)
    if made is None or made[:2] != (memory_mb, spill):
        import duckdb

        con = duckdb.connect(
            config={
                "memory_limit": f"{memory_mb}MB",
                "temp_directory": str(spill),
                "threads": 2,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        con.execute("SET enable_progress_bar = false")  # it is drawn on stdout, which is ours
        _local.made = made = (memory_mb, spill, con)
        atexit.register(con.close)
    return made[2]


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | float | bool) -> str:
    """Write a value as an SQL literal."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"
