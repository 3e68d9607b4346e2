"""The model's key: from the environment, else from Airflow's Connection or Variable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from resources.errors import DataOpsError

if TYPE_CHECKING:
    from assets.engine import Project

CONNECTION: Final = "llm_api"
VARIABLE: Final = "llm_api_key"
_KEY: Final = "DATAOPS_LLM_API_KEY"
_URL: Final = "DATAOPS_LLM_BASE_URL"
_OWN_KEYS: Final = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
"""The variable of each engine's own key; an engine without one needs no key."""


def provide_key(project: Project, key: str, task: str | None) -> None:
    """Put a key that only Airflow knows into this process's environment; one that is there wins."""
    own = os.environ.get(_URL, "")
    if os.environ.get(_KEY):
        return
    name = _OWN_KEYS.get(_engine(project, key, task))
    if name is None or (os.environ.get(name) and not own):
        return
    from airflow.sdk.log import mask_secret

    secret, url = _stored()
    if own and url and urlsplit(own).hostname != urlsplit(url).hostname:
        return  # a connection's key goes to the connection's host alone
    if secret:
        mask_secret(secret)
        os.environ[_KEY] = secret
    if url and not own:
        os.environ[_URL] = url


def _engine(project: Project, key: str, task: str | None) -> str:
    """Give the engine that making the asset asks, "rules" where it asks no model."""
    from assets.engine.config import config_of

    asset = project.graph.assets.get(key)
    try:
        facts = {} if asset is None else config_of(project, asset, task)
    except DataOpsError:
        return "rules"  # materialize says it, and records it
    return facts.get("task.engine", "rules").partition("/")[0]


def _stored() -> tuple[str, str]:
    """Give the key and the URL that Airflow holds, "" for what it does not."""
    from airflow.sdk import Connection, Variable
    from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError

    secret = url = ""
    try:
        found = Connection.get(CONNECTION)
        secret, url = found.password or "", _url(found.host, found.schema, found.port)
    except (AirflowNotFoundException, AirflowRuntimeError):
        pass
    return secret or Variable.get(VARIABLE, default=None) or "", url


def _url(host: str | None, schema: str | None, port: int | None) -> str:
    """Put a connection's host into a base URL: `api.openai.com` -> `https://api.openai.com/v1`."""
    if not host:
        return ""
    parts = urlsplit(host if "://" in host else f"{schema or 'https'}://{host}")
    place = parts.netloc if parts.port or not port else f"{parts.netloc}:{port}"
    return f"{parts.scheme}://{place}{parts.path.rstrip('/') or '/v1'}"
