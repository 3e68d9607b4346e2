"""A real PostgreSQL server for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def running() -> Iterator[str]:
    """Start a PostgreSQL on a socket of its own; give its URL; skip the test where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        pytest.skip("no PostgreSQL on this machine")
    import tempfile

    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # sockets have short paths
    programs = Path(initdb).parent
    become: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(home, "nobody")
        if shutil.which("runuser") is None:
            pytest.skip("no runuser, and PostgreSQL refuses to run as root")
        become = ["runuser", "-u", "nobody", "--"]
    server = [str(programs / "pg_ctl"), "-D", str(home / "db"), "-w", "-t", "60"]
    options = f"-k {home} -c listen_addresses='' -c fsync=off"
    setup = [initdb, "-D", str(home / "db"), "-U", "dataops", "-A", "trust", "-N", "--no-locale"]
    try:
        subprocess.run([*become, *setup, "-E", "UTF8"], check=True, capture_output=True, cwd=home)
        start = [*become, *server, "-o", options, "-l", str(home / "log"), "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd=home)
        yield f"postgresql://dataops@/postgres?host={home}"
    finally:
        stop = [*become, *server, "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, capture_output=True, cwd=home)
        shutil.rmtree(home, ignore_errors=True)
