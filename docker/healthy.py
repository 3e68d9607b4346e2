"""Is a part of Airflow at work? `healthy.py HOST:PORT/PATH [COMPONENT]` ends with code 0 or 1.

Asks over HTTP, because Airflow's own check (`airflow jobs check`) costs seconds of CPU each time.
"""

from __future__ import annotations

import http.client
import json
import sys


def answer_of(address: str, component: str = "") -> str:
    """Ask a health page, past any proxy; give its HTTP status, or a component's state on it."""
    host, _, path = address.partition("/")
    connection = http.client.HTTPConnection(host, timeout=8)
    try:
        connection.request("GET", f"/{path}")
        response = connection.getresponse()
        if component and response.status == http.HTTPStatus.OK:
            return str((json.load(response).get(component) or {}).get("status"))
        return str(response.status)
    finally:
        connection.close()


def main(words: list[str]) -> int:
    """Print what came back; give the exit code."""
    try:
        answer = answer_of(*words)
    except (OSError, ValueError, http.client.HTTPException) as error:
        answer = f"no answer ({error})"
    print(f"{' '.join(words)}: {answer}")  # noqa: T201 - for `docker inspect`
    return 0 if answer == ("healthy" if words[1:] else "200") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
