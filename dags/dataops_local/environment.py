"""What Airflow's components are told: paths, ports, secrets made at the first start."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

MARK = "DATAOPS_STACK"


@dataclass(frozen=True, slots=True)
class Stack:
    """One Airflow on this machine: its home, its port, its login, and its mark on processes."""

    root: Path
    home: Path
    port: int
    password: str
    mark: str

    @property
    def url(self) -> str:
        """Give the address of UI and REST API."""
        return f"http://localhost:{self.port}"

    @property
    def logs(self) -> Path:
        """Give the folder of the components' logs."""
        return self.home / "logs" / "components"


def free_port() -> int:
    """Give a port that nobody uses right now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def port_taken(port: int) -> bool:
    """Tell whether something listens on a port of this machine."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def airflow_home(root: Path) -> Path:
    """Give the folder that Airflow keeps its own state in."""
    return Path(os.environ.get("DATAOPS_AIRFLOW_HOME") or root / ".airflow")


def new_stack(root: Path, port: int) -> Stack:
    """Describe a stack for the project at `root`, making its secrets where there are none."""
    home = airflow_home(root)
    return Stack(root, home, port, _secrets(home)["password"], secrets.token_hex(8))


def _secrets(home: Path) -> dict[str, str]:
    """Read the secrets, made once, readable by their owner alone."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "secrets.json"
    try:
        stored: dict[str, str] = json.loads(file.read_text())
        return stored
    except (OSError, ValueError):
        made = {
            "password": secrets.token_urlsafe(12),
            "jwt": secrets.token_urlsafe(48),
            "key": secrets.token_urlsafe(32),
            "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        _private(file, made)
        return made


def _private(file: Path, content: dict[str, str]) -> None:
    """Write a file that only its owner can read."""
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as opened:
        json.dump(content, opened)


def environment_of(stack: Stack) -> dict[str, str]:
    """Give the environment for Airflow's components."""
    hidden = _secrets(stack.home)
    passwords = stack.home / "passwords.json"
    _private(passwords, {"admin": hidden["password"]})
    local = f"http://localhost:{stack.port}"
    ours = {
        "AIRFLOW_HOME": str(stack.home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).resolve().parent.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY": hidden["fernet"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{local}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{stack.home}/airflow.db",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(stack.port),
        "AIRFLOW__API__BASE_URL": local,
        "AIRFLOW__API__SECRET_KEY": hidden["key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": hidden["jwt"],
        "AIRFLOW__LOGGING__JSON_LOGS": "True",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(stack.home / "logs"),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(free_port()),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "DATAOPS_ROOT": str(stack.root),
        MARK: stack.mark,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    return {**os.environ, **ours}
