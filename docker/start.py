#!/usr/bin/env python3
"""What runs first in every container.

    start init       as root, once per `up`: volumes and data get their owner, secrets are made
    start migrate    Airflow's database is brought up to date, the first user is made
    start COMMAND    anything else, as the data's owner and with the secrets in its environment
    dataops ...      the command line, likewise (a link to this file)

Containers begin as root and become the owner of the data folder before anything else runs, as
PostgreSQL's image does. So whoever cloned the project owns what is made, and nobody sets a uid.
"""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

PROJECT = Path("/project")
IMAGE = Path("/image")
SECRETS = Path("/secrets")
LOGS = Path("/airflow/logs")
NOBODY = 50_000
"""The uid where the data folder belongs to root (Airflow's images use the same)."""


def init() -> None:
    """Hand volumes and data to the data's owner, make what secrets are missing, print the login."""
    data = PROJECT / "data"
    found = data.stat()
    owner = (found.st_uid or NOBODY, found.st_gid)
    for volume in (SECRETS, LOGS):
        hand_over(volume, owner, lambda uid: uid != owner[0])
    hand_over(data, owner, lambda uid: uid == 0)
    SECRETS.chmod(0o700)
    become_owner()
    make_secrets(SECRETS)
    need_access(data)
    need_fitting_image()
    say(f"Data belongs to uid {owner[0]}, gid {owner[1]}.")
    say(f"Airflow comes up at {os.environ.get('AIRFLOW__API__BASE_URL', 'http://localhost:8080')}")
    say(f"login: admin / {secret('admin_password')}")
    say("That is the first password: one that was changed in Airflow stays changed.")


def hand_over(top: Path, owner: tuple[int, int], wanted: Callable[[int], bool]) -> None:
    """Give the owner all files and folders whose uid is wanted; links are not followed."""
    for folder, _, files in os.walk(top):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            with suppress(OSError):  # gone already, or Docker Desktop, which maps owners by itself
                if wanted(path.lstat().st_uid):
                    os.chown(path, *owner, follow_symlinks=False)


def make_secrets(folder: Path) -> None:
    """Make each secret that does not exist yet; one that exists is never touched."""
    makers: dict[str, Callable[[], str]] = {
        "admin_password": lambda: secrets.token_urlsafe(12),
        "api_secret_key": lambda: secrets.token_urlsafe(48),
        "fernet_key": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "jwt_secret": lambda: secrets.token_urlsafe(48),
        "postgres_password": lambda: secrets.token_urlsafe(32),
    }
    for name, make in makers.items():
        if (folder / name).exists():
            continue
        aside = folder / f".{name}.{secrets.token_hex(4)}"
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        aside.rename(folder / name)
        say(f"made {name}")


def need_access(data: Path) -> None:
    """End with a sentence where the data's owner cannot write data or read the code."""
    who = f"uid {os.getuid()}, which owns the data folder,"
    try:
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        fail(f"{who} cannot write there: {error.strerror}.")
    for name in ("assets", "catalog", "dags", "resources"):
        try:
            list((PROJECT / name).iterdir())
        except OSError as error:
            fail(f"{who} cannot read {name}/: {error.strerror}. Try `chmod -R a+rX {name}`.")


def need_fitting_image() -> None:
    """End with a sentence where the image holds other packages than the project asks for by now."""
    lock = "requirements-compose.lock"
    if (PROJECT / lock).read_bytes() != (IMAGE / lock).read_bytes():
        fail(f"{lock} has changed since the image was built: run `docker compose up -d --build`.")


def become_owner() -> None:
    """Become the user that the secrets, and so the data, belong to; who is not root stays."""
    os.umask(0o027)
    if os.getuid() != 0:
        return
    owner = SECRETS.stat() if SECRETS.exists() else None
    if owner is None or owner.st_uid == 0:
        fail("the service `init` has not run: start everything with `docker compose up -d`.")
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def secret(name: str) -> str:
    """Read a secret."""
    return (SECRETS / name).read_text()


def secret_settings() -> dict[str, str]:
    """Give the settings of Airflow that are secret."""
    return {
        "AIRFLOW__API__SECRET_KEY": secret("api_secret_key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": secret("jwt_secret"),
        "AIRFLOW__CORE__FERNET_KEY": secret("fernet_key"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": (
            f"postgresql+psycopg2://airflow:{secret('postgres_password')}@postgres/airflow"
        ),
    }


def past_proxies() -> dict[str, str]:
    """Give what keeps the services' own talk away from a proxy that Docker hands to containers."""
    ours = "api-server,localhost,127.0.0.1"
    return {
        name: ",".join(filter(None, (os.environ.get(name), ours)))
        for name in ("NO_PROXY", "no_proxy")
    }


def migrate() -> None:
    """Bring Airflow's database up to date, and make the first user where there is none."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True)
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.providers_manager import ProvidersManager

    # Not `airflow users create`: a password on a command line is seen by the whole machine.
    ProvidersManager().initialize_providers_configuration()
    with get_application_builder() as builder:
        users = builder.sm
        if not users.get_all_users():
            role, password = users.find_role("Admin"), secret("admin_password")
            if not users.add_user("admin", "Admin", "", "admin@localhost", role, password):
                fail("Airflow did not accept its first user; what it said stands above.")
            say("made the user admin")


def say(text: str) -> None:
    """Print a line."""
    print(text, flush=True)  # noqa: T201 - the container's log


def fail(sentence: str) -> NoReturn:
    """End with an error."""
    raise SystemExit(f"error: {sentence}")


def main(words: list[str]) -> None:
    """Do what the words say."""
    if Path(sys.argv[0]).name == "dataops":
        become_owner()
        from assets.cli import main as command_line

        command_line(words)
    elif words == ["init"]:
        init()
    elif words:
        become_owner()
        os.environ.update({**secret_settings(), **past_proxies()})
        if words == ["migrate"]:
            migrate()
        else:
            os.execvp(words[0], words)  # noqa: S606 - the container's command
    else:
        say((__doc__ or "").strip())


if __name__ == "__main__":
    main(sys.argv[1:])
