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
from typing import Final

_LOOPBACK: Final = "127.0.0.1,localhost"
_TUNABLE: Final = {
    # What whoever starts us may choose otherwise, by the same variable.
    "AIRFLOW__CORE__PARALLELISM": "4",
    # A declaration that changed twice within half a minute would else be seen only once.
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    # Reading thousands of declarations on a busy machine is no reason to be ended.
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "240",
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "270",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
    # An api-server or database that is away costs a wait: requests are made again for an hour,
    # nobody takes a task for dead in the meantime, and its token outlives the outage.
    "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "700",
    "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "4500",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "4500",
    "AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME": "9000",
    # Often a worker sees its task's end only when it next wants to send a heartbeat.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """One Airflow on this machine: its home, its port and its login.

    schedules: whether DAGs start by their schedules, or only when asked for.
    """

    root: Path
    home: Path
    port: int
    password: str
    schedules: bool

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
    """Give the folder that Airflow keeps its own state in, for nobody else to read."""
    home = Path(os.environ.get("DATAOPS_AIRFLOW_HOME") or root / ".airflow").resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def new_stack(root: Path, port: int, *, schedules: bool) -> Stack:
    """Describe a stack for the project at `root`, making its secrets where there are none."""
    home = airflow_home(root)
    return Stack(root, home, port, _secrets(home)["password"], schedules)


def _secrets(home: Path) -> dict[str, str]:
    """Read the secrets, made once, readable by their owner alone."""
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
    """Write a file that only its owner can read, in one step."""
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as opened:
        json.dump(content, opened)
    aside.replace(file)


def environment_of(stack: Stack) -> dict[str, str]:
    """Give the environment for Airflow's components.

    Ours wins over whatever AIRFLOW__... stands in the shell: another Airflow's database is safe.
    """
    hidden = _secrets(stack.home)
    passwords = stack.home / "passwords.json"
    _private(passwords, {"admin": hidden["password"]})
    dags = Path(__file__).resolve().parent.parent
    ours = {
        "AIRFLOW_HOME": str(stack.home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": hidden["fernet"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{stack.port}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{stack.home}/airflow.db",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(stack.port),
        "AIRFLOW__API__BASE_URL": stack.url,
        "AIRFLOW__API__SECRET_KEY": hidden["key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": hidden["jwt"],
        "AIRFLOW__LOGGING__JSON_LOGS": "True",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(stack.home / "logs"),
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": str(stack.schedules),
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
        "DATAOPS_ROOT": str(stack.root),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    for name in ("NO_PROXY", "no_proxy"):
        ours[name] = ",".join(filter(None, (os.environ.get(name), _LOOPBACK)))
    return {**_TUNABLE, **_pace(stack.root), **os.environ, **ours}


def _pace(root: Path) -> dict[str, str]:
    """Say how often the declarations are read again: the more there are, the longer it takes."""
    files = sum(1 for _ in root.glob("assets/*/*.py"))
    files += sum(1 for _ in root.glob("resources/pipelines/*"))
    return {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": str(max(15, files // 10))}
