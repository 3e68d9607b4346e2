"""Airflow's REST API, as far as the launcher needs it."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from dataops_local.environment import Stack

_PAGE = 100  # Airflow gives no more at once


class RestError(Exception):
    """Airflow answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        """Keep the HTTP status and what Airflow said."""
        self.status = status
        super().__init__(f"Airflow answered {status}: {text[:500]}")


class Client:
    """A logged-in client of one stack."""

    def __init__(self, stack: Stack) -> None:
        """Talk to the stack, past any proxy; the login happens with the first call."""
        self.url, self.password = f"http://127.0.0.1:{stack.port}", stack.password
        self._token = ""
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def get(self, path: str) -> Any:
        """Read from /api/v2."""
        return self._call("GET", f"/api/v2{path}", None)

    def post(self, path: str, body: Any) -> Any:
        """Write to /api/v2."""
        return self._call("POST", f"/api/v2{path}", body)

    def patch(self, path: str, body: Any) -> Any:
        """Change something in /api/v2."""
        return self._call("PATCH", f"/api/v2{path}", body)

    def delete(self, path: str) -> Any:
        """Remove something from /api/v2."""
        return self._call("DELETE", f"/api/v2{path}", None)

    def put(self, path: str) -> Any:
        """Ask /api/v2 for something that needs no body."""
        return self._call("PUT", f"/api/v2{path}", None)

    def task_instances(self, dag: str, run: str) -> Iterator[dict[str, Any]]:
        """Give all task instances of a run, page by page."""
        where, offset, total = f"/dags/{quoted(dag)}/dagRuns/{quoted(run)}/taskInstances", 0, 1
        while offset < total:
            page = self.get(f"{where}?limit={_PAGE}&offset={offset}&order_by=id")
            yield from page["task_instances"]
            offset, total = offset + _PAGE, page["total_entries"]

    def healthy(self) -> bool:
        """Tell whether API server, scheduler and DAG processor are all at work."""
        return not self.unhealthy()

    def unhealthy(self) -> list[str]:
        """Name the parts that are not at work."""
        try:
            states = self._call("GET", "/api/v2/monitor/health", None, login=False)
            # The tasks' own API is built at its first call: better now than by the first task.
            self._call("GET", "/execution/health/ping", None, login=False)
        except (OSError, RestError, ValueError):
            return ["api-server"]
        wanted = ("metadatabase", "scheduler", "dag_processor")
        return [one for one in wanted if (states.get(one) or {}).get("status") != "healthy"]

    def _call(self, method: str, path: str, body: Any, *, login: bool = True) -> Any:
        """Make one request to loopback; raises RestError for an error status."""
        headers = {"content-type": "application/json"}
        if login:
            if not self._token:
                credentials = {"username": "admin", "password": self.password}
                answer = self._call("POST", "/auth/token", credentials, login=False)
                self._token = answer["access_token"]
            headers["authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(  # noqa: S310 - always our own http://127.0.0.1
            f"{self.url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=headers,
            method=method,
        )
        try:
            with self._open(request, timeout=60) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise RestError(error.code, error.read().decode(errors="replace")) from error


def quoted(text: str) -> str:
    """Write an id so that it can stand in a path."""
    return urllib.parse.quote(text, safe="")
