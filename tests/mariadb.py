"""A real MariaDB server for tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_START = 60.0
_FAST = ("--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=8M")


@contextmanager
def running() -> Iterator[str]:
    """Start a MariaDB on a free port; give its URL; skip the test where there is none."""
    setup, server = shutil.which("mariadb-install-db"), _program("mariadbd")
    if setup is None or server is None:
        pytest.skip("no MariaDB on this machine")
    memory = Path("/dev/shm")  # the server writes much before it starts
    quick = memory.is_dir() and shutil.disk_usage(memory).free > 1 << 29
    home = Path(tempfile.mkdtemp(prefix="my-", dir=memory if quick else "/tmp"))
    user = "root" if os.getuid() == 0 else ""
    common = ["--no-defaults", f"--datadir={home / 'db'}", *([f"--user={user}"] if user else [])]
    root = ["--auth-root-authentication-method=normal", "--skip-test-db", *_FAST]
    try:
        subprocess.run([setup, *common, *root], check=True, capture_output=True, cwd=home)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        place = [f"--socket={home / 's'}", f"--port={port}", "--bind-address=127.0.0.1"]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen([server, *common, *_FAST, *place], stderr=log, cwd=home)
        try:
            _wait(process, port, home / "log")
            yield f"mysql://root@127.0.0.1:{port}/"
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _program(name: str) -> str | None:
    """Find a server program; /usr/sbin is not on everybody's path."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the server takes connections."""
    end = time.monotonic() + _START
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"MariaDB does not answer: {log.read_text(errors='replace')[-2000:]}")
