"""Airflow's REST API, as far as the launcher needs it."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from dataops_local.environment import Stack


class RestError(Exception):
    """Airflow answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        """Keep the HTTP status and what Airflow said."""
        self.status = status
        super().__init__(f"Airflow answered {status}: {text[:500]}")


class Client:
    """A logged-in client of one stack."""

    def __init__(self, stack: Stack) -> None:
        """Talk to the stack; the login happens with the first call."""
        self._stack = stack
        self._token = ""

    def get(self, path: str) -> Any:
        """Read from /api/v2."""
        return self._call("GET", f"/api/v2{path}", None)

    def post(self, path: str, body: Any) -> Any:
        """Write to /api/v2."""
        return self._call("POST", f"/api/v2{path}", body)

    def patch(self, path: str, body: Any) -> Any:
        """Change something in /api/v2."""
        return self._call("PATCH", f"/api/v2{path}", body)

    def healthy(self) -> bool:
        """Tell whether API server, scheduler and DAG processor are all at work."""
        try:
            states = self._call("GET", "/api/v2/monitor/health", None, login=False)
        except (OSError, RestError, ValueError):
            return False
        wanted = ("metadatabase", "scheduler", "dag_processor")
        return all((states.get(name) or {}).get("status") == "healthy" for name in wanted)

    def _call(self, method: str, path: str, body: Any, *, login: bool = True) -> Any:
        """Make one request to loopback; raises RestError for an error status."""
        headers = {"content-type": "application/json"}
        if login:
            if not self._token:
                credentials = {"username": "admin", "password": self._stack.password}
                answer = self._call("POST", "/auth/token", credentials, login=False)
                self._token = answer["access_token"]
            headers["authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._stack.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=headers,
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - see above
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise RestError(error.code, error.read().decode(errors="replace")) from error


def quoted(text: str) -> str:
    """Write an id so that it can stand in a path."""
    return urllib.parse.quote(text, safe="")
